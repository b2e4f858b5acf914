#!/bin/sh
# Manual pages from what the program says of itself: oriel.1, one for each command, oriel-config.5.
# usage: pages.sh ORIEL OUT_FOLDER RELEASE DATE
set -eu
oriel=$1 out=$2 release=$3 date=$4
here=$(dirname "$0")
# The modules of this build alone, and no trace left behind.
unset ORIEL_MODULE_PATH ORIEL_CONFIG ORIEL_PRESET
rm -rf "$out"
mkdir -p "$out"
export HOME=/nonexistent LC_ALL=C.UTF-8 ORIEL_MODULES_CACHE="$out/modules.json"

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

"$oriel" --help >"$out/help"
pages= separator=
while read -r command about; do
    "$oriel" "$command" --help >"$out/help-$command"
    page "oriel-$command" 1 "$about" command.awk <"$out/help-$command"
    tail_of "oriel-$command" '.BR oriel (1),
.BR oriel\-config (5)' >>"$out/oriel-$command.1"
    pages="$pages$separator.BR oriel\\-$command (1)"
    separator=",
"
done <<LIST
$(sed -n 's/^  \([a-z]\)/\1/p' "$out/help")
LIST
page oriel 1 'headless server for n-dimensional scientific images' command.awk <"$out/help"
tail_of oriel "$pages,
.BR oriel\\-config (5)" >>"$out/oriel.1"

"$oriel" modules --markdown >"$out/markdown"
page oriel-config 5 "configuration of Oriel" config.awk -v fragment="$here/oriel-config.roff" <"$out/markdown"
printf '.SH SEE ALSO\n.BR oriel (1),\n.BR oriel\\-serve (1)\n' >>"$out/oriel-config.5"
rm -f "$out/help" "$out/help-"* "$out/markdown" "$out/modules.json"
gzip -9nf "$out"/*.[15]
