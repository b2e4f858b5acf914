# SPDX-License-Identifier: BSD-3-Clause
"""What it costs to run an encoder in a process of its own: `oriel bench` with it here and there, in turn, medians of
several runs. No test. Usage: ORIEL_BINARY=… cost.py [RUNS [SIZE…]]"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ENCODERS = {"encode/x264": [], "encode/remote": ["--set", "encode/remote.module=encode/x264"]}


def measure(encoder, size, more):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "bench.json")
        subprocess.run([os.environ["ORIEL_BINARY"], "bench", "pan", "--encoder", encoder, "--size", size, "--frames", "120",
                        "--json", out, *more], check=True, stdout=subprocess.DEVNULL)
        result = json.loads(out.read_text())["results"][0]
        return result["encode"]["p50_ms"], result["total"]["p50_ms"]


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for size in sys.argv[2:] or ["1280x720", "1920x1080"]:
        series = {name: [] for name in ENCODERS}
        for _ in range(runs):
            for name, more in ENCODERS.items():
                series[name].append(measure(name, size, more))
        here, there = ([statistics.median(column) for column in zip(*series[name])] for name in ENCODERS)
        for index, stage in enumerate(("encode", "total")):
            print(f"{size:>10} {stage:6}  here {here[index]:6.2f} ms  remote {there[index]:6.2f} ms  "
                  f"{there[index] - here[index]:+5.2f} ms  ratio {there[index] / here[index]:.3f}  ({runs} runs)", flush=True)


main()
