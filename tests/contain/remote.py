# SPDX-License-Identifier: BSD-3-Clause
"""An encoder in a process of its own that is killed, crashes or hangs while somebody looks: the pictures go on
within half a second, nobody is disconnected, nothing is left behind. Usage: remote.py FIXTURE [instrumented]"""

import asyncio
import json
import os
import pathlib
import signal
import struct
import sys
import time

import oriel
import peer

INSTRUMENTED = "instrumented" in sys.argv
LIMIT_S = 0.5
WARM, DEATHS = (5, 20) if INSTRUMENTED else (20, 100)


class Viewer(peer.Client):
    """Notes when pictures come, and which can be decoded alone."""

    async def look(self):
        self.times, self.alone = [], []
        await super().look()

    async def watch(self, pixel):
        async for message in pixel:
            self.times.append(time.monotonic())
            self.alone.append(bool(message[21]))
            self.size = struct.unpack_from("!II", message, 12)
            self.pictures += 1
            await pixel.send(json.dumps({"type": "shown", "seq": struct.unpack_from("!I", message)[0]}))

    def gap(self, since):
        """The longest time without a picture that ends after `since`, and the time to the first key after that."""
        gap = max((b - a for a, b in zip(self.times, self.times[1:]) if b >= since), default=99)
        return gap, min((t - since for t, alone in zip(self.times, self.alone) if alone and t >= since), default=99)


def children(server):
    """Processes of the server, dead ones too: [(pid, state)]."""
    found = []
    for path in pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/children"):
        try:
            for pid in path.read_text().split():
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                found.append((int(pid), state))
        except OSError:  # a thread or a process that has just gone
            pass
    return found


def holdings(server):
    """What the server has of all that may be left behind, and its memory in MB."""
    proc = pathlib.Path(f"/proc/{server.process.pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    return {"descriptors": len(os.listdir(proc / "fd")), "threads": int(status["Threads"]),
            "shared maps": (proc / "maps").read_text().count("/memfd:oriel pictures"),
            "/dev/shm": len(os.listdir("/dev/shm"))}, int(status["VmRSS"].split()[0]) / 1e3


def args(inner, after, *more):
    return [oriel.EXAMPLE, "--set", f'modules.encoder=["encode/remote", "{after}"]', "--set", "stream.prefer=order",
            "--set", f"encode/remote.module={inner}", "--set", "canvas.width=640", "--set", "canvas.height=360",
            "--set", "modules.still=[]", *more]


async def begin(server):
    viewer = await Viewer(server).join()
    await viewer.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
    await peer.until(lambda: viewer.pictures > 20 and viewer.encoders[-1:] == ["encode/remote"], "pictures")
    return viewer


async def goes_on(server, viewer, since, what):
    """The stream is back with another encoder, nobody has been sent away, and no process is left."""
    pictures = viewer.pictures
    await peer.until(lambda: viewer.pictures > pictures + 30, f"pictures after {what}", 20)
    gap, key = viewer.gap(since)
    print(f"  {what}: {gap * 1e3:.0f} ms without a picture")
    assert INSTRUMENTED or gap < LIMIT_S, gap
    assert INSTRUMENTED or what == "an endless loop" or key < LIMIT_S, key
    assert viewer.connected()
    assert any("encode/remote failed" in fault["message"] and "took over" in fault["message"]
               for fault in viewer.faults), viewer.faults
    assert not any(state == "Z" for _, state in children(server)), children(server)


async def check_signals(server, number):
    viewer = await begin(server)
    found = children(server)
    assert len(found) == 1, found
    since = time.monotonic()
    os.kill(found[0][0], number)
    await goes_on(server, viewer, since, signal.Signals(number).name)
    await viewer.leave()


async def check_loop(server):
    viewer = await Viewer(server).join()
    since = time.monotonic()
    await viewer.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
    await peer.until(lambda: viewer.faults, "the end of the loop")
    await goes_on(server, viewer, since + 0.3, "an endless loop")
    assert "did not answer in time" in viewer.faults[0]["message"], viewer.faults
    await viewer.leave()


async def check_resize(server):
    """Where the encoder can, the same process goes on with another size."""
    viewer = await begin(server)
    before = children(server)
    for size in ([320, 240], [800, 600], [640, 360]):
        await viewer.update("canvas", {"size": size})
        await peer.until(lambda: list(viewer.size) == size, f"pictures of {size}")
        pictures = viewer.pictures
        await peer.until(lambda: viewer.pictures > pictures + 10, "pictures")
    assert children(server) == before, (before, children(server))
    assert not viewer.faults, viewer.faults
    print("  three other sizes in one process")
    await viewer.leave()


