#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The rules of docs/architecture.md that a machine can see: who may include what, one licence line, no file
# too long. usage: rules.sh SOURCE_DIR
set -u
cd "$1" || exit 2
wrong=0

complain() {
    echo "$1"
    wrong=1
}

# Prints "file:line:header" for each #include of the files, system headers with their < >.
includes() {
    grep -nHE '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null |
        sed -E 's/^([^:]+):([0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*(<[^>]+>|"([^"]+)").*/\1:\2:\3/; s/"//g'
}

# forbid FILES-PATTERN-DIR HEADER-REGEX WHY
forbid() {
    local hit
    while read -r hit; do
        complain "$hit: $3"
    done < <(includes $(find "$1" -name '*.[ch]') | grep -E ":[0-9]+:($2)")
}

libc='assert|ctype|dirent|dlfcn|elf|errno|execinfo|fcntl|fenv|float|fts|ftw|glob|inttypes|limits|link|locale|malloc'
libc="$libc|math|netdb|poll|pthread|regex|sched|semaphore|setjmp|signal|spawn|stdarg|stdatomic|stdbool|stddef|stdint"
libc="$libc|stdio|stdlib|stdnoreturn|string|strings|tgmath|termios|time|ucontext|unistd|wchar|(sys|netinet|arpa|linux)/[a-z0-9_]+"

# sdk: nothing but two headers of the language.
while read -r hit; do
    complain "$hit: an SDK header includes only <stddef.h>, <stdint.h> and its own kind"
done < <(includes $(find sdk/include -name '*.h') | grep -vE ':(<stddef\.h>|<stdint\.h>|oriel/[a-z0-9_/]+\.h)$')

# host: the C library, cJSON, and OpenGL where it is drawn; no codec, no zarr, no CUDA, no websockets.
while read -r hit; do
    case $hit in
    host/render/*:\<epoxy/* | host/render/*:\<EGL/* | host/cli/*:\<epoxy/* | host/check/*:\<epoxy/*) ;;
    host/render/png.c:*:\<png.h\>) ;; # files and screenshots, no stream
    host/journal/*:\<zlib.h\>) ;; # its CRC-32
    host/cuda/driver.h:*:\<ffnvcodec/dynlink_loader.h\>) ;; # loads libcuda at run time
    *) complain "$hit: the host includes no such library" ;;
    esac
done < <(includes $(find host -name '*.[ch]') | grep -E ':<' |
    grep -vE ":<($libc)\.h>$" | grep -vE ':<cjson/cJSON\.h>$')

# Each room and the rooms, or single headers of rooms, below it.
room() {
    local name=$1
    shift
    [ -d "host/$name" ] || return 0
    local allowed="oriel $name $*"
    while IFS=: read -r file line header; do
        case $header in
        \<* | */*) ;;
        *) header=$name/$header ;; # a neighbour in the same folder
        esac
        case $header in \<*) continue ;; esac
        case " $allowed " in
        *" ${header%%/*} "* | *" $header "*) ;;
        *) complain "$file:$line:$header: host/$name may include only: $allowed" ;;
        esac
    done < <(includes $(find "host/$name" -name '*.[ch]'))
}
room util
room metrics util
room config util
room module config util
room scene util render/dataset.h render/range.h
room cuda module util
room render scene cuda module metrics config util
room pixel render cuda module metrics config util
room check render/egl.h cuda/cuda.h scene/camera.h module config util
room journal util
room control scene render pixel journal module metrics config util
room mcp control/surface.h control/access.h scene/json.h metrics config util

forbid host/scene '<(epoxy|EGL|GL)/|<(sys/socket|netdb|netinet|arpa)|oriel/(transport|host_gl|encoder)' \
    'the scene knows nothing of sockets, GL or codecs'
forbid host/control '<(epoxy|EGL|GL)/|oriel/(host_gl|scene_module|capture)' 'control never touches GL'

# modules: the SDK and their library; a header of their own kind may be shared between them.
while IFS=: read -r file line header; do
    [ -e "host/$header" ] && complain "$file:$line:$header: modules never include a host header"
done < <(includes $(find modules -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp') | grep -vE ':<')

# ctl: a client, with what any client has.
while IFS=: read -r file line header; do
    case $header in
    ctl/* | \<cjson/cJSON.h\>) ;;
    \<libwebsockets.h\>) [ "$file" = ctl/link.c ] || complain "$file:$line: only ctl/link.c knows libwebsockets" ;;
    *) complain "$file:$line:$header: ctl includes only ctl/*.h, the C library, cJSON and libwebsockets" ;;
    esac
done < <(includes $(find ctl -name '*.[ch]') | grep -vE ":<($libc)\.h>$")

# Every source says its licence first, and stays readable.
while read -r file; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' ||
        complain "$file: has no SPDX line at its head"
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || complain "$file: has $lines lines; 600 are the most"
done < <(find sdk host modules ctl tests -name '*.[ch]' -not -name '*_tables.c')

exit $wrong
