# SPDX-License-Identifier: BSD-3-Clause
"""Bad clients on a whole server: each is sent away in words, a good one never notices, and the end is orderly."""

import asyncio
import json
import socket
import time

import websockets

import oriel

HELLO = {"type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0, "payload": {
    "protocols": [2], "client": {"name": "robust", "version": "0", "platform": "test"},
    "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
    "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}


class Client:
    async def open(self, url):
        self.socket = await websockets.connect(url, max_size=None, max_queue=None)
        self.count = 0
        await self.socket.send(json.dumps(HELLO))
        await self.wait("session.welcome")
        return self

    async def wait(self, kind, **payload):
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
            if frame["type"] == kind and payload.items() <= frame["payload"].items():
                return frame["payload"]

    async def update(self):
        """Whether an update is answered, and in how long."""
        self.count += 1
        begin = time.monotonic()
        await self.socket.send(json.dumps({
            "type": "state.update", "version": 2, "session": "s", "frame_id": f"f{self.count}",
            "intent_id": f"i{self.count}", "timestamp": 1.0,
            "payload": {"scope": "view", "target": "main", "key": "ndisplay", "value": 2}}))
        ack = await self.wait("ack.state", intent_id=f"i{self.count}")
        assert ack["status"] == "accepted", ack
        return time.monotonic() - begin

    async def closed(self):
        """The last frame, and how it was closed."""
        last = None
        try:
            while True:
                last = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
        except websockets.ConnectionClosed as closed:
            return last, closed.code

    async def flood(self, message, times):
        try:
            for _ in range(times):
                await self.socket.send(message)
        except websockets.ConnectionClosed:
            pass


async def main():
    with oriel.Server() as server:
        url = server.ready["state"]
        good = await Client().open(url)

        bad = await Client().open(url)
        await bad.flood("{", 101)  # not one too many: who writes to a closed socket may miss the last words
        last, code = await bad.closed()
        assert last["type"] == "session.goodbye" and last["payload"]["code"] == "garbage", last
        assert code == 1008, code

        bad = await Client().open(url)
        await bad.flood(json.dumps({"type": "ping", "x": "x" * 300000}), 1)
        _, code = await bad.closed()
        assert code == 1009, code
        assert "sent a message of more than 262144 bytes" in server.text()

        # As many as it can send for a while: told off, or sent away, and nobody waits for it.
        bad = await Client().open(url)
        call = json.dumps({"type": "call.command", "version": 2, "session": "s", "frame_id": "c",
                           "timestamp": 1.0, "payload": {"command": "napari.scene.get", "args": [], "kwargs": {}}})
        flood = asyncio.create_task(bad.flood(call, 3000))
        waits = [await good.update() for _ in range(50)]
        await flood
        await bad.wait("error.command", code="command.rate_limited")
        print(f"# beside a flood of calls the slowest of 50 updates took {max(waits) * 1e3:.0f} ms")
        await bad.socket.close()

        # Half a request does not hold up the end, and the last words arrive.
        port = int(url.split(":")[2].strip("/"))
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"GET / HT")
        stop = asyncio.get_running_loop().run_in_executor(None, server.stop)
        last, code = await good.closed()
        assert last["type"] == "session.goodbye" and last["payload"]["code"] == "shutdown", last
        assert code == 1001, code
        assert await stop == 0
        half.close()


asyncio.run(main())
print("passed")
