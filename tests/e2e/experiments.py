# SPDX-License-Identifier: BSD-3-Clause
"""Experiments with real encoders in a running server: every mode, clients that decode what they get, an arm that
fails, and the rows about all of it.

  experiments.py FLAKY [instrumented]"""

import asyncio
import csv
import json
import os
import pathlib
import struct
import sys
import tempfile
import time

import av
import websockets

import oriel
from peer import Client, metrics, until, value

MODULES = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])
FLAKY = pathlib.Path(sys.argv[1])
INSTRUMENTED = "instrumented" in sys.argv
CODECS = {1: "h264", 4: "vp8", 5: "vp9", 6: "mjpeg"}
MOST_MISSING = 2
OPEN = {"label": "openh264", "module": "encode/openh264", "options": {"bitrate": 4000000}}
X264 = {"label": "x264", "module": "encode/x264", "options": {"bitrate": 4000000, "preset": "ultrafast"}}


class Looker(Client):
    """Decodes what it gets, and tells how long that took."""

    def __init__(self, server, name):
        super().__init__(server)
        self.name = name

    async def look(self):
        self.seen = []  # (time, frame number of the view, codec, key)
        self.decoder = self.codec = None
        query = f"?ext=1&codecs=h264,vp9,vp8,jpeg&session={self.session}&client={self.name}"
        self.pixel = await websockets.connect(self.server.ready["pixel"] + query, max_size=None)
        self.tasks.append(asyncio.create_task(self.watch(self.pixel)))

    async def watch(self, pixel):
        expected = None
        async for message in pixel:
            began = time.monotonic()
            seq, = struct.unpack_from("!I", message)
            assert expected in (None, seq), f"message {seq} after {expected - 1}"
            expected = seq + 1
            codec, key = message[20], message[21] & 1
            fresh = struct.unpack_from("!H", message, 26)[0] & 8
            number, = struct.unpack_from("!Q", message, 40)
            data = message[24 + struct.unpack_from("!H", message, 22)[0]:]
            if codec != self.codec or fresh:
                assert key, "another encoder begins without a key picture"
                self.codec = codec
                self.decoder = av.CodecContext.create(CODECS[codec], "r")
            self.decoder.decode(av.Packet(data))
            self.seen.append((began, number, CODECS[codec], key, fresh))
            self.pictures += 1
            ms = (time.monotonic() - began) * 1e3
            await pixel.send(json.dumps({"type": "shown", "seq": seq, "decode_ms": ms, "wait_ms": 0.5}))

    async def call(self, command, **kwargs):
        return await self.ask("call.command", {"command": command, "args": [], "kwargs": kwargs})

    async def experiments(self, what="list", **kwargs):
        answer = await self.call(f"experiments.{what}", **kwargs)
        assert answer["status"] == "ok", answer
        return {row["name"]: row for row in answer["result"]["experiments"]}

    def missing(self):
        return max(b[1] - a[1] - 1 for a, b in zip(self.seen, self.seen[1:]))

    def ok(self):
        for task in self.tasks:  # a decoder's error ends the task
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()
        return self.connected()


async def moving(server, name):
    looker = await Looker(server, name).join()
    await looker.update("canvas", {"size": [480, 360]})
    await looker.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
    await until(lambda: looker.pictures > 30, "pictures")
    return looker


def rows_of(path):
    if path.suffix == ".csv":
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


def complete(rows, arm):
    """Each frame from the arm's first to its last stands there once, encoded or with the reason why not."""
    own = [row for row in rows if row["arm"] == arm and not int(row["repeat"])]
    numbers = [int(row["seq"]) for row in own]
    assert len(set(numbers)) == len(numbers), f"{arm}: a frame is there twice"
    assert set(numbers) == set(range(min(numbers), max(numbers) + 1)), f"{arm}: frames are missing"
    for row in own:
        if row["drop"]:
            assert row["drop"] in ("newer", "client", "idle", "encoder", "capture", "stopped"), row
        else:
            times = [int(row[key]) for key in ("drawn", "captured", "submit", "done")]
            assert times == sorted(times) and int(row["bytes"]) > 0, row
    return own


