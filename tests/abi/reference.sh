#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The reference of the SDK: Doxygen makes it without a warning, and every struct of the headers has a page that
# says something of it.
#   reference.sh SOURCE BUILD
set -euo pipefail
source=$1 build=$2
command -v doxygen >/dev/null || { echo 'skipped: no doxygen' && exit 77; }
cmake --build "$build" --target reference
html=$build/reference/html
missing=0
for header in "$source"/sdk/include/oriel/{,draft/}*.h; do
    for name in $(sed -n 's/^struct \(oriel_[a-z0-9_]*\) {$/\1/p' "$header"); do
        page=$html/struct${name//_/__}.html
        [ -f "$page" ] || { echo "$name of $header has no page" && missing=1; }
    done
done
grep -q 'Zero, one or several packets may come' "$html/structoriel__encoder.html" ||
    { echo 'comments of members are not in the reference' && missing=1; }
grep -q 'Pictures in memory' "$html/frame_8h.html" ||
    { echo 'the comments that begin the headers are not in the reference' && missing=1; }
exit $missing
