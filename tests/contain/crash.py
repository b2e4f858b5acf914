# SPDX-License-Identifier: BSD-3-Clause
"""A module that brings the server down is named, and left out at the next start; one that hangs as well. Usage:
crash.py FIXTURE [instrumented]"""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import websockets

import oriel
import peer

INSTRUMENTED = "instrumented" in sys.argv
DIED = None if INSTRUMENTED else -signal.SIGSEGV


class Case:
    """A folder of modules of its own, with the fixture in it, and a cache of its own."""

    def __init__(self, folder, real):
        self.folder = pathlib.Path(folder)
        self.modules = self.folder / "modules"
        self.modules.mkdir()
        self.fixture = self.modules / "encode-faulty.so"
        shutil.copy(sys.argv[1], self.fixture)
        self.cache = self.folder / "cache" / "modules.json"
        os.environ["ORIEL_FAULTY_MODULE"] = str(real)

    def args(self, *encoders):
        return ["--set", f'modules.path=["{self.modules}"]', "--set", f"modules.cache={self.cache}",
                "--set", f"modules.encoder={json.dumps(encoders)}", "--set", "stream.prefer=order",
                "--set", "canvas.width=320", "--set", "canvas.height=240", "--set", "modules.still=[]"]

    def quarantine(self):
        path = self.cache.with_name("modules.quarantine")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def listed(self):
        done = oriel.run("modules", "--json", *self.args("encode/faulty"))
        assert done.returncode == 0, done.stderr
        return next(row for row in json.loads(done.stdout)["modules"] if row["file"] == str(self.fixture))


async def play(server, until):
    """A client that lets the slices run until the condition holds."""
    client = await peer.Client(server).join()
    try:
        await client.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
        await peer.until(lambda: until(client), "what was to come")
    finally:
        await client.leave()
    return client


def bring_down(case, how, *more):
    """Runs the server with a client until it has died; its status and what it said."""
    os.environ["ORIEL_FAULTY"] = how
    server = oriel.Server(oriel.EXAMPLE, *case.args("encode/faulty", "encode/openh264"), *more)
    try:
        try:
            asyncio.run(play(server, lambda _: server.process.poll() is not None))
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            pass  # its connections may end in the middle of something
        return server.process.wait(timeout=30), server.text()
    finally:
        os.environ.pop("ORIEL_FAULTY")
        server.folder.cleanup()


def check_crash(case):
    status, text = bring_down(case, "segv=3")
    assert status == DIED or INSTRUMENTED, (status, text)
    said = f"oriel: module encode/faulty crashed in encode (file {case.fixture}): SIGSEGV"
    assert said in text, text
    assert f"{case.fixture} +0x" in text, text
    assert "oriel: the next start leaves encode/faulty out, until another file is in its place" in text, text
    print(" ", said)
    assert [(e["id"], e["op"], e["how"]) for e in case.quarantine()] == [("encode/faulty", "encode", "SIGSEGV")]

    row = case.listed()
    assert row["result"] == "refused", row
    for words in ("quarantined", "crashed in encode (SIGSEGV)", "--no-quarantine", str(case.fixture)):
        assert words in row["reason"], row
    print(" ", row["reason"])

    # The next of the list.
    with oriel.Server(oriel.EXAMPLE, *case.args("encode/faulty", "encode/openh264")) as server:
        asyncio.run(play(server, lambda client: client.pictures > 3))
        line = next(line for line in server.text().splitlines() if "warn  module: encode/faulty is not used" in line)
        assert "quarantined: it crashed in encode (SIGSEGV)" in line and str(case.fixture) in line, line
        assert "-> encode/openh264" in server.text(), server.text()
        print(" ", line)

    # Nothing but it.
    done = oriel.run("serve", oriel.EXAMPLE, *case.args("encode/faulty"), "--port", "0")
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "quarantined" in done.stderr and "--no-quarantine" in done.stderr, done.stderr
    print(" ", [line for line in done.stderr.splitlines() if line.startswith("oriel:")][-1])

    # Lifted for good.
    with oriel.Server(oriel.EXAMPLE, *case.args("encode/faulty"), "--no-quarantine") as server:
        asyncio.run(play(server, lambda client: client.pictures > 3))
    assert case.listed()["result"] == "usable" and not case.quarantine()


def check_new_file(case):
    bring_down(case, "abort=0")
    assert case.listed()["result"] == "refused"
    os.utime(case.fixture)
    assert case.listed()["result"] == "usable"
    bring_down(case, "abort=0")
    row = case.listed()
    assert "crashed in encode (SIGABRT)" in row["reason"], row
    done = oriel.run("modules", "--no-quarantine", *case.args("encode/faulty"))
    assert done.returncode == 0 and case.listed()["result"] == "usable", done.stderr


def check_own_thread(case):
    _, text = bring_down(case, "thread=3")
    assert "module encode/faulty crashed in a thread of its own" in text, text
    assert "a thread of its own" in case.listed()["reason"]
    oriel.run("modules", "--no-quarantine", *case.args("encode/faulty"))


def check_start(case):
    """It brings down the start itself."""
    os.environ["ORIEL_FAULTY"] = "crash-init"
    done = oriel.run("serve", oriel.EXAMPLE, *case.args("encode/faulty", "encode/openh264"), "--port", "0")
    os.environ.pop("ORIEL_FAULTY")
    assert done.returncode != 0 and "module encode/faulty crashed in init" in done.stderr, done.stderr
    with oriel.Server(oriel.EXAMPLE, *case.args("encode/faulty", "encode/openh264")) as server:
        assert "encode/openh264" in server.text(), server.text()
    oriel.run("modules", "--no-quarantine", *case.args("encode/faulty"))


def check_hang(case):
    begin = time.monotonic()
    status, text = bring_down(case, "loop=3", "--set", "modules.deadline_ms=500", "--set", "modules.hang_ms=2000")
    assert time.monotonic() - begin < 60
    assert status == -signal.SIGABRT or INSTRUMENTED, (status, text)
    assert "encode/faulty: encode has been running for 0." in text, text
    assert f"module encode/faulty hangs in encode (file {case.fixture}): for 2." in text, text
    assert f"{case.fixture} +0x" in text, text  # the stack of that thread
    assert "the next start leaves encode/faulty out" in text, text
    assert "did not come back from a call in encode (hung)" in case.listed()["reason"], case.listed()
    print(" ", case.listed()["reason"])
    oriel.run("modules", "--no-quarantine", *case.args("encode/faulty"))


def check_invalid(case):
    """Three wrong calls, good ones between them: another encoder takes over, and nobody is quarantined."""
    os.environ["ORIEL_FAULTY"] = "invalid=3"
    with oriel.Server(oriel.EXAMPLE, *case.args("encode/faulty", "encode/openh264")) as server:
        client = asyncio.run(play(server, lambda client: "encode/openh264" in client.encoders))
        assert any("encode/openh264 took over" in fault["message"] for fault in client.faults), client.faults
        assert server.text().count("a picture that nobody promised") >= 3, server.text()
    os.environ.pop("ORIEL_FAULTY")
    assert not case.quarantine()


def main():
    modules = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])
    real = modules / "encode-openh264.so"
    if not real.exists():
        print("skipped: no encode/openh264")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="oriel-contain-") as folder:
        case = Case(folder, real)
        for check in (check_crash, check_new_file, check_own_thread, check_start, check_hang, check_invalid):
            print(check.__name__)
            check(case)


main()
