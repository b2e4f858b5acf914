# SPDX-License-Identifier: BSD-3-Clause
"""The render thread is ended under a running server: clients hear of it, then that it is over, and pictures go on
without anyone connecting again. usage: restart.py FOLDER (of the module scene/ending)"""

import asyncio
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

import websockets

import oriel


class Client:
    def __init__(self, ready):
        self.ready = ready
        self.sent = 0

    async def __aenter__(self):
        self.state = await websockets.connect(self.ready["state"], max_size=None)
        await self.state.send(json.dumps({
            "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
            "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                        "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True,
                                     "notify.error": True, "oriel": True},
                        "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}))
        welcome = json.loads(await self.state.recv())
        assert welcome["type"] == "session.welcome", welcome
        self.session = welcome["session"]
        self.pixel = await websockets.connect(self.ready["pixel"] + "?ext=1&codecs=jpeg", max_size=None)
        return self

    async def __aexit__(self, *_):
        await self.pixel.close()
        await self.state.close()

    async def until(self, condition, what):
        async def wait():
            while True:
                frame = json.loads(await self.state.recv())
                if condition(frame):
                    return frame
        try:
            return await asyncio.wait_for(wait(), 20)
        except asyncio.TimeoutError:
            raise AssertionError(f"{what} did not come") from None

    async def change(self):
        """Something to draw."""
        self.sent += 1
        await self.state.send(json.dumps({
            "type": "state.update", "version": 2, "session": self.session, "frame_id": f"f{self.sent}",
            "intent_id": f"i{self.sent}", "timestamp": 1.0,
            "payload": {"scope": "layer", "target": "layer-0", "key": "opacity", "value": 1 - self.sent / 100}}))

    async def picture(self):
        return await asyncio.wait_for(self.pixel.recv(), 20)

    async def rest(self):
        """Until no picture has come for a while."""
        try:
            while True:
                await asyncio.wait_for(self.pixel.recv(), 0.6)
        except asyncio.TimeoutError:
            pass


def error(code, severity=None):
    def matches(frame):
        payload = frame.get("payload", {})
        return (frame["type"] == "notify.error" and payload["code"] == code and
                (severity is None or payload["severity"] == severity))
    return matches


async def main(ready, order):
    async with Client(ready) as client:
        await client.picture()
        for word in ("exit", "lost", "fatal"):
            await client.rest()
            order.write_text(word)
            await client.change()
            fault = await client.until(error("render.fault"), f"the fault after {word!r}")
            assert "scene/ending" in fault["payload"]["message"], fault
            await client.until(error("render.fault.cleared"), f"the end of the fault after {word!r}")
            assert len(await client.picture()) > 24
            assert not order.exists()
            await client.change()
            await client.picture()
            print(f"  {word}: {fault['payload']['message']}")


with tempfile.TemporaryDirectory(prefix="oriel-e2e-") as folder:
    order = pathlib.Path(folder, "order")
    os.environ["ORIEL_ENDING_SCENE"] = str(order)
    with oriel.Server(oriel.EXAMPLE, "--set", f'modules.path=["{sys.argv[1]}"]',
                      "--set", 'modules.scene=["scene/ending"]') as server:
        asyncio.run(main(server.ready, order))
print("restart: fine")


async def hang(ready, order):
    async with Client(ready) as client:
        await client.picture()
        await client.rest()
        order.write_text("hang")
        await client.change()
        while order.exists():
            await asyncio.sleep(0.05)


# What never ends does not keep the server from ending; who asks twice does not wait.
for twice in (False, True):
    with tempfile.TemporaryDirectory(prefix="oriel-e2e-") as folder:
        order = pathlib.Path(folder, "order")
        os.environ["ORIEL_ENDING_SCENE"] = str(order)
        with oriel.Server(oriel.EXAMPLE, "--set", f'modules.path=["{sys.argv[1]}"]',
                          "--set", 'modules.scene=["scene/ending"]',
                          "--set", f"server.exit_ms={60000 if twice else 1500}") as server:
            asyncio.run(hang(server.ready, order))
            begin = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            if twice:
                time.sleep(0.5)
                server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=20) == 0
            took = time.monotonic() - begin
            assert took < 10, took
            assert "ends without what still runs" in server.text()
            print(f"  a thread that hangs: gone after {took:.1f} s{', asked twice' if twice else ''}")

# Nor does it matter in which moment of its end it is asked again.
for pause in (0, 0.02, 0.1, 0.3):
    with oriel.Server(oriel.EXAMPLE) as server:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(pause)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0, server.text()
print("  asked again while it ends: gone, and fine")
