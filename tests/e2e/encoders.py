# SPDX-License-Identifier: BSD-3-Clause
"""The ladder of encoders in a whole server: a module that crashes or hangs while it is tried harms nobody; an encoder
that fails while it runs is replaced at a key picture and comes back, for the shared view and for a fork, with nobody
disconnected; a hundred such swaps leave nothing behind; a session that one view has is not asked twice for another.

  encoders.py FLAKY.so   (flaky.c)"""

import asyncio
import json
import os
import pathlib
import sys

import oriel
from peer import Client, metrics, until, value

FLAKY = pathlib.Path(sys.argv[1])
MODULES = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])
os.environ["ORIEL_FLAKY_MODULE"] = str(MODULES / "encode-openh264.so")
SETS = ["--set", f'modules.path=["{FLAKY.parent}"]']
WARM, SWAPS = 20, 100
SLOW = ["--set", "stream.fps=2"]  # any encoder is quick enough for that


def with_list(*names):
    return [*SETS, "--set", "modules.encoder=" + json.dumps([f"encode/{name}" for name in names])]


def check_try():
    for behaviour, word in (("crash", "crashed (Aborted)"), ("hang", "did not come to an end within 10 s")):
        done = oriel.run("modules", "--try", "--json", *with_list("flaky", "nothing", "openh264", "jpeg"), *SLOW,
                         env={**os.environ, "ORIEL_FLAKY": behaviour})
        assert done.returncode == 0, done.stderr
        ladder = json.loads(done.stdout)["ladder"]
        flaky, nothing, h264, jpeg = ladder["modules.encoder"]
        assert flaky["result"] == "refused" and word in flaky["reason"], flaky
        assert nothing["result"] == "refused" and "encode/nothing" in nothing["reason"], nothing
        assert h264["result"] == jpeg["result"] == "usable" and h264["ms"] > 0 and jpeg["codec"] == "jpeg", ladder
        assert h264["taken"] and sum(entry["taken"] for entry in ladder["modules.encoder"]) == 1, ladder
        assert ladder["modules.still"][0]["taken"], ladder
        print(f"  {flaky['reason']}")
    plain = oriel.run("modules", *with_list("flaky", "openh264"))
    assert "In the order of modules.encoder:" in plain.stdout and "--try" in plain.stdout, plain.stdout


def held(server):
    """Threads, open files and resident KiB of the server."""
    folder = f"/proc/{server.process.pid}"
    rows = dict(line.split(":", 1) for line in pathlib.Path(folder, "status").read_text().splitlines())
    return int(rows["Threads"]), len(os.listdir(f"{folder}/fd")), int(rows["VmRSS"].split()[0])


async def check_swaps(server):
    modern, classic = await Client(server).join(), await Client(server, own=False).join()
    fork = await Client(server).join()
    await modern.update("canvas", {"size": [320, 240]})
    await fork.command("napari.view.fork")
    await fork.pixel.close()
    await fork.look()
    await modern.update("play", {"axis": "z", "fps": 60, "mode": "loop"})
    await fork.update("play", {"axis": "z", "fps": 60, "mode": "loop"})

    def swaps():
        return value(server, "oriel_encoder_resets_total")

    await until(lambda: swaps() >= WARM, "the first swaps")
    before, at, forked = held(server), swaps(), value(server, 'oriel_encoder_resets_total{view="fork"}')
    pictures = [client.pictures for client in (modern, classic, fork)]
    await until(lambda: swaps() >= at + SWAPS, "a hundred swaps", 120)
    after = held(server)
    more = value(server, 'oriel_encoder_resets_total{view="fork"}') - forked
    print(f"  {swaps() - at:.0f} swaps of the shared view and {more:.0f} of a fork: before {before}, after {after} "
          "(threads, files, KiB)")
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 2, (before, after)
    if "instrumented" not in sys.argv:
        assert after[2] - before[2] < 24 * 1024, (before, after)
    assert more >= 20, "the fork's encoder was not replaced"
    for client, old in zip((modern, classic, fork), pictures):
        assert client.connected() and client.pictures > old + 50 and client.keys >= 20, vars(client)
    assert {"encode/flaky", "encode/x264"} <= set(modern.encoders), modern.encoders
    assert any("the device is lost; encode/x264 took over" in fault["message"] for fault in modern.faults)
    text = metrics(server)
    assert text.count('oriel_encoder_info{view="main",branch="main",') == 1, text
    assert 'oriel_encoder_info{view="v1",branch="main",' in text
    log = server.text()
    assert "not encode/flaky: it failed while it ran: the device is lost" in log, log
    for client in (modern, classic, fork):
        await client.leave()


