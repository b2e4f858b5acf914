#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An installed SDK is all that a module author needs: with CMake, and with pkg-config and a compiler alone.
# The example that is installed with it is built in both ways, loaded, and writes a stream.
# usage: sdk_install.sh CMAKE BUILD_DIR ORIEL LIBDIR DATADIR CC SOURCE_DIR
set -eu
cmake=$1 build=$2 oriel=$3 libdir=$4 datadir=$5 cc=$6 source=$7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --component sdk --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
example=$work/prefix/$datadir/doc/oriel-sdk/example

"$cmake" -S "$example" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release \
    >"$work/log" 2>&1 && "$cmake" --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --install "$work/build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }

export PKG_CONFIG_PATH=$work/prefix/$libdir/pkgconfig
mkdir "$work/plain"
sed 's|example/invert|example/plain|' "$example/example.c" >"$work/plain/plain.c"
# shellcheck disable=SC2046 # several words each
"$cc" -Wall -Wextra -Werror $(pkg-config --cflags --libs oriel-sdk) -o "$work/plain/plain.so" "$work/plain/plain.c"
echo 'int missing(void); int call(void); int call(void) { return missing(); }' >"$work/wrong.c"
# shellcheck disable=SC2046
if "$cc" $(pkg-config --cflags --libs oriel-sdk) -o "$work/wrong.so" "$work/wrong.c" 2>"$work/log"; then
    echo "a module with an undefined symbol was linked"
    exit 1
fi

installed=$work/prefix/$libdir/oriel/modules
[ -e "$installed/example.so" ] || { echo "example.so was not installed into $installed"; exit 1; }
"$oriel" modules --json --set modules.path="$installed,$work/plain" --set modules.cache="$work/cache.json" \
    >"$work/modules.json"
python3 - "$work/modules.json" <<'PYTHON'
import json, sys
modules = {m["id"]: m for m in json.load(open(sys.argv[1]))["modules"]}
for name in ("org.example/invert", "org.example/plain"):
    module = modules.get(name)
    assert module, f"{name}: was not found"
    assert module["result"] == "usable", module["reason"]
    assert module["kind"] == "encoder" and module["options"][0]["name"] == "invert", module
PYTHON
/usr/bin/python3 -B "$source/tests/abi/sdk_stream.py" "$installed"
echo "built, accepted and used: example.so (CMake), plain.so (pkg-config)"
