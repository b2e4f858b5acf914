# SPDX-License-Identifier: BSD-3-Clause
"""Views of clients' own: what each client sees, what it costs, what is left when it goes. Exact pictures: the
lossless stills of the streams against `oriel render`."""

import asyncio
import itertools
import json
import os
import struct
import sys
import tempfile
import time
import urllib.request

import numpy as np
import websockets

import oriel

SIZE = (320, 240)
STILL, COMPLETE = 4, 2


class Client:
    """An Oriel client: the state channel, and the newest complete still of the pixel channel."""

    def __init__(self, server):
        self.server = server
        self.count = itertools.count()
        self.frames = asyncio.Queue()
        self.views = []
        self.pixel = None

    async def join(self):
        self.state = await websockets.connect(self.server.ready["state"], max_size=None)
        await self.state.send(json.dumps({
            "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
            "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                        "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
                        "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}))
        self.session = json.loads(await self.state.recv())["session"]
        self.reader = asyncio.create_task(self.read())
        await self.update("view", "canvas", {"size": SIZE})
        await self.look()
        return self

    async def read(self):
        async for text in self.state:
            frame = json.loads(text)
            if frame["type"] in ("ack.state", "reply.command", "error.command"):
                self.frames.put_nowait(frame)
            elif frame["type"] == "notify.view":
                self.views.append(frame["payload"])

    async def ask(self, kind, payload):
        frame_id = f"f{next(self.count)}"
        frame = {"type": kind, "version": 2, "session": self.session, "frame_id": frame_id, "timestamp": 1.0,
                 "payload": payload}
        if kind == "state.update":
            frame["intent_id"] = frame_id
        await self.state.send(json.dumps(frame))
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 30)
            if frame["payload"]["in_reply_to"] == frame_id:
                return frame["payload"]

    async def update(self, scope, key, value, target="main"):
        ack = await self.ask("state.update", {"scope": scope, "target": target, "key": key, "value": value})
        assert ack["status"] == "accepted", ack

    async def call(self, command, **kwargs):
        return await self.ask("call.command", {"command": command, "args": [], "kwargs": kwargs})

    async def result(self, command, **kwargs):
        reply = await self.call(command, **kwargs)
        assert reply["status"] == "ok", reply
        return reply["result"]

    async def look(self):
        """The pixel connection, anew."""
        if self.pixel:
            await self.pixel.close()
        self.pixel = await websockets.connect(
            f"{self.server.ready['pixel']}?ext=1&codecs=jpeg&still=png&session={self.session}", max_size=None)

    async def picture(self):
        """The still that shows the view as it is now, top row first."""
        revision = (await self.result("oriel.describe"))["view"]["revision"]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = await asyncio.wait_for(self.pixel.recv(), 60)
            more, _, flags = struct.unpack_from("!HHH", message, 22)
            shown, = struct.unpack_from("!Q", message, 48)
            await self.pixel.send(json.dumps({"type": "shown", "seq": struct.unpack_from("!I", message)[0]}))
            if flags & STILL and flags & COMPLETE and shown >= revision:
                with tempfile.NamedTemporaryFile(suffix=".png") as file:
                    file.write(message[24 + more:])
                    file.flush()
                    rows = oriel.read_png(file.name)
                return rows[::-1] if flags & 1 else rows
        raise AssertionError(f"no still of revision {revision}")

    async def check_picture(self, what):
        """It is what `oriel render` makes of the scene that this client sees."""
        got = await self.picture()
        want = oriel.render(await self.result("napari.scene.get"), SIZE)
        assert want.std() > 5, f"{what}: an empty picture"
        error = np.abs(got.astype(int) - want).max()
        assert error <= 1, f"{what}: a sample differs by {error}"
        return got

    async def leave(self):
        await self.state.close()
        await self.pixel.close()
        await self.reader


def metrics(server):
    with urllib.request.urlopen(server.ready["metrics"] + "metrics.json") as answer:
        return json.load(answer)


def drawn(server):
    """Pictures drawn for the shared view, and for all others."""
    counters = metrics(server)["counters"]
    return counters["oriel_render_frames_total"], counters.get('oriel_render_frames_total{view="fork"}', 0)


def held(server):
    """Threads, open files and resident KiB of the server."""
    folder = f"/proc/{server.process.pid}"
    with open(f"{folder}/status") as status:
        rows = dict(line.split(":", 1) for line in status)
    return int(rows["Threads"]), len(os.listdir(f"{folder}/fd")), int(rows["VmRSS"].split()[0])


async def check_pictures(server):
    a, b = await Client(server).join(), await Client(server).join()
    assert await a.result("napari.view.fork") == {"view": "v1"}
    refused = await b.call("napari.view.fork")
    assert refused["code"] == "view.limit" and "view.forks" in refused["message"], refused
    await a.look()
    await a.check_picture("a fork as it begins")
    await b.check_picture("the shared view")
    shared, _ = drawn(server)

    await a.update("dims", "index", 90, "z")
    await a.update("camera", "zoom", {"factor": 1.7, "anchor_px": [100, 60]})
    await a.check_picture("another slice, closer")
    await a.update("view", "ndisplay", 3)
    await a.update("camera", "orbit", {"d_az_deg": 30, "d_el_deg": -20})
    volume = await a.check_picture("a volume")
    assert drawn(server)[0] == shared, "what a fork does draws the shared view"

    before = len(a.views)
    forked = drawn(server)[1]
    await b.update("dims", "index", 40, "z")
    slice40 = await b.check_picture("the shared view, another slice")
    assert len(a.views) == before and drawn(server)[1] == forked, "what is shared moves a fork"
    assert {view["view"] for view in b.views} == {"main"}, b.views

    await b.update("layer", "colormap", "turbo", "layer-0")
    assert not np.array_equal(await b.check_picture("the shared view in colour"), slice40)
    assert not np.array_equal(await a.check_picture("the fork in colour"), volume)

    streams = {s["view"]: s for s in (await b.result("oriel.streams"))["streams"]}
    assert {view: len(s["clients"]) for view, s in streams.items()} == {"main": 1, "v1": 1}, streams
    assert metrics(server)["gauges"]['oriel_pixel_clients{view="fork"}'] == 1

    old = a.pixel
    assert await a.result("napari.view.follow") == {"view": "main"}
    async with asyncio.timeout(10):
        try:
            while True:
                await old.recv()
        except websockets.ConnectionClosed as end:
            assert end.rcvd.code == 1001, end
    await a.look()
    await a.check_picture("the shared view again")
    assert metrics(server)["gauges"]['oriel_pixel_clients{view="fork"}'] == 0
    await a.leave()
    await b.leave()


async def fork_when_free(client):
    deadline = time.monotonic() + 10
    while (reply := await client.call("napari.view.fork"))["status"] != "ok":
        assert reply["code"] == "view.limit" and time.monotonic() < deadline, reply
        await asyncio.sleep(0.02)
    return reply["result"]["view"]


async def check_ends(server):
    """A view ends with its session, and other data come into one that is open."""
    a, b = await Client(server).join(), await Client(server).join()
    await a.result("napari.view.fork")
    await a.look()
    await a.picture()
    await a.leave()
    await fork_when_free(b)
    assert [s["view"] for s in (await b.result("oriel.streams"))["streams"]] != ["main"]
    await b.look()
    await b.result("napari.close")
    await b.result("napari.load_zarr", path=str(oriel.EXAMPLE))
    await b.check_picture("other data in a fork")
    await b.leave()


async def rounds(client, count):
    for _ in range(count):
        await fork_when_free(client)
        await client.look()
        await client.pixel.recv()
        await client.result("napari.view.follow")
    await asyncio.sleep(0.5)


async def check_rounds(server, warm, count):
    """Views come and go and leave nothing, once the allocator has an arena for every thread it will have."""
    client = await Client(server).join()
    await rounds(client, warm)
    before = held(server)
    await rounds(client, count)
    deadline = time.monotonic() + 5
    while (after := held(server))[0] > before[0] and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    await client.leave()
    print(f"views: before {count} forks {before}, after them {after} (threads, files, KiB)")
    assert after[0] <= before[0] and after[1] <= before[1], (before, after)
    return after[2] - before[2]


instrumented = "instrumented" in sys.argv
with oriel.Server(oriel.EXAMPLE, "--set", "view.forks=1") as it:
    asyncio.run(check_pictures(it))
    asyncio.run(check_ends(it))
    grown = asyncio.run(check_rounds(it, 2 if instrumented else 60, 20))
    if instrumented:
        print("left out: the memory of an instrumented server")
    else:
        assert grown < 20 * 1024, f"20 forks left {grown} KiB"
print("views: pictures, limit, ends, rounds")
