# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong outside gives one clear line that names the culprit, and whatever else runs goes on."""

import asyncio
import json
import pathlib
import shutil
import socket
import tempfile
import urllib.error
import urllib.request

import numpy as np
import websockets

import oriel


def one_line(done, status, *words):
    """The command ended with `status` and said one line with all of `words`."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("oriel:")]
    assert done.returncode == status, (done.returncode, done.stderr)
    assert len(lines) == 1, done.stderr
    for word in words:
        assert str(word) in lines[0], f"{word!r} is not in {lines[0]!r}"
    print(" ", lines[0])


def check_commands(folder):
    one_line(oriel.run("serve", folder / "missing.zarr", "--port", "0"), 1, "missing.zarr")
    one_line(oriel.run("render", folder / "missing.npy", "-o", folder / "x.png"), 1, "missing.npy")

    (folder / "plain").mkdir()
    (folder / "plain" / "notes.txt").write_text("no image")
    one_line(oriel.run("serve", folder / "plain", "--port", "0"), 1, folder / "plain", "zarr.json", ".npy")
    (folder / "short.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<u2'")
    one_line(oriel.run("info", folder / "short.npy"), 1, "short.npy")

    config = folder / "oriel.json"
    config.write_text('{\n  // a comment\n  "stream": {"fsp": 30}\n}\n')
    one_line(oriel.run("serve", "--config", config), 2, "oriel.json:3", "fsp", "stream.fps")
    one_line(oriel.run("serve", "--set", "server.prot=1"), 2, "server.prot", "server.port")
    one_line(oriel.run("serve", "--set", "modules.encoder=[\"encode/nothing\"]", "--port", "0"), 1, "encode/nothing")
    one_line(oriel.run("serve", "--preset", "fast"), 2, "fast")
    one_line(oriel.run("sevre"), 2, "sevre", "serve")
    assert not (folder / "x.png").exists()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one_line(oriel.run("serve", "--port", port, "--pixel-port", 0, "--metrics-port", 0), 1, port)


def check_open_door():
    """A server that only this machine reaches warns of nobody."""
    for host in ("127.0.0.1", "127.1.2.3", "::1"):
        with oriel.Server("--host", host) as server:
            assert "sees and changes everything" not in server.text(), server.text()
    # An address that this machine does not have: said before the socket fails.
    done = oriel.run("serve", "--port", "0", "--host", "192.0.2.1")
    assert done.returncode == 1 and "192.0.2.1" in done.stderr, done.stderr


def check_module(folder):
    """A file that is no module is said to be none, and the others work."""
    modules = folder / "modules"
    modules.mkdir()
    (modules / "encode-broken.so").write_text("this is text")
    done = oriel.run("modules", "--json", "--set", f'modules.path=["{modules}"]')
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    rows = rows["modules"] if isinstance(rows, dict) else rows
    broken = [row for row in rows if "encode-broken.so" in json.dumps(row)]
    assert len(broken) == 1 and "encode-broken.so" in json.dumps(broken[0]), broken
    usable = {row["id"] for row in rows if row not in broken}
    assert len(usable) >= 10, usable
    print(f"  {len(usable)} modules beside one that is none")

    # A module that cannot be used is passed over when a later one of the list works, and said so.
    with oriel.Server(oriel.EXAMPLE, "--set", f'modules.path=["{modules}"]',
                      "--set", 'modules.encoder=["encode/nothing", "encode/openh264"]') as server:
        log = server.text()
        assert "encode/nothing" in log and "encode/openh264" in log, log


async def session(ready):
    """A state connection that asks for Oriel's frames, greeted."""
    state = await websockets.connect(ready["state"], max_size=None)
    await state.send(json.dumps({
        "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
        "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                    "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
                    "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}))
    welcome = json.loads(await state.recv())
    assert welcome["type"] == "session.welcome", welcome
    return state, welcome["session"]


async def until(state, condition, what):
    async def wait():
        while True:
            frame = json.loads(await state.recv())
            if condition(frame):
                return frame
    try:
        return await asyncio.wait_for(wait(), 20)
    except asyncio.TimeoutError:
        raise AssertionError(f"{what} did not come") from None


async def check_corrupt_chunk(folder):
    """The page hears of a broken chunk by name; the rest of the picture stays."""
    store = folder / "corrupt.ome.zarr"
    shutil.copytree(oriel.EXAMPLE, store)
    chunks = [p for p in store.rglob("*") if p.is_file() and not p.name.startswith(".") and p.suffix != ".json"]
    deepest = max(p.relative_to(store).parts for p in chunks)[0]
    for path in chunks:
        if path.relative_to(store).parts[0] != deepest:
            path.write_bytes(b"\x02\x01garbage" * 3)
    with oriel.Server(store) as server:
        state, _ = await session(server.ready)
        query = "?ext=1&codecs=h264,jpeg"
        pixel = await websockets.connect(server.ready["pixel"] + query, max_size=None)
        error = await until(state, lambda f: f["type"] == "notify.error" and f["payload"]["domain"] == "data",
                            "notify.error about the chunk")
        assert str(store) in error["payload"]["message"], error
        print(" ", error["payload"]["message"])
        await asyncio.wait_for(pixel.recv(), 20)
        await pixel.close()
        await state.close()


async def check_saved_scene(folder):
    """What napari.scene.get gives opens from anywhere, also when the data were named by a relative path."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    with oriel.Server(oriel.EXAMPLE.name, cwd=oriel.EXAMPLE.parent) as server:
        state, session_id = await session(server.ready)
        await state.send(json.dumps({
            "type": "call.command", "version": 2, "session": session_id, "frame_id": "c1", "timestamp": 1.0,
            "payload": {"command": "napari.scene.get", "args": [], "kwargs": {}}}))
        reply = await until(state, lambda f: f["type"] == "reply.command", "the scene")
        await state.close()
    scene = reply["payload"]["result"]
    assert scene["layers"][0]["source"]["uri"] == str(oriel.EXAMPLE.resolve()), scene
    (elsewhere / "saved.json").write_text(json.dumps(scene))
    done = oriel.run("render", "--scene", elsewhere / "saved.json", "-o", elsewhere / "out.png", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert oriel.read_png(elsewhere / "out.png").max() > 0


async def check_garbage():
    with oriel.Server(oriel.EXAMPLE) as server:
        good, session_id = await session(server.ready)
        for junk in ("{", "[1,2,3]", "null", '"text"', b"\x00\xff\x00", '{"type": 5}', "[" * 50000,
                     '{"type":"state.update","version":2,"frame_id":"x","session":"y","timestamp":1,"payload":7}',
                     '{"type":"session.hello","version":2,"frame_id":"x","timestamp":1,"payload":{}}'):
            rude = await websockets.connect(server.ready["state"])
            await rude.send(junk)
            try:
                await rude.send(junk)
                while True:
                    reject = json.loads(await asyncio.wait_for(rude.recv(), 10))
                    assert reject["type"] == "session.reject", reject
            except websockets.ConnectionClosed:
                pass
        pixel = await websockets.connect(server.ready["pixel"] + "?ext=1&codecs=nonsense")
        try:
            await asyncio.wait_for(pixel.recv(), 10)
            raise AssertionError("a picture for a client that decodes nothing")
        except websockets.ConnectionClosed as closed:
            assert closed.code == 4400 and "nonsense" in closed.reason, closed
        for path in ("no-such-page", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "js/../../README.md"):
            try:
                urllib.request.urlopen(server.ready["http"] + path)
                raise AssertionError(f"{path} was served")
            except urllib.error.HTTPError as error:
                assert error.code in (400, 404), error
        await good.send(json.dumps({
            "type": "state.update", "version": 2, "session": session_id, "frame_id": "f1", "intent_id": "i1",
            "timestamp": 1.0, "payload": {"scope": "layer", "target": "no-such-layer", "key": "opacity", "value": 1}}))
        ack = await until(good, lambda f: f["type"] == "ack.state", "the acknowledgement")
        assert ack["payload"]["status"] == "rejected" and "no-such-layer" in ack["payload"]["error"]["message"], ack
        for path, word in (("healthz", "alive"), ("readyz", "ready"), ("metrics", "# TYPE")):
            assert word in urllib.request.urlopen(server.ready["http"] + path).read().decode()
        await good.close()


def check_export(folder):
    """A chunk that cannot be read is an error that names it; absent ones are the fill value."""
    out = folder / "out.npy"
    done = oriel.run("export", oriel.EXAMPLE, "--region", "0:4,:,10:20", "-o", out)
    assert done.returncode == 0, done.stderr
    assert np.load(out).shape[2] == 10
    store = folder / "corrupt.ome.zarr"
    done = oriel.run("export", store, "-o", folder / "bad.npy")
    one_line(done, 1, store)
    assert not (folder / "bad.npy").exists()


with tempfile.TemporaryDirectory(prefix="oriel-e2e-") as name:
    scratch = pathlib.Path(name)
    check_commands(scratch)
    check_open_door()
    check_module(scratch)
    asyncio.run(check_corrupt_chunk(scratch))
    check_export(scratch)
    asyncio.run(check_saved_scene(scratch))
    asyncio.run(check_garbage())
print("faults: fine")
