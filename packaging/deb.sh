#!/usr/bin/env bash
# Builds the Debian packages for this system: packaging/deb.sh [FOLDER]
# They land in FOLDER, else in build/deb/packages. With lintian installed, its opinion is printed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
out=$(realpath -m "${1:-build/deb/packages}")
flags() { dpkg-buildflags --get "$1"; }

cmake -S . -B build/deb -G Ninja -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DBUILD_TESTING=OFF \
    -DCMAKE_C_FLAGS="$(flags CFLAGS) $(flags CPPFLAGS)" \
    -DCMAKE_CXX_FLAGS="$(flags CXXFLAGS) $(flags CPPFLAGS)" \
    -DCMAKE_EXE_LINKER_FLAGS="$(flags LDFLAGS) -Wl,-z,now" \
    -DCMAKE_MODULE_LINKER_FLAGS="$(flags LDFLAGS) -Wl,-z,now"
cmake --build build/deb
mkdir -p "$out"
(cd build/deb && cpack -G DEB -B "$out")
rm -rf "$out/_CPack_Packages"
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$out"/*.deb
fi
ls "$out"