def encoded(rows):
    return [row for row in rows if not row["drop"]]


def configuration(folder, **experiment):
    experiment = {"name": "e2e", "arms": [OPEN, X264], "rows": str(folder / "rows.ndjson"), **experiment}
    file = folder / "oriel.json"
    file.write_text(json.dumps({"modules.path": [str(FLAKY.parent)], "stream.prefer": "order",
                                "modules.encoder": ["encode/openh264", "encode/x264", "encode/jpeg"],
                                "experiments": [experiment]}))
    return file


async def check_shadow(server, folder):
    looker = await moving(server, "a")
    state = (await looker.experiments())["e2e"]
    assert state["state"] == "running" and [arm["state"] for arm in state["arms"]] == ["works"] * 2, state
    await asyncio.sleep(2)
    state = (await looker.experiments("stop", name="e2e"))["e2e"]
    assert state["state"] == "ended" and state["rows"]["lost"] == 0, state
    before = looker.pictures
    await until(lambda: looker.pictures > before + 10, "pictures of the first arm")
    rows = rows_of(folder / "rows.ndjson")
    assert len(rows) == state["rows"]["written"]
    seen, shadow = complete(rows, "openh264"), complete(rows, "x264")
    assert all(row["clients"] == 0 for row in shadow)
    reported = [row for row in encoded(seen) if row["reports"] and row["decode_ms"] is not None]
    assert len(reported) > 0.8 * len(encoded(seen)), (len(reported), len(encoded(seen)))
    both = {row["seq"] for row in encoded(seen)} & {row["seq"] for row in encoded(shadow)}
    assert both, "no frame was encoded by both"
    assert value(server, 'oriel_experiment_frames_total{experiment="e2e",arm="x264"}') > 10
    assert value(server, 'oriel_experiment_client_seconds_count{experiment="e2e",arm="openh264",time="decode"}') > 10
    print(f"  shadow: {len(encoded(seen))} frames seen, {len(encoded(shadow))} in the shadow, {len(both)} by both, "
          f"{len(reported)} with times of the client")
    answer = await looker.call("experiments.start", name="e2")
    assert answer["status"] == "error" and "did you mean e2e?" in answer["message"], answer
    done = oriel.run("ctl", server.ready["http"], "call", "experiments.start", "name=e2e")
    assert done.returncode == 0 and json.loads(done.stdout)["experiments"][0]["state"] == "running", done
    assert looker.ok()
    await looker.leave()


async def check_split(server, folder):
    lookers = [await moving(server, f"client-{i}") for i in range(6)]
    arms = {arm["label"]: arm["clients"] for arm in (await lookers[0].experiments())["e2e"]["arms"]}
    assert sum(arms.values()) == 6 and min(arms.values()) > 0, arms
    await asyncio.sleep(1)
    codecs = [looker.seen[-1][2] for looker in lookers]
    assert {"h264", "mjpeg"} == set(codecs), codecs
    again = await Looker(server, "client-0").join()
    await until(lambda: again.pictures > 5, "pictures")
    assert again.seen[-1][2] == codecs[0], "the same client sees another arm"
    await again.leave()
    await lookers[0].experiments("stop", name="e2e")
    await until(lambda: all(looker.seen[-1][2] == "h264" for looker in lookers), "the first arm for all")
    rows = rows_of(folder / "rows.csv")
    for label in arms:
        complete(rows, label)
    print(f"  split: {arms}, {len(rows)} rows")
    for looker in lookers:
        assert looker.ok() and not looker.faults, looker.faults
        await looker.leave()


