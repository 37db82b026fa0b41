#!/bin/sh
# The steps of copy_once.sh: questions, staging folders, and the way from there to the final names.

# --- Questions ----------------------------------------------------------------------------------------------

# Does something stand at $1, be it a dangling symlink?
taken() { [ -e "$1" ] || [ -L "$1" ]; }

# Is $1 a folder itself, not a symlink to one? The user's symlinks are not followed: they win like files.
folder() { [ -d "$1" ] && [ ! -L "$1" ]; }

# The same of a file.
file() { [ -f "$1" ] && [ ! -L "$1" ]; }

# Is $1 a text of ours, whose second word is our name?
ours() { file "$1" && { read -r _ word _ <"$1"; } 2>/dev/null && [ "$word" = "$us:" ]; }

# Is $1 a staging folder of ours? The sign's name decides: a full disk may have kept its text out.
staging() { folder "$1" && file "$1/$us"; }

# Is the staging folder in $1 still that of this run? (Pods in their node's network share its host name.)
mine() { staging "$1/$part" && IFS= read -r line <"$1/$part/$us" && [ "$line" = "$run" ]; }

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

# Is there a way from TO down to its folder $1 that follows no symlink?
reachable() {
    rest=$1/ down=$to
    if [ "$1" = . ]; then return 0; fi
    while [ "$rest" ]; do
        down=$down/${rest%%/*}
        folder "$down" || return
        rest=${rest#*/}
    done
}

# Is $1, a path below TO, a name that is ours? An image that was itself a home once may have them.
reserved() {
    case $1/ in "$marker"/* | "$marker.failed"/* | "$marker.part."*) return 0 ;; esac
    return 1
}

# Is the time up?
late() {
    [ "$deadline" ] && [ "$(date +%s)" -ge "$deadline" ] || return
    echo "it took longer than $timeout seconds" >&2
}

# --- Tools --------------------------------------------------------------------------------------------------

utc() { date -u '+%Y-%m-%dT%H:%M:%SZ'; }

# Calls the tool $1, which may take long, and ends it when the time is up. Every image has sleep, but not timeout.
# The tool's end is read from a pipe, and the alarm ends by KILL: a shell that has only just started (or, in old
# images, is about to wait) may lose any other signal, and the start would wait for the alarm.
bounded() {
    if [ ! "$deadline" ]; then
        "$@"
        return
    fi
    left=$((deadline - $(date +%s)))
    if [ "$left" -le 0 ]; then
        late
        return 1
    fi
    {
        {
            "$@" >&8 8>&- &
            echo "$!"
            wait "$!" 2>/dev/null
            echo "$?"
        } | {
            exec 7<&0 8>&-
            read -r tool <&7
            sleep "$left" >/dev/null 2>&1 7<&- &
            alarm=$!
            {
                read -r code <&7
                kill -KILL "$alarm" 2>/dev/null
                exit "${code:-1}"
            } &
            end=$!
            { wait "$alarm" && kill "$tool"; } 2>/dev/null
            wait "$end"
        }
    } 8>&1
    set -- "$?"
    [ "$1" -eq 0 ] || late
    return "$1"
}

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
    if staging "$1/$part"; then
        { printf '%s\n' "$run" >"$1/$part/$us"; } 2>/dev/null
        discard "$1/$part/files" "$1/$part/work" || return
    elif ! mkdir "$1/$part" 2>/dev/null; then
        rmdir "$1/$part" 2>/dev/null
        mkdir "$1/$part" || return
    fi
    printf '%s\n' "$run" >"$1/$part/$us" && return
    unstage "$1/$part"
    return 1
}

# Removes the staging folder $1, if it is ours or empty.
unstage() {
    if staging "$1"; then
        discard "$1/files" "$1/work" && rm -f "$1/$us" || return
    fi
    if folder "$1"; then rmdir "$1"; fi
}

# Removes from $1 what interrupted runs on other hosts left there, once it is older than a day.
sweep() {
    for old in "$1/$marker.part."*; do
        if staging "$old" && [ "$old" != "$1/$part" ] && [ "$(find "$old/$us" -mtime +0)" ]; then
            unstage "$old"
        fi
    done
    return 0
}

# Copies the rest into the new folder $1. Owner and group (of root's files, say) and, on some network file
# systems, modes and times cannot be kept, and tools disagree whether that is an error. So if cp fails, what
# counts is whether it can do without keeping them; with an empty umask, modes come along nevertheless.
copy() {
    into=$1
    shift
    { mkdir "$into" && bounded cp -RPp "$@" "$into/"; } 2>/dev/null && return
    discard "$into" && mkdir "$into" && (umask 0 && bounded cp -RP "$@" "$into/")
}

# --- From the staging folder to the final names -------------------------------------------------------------

# Brings all that is in the staged folder $1 into the folder $2. If something cannot be brought, that is told,
# the rest is brought, and it is a failure.
merge() (
    in=$1 out=$2 merged=0
    if late; then return 1; fi
    if [ ! -r "$in" ] || [ ! -w "$in" ] || [ ! -x "$in" ]; then chmod u+rwx "$in"; fi
    if [ "$out" != "$to" ]; then
        sweep "$out"
        unstage "$out/$part"
    fi
    link "$in" "$out"
    if [ "$out" = "$to" ]; then move_folders "$in"; fi
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

# Moves all new folders of the staged folder $1 into TO, many at once. `mv A/NAME B/`, unlike `mv A/NAME B/NAME`,
# can neither end in B/NAME/NAME nor replace a folder with content.
move_folders() (
    in=$1
    set --
    for item in "$in"/* "$in"/.[!.]* "$in"/..?*; do
        if folder "$item" && [ -w "$item" ] && ! taken "$to/${item##*/}"; then set -- "$@" "$item"; fi
        if [ "$#" -eq 100 ]; then
            mv -f "$@" "$to/"
            set --
        fi
    done
    if [ "$#" -gt 0 ]; then mv -f "$@" "$to/"; fi
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
    stage "$2" && copy "$2/$part/files" "$1" && rename "$2/$part/files/${1##*/}" "$2"
    set -- "$1" "$2" "$?"
    unstage "$2/$part"
    [ "$3" -ne 0 ] || discard "$1"
    return "$3"
}

# Moves $1 into the folder $2 on the same mount. A folder moves only if one may write to it. A file would replace
# another one that appears only now, so mv is asked to see to that too: `-n` is not in every image, but where the
# tools are GNU's, and the file system knows how, it is one step that never replaces anything.
rename() {
    if folder "$1" && [ ! -w "$1" ]; then
        chmod u+w "$1" && mv -f "$1" "$2/" && chmod u-w "$2/${1##*/}"
        return
    fi
    if taken "$2/${1##*/}"; then return 1; fi
    if folder "$1" || ! mv -n "$1" "$2/" 2>/dev/null || taken "$1"; then
        ! taken "$2/${1##*/}" && mv -f "$1" "$2/"
    fi
}
