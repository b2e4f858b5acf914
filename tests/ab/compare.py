# SPDX-License-Identifier: BSD-3-Clause
"""Records demo data, compares four encoders on it twice, and looks at every file that comes out."""

import csv
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from oriel import BINARY, SOURCE, Server, run

BUILD = pathlib.Path(sys.argv[1])
FRAMES = 24
ARMS = {
    "openh264": {"module": "encode/openh264", "options": {"threads": 1}},
    "x264": {"module": "encode/x264", "options": {"threads": 1}},
    "vp9": {"module": "encode/vpx", "options": {"threads": 1}},
    "jpeg": {"module": "encode/jpeg", "rate_option": "quality", "rates": [40, 65, 85]},
}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def oriel(*args, fails=None):
    done = run("ab", *args)
    assert done.returncode == (fails or 0), f"oriel ab {args}: {done.returncode}\n{done.stderr}"
    return done.stderr


def read_recording(path):
    """The head and what follows: dicts, those of frames with "data"."""
    with open(path, "rb") as file:
        head = json.loads(file.readline())
        rest = []
        while line := file.readline():
            rest.append(json.loads(line))
            if "frame" in rest[-1]:
                rest[-1]["data"] = file.read(rest[-1]["bytes"])
                assert file.read(1) == b"\n"
    return head, rest


def frames_of(path):
    return [item for item in read_recording(path)[1] if "frame" in item]


