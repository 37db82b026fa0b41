#!/bin/sh
# Copies folders of the image into the home, each of them once: the server's postStart hook, or an init container.
#
#   /bin/sh -c "$(cat copy_tools.sh copy_refresh.sh copy_once.sh)" envspawner-copy-once FROM TO MARKER REQUIRED REFRESH TIMEOUT [...] [-- COMMAND ARG...]
#
# FROM      an absolute path: the folder whose content is copied
# TO        where to: empty is $HOME, a relative path is below $HOME
# MARKER    the name of the file in TO that says "this was copied", and what that was
# REQUIRED  yes: the hook, and with it the server, fails if this entry does; no: the failure is only told
# REFRESH   never; new-files: later starts bring what is new in FROM; unmodified: they also update files that are
#           still as they were copied
# TIMEOUT   seconds after which this entry is given up (the next start tries again); empty is no limit
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
# at once. A refresh goes the same way with what is new or has changed, as told where it begins. It runs in dash,
# busybox ash and bash and needs these tools only, as POSIX describes them: chmod cksum cp date find ln mkdir mv
# printf rm rmdir sed sleep sort uname uniq. Instead of cksum, sha256sum is used where there is one.
#
# Two things that look odd: everything happens in subshells, because the admin's command shall find the
# environment, the umask and the working directory as they were; and the shell's process id is never used,
# because Kubernetes turns two dollar signs into one in the command of a container.
#
# Comments stand on lines of their own: they are left out of the pod.

# --- One entry, the first time ------------------------------------------------------------------------------

# May FROM be read, and does TO lie elsewhere?
sound() {
    if [ ! -d "$from" ]; then
        echo 'there is no such folder in the image, or it may not be entered'
        return 1
    fi
    within "$from" "$to"
    case $? in
        1) return 0 ;;
        0) echo 'a folder cannot be copied into itself' ;;
    esac
    return 1
}

# Does the work. What this and its tools print is the reason if it fails.
fill() {
    [ -d "$to" ] || mkdir -p "$to" || return
    sound && choose_sum && sweep "$to" && stage "$to" && copy "$files" "$from/." || return
    chmod u+rwx "$files" && discard "$files/$marker" "$files/$marker.failed" "$files/$part" || return
    merge "$files" "$to" || return
    discard "$files"
    mkdir "$work" "$work/new" && scan "$from" >"$work/scan" && derive "$as_list" "$work/scan" "$work/list" || return
    finish
}

# Writes the marker, if nobody else did. The old note goes first, so that none stays beside a marker.
finish() {
    still_mine || return
    if ours "$note"; then rm -f "$note"; fi
    { printf '%s %s: copied from %s\n' "$(utc)" "$us" "${from%%"$newline"*}" && sed '' "$work/list"; } \
        >"$work/new/$marker" || return
    ln "$work/new/$marker" "$to/" 2>/dev/null || place "$work/new/$marker" "$to"
    taken "$to/$marker" || return
    unstage "$to/$part"
    return 0
}

# Is the staging folder still ours? Who lost it does not know what it has copied.
still_mine() {
    if ! mine "$to"; then
        echo 'another server with the same host name was copying at the same time'
        return 1
    fi
}

# --- All entries --------------------------------------------------------------------------------------------

# Tells the admin, on the container's log, and the user, by a note in the home, that it failed and why.
report() {
    text="$(utc) $us: could not copy $from to $to: $(printf '%s\n' "$1" | sed -n 1,20p)"
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
    from=$1 to=$2 marker=$3 refresh=$4 timeout=$5 deadline='' note='' us=envspawner-copy-once
    LC_ALL=C
    export LC_ALL
    unset CDPATH GLOBIGNORE
    cr=$(printf '\r')
    newline='
'
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
    work=$to/$part/work
    run="$(utc) $us: $host ${JUPYTERHUB_SERVICE_PREFIX-}"
    # The second that has begun is not counted: never less than was asked for.
    if [ "$timeout" ]; then deadline=$(($(date +%s) + timeout + 1)); fi
    if ! taken "$to/$marker"; then
        why=$(fill 2>&1) && return
    elif [ "$refresh" = never ]; then
        { sweep "$to" && unstage "$to/$part"; } >/dev/null 2>&1
        return 0
    else
        why=$(renew 2>&1) && return
        refresh=failed
    fi
    if mine "$to"; then unstage "$to/$part"; fi >/dev/null 2>&1
    if [ "$refresh" != failed ] && taken "$to/$marker"; then return 0; fi
    report "$why"
    return 1
)

envspawner_failed=no
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    copy_once "$1" "$2" "$3" "$5" "$6" || [ "$4" != yes ] || envspawner_failed=yes
    shift 6
done
if [ "$envspawner_failed" = yes ]; then exit 1; fi
if [ "$#" -gt 1 ]; then
    shift
    exec "$@"
fi
exit 0
