#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A module exports its entry and nothing else, and needs no symbol of the host; the host exports none.
# usage: symbols.sh ORIEL MODULE_DIR SANITIZERS
set -u
oriel=$1 modules=$2
if [ -n "$3" ]; then
    echo "left out: with sanitizers ($3) the program exports their runtime to modules"
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
exported=$(nm -D --defined-only "$oriel" | awk '$3 !~ /@/ { print $3 }' |
    grep -vE '^(_edata|_end|__bss_start|_IO_stdin_used|_init|_fini|__data_start|data_start|_start|main)$')
[ -z "$exported" ] || complain "$oriel: exports $exported"

count=0
for module in "$modules"/*.so; do
    [ -e "$module" ] || continue
    count=$((count + 1))
    exported=$(nm -D --defined-only "$module" | awk '{ print $3 }' | xargs)
    [ "$exported" = oriel_entry_v1 ] || complain "$module: exports $exported"
    # The weak ones that every shared object has are not the host's to give.
    imported=$(nm -D --undefined-only "$module" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u |
        comm -12 - "$own" | xargs)
    [ -z "$imported" ] || complain "$module: needs of the host: $imported"
done
[ $count -gt 0 ] || complain "$modules: there is no module"
echo "$count modules looked at"
exit $wrong
