#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An installed SDK is all that a module author needs: with CMake, and with pkg-config and a compiler alone.
# usage: sdk_install.sh CMAKE BUILD_DIR OUTSIDE_PROJECT ORIEL LIBDIR CC
set -eu
export CMAKE_GENERATOR=Ninja # the one of packages.txt; make may be missing
cmake=$1 build=$2 outside=$3 oriel=$4 libdir=$5 cc=$6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --component sdk --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }

"$cmake" -S "$outside" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release \
    >"$work/log" 2>&1 && "$cmake" --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --install "$work/build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }

export PKG_CONFIG_PATH=$work/prefix/$libdir/pkgconfig
mkdir "$work/plain"
sed 's|example/outside|example/plain|' "$outside/outside.c" >"$work/plain/plain.c"
# shellcheck disable=SC2046 # several words each
"$cc" $(pkg-config --cflags oriel-sdk) -shared \
    -Wl,--version-script="$(pkg-config --variable=versionscript oriel-sdk)" \
    -o "$work/plain/plain.so" "$work/plain/plain.c"

installed=$work/prefix/$libdir/oriel/modules
[ -e "$installed/outside.so" ] || { echo "outside.so was not installed into $installed"; exit 1; }
"$oriel" modules --json --set modules.path="$installed,$work/plain" --set modules.cache="$work/cache.json" \
    >"$work/modules.json"
python3 - "$work/modules.json" <<'PYTHON'
import json, sys
modules = {m["id"]: m for m in json.load(open(sys.argv[1]))["modules"]}
for name in ("org.example/outside", "org.example/plain"):
    module = modules.get(name)
    assert module, f"{name}: was not found"
    assert module["result"] == "usable", module["reason"]
    assert module["kind"] == "source" and module["options"][0]["name"] == "rows", module
PYTHON
echo "built and accepted: outside.so (CMake), plain.so (pkg-config)"
