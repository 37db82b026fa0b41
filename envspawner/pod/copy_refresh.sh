#!/bin/sh
# What copy_once.sh does at later starts, and the lists of what a folder holds.

# --- What a folder holds ------------------------------------------------------------------------------------
#
# A list has a line for each thing: =PATH///KIND, sorted. KIND is d for a folder, l for a symlink, and of a file
# its checksum, or f where that is not asked for. A newline in PATH is written as //n, which no path has.

# Puts into `sum` the tool that tells what a file holds, where that counts.
choose_sum() {
    sum=names
    if [ "$refresh" != unmodified ]; then return; fi
    for sum in sha256sum cksum; do
        if command -v "$sum" >/dev/null; then return; fi
    done
    echo 'there is neither sha256sum nor cksum in the image'
    return 1
}

# For names that tools may spell their own way: prints `KIND  PATH` of each.
# shellcheck disable=SC2016
odd='
sum=$1 newline=$2
shift 2
for path; do
    kind=f line=
    if [ -L "$path" ]; then kind=l
    elif [ -d "$path" ]; then kind=d
    elif [ ! -f "$path" ]; then continue
    elif [ "$sum" != names ]; then kind=$("$sum" <"$path") || exit; fi
    while :; do
        case $path in *"$newline"*) ;; *) break ;; esac
        line=$line${path%%"$newline"*}//n
        path=${path#*"$newline"}
    done
    printf "%s  %s\n" "${kind%  -}" "$line$path"
done'

# Prints `KIND  ./PATH` of all in the folder $1, in any order. (Busybox's find forgets an `-exec ... +` in brackets.)
scan() (
    cd "$1" || return
    set -- -exec "$sum" '{}' +
    if [ "$sum" = names ]; then set -- -exec printf 'f  %s\n' '{}' +; fi
    bounded find . -type d ! -name . ! -path "*$newline*" -exec printf 'd  %s\n' '{}' + -o \
        -type l ! -path "*$newline*" -exec printf 'l  %s\n' '{}' + -o \
        -type f ! -path "*$newline*" ! -path '*\\*' ! -path "*$cr*" "$@" || return
    bounded find . \( -path "*$newline*" -o -type f \( -path '*\\*' -o -path "*$cr*" \) \) \
        -exec /bin/sh -c "$odd" sh "$sum" "$newline" '{}' +
)

# What makes a list of what `scan` prints, and paths of the lines of a list: with them, a folder comes before what is
# in it.
as_list='s,^\([^/]*[^ /]\)  *\./\(.*\)$,=\2///\1,p'
as_paths='s,^[=>]\(.*\)///[^/]*$,\1,p'

# Writes to $3, sorted, what sed makes of the file $2 by the program $1. (Of a pipe, only the last failure is seen.)
derive() { sed -n "$1" "$2" >"$work/lines" && sort -u "$work/lines" >"$3"; }

# Writes to $3 the lines of $1 that are not in $2; neither file has a line twice.
only() { sort "$1" "$2" "$2" >"$work/lines" && uniq -u "$work/lines" "$3"; }

# Writes to $3 the lines that are in both.
common() { sort "$1" "$2" >"$work/lines" && uniq -d "$work/lines" "$3"; }

# Puts into `path` what stands in the line of a list as $1, and into `dir` its folder.
decode() {
    set -- "$1//n"
    path=${1%%//n*}
    set -- "${1#*//n}"
    while [ "$1" ]; do
        path=$path$newline${1%%//n*}
        set -- "${1#*//n}"
    done
    case $path in
        */*) dir=${path%/*} ;;
        *) dir=. ;;
    esac
}

# --- One entry, at later starts -----------------------------------------------------------------------------
#
# The marker knows all that was ever given: the lines of the list as it was the last time, and with > instead of =
# what else was there at earlier times. So what is in the image
#
#   - and has no line yet is new. It is brought like at the first time, unless it would go to a folder that the user
#     removed or replaced.
#   - and has a line, but is not there, was removed by the user. It stays away.
#   - and there holds something that was given once, but not what the image holds now, is a file that the user never
#     touched. It is replaced by a rename, if REFRESH is unmodified.
#   - is the user's, else.
#
# New names are written down after they were brought, and new contents before they are given, so that neither is
# mistaken for the user's doing if it is interrupted.

renew() {
    if ! file "$to/$marker" || { [ -s "$to/$marker" ] && ! ours "$to/$marker"; }; then
        echo "what was copied cannot be written down, for $to/$marker is not our file"
        return 1
    fi
    sound && choose_sum || return
    if [ -s "$to/$marker" ] && [ ! "$(changes 2>/dev/null | sed -n 1p)" ]; then
        if ours "$note"; then rm -f "$note"; fi
        sweep "$to"
        unstage "$to/$part"
        return 0
    fi
    sweep "$to" && stage "$to" && mkdir "$work" "$work/new" || return
    scan "$from" >"$work/scan" && derive "$as_list" "$work/scan" "$work/list" && read_marker || return
    tidy <"$work/list"
    if [ -s "$to/$marker" ]; then bring_new || return; fi
    if [ "$refresh" = unmodified ]; then update_stale || return; fi
    tidy <"$work/list"
    write_marker "$work/list" || return
    if ours "$note"; then rm -f "$note"; fi
    unstage "$to/$part"
    return 0
}

# What the image holds other than the last time. If it cannot be read, that is a change too.
changes() { { scan "$from" || echo 'failed  ./'; } | sed -n "$as_list" | sort - "$to/$marker" "$to/$marker" | uniq -u; }

# Before: the list of the last time. Given: all that was ever given, in the form of a list.
read_marker() {
    sort -u "$to/$marker" >"$work/marker" &&
        sed -n '/^=/p' "$work/marker" >"$work/before" &&
        derive 's/^[=>]/=/p' "$work/marker" "$work/given"
}

# Writes the marker anew, with $1 as the list of the last time. Another server may have written it meanwhile.
write_marker() {
    still_mine && read_marker || return
    line="$(utc) $us: copied from ${from%%"$newline"*}"
    if ours "$to/$marker"; then IFS= read -r line <"$to/$marker"; fi
    sort -u "$work/given" "$work/list" >"$work/all" && only "$work/all" "$1" "$work/older" || return
    { printf '%s\n' "$line" && sed '' "$1" && sed 's/^=/>/' "$work/older"; } >"$work/new/$marker" &&
        mv -f "$work/new/$marker" "$to/"
}

# Removes staging folders of interrupted runs from those folders of TO that are in the list on stdin.
tidy() {
    while IFS= read -r line; do
        case $line in *///d) ;; *) continue ;; esac
        line=${line#=}
        decode "${line%///d}"
        if reachable "$path"; then
            sweep "$to/$path"
            unstage "$to/$path/$part"
        fi
    done
}

bring_new() {
    derive "$as_paths" "$work/list" "$work/paths" && derive "$as_paths" "$work/marker" "$work/known" &&
        only "$work/paths" "$work/known" "$work/missing" && bring <"$work/missing"
}

update_stale() {
    only "$work/list" "$work/before" "$work/changed" && look <"$work/changed" >"$work/scan" &&
        derive "$as_list" "$work/scan" "$work/theirs" &&
        common "$work/theirs" "$work/given" "$work/untouched" &&
        only "$work/untouched" "$work/list" "$work/stale" || return
    if [ -s "$work/stale" ]; then write_marker "$work/before" && update <"$work/stale"; fi
}

# Brings what is called on stdin, path by path, as far as nothing stands there.
bring() (
    at=. whole=/ brought=0 open=yes
    set --
    while IFS= read -r line; do
        decode "$line"
        case $path in "$whole"/*) continue ;; esac
        if [ "$dir" != "$at" ] || [ "$#" -eq 100 ]; then
            bring_into "$at" "$@" || brought=1
            set --
            if [ "$dir" != "$at" ]; then
                at=$dir open=no
                if reachable "$dir"; then open=yes; fi
            fi
        fi
        if [ "$open" = no ] || taken "$to/$path" || reserved "$path"; then continue; fi
        if folder "$from/$path"; then whole=$path; fi
        set -- "$@" "$from/$path"
    done
    bring_into "$at" "$@" || brought=1
    return "$brought"
)

# Brings the rest, which belongs in the folder $1 of TO.
bring_into() (
    out=$to/$1
    if [ "$1" = . ]; then out=$to; fi
    shift
    if [ "$#" -eq 0 ]; then return; fi
    copy "$files" "$@" && merge "$files" "$out"
    set -- "$?"
    discard "$files"
    return "$1"
)

# Scans those files in TO whose lines of a list come on stdin.
look() (
    cd "$to" || return
    at=. open=yes
    set --
    while IFS= read -r line; do
        case $line in *///d | *///l) continue ;; esac
        path=${line#=}
        decode "${path%///*}"
        if [ "$dir" != "$at" ]; then
            at=$dir open=no
            if reachable "$dir"; then open=yes; fi
        fi
        if [ "$open" = no ] || ! file "./$path" || [ ! -r "./$path" ] || reserved "$path"; then continue; fi
        case $path in
            *"$newline"* | *\\* | *"$cr"*) /bin/sh -c "$odd" sh "$sum" "$newline" "./$path" || return ;;
            *) set -- "$@" "./$path" ;;
        esac
        if [ "$#" -eq 100 ]; then
            bounded "$sum" "$@" || return
            set --
        fi
    done
    if [ "$#" -gt 0 ]; then bounded "$sum" "$@"; fi
)

# Replaces the files whose lines come on stdin by those of the image, many of one folder at once.
update() (
    at=. lines='' updated=0
    set --
    while IFS= read -r line; do
        path=${line#=}
        decode "${path%///*}"
        if [ "$dir" != "$at" ] || [ "$#" -eq 100 ]; then
            update_in "$at" "$lines" "$@" || updated=1
            at=$dir lines=''
            set --
        fi
        lines=$lines${lines:+$newline}$line
        set -- "$@" "$path"
    done
    update_in "$at" "$lines" "$@" || updated=1
    return "$updated"
)

# Replaces the rest, files in the folder $1 of TO, unless they are no longer what the lines $2 say.
update_in() (
    out=$to/$1 lines=$2
    if [ "$1" = . ]; then out=$to; fi
    shift 2
    if [ "$#" -eq 0 ]; then return; fi
    if late; then return 1; fi
    count=$#
    for path; do set -- "$@" "$from/$path"; done
    shift "$count"
    if [ "$out" != "$to" ]; then stage "$out" || return; fi
    copy "$out/$part/files" "$@" || return
    if [ "$(printf '%s\n' "$lines" | look | sed -n "$as_list" | sort)" = "$lines" ]; then
        for path; do set -- "$@" "$out/$part/files/${path##*/}"; done
        shift "$count"
        mv -f "$@" "$out/"
    else
        echo "files in $out were edited at the same time"
        false
    fi
    set -- "$?"
    if [ "$out" != "$to" ]; then unstage "$out/$part"; else discard "$files"; fi
    return "$1"
)
