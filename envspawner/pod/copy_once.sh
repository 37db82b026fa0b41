#!/bin/sh
# Copies folders of the image into the home, each of them once: the container's postStart hook.
#
#   /bin/sh -c "$(cat copy_once.sh)" envspawner-copy-once FROM TO MARKER REQUIRED [...] [-- COMMAND ARG...]
#
# FROM      an absolute path: the folder whose content is copied
# TO        where to: empty is $HOME, a relative path is below $HOME
# MARKER    the name of the file in TO that says "this was copied"
# REQUIRED  yes: the hook, and with it the server, fails if this entry does; no: the failure is only told
# COMMAND   the admin's own hook, called after the copies, whose exit status is then the hook's
#
# An entry goes through four steps, and only the third touches what the user sees:
#
#   stage   make a hidden folder TO/MARKER.part.HOSTNAME, and first remove what an interrupted run left there
#   copy    copy all of FROM into it
#   merge   bring each thing to its final name, if nothing stands there: by a hard link or a rename, both of
#           which are complete or not there at all, and of which the link never replaces anything
#   finish  write the marker
#
# So what was interrupted at any point is finished by running it again, and two servers of one user may run it
# at once. It runs in dash, busybox ash and bash and needs these tools only, as POSIX describes them:
# chmod cp date find ln mkdir mv rm rmdir sed uname.
#
# Two things that look odd: everything happens in subshells, because the admin's command shall find the
# environment, the umask and the working directory as they were; and the shell's process id is never used,
# because Kubernetes turns two dollar signs into one in the command of a container.
#
# Comments stand on lines of their own: they are left out of the pod.

# --- Questions ----------------------------------------------------------------------------------------------

# Does something stand at $1, be it a dangling symlink?
taken() { [ -e "$1" ] || [ -L "$1" ]; }

# Is $1 a folder itself, not a symlink to one? The user's symlinks are not followed: they win like files.
folder() { [ -d "$1" ] && [ ! -L "$1" ]; }

# Is $1 a text of ours, whose second word is our name?
ours() { [ -f "$1" ] && [ ! -L "$1" ] && { read -r _ word _ <"$1"; } 2>/dev/null && [ "$word" = "$us:" ]; }

# Is there a staging folder of ours in $1? The sign's name decides: a full disk may have kept its text out.
staged() { folder "$1/$part" && [ -f "$1/$part/$us" ] && [ ! -L "$1/$part/$us" ]; }

# Is the staging folder in $1 still that of this run? (Pods in their node's network share its host name.)
mine() { staged "$1" && IFS= read -r line <"$1/$part/$us" && [ "$line" = "$run" ]; }

# Is $2 the folder $1, or somewhere in it? The dot keeps newlines at the end of a name. The last slash goes in
# a step of its own: in bash 5.2 the pattern "${outer%/}"/* matches nothing if the quoted part is then empty.
within() {
    outer=$(cd -P "$1" && pwd -P && echo .) || return 2
    inner=$(cd -P "$2" && pwd -P && echo .) || return 2
    outer=${outer%??}
    outer=${outer%/}
    case ${inner%??}/ in "$outer"/*) return 0 ;; esac
    return 1
}

# --- Tools --------------------------------------------------------------------------------------------------

now() { date -u '+%Y-%m-%dT%H:%M:%SZ'; }

# rm -r, also of read-only folders. Only folders are unlocked: a staged file may be a hard link to the user's.
discard() {
    rm -rf "$@" 2>/dev/null && return
    for doomed in "$@"; do
        if folder "$doomed"; then find "$doomed" -type d -exec chmod u+rwx {} \; ; fi
    done
    rm -rf "$@"
}

# Makes an empty staging folder $1/$part, whose content goes to $1/$part/files.
# What lies there already goes only if it is empty or bears our sign; else the second mkdir says what it is.
# The sign is renewed before anything is removed, so that a run which still uses the folder will notice.
stage() {
    if staged "$1"; then
        { printf '%s\n' "$run" >"$1/$part/$us"; } 2>/dev/null
        discard "$1/$part/files" || return
    elif ! mkdir "$1/$part" 2>/dev/null; then
        rmdir "$1/$part" 2>/dev/null
        mkdir "$1/$part" || return
    fi
    printf '%s\n' "$run" >"$1/$part/$us" && return
    unstage "$1"
    return 1
}

# Removes the staging folder from $1, if it is ours or empty.
unstage() {
    if staged "$1"; then
        discard "$1/$part/files" && rm -f "$1/$part/$us" || return
    fi
    if folder "$1/$part"; then rmdir "$1/$part"; fi
}

# Copies $1 into the new folder $2. Owner and group (of root's files, say) and, on some network file systems,
# modes and times cannot be kept, and tools disagree whether that is an error. So if cp fails, what counts is
# whether it can do without keeping them; with an empty umask, modes come along nevertheless.
copy() {
    { mkdir "$2" && cp -RPp "$1" "$2/"; } 2>/dev/null && return
    discard "$2" && mkdir "$2" && (umask 0 && cp -RP "$1" "$2/")
}

# --- From the staging folder to the final names -------------------------------------------------------------

# Brings all that is in the staged folder $1 into the folder $2. If something cannot be brought, that is told,
# the rest is brought, and it is a failure.
merge() (
    in=$1 out=$2 merged=0
    if [ ! -r "$in" ] || [ ! -w "$in" ] || [ ! -x "$in" ]; then chmod u+rwx "$in"; fi
    if [ "$out" != "$to" ]; then unstage "$out"; fi
    link "$in" "$out"
    for item in "$in"/* "$in"/.[!.]* "$in"/..?*; do
        if taken "$item"; then place "$item" "$out" || merged=1; fi
    done
    return "$merged"
)

# Links all files of the staged folder $1 into the folder $2, many at once because a process for each takes
# long. What is refused, because the name is taken or links do not work there, is left to `place`.
link() (
    in=$1 out=$2
    set --
    for item in "$in"/* "$in"/.[!.]* "$in"/..?*; do
        if taken "$item" && ! folder "$item"; then set -- "$@" "$item"; fi
        if [ "$#" -eq 100 ]; then
            ln "$@" "$out/"
            set --
        fi
    done
    if [ "$#" -gt 0 ]; then ln "$@" "$out/"; fi
) 2>/dev/null

# Brings the staged $1 into the folder $2, unless the user has something of that name there. Two folders are
# merged, also if the other one appeared only now.
place() {
    if ! taken "$2/${1##*/}"; then
        move "$1" "$2" && return
        taken "$2/${1##*/}" || return
    fi
    if folder "$1" && folder "$2/${1##*/}"; then merge "$1" "$2/${1##*/}"; fi
}

