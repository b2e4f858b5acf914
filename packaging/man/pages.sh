#!/bin/sh
# Manual pages from what the program says of itself: oriel.1, one for each command, oriel-config.5.
# usage: pages.sh ORIEL OUT_FOLDER RELEASE DATE
set -eu
oriel=$1 out=$2 release=$3 date=$4
here=$(dirname "$0")
# The modules of this build, as they are without a configuration; no trace is left behind.
unset ORIEL_MODULE_PATH ORIEL_CONFIG ORIEL_PRESET XDG_CACHE_HOME
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" LC_ALL=C.UTF-8

# page NAME SECTION SUMMARY PROGRAM [awk options…] <INPUT
page() {
    name=$1 section=$2 summary=$3 program=$4
    shift 4
    awk -v page="$name" -v section="$section" -v date="$date" -v release="$release" \
        -v summary="$summary" "$@" -f "$here/roff.awk" -f "$here/$program" >"$out/$name.$section"
}

# What no table says, and the other pages.
tail_of() {
    [ ! -f "$here/$1.roff" ] || cat "$here/$1.roff"
    printf '.SH SEE ALSO\n%s\n' "$2"
}

"$oriel" --help >"$work/help"
pages= separator=
while read -r command about; do
    # Some are programs of their own, which are built where their libraries are.
    "$oriel" "$command" --help >"$work/text" || continue
    page "oriel-$command" 1 "$about" command.awk <"$work/text"
    tail_of "oriel-$command" '.BR oriel (1),
.BR oriel\-config (5)' >>"$out/oriel-$command.1"
    pages="$pages$separator.BR oriel\\-$command (1)"
    separator=",
"
done <<LIST
$(sed -n 's/^  \([a-z]\)/\1/p' "$work/help")
LIST
page oriel 1 'headless server for n-dimensional scientific images' command.awk <"$work/help"
tail_of oriel "$pages,
.BR oriel\\-config (5)" >>"$out/oriel.1"

"$oriel" modules --markdown >"$work/markdown"
page oriel-config 5 "configuration of Oriel" config.awk -v fragment="$here/oriel-config.roff" <"$work/markdown"
printf '.SH SEE ALSO\n.BR oriel (1),\n.BR oriel\\-serve (1)\n' >>"$out/oriel-config.5"
gzip -9nf "$out"/*.[15]