async def check_limit(server):
    one, two = await Client(server).join(), await Client(server).join()
    await two.command("napari.view.fork")
    await two.pixel.close()
    await two.look()
    await until(lambda: 'view="v1",branch="main",encoder="encode/x264",codec="h264",'
                        'reason="encode/flaky: no session is left"' in metrics(server), "the fork's encoder")
    await one.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
    await two.update("play", {"axis": "z", "fps": 30, "mode": "loop"})
    await until(lambda: one.pictures > 5 and two.pictures > 5, "pictures")
    await asyncio.sleep(1)  # the fork asks again, and goes on as it is
    text = metrics(server)
    assert 'view="main",branch="main",encoder="encode/flaky",codec="h264",reason=""' in text, text
    assert 'view="v1",branch="main",encoder="encode/x264"' in text, text
    assert not one.faults and not two.faults, (one.faults, two.faults)
    for client in (one, two):
        await client.leave()


async def check_standin(server):
    """Frames in GPU memory, then, when the engine is lost, in the CPU's, then in the GPU's again."""
    modern, classic = await Client(server).join(), await Client(server, own=False).join()
    await modern.update("canvas", {"size": [320, 240]})
    await modern.update("play", {"axis": "z", "fps": 60, "mode": "loop"})
    await until(lambda: modern.encoders[-3:] == ["encode/nvenc", "encode/x264", "encode/nvenc"], "the way back")
    old = modern.pictures, classic.pictures
    await until(lambda: modern.pictures > old[0] + 5 and classic.pictures > old[1] + 5, "pictures")
    assert modern.connected() and classic.connected()
    chains = [line.split("main: ", 1)[1].split(",")[0] for line in server.text().splitlines() if " pixel: main: " in line]
    print("  " + "\n  ".join(chains))
    assert any("cuda bt601 full -> encode/nvenc" in chain for chain in chains), chains
    assert any("cpu bt601 full -> encode/x264" in chain for chain in chains), chains
    for client in (modern, classic):
        await client.leave()


check_try()
quick = ["--set", "stream.retry_ms=10", "--set", "stream.key_cooldown_ms=0", "--set", "stream.prefer=order"]
os.environ["ORIEL_FLAKY"] = "fail=3"
with oriel.Server(oriel.EXAMPLE, *with_list("flaky", "x264"), *quick) as it:
    asyncio.run(check_swaps(it))
os.environ["ORIEL_FLAKY"] = "limit=1"
with oriel.Server(oriel.EXAMPLE, *with_list("flaky", "x264"), *quick) as it:
    asyncio.run(check_limit(it))
standin = FLAKY.parents[2] / "standin"
if (standin / "libnvidia-encode.so.1").exists() and (MODULES / "capture-cuda.so").exists():
    os.environ.update(LD_LIBRARY_PATH=str(standin), ORIEL_STANDIN_FAIL="nvEncEncodePicture:40:4")
    with oriel.Server(oriel.EXAMPLE, *with_list("nvenc", "x264"), *quick) as it:
        asyncio.run(check_standin(it))
else:
    print("left out: NVIDIA's engine, as its stand-in is not built here")
print("encoders: tried apart, swaps, sessions")
