#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws the stages of `oriel bench --json FILE`, or of results.json by tests/gpu/run, as stacked bars.

    tools/plot-bench.py bench.json docs/results/bench.svg
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

STAGES = [("plan", "#a9b0bb"), ("draw", "#4560c4"), ("capture", "#8ab4ff"), ("wait", "#565f6c"),
          ("encode", "#e3b617"), ("queue", "#99121f")]


def main(source, target):
    with open(source) as file:
        all_of_it = json.load(file)
    rows = [row for row in all_of_it.get("results") or all_of_it["benches"] if row["suite"] in ("pan", "orbit")
            and not row.get("file", "").startswith(("bench-full", "bench-large"))]
    groups = sorted({(row["suite"], row["width"], row["height"]) for row in rows},
                    key=lambda g: (g[0] != "pan", g[1]))
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none"})
    columns = 2
    lines = -(-len(groups) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(9, 2.9 * lines + 0.4), squeeze=False)
    titles = {"pan": "2-D pan", "orbit": "3-D orbit"}
    for axis, (suite, width, height) in zip(axes.flat, groups):
        chosen = [r for r in rows if (r["suite"], r["width"], r["height"]) == (suite, width, height)]
        names = [r["encoder"].removeprefix("encode/") for r in chosen]
        left = [0.0] * len(chosen)
        for stage, colour in STAGES:
            values = [r[stage]["p50_ms"] for r in chosen]
            axis.barh(names, values, left=left, color=colour, label=stage, height=0.7)
            left = [a + b for a, b in zip(left, values)]
        axis.plot([r["total"]["p99_ms"] for r in chosen], names, "|", color="black", ms=12, label="total p99")
        axis.invert_yaxis()
        axis.set_title(f"{titles[suite]}, {width}×{height}")
        axis.set_xlabel("ms from input to packet (median)")
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0][0].get_legend_handles_labels(), frameon=False, ncol=7, loc="lower center")
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(target, facecolor="white")


main(*sys.argv[1:3])
