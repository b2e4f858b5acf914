#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A module exports its entry and nothing else, needs no symbol of the host, and asks the loader for nothing
# odd; the host exports none. usage: symbols.sh ORIEL MODULE_DIR SANITIZERS [MODULE…]
set -u
oriel=$1 modules=$2 sanitizers=$3
shift 3
if [ -n "$sanitizers" ]; then
    echo "left out: with sanitizers ($sanitizers) the program exports their runtime to modules"
    exit 77
fi
wrong=0
complain() {
    echo "$1"
    wrong=1
}

own=$(mktemp)
trap 'rm -f "$own"' EXIT
# What the program itself defines; versioned names are copies of the C library's.
nm --defined-only "$oriel" | awk '$2 ~ /^[A-TV-Z]$/ && $3 !~ /@/ { print $3 }' | sort -u >"$own"
[ "$(wc -l <"$own")" -gt 100 ] || complain "$oriel: is stripped, so what it defines cannot be told"
exported=$(nm -D --defined-only "$oriel" | awk '$3 !~ /@/ { print $3 }' |
    grep -vE '^(_edata|_end|__bss_start|_IO_stdin_used|_init|_fini|__data_start|data_start|_start|main)$')
[ -z "$exported" ] || complain "$oriel: exports $exported"

look() {
    local module=$1 exported imported dynamic
    # One data symbol, of the size of the struct.
    exported=$(nm -D --defined-only "$module" | awk '{ print $3 }' | xargs)
    [ "$exported" = oriel_entry_v1 ] || complain "$module: exports $exported"
    readelf -W --dyn-syms "$module" | awk '$8 == "oriel_entry_v1" && $3 == 64 && $4 == "OBJECT" { found = 1 }
        END { exit !found }' || complain "$module: its oriel_entry_v1 is no object of 64 bytes"
    # The weak ones that every shared object has are not the host's to give.
    imported=$(nm -D --undefined-only "$module" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u |
        comm -12 - "$own" | xargs)
    [ -z "$imported" ] || complain "$module: needs of the host: $imported"
    imported=$(nm -D --undefined-only "$module" | awk '{ print $2 }' | grep -E '^oriel_' | xargs)
    [ -z "$imported" ] || complain "$module: needs of Oriel: $imported"
    # What could stand in for others' symbols, or could not be loaded beside others.
    dynamic=$(readelf -W -d "$module")
    case $dynamic in
    *TEXTREL* | *"(RPATH)"*) complain "$module: is linked with text relocations or an RPATH" ;;
    esac
    readelf -W -l "$module" | grep -q 'GNU_STACK.*RWE' && complain "$module: wants a stack that can be run"
}

count=0
for module in "$modules"/*.so "$@"; do
    [ -e "$module" ] || continue
    count=$((count + 1))
    look "$module"
done
[ $count -gt 0 ] || complain "$modules: there is no module"
echo "$count modules looked at"
exit $wrong