async def check_interleave(server, folder):
    looker = await moving(server, "a")
    classic = await Client(server, own=False).join()
    await asyncio.sleep(6)
    state = (await looker.experiments("stop", name="e2e"))["e2e"]
    rows = rows_of(folder / "rows.ndjson")
    own = {label: complete(rows, label) for label in ("openh264", "x264")}
    turns = sum(1 for a, b in zip(looker.seen, looker.seen[1:]) if b[4])
    print(f"  interleave: {turns} turns, {looker.missing()} frames missing in a row, "
          f"{[len(encoded(own[label])) for label in own]} encoded")
    assert turns >= 4, turns
    assert INSTRUMENTED or looker.missing() <= MOST_MISSING, looker.missing()
    assert all(len(encoded(one)) > 20 for one in own.values()), state
    together = {row["seq"] for row in encoded(own["openh264"])} & {row["seq"] for row in encoded(own["x264"])}
    assert len(together) <= turns, "both encode"
    assert classic.pictures > 30 and classic.streams >= 3, classic.streams
    assert looker.ok() and not looker.faults, looker.faults
    await classic.leave()
    await looker.leave()


async def check_guard(server, folder):
    lookers = [await moving(server, f"client-{i}") for i in range(6)]
    await until(lambda: any("is stopped" in fault["message"] for fault in lookers[0].faults), "the notice")
    state = (await lookers[0].experiments())["e2e"]
    good, bad = state["arms"]
    assert bad["state"] == "stopped" and "failed" in bad["reason"] and bad["errors"] >= 2, state
    assert good["state"] == "works" and good["clients"] == 6 and bad["clients"] == 0, state
    assert value(server, 'oriel_experiment_arm_stopped{experiment="e2e",arm="flaky"}') == 1
    counts = [looker.pictures for looker in lookers]
    await until(lambda: all(looker.pictures > count + 20 for looker, count in zip(lookers, counts)),
                "pictures for everybody")
    for looker in lookers:
        assert looker.ok()
        await looker.leave()
    print(f"  guard: {bad['reason']}")
    assert "experiment e2e: arm flaky (encode/flaky) is stopped" in server.text()


def check_refusals(folder):
    def refused(word, **experiment):
        done = oriel.run("serve", oriel.EXAMPLE, "--port", "0", "--config", configuration(folder, **experiment))
        assert done.returncode in (1, 2) and word in done.stderr, (word, done.returncode, done.stderr)
        print(f"  {[line for line in done.stderr.splitlines() if word in line][0][:150]}")

    refused("`oriel ab`", mode="replay")
    refused("did you mean slice_s?", mode="interleave", slice_z=1)
    refused("oriel.json:1: experiments[0].arms[1].module", mode="split", arms=[OPEN, {"label": "b"}])
    refused("did you mean preset?", mode="split",
            arms=[OPEN, {"label": "b", "module": "encode/x264", "options": {"preset_": "slow"}}])
    refused("did you mean encode/x264?", mode="split", arms=[OPEN, {"label": "b", "module": "encode/x265"}])


os.environ["ORIEL_FLAKY_MODULE"] = str(MODULES / "encode-x264.so")
os.environ["ORIEL_FLAKY"] = "fail=40"
with tempfile.TemporaryDirectory(prefix="oriel-experiments-") as name:
    top = pathlib.Path(name)
    os.environ["ORIEL_MODULES_CACHE"] = str(top / "modules.json")  # what is probed depends on these
    check_refusals(top)
    cases = {
        check_shadow: {"mode": "shadow"},
        check_split: {"mode": "split", "rows": None,
                      "arms": [OPEN, {"label": "jpeg", "module": "encode/jpeg", "options": {"quality": 60}}]},
        check_interleave: {"mode": "interleave", "slice_s": 0.7},
        check_guard: {"mode": "split", "guard": {"errors": 2}, "arms": [OPEN, {"label": "flaky", "module": "encode/flaky"}]},
    }
    for check, experiment in cases.items():
        own = top / check.__name__
        own.mkdir()
        if "rows" in experiment:
            experiment["rows"] = str(own / "rows.csv")
        with oriel.Server(oriel.EXAMPLE, "--config", configuration(own, **experiment)) as it:
            asyncio.run(check(it, own))
print("experiments: fine")