async def kill_again(server, viewer, deaths):
    """So many times, whenever it has come back and works."""
    while deaths > 0:
        await peer.until(lambda: [pid for pid, state in children(server) if state != "Z"], "the next process")
        pictures = viewer.pictures
        await peer.until(lambda: viewer.pictures > pictures + 3, "pictures")
        for pid in [pid for pid, state in children(server) if state != "Z"]:
            try:
                os.kill(pid, signal.SIGKILL if deaths % 2 else signal.SIGSEGV)
                deaths -= 1
            except ProcessLookupError:
                pass


async def at_work(server, viewer):
    """What it has with one process that works."""
    await peer.until(lambda: len(children(server)) == 1, "the next process")
    pictures = viewer.pictures
    await peer.until(lambda: viewer.pictures > pictures + 30, "pictures")
    assert len(children(server)) == 1 and viewer.encoders[-1] == "encode/remote", (children(server), viewer.encoders[-1])
    return holdings(server)


async def check_many(server):
    """It comes back after a while, again and again, and leaves nothing."""
    viewer = await begin(server)
    await peer.until(lambda: viewer.pictures > 250, "all slices once")
    await kill_again(server, viewer, WARM)  # by then everything has been used once
    before, warm = await at_work(server, viewer)
    await kill_again(server, viewer, DEATHS // 2)
    _, half = await at_work(server, viewer)
    await kill_again(server, viewer, DEATHS // 2)
    after, then = await at_work(server, viewer)
    print(f"  {DEATHS} deaths after {WARM}: {warm:.1f}, {half:.1f}, {then:.1f} MB; {before} then {after}")
    others = "/dev/shm"  # where other programs come and go
    assert {**after, others: 0} == {**before, others: 0} and after[others] <= before[others] + 1, (before, after)
    assert after["shared maps"] == 1
    # The heap may reach its largest size somewhat later than everything else.
    assert INSTRUMENTED or (half < warm + 6 and then < half + 1), (warm, half, then)
    assert viewer.connected()
    await viewer.leave()


def check_orphan(inner):
    """Who kills the server ends the encoders too."""
    server = oriel.Server(*args(inner, inner))

    async def look():
        await begin(server)
        return children(server)
    found = asyncio.run(look())
    server.process.kill()
    server.process.wait()
    deadline = time.monotonic() + 5
    while any(pathlib.Path(f"/proc/{pid}").exists() and
              pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z" for pid, _ in found):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    server.folder.cleanup()
    print(f"  killed with {len(found)} process of its own, which is gone")


def main():
    modules = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])
    ours = [name for name in ("x264", "openh264") if (modules / f"encode-{name}.so").exists()]
    if not pathlib.Path("/proc/self/task", str(os.getpid()), "children").exists():
        print("skipped: this kernel does not say which processes belong to whom")
        sys.exit(77)
    if not ours or not (modules / "encode-remote.so").exists():
        print("skipped: no encoder of H.264")
        sys.exit(77)
    inner, after = f"encode/{ours[0]}", f"encode/{ours[-1]}"
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP):
        with oriel.Server(*args(inner, after)) as server:
            asyncio.run(check_signals(server, number))
    os.environ["ORIEL_FAULTY_MODULE"] = str(modules / f"encode-{ours[0]}.so")
    os.environ["ORIEL_FAULTY"] = "loop=40"
    with oriel.Server(*args(os.path.abspath(sys.argv[1]), after)) as server:
        asyncio.run(check_loop(server))
    os.environ["ORIEL_FAULTY"] = "resize"
    with oriel.Server(*args(os.path.abspath(sys.argv[1]), after)) as server:
        asyncio.run(check_resize(server))
    del os.environ["ORIEL_FAULTY"]
    os.environ["MALLOC_ARENA_MAX"] = "1"  # with several it takes hundreds of deaths until each has had its largest share
    with oriel.Server(*args(inner, after, "--set", "stream.retry_ms=20")) as server:
        asyncio.run(check_many(server))
    del os.environ["MALLOC_ARENA_MAX"]
    check_orphan(inner)


main()
