# SPDX-License-Identifier: BSD-3-Clause
"""The preset "lossless": what a client decodes from the stream is what `oriel render` draws, in full colour."""

import asyncio
import json
import struct
import sys

import av
import numpy as np
import websockets

import oriel


def samples(rgb):
    """Y'CbCr of BT.601, full range, 8 bits, for each pixel."""
    r, g, b = (rgb[..., i].astype(float) for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402])


async def decoded(server):
    """The picture at rest as three planes, top row first, and the scene it shows."""
    state = await websockets.connect(server.ready["state"], max_size=None)
    await state.send(json.dumps({
        "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
        "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                    "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
                    "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}))
    session = json.loads(await state.recv())["session"]
    await state.send(json.dumps({
        "type": "state.update", "version": 2, "session": session, "frame_id": "f", "intent_id": "i", "timestamp": 1.0,
        "payload": {"scope": "layer", "target": "layer-0", "key": "colormap", "value": "turbo"}}))
    while json.loads(await state.recv())["type"] != "ack.state":
        pass
    pixel = await websockets.connect(server.ready["pixel"] + "?ext=1&codecs=h264", max_size=None)
    codec = av.CodecContext.create("h264", "r")
    complete = False
    while True:
        try:
            message = await asyncio.wait_for(pixel.recv(), 1 if complete else 20)
        except asyncio.TimeoutError:
            break
        kind, flags, more, version, marks = struct.unpack_from("!BBHHH", message, 20)
        assert kind == 1, kind
        bottom_up, complete = marks & 1, marks & 2
        for picture in codec.decode(av.Packet(message[24 + more:])):
            planes = np.stack([np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, :plane.width]
                               for plane in picture.planes])
    assert complete, "no complete picture"
    await state.send(json.dumps({
        "type": "call.command", "version": 2, "session": session, "frame_id": "c", "timestamp": 1.0,
        "payload": {"command": "napari.scene.get", "args": [], "kwargs": {}}}))
    while (reply := json.loads(await state.recv()))["type"] != "reply.command":
        pass
    await pixel.close()
    await state.close()
    return picture.format.name, planes[:, ::-1] if bottom_up else planes, reply["payload"]["result"]


modules = {m["id"]: m for m in json.loads(oriel.run("modules", "--json").stdout)["modules"]}
if modules.get("encode/x264", {}).get("result") != "usable":
    print("left out: encode/x264 is not usable here")
    sys.exit(77)
with oriel.Server(oriel.EXAMPLE, "--preset", "lossless", "--set", "canvas.width=480", "--set", "canvas.height=360") as it:
    name, planes, scene = asyncio.run(decoded(it))
    assert "encode/x264" in it.text() and "I444" in it.text(), it.text()
assert name in ("yuv444p", "yuvj444p"), name
want = samples(oriel.render(scene, (480, 360)))
assert want[1:].std() > 5, "the picture has no colour to lose"
error = np.abs(planes - want).max()
print(f"lossless: {name}, the largest difference of a sample is {error:.2f}")
assert error <= 1.0, error