# Moves the staged $1 into the folder $2: folders, and files where hard links do not work.
# Below TO another volume may be mounted, and between two mounts mv would copy bit by bit to the final name;
# so what goes into a folder that the user already has is first staged once more, there.
move() {
    if [ "$2" = "$to" ]; then
        rename "$1" "$2"
        return
    fi
    stage "$2" && copy "$1" "$2/$part/files" && rename "$2/$part/files/${1##*/}" "$2"
    set -- "$1" "$2" "$?"
    unstage "$2"
    [ "$3" -ne 0 ] || discard "$1"
    return "$3"
}

# Moves $1 into the folder $2 on the same mount. A folder moves only if one may write to it.
# `mv A/NAME B/`, unlike `mv A/NAME B/NAME`, can neither end in B/NAME/NAME nor replace a folder with content.
rename() {
    if folder "$1" && [ ! -w "$1" ]; then
        chmod u+w "$1" && mv -f "$1" "$2/" && chmod u-w "$2/${1##*/}"
    else
        ! taken "$2/${1##*/}" && mv -f "$1" "$2/"
    fi
}

# --- One entry ----------------------------------------------------------------------------------------------

# Does the work. What this and its tools print is the reason if it fails.
fill() {
    [ -d "$to" ] || mkdir -p "$to" || return
    if [ ! -d "$from" ]; then
        echo 'there is no such folder in the image, or it may not be entered'
        return 1
    fi
    within "$from" "$to"
    case $? in
        1) ;;
        0)
            echo 'a folder cannot be copied into itself'
            return 1
            ;;
        *) return 1 ;;
    esac
    stage "$to" && copy "$from/." "$files" || return
    # If the image's folder was itself a home once, it may have these names, which are ours.
    chmod u+rwx "$files" && discard "$files/$marker" "$files/$marker.failed" "$files/$part" || return
    merge "$files" "$to" || return
    discard "$files"
    finish
}

# Writes the marker, if nobody else did. The old note goes first, so that none stays beside a marker.
finish() {
    if ! mine "$to"; then
        echo 'another server with the same host name was copying at the same time'
        return 1
    fi
    if ours "$note"; then rm -f "$note"; fi
    (set -C && printf '%s %s: copied from %s\n' "$(now)" "$us" "$from" >"$to/$marker")
    taken "$to/$marker" || return
    unstage "$to"
    return 0
}

# Tells the admin, on the container's log, and the user, by a note in the home, that it failed and why.
report() {
    text="$(now) $us: could not copy $from to $to: $(printf '%s\n' "$1" | sed -n 1,20p)"
    { printf '%s\n' "$text" >>/proc/1/fd/2; } 2>/dev/null || printf '%s\n' "$text" >&2
    if [ -d "$to" ] && [ "$note" ]; then tell "$text"; fi 2>/dev/null
}

tell() {
    if ours "$note"; then rm -f "$note"; fi
    if taken "$note"; then return; fi
    advice='Nothing of yours was changed. The next start of the server tries again.'
    (set -C && printf '%s\n' "$1" "$advice" >"$note") || rm -f "$note"
}

copy_once() (
    from=$1 to=$2 marker=$3 note='' us=envspawner-copy-once
    LC_ALL=C
    export LC_ALL
    unset CDPATH GLOBIGNORE
    case $marker in
        '' | . | .. | */*)
            report "the marker '$marker' is no name of a file"
            return 1
            ;;
    esac
    case $to in
        /*) home=/ ;;
        *) home=${HOME-} to=${HOME-}${to:+/$to} ;;
    esac
    case $home in
        /*) ;;
        *)
            report 'HOME is not set'
            return 1
            ;;
    esac
    note=$to/$marker.failed
    host=$(uname -n)
    part=$marker.part.$host
    files=$to/$part/files
    if taken "$to/$marker"; then
        unstage "$to" >/dev/null 2>&1
        return 0
    fi
    run="$(now) $us: $host ${JUPYTERHUB_SERVICE_PREFIX-}"
    why=$(fill 2>&1) && return
    if mine "$to"; then unstage "$to"; fi >/dev/null 2>&1
    if taken "$to/$marker"; then return 0; fi
    report "$why"
    return 1
)

# --- All entries --------------------------------------------------------------------------------------------

envspawner_failed=no
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    copy_once "$1" "$2" "$3" || [ "$4" != yes ] || envspawner_failed=yes
    shift 4
done
if [ "$envspawner_failed" = yes ]; then exit 1; fi
if [ "$#" -gt 1 ]; then
    shift
    exec "$@"
fi
exit 0
