# SPDX-License-Identifier: BSD-3-Clause
"""A client as the tests of encoders need it, and what a server's metrics say."""

import asyncio
import itertools
import json
import struct
import time
import urllib.request

import websockets


class Client:
    """A state and a pixel connection; of Oriel's, or as the existing desktop client's."""

    def __init__(self, server, own=True):
        self.server, self.own = server, own
        self.ids = itertools.count()
        self.answers = asyncio.Queue()
        self.encoders, self.faults, self.streams = [], [], 0
        self.pictures, self.keys = 0, 0

    async def join(self):
        self.state = await websockets.connect(self.server.ready["state"], max_size=None)
        features = {"notify.scene": True, "notify.layers": True, "notify.stream": True}
        if self.own:
            features["oriel"] = True
        await self.state.send(json.dumps({
            "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
            "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                        "features": features,
                        "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}))
        self.session = json.loads(await self.state.recv())["session"]
        self.tasks = [asyncio.create_task(self.read())]
        await self.look()
        return self

    async def look(self):
        query = f"?ext=1&codecs=h264&session={self.session}" if self.own else ""
        self.pixel = await websockets.connect(self.server.ready["pixel"] + query, max_size=None)
        self.tasks.append(asyncio.create_task(self.watch(self.pixel)))

    async def read(self):
        async for text in self.state:
            frame = json.loads(text)
            payload = frame["payload"]
            if frame["type"] in ("ack.state", "reply.command", "error.command"):
                self.answers.put_nowait(payload)
            elif frame["type"] == "notify.status":
                assert self.own, frame
                stream = payload["stream"]
                if stream["encoder"] not in self.encoders[-1:]:
                    self.encoders.append(stream["encoder"])
                taken = [rung["encoder"] for rung in stream["ladder"] if rung["taken"]]
                assert taken == [stream["encoder"]], stream
            elif frame["type"] == "notify.error":
                self.faults.append(payload)
            elif frame["type"] == "notify.stream":
                self.streams += 1
            elif frame["type"] == "session.heartbeat":
                await self.state.send(json.dumps({
                    "type": "session.ack", "version": 2, "session": self.session, "frame_id": f"a{next(self.ids)}",
                    "timestamp": 1.0, "payload": {}}))

    async def watch(self, pixel):
        async for message in pixel:
            self.pictures += 1
            self.keys += message[21]
            if self.own:
                await pixel.send(json.dumps({"type": "shown", "seq": struct.unpack_from("!I", message)[0]}))

    async def ask(self, kind, payload):
        frame_id = f"f{next(self.ids)}"
        frame = {"type": kind, "version": 2, "session": self.session, "frame_id": frame_id, "timestamp": 1.0,
                 "payload": payload}
        if kind == "state.update":
            frame["intent_id"] = frame_id
        await self.state.send(json.dumps(frame))
        while True:
            answer = await asyncio.wait_for(self.answers.get(), 30)
            if answer["in_reply_to"] == frame_id:
                return answer

    async def update(self, key, value):
        answer = await self.ask("state.update", {"scope": "view", "target": "main", "key": key, "value": value})
        assert answer["status"] == "accepted", answer

    async def command(self, name):
        answer = await self.ask("call.command", {"command": name, "args": [], "kwargs": {}})
        assert answer["status"] == "ok", answer
        return answer["result"]

    def connected(self):
        return self.state.open and self.pixel.open

    async def leave(self):
        await self.state.close()
        await self.pixel.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def metrics(server):
    with urllib.request.urlopen(server.ready["metrics"] + "metrics") as answer:
        return answer.read().decode()


def value(server, name):
    """Of one series, 0 where it is not there."""
    rows = [row for row in metrics(server).splitlines() if row.startswith(name + " ")]
    return float(rows[0].split()[-1]) if rows else 0


async def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        await asyncio.sleep(0.02)
