# SPDX-License-Identifier: BSD-3-Clause
"""One server and as few clients as make it send every kind of frame that there is; all of them are checked, and
none may be missing."""

import asyncio
import json
import os
import pathlib
import shutil
import sys
import tempfile

import websockets

sys.path.insert(0, os.path.join(os.environ["ORIEL_SOURCE_DIR"], "tests", "e2e"))
import check_frames  # noqa: E402
import oriel  # noqa: E402

BASE = ("notify.scene", "notify.layers", "notify.stream", "notify.dims", "notify.camera")
ASKED = ("notify.telemetry", "notify.error", "notify.scene.level")
PATIENCE = 20


class Client:
    """A state session, and a pixel connection that takes the pictures."""

    def __init__(self, kind):
        self.kind, self.frames, self.count, self.news = kind, [], 0, asyncio.Event()

    async def open(self, ready):
        self.socket = await websockets.connect(ready["state"], max_size=None)
        self.reader = asyncio.create_task(self.read())
        names = BASE + ASKED + (("oriel",) if self.kind == "oriel" else ())
        await self.send("session.hello", {
            "protocols": [2], "client": {"name": "test", "version": "1", "platform": "x"},
            "features": dict.fromkeys(names, True), "resume_tokens": {}})
        self.session = (await self.wait("session.welcome"))["session"]
        query = f"?ext=1&codecs=h264&session={self.session}" if self.kind == "oriel" else ""
        self.pixels = await websockets.connect(ready["pixel"] + query, max_size=None)
        self.taker = asyncio.create_task(self.take_pictures())
        return self

    async def read(self):
        async for text in self.socket:
            self.frames.append(json.loads(text))
            self.news.set()

    async def take_pictures(self):
        async for picture in self.pixels:
            if self.kind == "oriel":
                seq = int.from_bytes(picture[:4], "big")
                await self.pixels.send(json.dumps({"type": "shown", "seq": seq, "decode_ms": 2.5, "wait_ms": 1}))

    async def send(self, kind, payload, **envelope):
        self.count += 1
        frame = {"type": kind, "version": 2, "frame_id": f"f-{self.count}", "timestamp": 1.0, **envelope,
                 "payload": payload}
        await self.socket.send(json.dumps(frame))
        return frame["frame_id"]

    async def wait(self, kind, fits=lambda payload: True):
        async def found():
            while True:
                for frame in self.frames:
                    if frame["type"] == kind and fits(frame["payload"]):
                        return frame
                self.news.clear()
                await self.news.wait()
        try:
            return await asyncio.wait_for(found(), PATIENCE)
        except asyncio.TimeoutError:
            raise AssertionError(f"{kind} did not come to {self.kind}: {[f['type'] for f in self.frames]}") from None

    async def update(self, scope, target, key, value):
        frame_id = await self.send("state.update", {"scope": scope, "target": target, "key": key, "value": value},
                                   session=self.session, intent_id=f"i-{self.count}")
        return (await self.wait("ack.state", lambda p: p["in_reply_to"] == frame_id))["payload"]

    async def call(self, command, **kwargs):
        frame_id = await self.send("call.command", {"command": command, "kwargs": kwargs}, session=self.session)
        kind = "error.command" if command == "no.such" else "reply.command"
        return (await self.wait(kind, lambda p: p["in_reply_to"] == frame_id))["payload"]


async def rude(ready):
    socket = await websockets.connect(ready["state"])
    await socket.send('{"type":"ping"}')
    frame = json.loads(await socket.recv())
    assert frame["type"] == "session.reject", frame
    await socket.wait_closed()


async def drive(server, broken):
    ready = server.ready
    await rude(ready)
    clients = [await Client(kind).open(ready) for kind in ("classic", "oriel")]
    for client in clients:
        for kind in BASE:
            await client.wait(kind)
        scene = await client.wait("notify.scene")
        layer = scene["payload"]["layers"][0]["layer_id"]
        gamma = 0.5 if client.kind == "classic" else 0.75
        for value, status in ((gamma, "accepted"), (0, "rejected")):
            assert (await client.update("layer", layer, "gamma", value))["status"] == status
        await client.update("camera", "main", "pan", {"dx_px": 5, "dy_px": 5})
        await client.wait("notify.camera", lambda p: p["mode"] == "pan")
        await client.call("fs.listdir")
        assert (await client.call("no.such"))["code"] == "command.not_found"
        await client.wait("session.heartbeat")
        await client.wait("notify.telemetry")
    await clients[0].update("multiscale", "main", "level", 1)
    for client in clients:
        await client.wait("notify.scene.level", lambda p: p["current_level"] == 1)
    for kind in ("notify.view", "notify.status"):
        await clients[1].wait(kind)
    # A block of the data cannot be read: everyone who has asked for it hears of it.
    loaded = await clients[1].call("napari.load_zarr", path=str(broken))
    assert loaded["status"] == "ok", loaded
    for client in clients:
        await client.wait("notify.error", lambda p: p["domain"] == "data")
    await asyncio.get_running_loop().run_in_executor(None, server.stop)
    for client in clients:
        await client.wait("session.goodbye")


def break_copy(folder):
    """A small image of which one block is not what it says."""
    path = pathlib.Path(folder, "broken.ome.zarr")
    shutil.copytree(oriel.SOURCE / "tests" / "data" / "tyx.ome.zarr", path)
    blocks = [p for p in path.rglob("*") if p.is_file() and p.name != "zarr.json" and p.name[:2] != ".z"]
    assert blocks
    for block in blocks:
        block.write_bytes(b"not what it was")
    return path


def main():
    with tempfile.TemporaryDirectory() as frames, tempfile.TemporaryDirectory() as data:
        broken = break_copy(data)
        with oriel.Server(oriel.EXAMPLE, "--set", "control.heartbeat_s=0.5", "--set", f"data.root={data}", "--set",
                          f"debug.frame_dir={frames}", "--set", "canvas.width=320", "--set", "canvas.height=240") as server:
            asyncio.run(drive(server, broken))
        sys.argv = ["check_frames.py", frames, "--complete"]
        return check_frames.main()


sys.exit(main())
