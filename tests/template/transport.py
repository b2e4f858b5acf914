# SPDX-License-Identifier: BSD-3-Clause
"""The template of a transport: a viewer who connects gets H.264 at once, and a picture for each move, one viewer after
the other, and a key picture when it writes that it wants one; who writes anything else, or leaves at once, does not
disturb it."""

import asyncio
import io
import json
import socket
import time

import av
import websockets

from author import ID, Author, oriel

NAME = "my_line"
SEQUENCE = b"\0\0\1\x67"  # with each key picture
WORDS = {"none": b"", "key": b'{"type":"key","reason":"a test"}\n', "page": b"GET / HTTP/1.1\r\n\r\n{\n" * 999}

HELLO = {
    "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
    "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
                "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}


def update(session, number, z):
    return json.dumps({"type": "state.update", "version": 2, "session": session, "frame_id": f"f{number}",
                       "intent_id": f"f{number}", "timestamp": 1.0,
                       "payload": {"scope": "dims", "target": "z", "key": "index", "value": z}})


async def check_viewers(server, port):
    async with websockets.connect(server.ready["state"], max_size=None) as state:
        await state.send(json.dumps(HELLO))
        session = json.loads(await state.recv())["session"]
        number = 0
        for words in ("none", "key", "page", "none"):
            viewer, data = socket.create_connection(("127.0.0.1", port), timeout=20), b""
            for turn in range(24):  # each move is a picture
                data += (got := viewer.recv(1 << 16))
                assert got, "the viewer was let go"
                if turn == 6:
                    viewer.sendall(WORDS[words])
                number += 1
                await state.send(update(session, number, 10 + number % 30))
            viewer.close()
            with av.open(io.BytesIO(data), format="h264") as stream:
                seen = [picture.to_ndarray(format="gray") for picture in stream.decode(video=0)]
            assert len(seen) > 5 and max(picture.max() for picture in seen) > 100, len(seen)
            keys = data.count(SEQUENCE)
            assert keys == (2 if words == "key" else 1), f"{words}: {keys} keys"
            print(f"  {len(seen)} pictures of {seen[0].shape}, {keys} keys")
        socket.create_connection(("127.0.0.1", port)).close()
        endless = socket.create_connection(("127.0.0.1", port), timeout=20)
        endless.sendall(b"x" * 5000)
        try:
            while endless.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass  # let go: that was no line


with Author() as author:
    folder, _ = author.new("transport", NAME)
    author.look_at(folder, NAME, "transport")
    module = author.build(folder)
    author.check(module)
    author.ctest(module)
    config = author.config(module, "transport", **{ID.format(NAME): {"tcp_port": 0}})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = json.loads(config.read_text())
    both["modules"]["transport"] = ["transport/websocket", ID.format(NAME)]
    both[ID.format(NAME)]["tcp_port"] = port
    config.write_text(json.dumps(both))
    with oriel.Server(oriel.EXAMPLE, "--config", config) as server:
        asyncio.run(check_viewers(server, port))
        began = time.monotonic()
    assert time.monotonic() - began < 10
