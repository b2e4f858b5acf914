#!/usr/bin/env bash
# run.sh BUILD SECONDS [TARGET…]: the fuzz targets of a build folder, two at a time; a line for each. Inputs
# that were trouble are left in BUILD/fuzz/found. New corpus goes to BUILD/fuzz/corpus.
set -euo pipefail
build=$(readlink -f "$1")
seconds=$2
shift 2
here=$(dirname "$(readlink -f "$0")")
[ $# -gt 0 ] || set -- json envelope hello update command scene_file pixel mcp

# One word of libFuzzer's last report: "stat::NAME: VALUE".
stat() { sed -n "s/^stat::$2: *//p" "$1" | tail -n 1; }

run_target() {
    local name=$1 program=$build/fuzz/fuzz_$1 log=$build/fuzz/$1.log grown=$build/fuzz/corpus/$1 dict
    mkdir -p "$grown" "$build/fuzz/found"
    case "$name" in
    scene_file | pixel | mcp) dict=$here/$name.dict ;;
    *) dict=$here/state.dict ;;
    esac
    export ASAN_OPTIONS=intercept_tls_get_addr=0:detect_leaks=1 LSAN_OPTIONS=suppressions=$here/../lsan.supp
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    # Leaks are looked for at the end, over what was found: after each input would take most of the time.
    if "$program" -detect_leaks=0 -max_total_time="$seconds" -print_final_stats=1 -max_len=16384 -timeout=20 -rss_limit_mb=2048 \
        -dict="$dict" -artifact_prefix="$build/fuzz/found/$name-" "$grown" "$here/corpus/$name" >"$log" 2>&1 &&
        "$build/tests/replay_$name" "$grown" "$here/corpus/$name" >>"$log" 2>&1; then
        printf '%-11s %9s executions, %5s/s, %s, %s MiB\n' "$name" "$(stat "$log" number_of_executed_units)" \
            "$(stat "$log" average_exec_per_sec)" \
            "$(grep -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1 | sed 's/cov: \(.*\) ft: \(.*\)/\1 edges, \2 features/')" \
            "$(stat "$log" peak_rss_mb)"
    else
        printf '%s failed: %s\n' "$name" "$log" >&2
        tail -n 40 "$log" >&2
        return 1
    fi
}

failed=0
running=0
for name in "$@"; do
    if [ "$running" -eq 2 ]; then
        wait -n || failed=1
        running=1
    fi
    run_target "$name" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
