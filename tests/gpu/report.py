#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes report.md and results.json of what tests/gpu/run has left in a folder. Exit status 1 where a test failed or
a limit was missed.

    report.py FOLDER"""

import json
import pathlib
import re
import sys

# Milliseconds at (suite, height): input to packet, median.
TOTAL = {("encode/x264", "pan", 1080): 3.0, ("encode/nvjpeg", "pan", 1080): 1.1,
         ("encode/x264", "pan", 2160): 8.0, ("encode/nvjpeg", "pan", 2160): 2.2,
         ("encode/x264", "orbit", 1080): 4.0, ("encode/nvjpeg", "orbit", 1080): 2.1,
         ("encode/x264", "orbit", 2160): 11.0, ("encode/nvjpeg", "orbit", 2160): 5.2}
BEFORE = {("pan", 1080): 0.6, ("orbit", 1080): 1.2}  # from the input until the encoder begins
UPLOAD = 60  # % of what the bus gives page-locked memory in pieces of that size
RATIO = 1.15  # volumes: input to packet by what draw, convert and download, and encoder take alone
CONTENT = {"pan": "2-D slice, 4096²", "orbit": "512³ volume, turning"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def bare(text):
    """Without the folders of the machine."""
    return re.sub(r"(?<![\w.])(/[\w.+-]+)+/", "", text)


def read(path):
    return path.read_text(errors="replace").splitlines() if path.exists() else []


class Report:
    def __init__(self, folder):
        self.folder = folder
        self.lines, self.limits, self.results = [], [], {}
        self.begin = 0  # the line where the limits go

    def limit(self, what, value, bound, unit="ms", least=False):
        if bound is not None:
            self.limits.append({"what": what, "value": round(value, 3), "limit": f"{'≥' if least else '≤'} {bound}",
                                "unit": unit, "passed": value >= bound if least else value <= bound})

    def facts(self):
        facts = self.results["facts"] = json.loads((self.folder / "facts.json").read_text())
        self.lines += ["# Oriel on a GPU", "", "By `tests/gpu/run`.", ""]
        rows = []
        for key, value in facts.items():
            if key == "modules":
                continue
            if key == "cuda" and isinstance(value, dict):
                value = f"{value['version']}; " + ", ".join(
                    f"{d['name']}, {d['memory_gib']} GiB, capability {d['capability']}" for d in value["devices"])
            rows.append((key.replace("_", " "), value))
        self.lines += table(("", ""), rows)
        modules = facts.get("modules", {})
        usable = [name for name, state in modules.items() if state == "usable"]
        if usable:
            self.lines += [f"Modules: {', '.join(usable)}.", ""]
        others = [f"- {name}: {state}" for name, state in modules.items() if name not in usable]
        self.lines += [*others, ""] if others else []
        self.begin = len(self.lines)

    def benches(self):
        rows = self.results["benches"] = []
        for path in sorted(self.folder.glob("bench-*.json")):
            for row in json.loads(path.read_text())["results"]:
                row["file"] = path.stem
                rows.append(row)
        if not rows:
            return
        self.lines += ["## Input to packet", "",
                       "Milliseconds, median / 99th percentile, without the sockets. Slices and volumes have camera "
                       "noise. *before*: from the input until the encoder begins. *alone*: medians of the same pictures "
                       "with drawing finished before the capture begins, so that no stage overlaps another; the wait "
                       "contains what is left of the download, and the handing over to the encoder's thread. "
                       "*ratio*: total by the sum of what is alone.", ""]
        out = []
        for row in sorted(rows, key=lambda r: (r["height"], r["suite"] != "pan", r["file"])):
            def both(name):
                return f"{row[name]['p50_ms']:.2f} / {row[name]['p99_ms']:.2f}"
            alone = row["alone"]
            content = {"bench-full": "512³ volume as high as the picture, turning",
                       "bench-large": "1024³ volume, turning"}.get(row["file"].rsplit("-", 1)[0], CONTENT[row["suite"]])
            out.append((content, f"{row['width']}×{row['height']}", row["encoder"], both("total"), both("before"),
                        *(both(k) for k in ("plan", "draw", "capture", "wait", "encode")),
                        " + ".join(f"{alone[k]['p50_ms']:.2f}" for k in ("draw", "capture", "wait", "encode")),
                        f"{row['ratio']:.2f}", f"{row['kB_per_frame']:.0f}", f"{row['fps']:.0f}"))
            if content != CONTENT[row["suite"]]:
                continue
            name = f"{row['suite']} {row['height']}p {row['encoder'].removeprefix('encode/')}"
            key = row["suite"], row["height"]
            self.limit(f"{name}: input to packet", row["total"]["p50_ms"], TOTAL.get((row["encoder"], *key)))
            if row["encoder"] != "encode/null" and row["suite"] == "orbit":
                self.limit(f"{name}: by the parts alone", row["ratio"], RATIO, "×")
            self.limit(f"{name}: before the encoder", row["before"]["p50_ms"], BEFORE.get(key))
        self.lines += table(("content", "size", "encoder", "total", "before", "plan", "draw", "capture", "wait", "encode",
                             "alone: draw + capture + wait + encode", "ratio", "kB/picture", "pictures/s"), out)

    def tests(self):
        rows = []
        for line in read(self.folder / "tests.log"):
            name, status, skipped, seconds = line.split()
            state = {"0": "passed", "77": "skipped", "124": "FAILED: ran past its time"}.get(
                status, f"FAILED, exit status {status}")
            rows.append({"name": name, "state": state, "cases_skipped": int(skipped), "seconds": int(seconds)})
            reasons = sorted({text for text in read(self.folder / f"test-{name}.log")
                              if re.match(r"left out|.* is left out|.*skipped:", text)})
            rows[-1]["reasons"] = bare("; ".join(reasons))[:300]
            if state.startswith("FAILED"):
                self.limits.append({"what": f"test {name}", "passed": False})
        self.results["tests"] = rows
        if rows:
            self.lines += ["## Tests", ""] + table(
                ("test", "", "cases left out", "why"),
                [(r["name"], r["state"], r["cases_skipped"] or "", r["reasons"]) for r in rows])

    def programs(self):
        for name, title in (("bench_upload", "Uploads"), ("bench_volume", "Volumes"),
                            ("bench_volume-large", "A large volume")):
            text = read(self.folder / f"{name}.log")
            if not text:
                continue
            self.results[name] = text
            for line in text:
                found = re.match(r"\s*(\d+)\s+(\d+)\s+(\S+)\s+cuda .* (\d+) % of what it gives", line)
                if found and found[3] == "<u2":
                    self.limit(f"upload of {found[1]}³ uint16 in chunks of {found[2]}³: share of what the bus gives them",
                               float(found[4]), UPLOAD, "%", least=True)
            self.lines += [f"## {title}", "", "```", *text, "```", ""]

    def churn(self):
        rows = []
        for path in sorted(self.folder.glob("churn-*.json")):
            run = self.results[path.stem] = json.loads(path.read_text())
            for key, value in run["before"].items():
                if value is not None:
                    rows.append((f"{run['resizes']} resizes, {run['swaps']} swaps of {', '.join(run['encoders'])}",
                                 key.replace("_mib", ", MiB"), f"{value:.1f}", f"{run['after'][key]:.1f}"))
                    self.limit(f"{path.stem}: {key}, grown", run["after"][key] - value, run["slack"][key], "")
        for line in read(self.folder / "failed.log"):
            name, status = line.split()
            if f"{name}" not in self.results:
                self.limits.append({"what": f"{name} (exit status {status})", "passed": False})
        if rows:
            self.lines += ["## Resizes and swaps of the encoder", ""] + table(("", "", "before", "after"), rows)

    def sanitizer(self):
        rows = []
        for line in read(self.folder / "sanitizer.log"):
            tool, program, status, *summary = line.split(maxsplit=3)
            rows.append((tool, program, status, summary[0] if summary else ""))
            if status != "0":
                self.limits.append({"what": f"{tool} of {program}", "passed": False})
        self.results["sanitizer"] = rows
        if rows:
            self.lines += ["## compute-sanitizer", "",
                           "The kernels that it sees are those of nvJPEG and of the driver: Oriel has none of its own, it "
                           "converts in an OpenGL compute shader. *bench*: `oriel bench pan` with encode/nvjpeg, which "
                           "uploads, captures and encodes by CUDA.", ""]
            self.lines += table(("tool", "of", "exit status", "summary"), rows)

    def end(self):
        skipped = self.results["skipped"] = [bare(line.strip().removeprefix("skipped: "))
                                             for line in read(self.folder / "skipped.log")]
        lines = []
        if self.limits:
            measured = [limit for limit in self.limits if "value" in limit]
            lines += ["## Limits", ""] + table(
                ("", "measured", "limit", ""),
                [(limit["what"], f"{limit['value']} {limit['unit']}", f"{limit['limit']} {limit['unit']}",
                  "pass" if limit["passed"] else "**miss**") for limit in measured])
            lines += [f"- **failed**: {limit['what']}" for limit in self.limits if "value" not in limit] + [""]
        for part in read(self.folder / "running"):
            lines += [f"**Cut off**, or still running: {part}.", ""]
        self.lines[self.begin:self.begin] = lines
        if skipped:
            self.lines += ["", "## Left out", ""] + [f"- {line}" for line in skipped]
        self.results["limits"] = self.limits
        (self.folder / "results.json").write_text(json.dumps(self.results, indent=1) + "\n")
        (self.folder / "report.md").write_text("\n".join(self.lines).rstrip() + "\n")
        missed = [limit["what"] for limit in self.limits if not limit["passed"]]
        for limit in self.limits:
            value = f"{limit['value']:8.2f} {limit['limit']} {limit['unit']}" if "value" in limit else ""
            print(f"   {'pass' if limit['passed'] else 'MISS'}  {limit['what']:55} {value}")
        print(f"   {len(self.limits) - len(missed)} limits kept, {len(missed)} missed, {len(skipped)} left out; "
              f"{self.folder / 'report.md'}")
        return 1 if missed else 0


def main():
    report = Report(pathlib.Path(sys.argv[1]))
    for part in (report.facts, report.benches, report.tests, report.programs, report.churn, report.sanitizer):
        part()
    return report.end()


sys.exit(main())
