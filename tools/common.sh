# Sourced by ./run and ./test: packages and builds. The caller is in the top folder.
# shellcheck shell=bash

say() { printf 'oriel: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# install_packages LIST…: what packages.txt names under these lists and the machine does not have.
install_packages() {
    local list kind name wanted=() missing=()
    while read -r kind name; do
        for list in "$@"; do
            [ "$kind" = "$list" ] && wanted+=("$name")
        done
    done < packages.txt
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system, so nothing is installed; needed are: ${wanted[*]}"
        return
    fi
    mapfile -t missing < <(comm -13 \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
            sed -n 's/^installed //p' | sort -u) \
        <(printf '%s\n' "${wanted[@]}" | sort -u))
    [ ${#missing[@]} -eq 0 ] && return
    # Node.js may come from elsewhere, with npm in it.
    if [ -x "$(command -v node)" ] && [ -x "$(command -v npm)" ]; then
        local kept=()
        for name in "${missing[@]}"; do
            case "$name" in nodejs | npm) ;; *) kept+=("$name") ;; esac
        done
        missing=("${kept[@]}")
        [ ${#missing[@]} -eq 0 ] && return
    fi
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing and there is no sudo: ${missing[*]}"
        root=(sudo)
    fi
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! {
        "${root[@]}" apt-get update -q &&
            "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -q --no-install-recommends "${missing[@]}"
    } </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: ${missing[*]}"
    fi
    rm -f "$log"
}

# build PRESET [cmake options…]: configures when needed, builds what changed; prints only failures.
build() {
    local preset=$1 log
    shift
    log=build/$preset.log
    mkdir -p build
    if [ ! -f "build/$preset/build.ninja" ] || [ $# -gt 0 ]; then
        [ -f "build/$preset/build.ninja" ] || say "building in build/$preset (the first time takes about a minute)"
        cmake --preset "$preset" "$@" >"$log" 2>&1 || {
            tail -n 30 "$log" >&2
            die "cmake failed: build/$preset.log"
        }
    fi
    cmake --build --preset "$preset" >"$log" 2>&1 || {
        grep -E 'error|FAILED|warning' "$log" | head -n 40 >&2
        die "the build failed: build/$preset.log"
    }
}