def check_recordings(folder, data):
    for motion in "orbit", "pan", "play":
        path = folder / f"{motion}.orec"
        oriel("record", data, f"--{motion}", "--frames", FRAMES, "--size", "320x240", "-o", path)
        head, rest = read_recording(path)
        frames = [item for item in rest if "frame" in item]
        assert head["oriel_recording"] == 1 and head["format"]["samples"] == "i420"
        assert len(frames) == FRAMES and rest[-1] == {"end": {"frames": FRAMES}}
        assert all(f["bytes"] == 320 * 240 * 3 // 2 for f in frames)
        assert all(f["stamp"]["flags"] & 2 for f in frames), "complete pictures"
        different = len({f["crc32"] for f in frames})
        assert different >= (3 if motion == "play" else FRAMES), f"{motion}: {different} pictures"
        assert sum("input" in item for item in rest) >= FRAMES
    # The same inputs show the same pictures; NV12 has the same samples in another order.
    oriel("record", data, "--script", folder / "orbit.orec", "--size", "320x240", "-o", folder / "again.orec")
    first, again = frames_of(folder / "orbit.orec"), frames_of(folder / "again.orec")
    assert [f["crc32"] for f in first] == [f["crc32"] for f in again]
    oriel("record", data, "--script", folder / "orbit.orec", "--size", "320x240", "--format", "nv12",
          "-o", folder / "nv12.orec")
    luma = 320 * 240
    for a, b in zip(first, frames_of(folder / "nv12.orec")):
        assert a["data"][:luma] == b["data"][:luma]
        assert a["data"][luma:luma * 5 // 4] == b["data"][luma::2]
    for samples, size in ("i444", 3), ("p010", 3):
        path = folder / f"{samples}.orec"
        oriel("record", data, "--size", "64x48", "--format", samples, "--frames", 2, "-o", path)
        assert [f["bytes"] for f in frames_of(path)] == [64 * 48 * size] * 2
    script = folder / "script.ndjson"
    script.write_text('{"frame":0,"update":{"scope":"view","target":"main","key":"ndisplay","value":3}}\n'
                      '{"frame":2,"call":{"command":"napari.nothing"}}\n')
    why = oriel("record", data, "--script", script, "--size", "64x48", "-o", folder / "x.orec", fails=1)
    assert "input before frame 2" in why and "napari.nothing" in why, why
    script.write_text('{"frame":0,"updat":{}}\n')
    why = oriel("record", data, "--script", script, "-o", folder / "x.orec", fails=1)
    assert 'unknown key "updat", did you mean update?' in why, why


def check_live(folder, data):
    with Server(data, "--set", 'modules.encoder=["encode/openh264","encode/raw"]', "--set", "canvas.width=320",
                "--set", "canvas.height=240") as server:
        url = server.ready["http"]
        path = folder / "live.orec"
        recorder = subprocess.Popen([BINARY, "ab", "record", url, "--seconds", "4", "--frames", "4", "-o", str(path)],
                                    stderr=subprocess.PIPE, text=True)
        for i in range(40):
            if recorder.poll() is not None:
                break
            assert run("ctl", url, "set", "dims", "t", "index", i % 3).returncode == 0
            time.sleep(0.2)
        assert recorder.wait(30) == 0, recorder.stderr.read()
        head, rest = read_recording(path)
        assert head["kind"] == "live" and rest[-1] == {"end": {"frames": 4}}
        told = {item["input"]["told"]["type"] for item in rest if "input" in item}
        assert {"notify.scene", "notify.view"} <= told, told
        assert len({item["crc32"] for item in rest if "frame" in item}) > 1
    with Server(data, "--set", 'modules.encoder=["encode/openh264"]') as server:
        why = oriel("record", server.ready["http"], "-o", folder / "x.orec", fails=1)
        assert "encode/raw in modules.encoder" in why, why
    assert "connect" in oriel("record", "http://127.0.0.1:9/", "-o", folder / "x.orec", fails=1)


def write_plan(folder, name, **keys):
    plan = {"title": "Demo <data> & \"four\" encoders", "recordings": ["orbit.orec", "pan.orec"],
            "baseline": "openh264", "rates": [300000, 900000, 2700000], "repeats": 2, "warm_up": 4, "arms": ARMS}
    plan.update(keys)
    path = folder / name
    path.write_text(json.dumps(plan, indent=1))
    return path


def without_times(node):
    """All that has to be the same when the same arms run again."""
    if isinstance(node, dict):
        return {key: without_times(value) for key, value in node.items() if key not in ("run", "timing")}
    return [without_times(item) for item in node] if isinstance(node, list) else node


def check_results(folder, out):
    results = json.loads((out / "results.json").read_text())
    cells = results["results"]
    assert len(cells) == 2 * 4 * 3
    for cell in cells:
        where = f"{cell['recording']}, {cell['arm']} {cell['rate']}"
        assert "error" not in cell, f"{where}: {cell.get('error')}"
        assert cell["repeatable"] is True, f"{where}: other bytes when it ran again"
        assert cell["frames"] == FRAMES == len(cell["packets"])
        there = [packet for packet in cell["packets"] if packet]
        assert sum(packet["bytes"] for packet in there) == cell["bytes"]
        assert all(len(packet["sha256"]) == 64 for packet in there)
        assert there[0].get("key") and cell["keys"] >= 1
        assert 15 < cell["psnr"]["y"] < 80 and 0.3 < cell["ssim"]["y"] <= 1, where
        timing = cell["timing"]
        assert timing["latency_ms"]["count"] == 2 * (FRAMES - 4) - 2 * cell["left_out"]
        assert 0 < timing["latency_ms"]["p5"] <= timing["latency_ms"]["p50"] <= timing["latency_ms"]["max"]
        assert timing["cpu_ms_per_frame"] > 0
        assert (cell["arm"] == "openh264") == (cell["against_baseline"] == {})
    by = {(c["recording"].rsplit("/", 1)[-1], c["arm"], i % 3): c for i, c in enumerate(cells)}
    for recording in "orbit.orec", "pan.orec":
        for arm in ARMS:
            low, high = by[recording, arm, 0], by[recording, arm, 2]
            assert low["bytes"] < high["bytes"] and low["psnr"]["y"] < high["psnr"]["y"], (recording, arm)
        jpeg = by[recording, "jpeg", 1]["against_baseline"]["bytes"]
        assert jpeg["low"] <= jpeg["mean"] <= jpeg["high"]
        significant = jpeg["low"] > 0 or jpeg["high"] < 0
        assert jpeg["significant"] == significant
        assert ("no significant difference" in jpeg["in_words"]) != significant
    assert len(results["bd_rate_percent"]) == 2 * 3
    machine = results["run"]["machine"]
    assert machine["decoder"].startswith("libavcodec ") and machine["cores"] >= 1
    with open(out / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, cell in zip(rows, cells, strict=True):
        assert int(row["bytes"]) == cell["bytes"] and row["arm"] == cell["arm"]
        assert math.isclose(float(row["psnr_y"]), cell["psnr"]["y"], abs_tol=1e-4)
    with open(out / "frames.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in open(out / "frames.ndjson")]
    assert len(rows) == len(lines) == 24 * FRAMES
    for row, line, packet in zip(rows, lines, (p for c in cells for p in c["packets"]), strict=True):
        assert row["sha256"] == line["sha256"] == (packet["sha256"] if packet else "")
        if line["psnr_y"] is not None and line["mse_y"] > 0:
            assert math.isclose(line["psnr_y"], 10 * math.log10(255**2 / line["mse_y"]), rel_tol=1e-6)
    return results


def check_compare(folder):
    plan = write_plan(folder, "plan.json")
    outs = [folder / "one", folder / "two"]
    for out in outs:
        oriel(plan, "-o", out)
    results = [check_results(folder, out) for out in outs]
    assert without_times(results[0]) == without_times(results[1]), "two runs of the same arms differ"
    return outs[0]


def check_lossless(folder):
    """Raw samples are what was recorded, in either order, and 4:4:4 stays so."""
    raw = {"raw": {"module": "encode/raw", "rate_option": None},
           "lossless": {"module": "encode/x264", "options": {"rate_control": "lossless", "threads": 1}}}
    for name in "orbit.orec", "nv12.orec", "i444.orec":
        out = folder / f"lossless-{name}"
        oriel(write_plan(folder, "raw.json", recordings=[name], rates=[1000000], arms=raw, baseline="raw"), "-o", out)
        for cell in json.loads((out / "results.json").read_text())["results"]:
            assert cell["psnr"]["y"] is None and cell["psnr"]["all"] is None, (name, cell["arm"], cell["psnr"])
            assert cell["ssim"]["y"] == 1
        assert "lossless" in (out / "report.html").read_text()


def check_remote(folder):
    """In a process of its own an encoder writes the same bytes."""
    arms = {"here": {"module": "encode/x264", "options": {"threads": 1}},
            "apart": {"module": "encode/remote",
                      "options": {"module": "encode/x264", "options": "threads=1", "deadline_ms": 0}}}
    out = folder / "remote"
    oriel(write_plan(folder, "remote.json", recordings=["orbit.orec"], rates=[1000000], arms=arms, baseline="here"),
          "-o", out)
    here, apart = json.loads((out / "results.json").read_text())["results"]
    assert here["packets"] and apart["packets"] == here["packets"], apart


def check_failures(folder):
    whole = (folder / "orbit.orec").read_bytes()
    (folder / "cut.orec").write_bytes(whole[:len(whole) * 2 // 3])
    one = {"jpeg": ARMS["jpeg"]}
    oriel(write_plan(folder, "cut.json", recordings=["cut.orec"], arms=one, baseline="jpeg"), "-o", folder / "cut")
    page = (folder / "cut" / "report.html").read_text()
    assert "frame 15 is cut off" in page and "The 15 frames before it were used" in page
    why = oriel(write_plan(folder, "bad.json", arms={"a": {"module": "encode/x264", "options": {"presett": "fast"}}},
                           baseline="a"), "-o", folder / "bad", fails=2)
    assert "bad.json:" in why and "presett" in why and "did you mean preset?" in why, why
    why = oriel(write_plan(folder, "bad.json", arms={"a": {"module": "encode/x265"}}, baseline="a"),
                "-o", folder / "bad", fails=2)
    assert "did you mean encode/x264?" in why, why
    assert "did you mean title?" in oriel(write_plan(folder, "bad.json", titel="x"), "-o", folder / "bad", fails=2)
    # An arm that cannot take the recording is told in the report; the others go on.
    arms = dict(one, png={"module": "encode/png", "rate_option": "level", "rates": [1, 2, 3]})
    oriel(write_plan(folder, "png.json", recordings=["orbit.orec"], arms=arms, baseline="jpeg"), "-o", folder / "png")
    assert "cannot take this recording" in (folder / "png" / "report.html").read_text()
    if (BUILD / "modules" / "encode-nvjpeg.so").exists():
        arms = dict(one, gpu={"module": "encode/nvjpeg", "rate_option": "quality", "rates": [40, 65, 85]})
        told = oriel(write_plan(folder, "gpu.json", recordings=["orbit.orec"], arms=arms, baseline="jpeg"),
                     "-o", folder / "gpu")
        why = "arms.gpu: encode/nvjpeg takes no frames in the host's memory (it takes I420 cuda "
        cells = json.loads((folder / "gpu" / "results.json").read_text())["results"]
        assert why in told and sum(why in cell.get("error", "") for cell in cells) == 3, told
    libraries = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    assert "libav" not in libraries, "the server has a decoder in it"


def check_report(out):
    node = shutil.which("node")
    if not node:
        print("node is not installed: report.html was not opened")
        return
    shots = BUILD / "tests" / "ab"
    done = subprocess.run([node, SOURCE / "tests/ab/report.mjs", BUILD, out / "report.html", shots],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Demo &lt;data&gt; &amp; &quot;four&quot; encoders" in (out / "report.html").read_text()


def main():
    if not (BUILD / "libexec/oriel/oriel-ab").exists():
        skip("oriel-ab is not built: no libavcodec")
    missing = [arm["module"] for arm in ARMS.values()
               if not (BUILD / "modules" / f"{arm['module'].replace('/', '-')}.so").exists()]
    if missing:
        skip(f"{', '.join(missing)} not built")
    with tempfile.TemporaryDirectory(prefix="oriel-ab-") as name:
        folder = pathlib.Path(name)
        data = folder / "demo.ome.zarr"
        assert run("demo", data, "--size", "tiny").returncode == 0
        check_recordings(folder, data)
        out = check_compare(folder)
        check_remote(folder)
        check_lossless(folder)
        check_failures(folder)
        check_report(out)
        check_live(folder, data)
    print("recorded, compared twice with the same result, and looked at")


main()
