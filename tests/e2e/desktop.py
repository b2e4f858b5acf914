# SPDX-License-Identifier: BSD-3-Clause
"""What the napari-cuda desktop client does, over real sockets: the handshake, the baseline in order, the
picture decoded by PyAV and turned upside down as that client does, and every kind of update it sends.

With NAPARI_CUDA_SRC (the `src` folder of a checkout of that client) its own protocol parsers read every
frame as well; without it that part is left out, and said so."""

import asyncio
import json
import os
import struct
import sys
import time

import av
import numpy as np
import websockets

import oriel

HELLO = {
    "type": "session.hello", "version": 2, "frame_id": "hello-1", "timestamp": 1.0,
    "payload": {
        "protocols": [2],
        "client": {"name": "napari-cuda-client", "version": "0.1.0", "platform": "Linux"},
        "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True,
                     "notify.dims": True, "notify.camera": True},
        "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None},
    },
}

CONTROL_KEYS = {"visible", "opacity", "blending", "interpolation", "colormap", "rendering", "gamma",
                "contrast_limits", "iso_threshold", "attenuation"}


def client_parsers():
    source = os.environ.get("NAPARI_CUDA_SRC")
    if not source:
        print("left out: the client's own parsers (NAPARI_CUDA_SRC is not set)")
        return None
    sys.path.insert(0, source)
    from napari_cuda.protocol import messages  # noqa: PLC0415

    return {
        "session.welcome": messages.SessionWelcome,
        "session.heartbeat": messages.SessionHeartbeat,
        "notify.scene": messages.NotifyScene,
        "notify.layers": messages.NotifyLayers,
        "notify.stream": messages.NotifyStream,
        "notify.dims": messages.NotifyDims,
        "notify.camera": messages.NotifyCamera,
        "ack.state": messages.AckState,
        "reply.command": messages.ReplyCommand,
        "error.command": messages.ErrorCommand,
    }


class Client:
    def __init__(self, ready, parsers):
        self.ready = ready
        self.parsers = parsers
        self.frames = []
        self.acks = {}
        self.replies = {}
        self.count = 0
        self.pictures = []
        self.codec = None
        self.seq = None

    async def open(self):
        self.state = await websockets.connect(self.ready["state"], max_size=None)
        await self.state.send(json.dumps(HELLO))
        self.reader = asyncio.create_task(self.read_state())
        await self.until(lambda: self.of("notify.stream"), "notify.stream")
        self.pixel = await websockets.connect(self.ready["pixel"], max_size=None)
        self.pixel_reader = asyncio.create_task(self.read_pixel())

    async def close(self):
        for task in (self.reader, self.pixel_reader):
            task.cancel()
        await self.state.close()
        await self.pixel.close()

    async def read_state(self):
        async for text in self.state:
            frame = json.loads(text)
            if self.parsers:
                self.parsers[frame["type"]].from_dict(frame)
            self.frames.append(frame)
            payload = frame["payload"]
            if frame["type"] == "ack.state":
                self.acks[payload["in_reply_to"]] = payload
            elif frame["type"] in ("reply.command", "error.command"):
                self.replies[payload["in_reply_to"]] = payload

    async def read_pixel(self):
        async for message in self.pixel:
            seq, stamp, width, height, codec, flags, reserved = struct.unpack("!IdIIBBH", message[:24])
            assert (codec, reserved) == (1, 0), (codec, reserved)
            assert self.seq is None or seq == (self.seq + 1) % 2**32, f"seq {self.seq} then {seq}"
            self.seq = seq
            data = message[24:]
            units, offset = [], 0
            while offset < len(data):
                (length,) = struct.unpack_from("!I", data, offset)
                units.append(data[offset + 4:offset + 4 + length])
                offset += 4 + length
            assert offset == len(data), "the NAL lengths do not fill the message"
            types = [unit[0] & 31 for unit in units]
            if flags & 1:
                assert 7 in types and 8 in types and 5 in types, types
                self.codec = self.codec or av.CodecContext.create("h264", "r")
            if not self.codec:
                continue
            packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
            for picture in self.codec.decode(packet):
                assert (picture.width, picture.height) == (width, height)
                rgb = picture.to_ndarray(format="rgb24")
                self.pictures.append(np.flipud(rgb))

    def of(self, kind):
        return [frame for frame in self.frames if frame["type"] == kind]

    async def until(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            for task in (self.reader, getattr(self, "pixel_reader", None)):
                if task and task.done():
                    task.result()
            assert time.monotonic() < deadline, f"{what} did not come; got {[f['type'] for f in self.frames]}"
            await asyncio.sleep(0.01)

    async def at_rest(self):
        """The newest picture, when none has come for a second."""
        await self.until(lambda: self.pictures, "a picture")
        count = -1
        while count != len(self.pictures):
            count = len(self.pictures)
            await asyncio.sleep(1.0)
        return self.pictures[-1]

    async def update(self, scope, key, value, target="main"):
        self.count += 1
        frame_id = f"state-{self.count:08x}"
        await self.state.send(json.dumps({
            "type": "state.update", "version": 2, "session": self.of("session.welcome")[0]["session"],
            "frame_id": frame_id, "intent_id": f"intent-{self.count:08x}", "timestamp": time.time(),
            "payload": {"scope": scope, "target": target, "key": key, "value": value}}))
        await self.until(lambda: frame_id in self.acks, f"the acknowledgement of {scope}.{key}")
        return self.acks[frame_id]

    async def accepted(self, scope, key, value, target="main"):
        ack = await self.update(scope, key, value, target)
        assert ack["status"] == "accepted", ack
        assert isinstance(ack["version"], int), ack
        return ack.get("applied_value", value)

    async def call(self, command, **kwargs):
        self.count += 1
        frame_id = f"cmd-{self.count:08x}"
        await self.state.send(json.dumps({
            "type": "call.command", "version": 2, "session": self.of("session.welcome")[0]["session"],
            "frame_id": frame_id, "timestamp": time.time(),
            "payload": {"command": command, "args": [], "kwargs": kwargs}}))
        await self.until(lambda: frame_id in self.replies, f"the reply of {command}")
        return self.replies[frame_id]


async def check_baseline(client):
    await client.until(lambda: client.of("notify.layers") and client.of("notify.dims"), "the baseline")
    kinds = [frame["type"] for frame in client.frames]
    order = [kinds.index(k) for k in ("session.welcome", "notify.scene", "notify.dims", "notify.layers",
                                      "notify.stream")]
    assert order == sorted(order) and order[0] == 0, kinds
    scene = client.of("notify.scene")[0]
    assert scene["seq"] == 0
    for layer in scene["payload"]["layers"]:
        assert layer["layer_type"] in ("image", "volume")
        assert set(layer["controls"]) <= CONTROL_KEYS, layer["controls"]
        low, high = layer["controls"]["contrast_limits"]
        assert low < high
    dims = client.of("notify.dims")[0]["payload"]
    assert 0 <= dims["current_level"] < len(dims["level_shapes"])
    stream = client.of("notify.stream")[0]["payload"]
    assert stream["codec"] == "h264" and stream["format"] == "avcc"
    return scene["payload"]["layers"], dims


async def check_updates(client, layers, dims):
    shape = dims["level_shapes"][dims["current_level"]]
    layer = layers[0]["layer_id"]
    labels = dims["axis_labels"]

    assert await client.accepted("dims", "index", 10**6, labels[0]) == shape[0] - 1
    assert await client.accepted("dims", "step", -3, labels[0]) == shape[0] - 4
    assert await client.accepted("dims", "index", shape[0] // 2, "0") == shape[0] // 2
    await client.until(lambda: client.of("notify.dims")[-1]["payload"]["step"][0] == shape[0] // 2, "dims")
    assert (await client.update("dims", "index", 3, "no-such-axis"))["status"] == "rejected"

    for key, value, want in (
            ("opacity", 4, 1.0), ("gamma", 0.5, 0.5), ("colormap", "VIRIDIS", "viridis"),
            ("contrast_limits", [90.0, 10.0], [10.0, 90.0]), ("rendering", "mip", "mip"),
            ("visible", False, False), ("visible", True, True)):
        assert await client.accepted("layer", key, value, layer) == want, key
    await client.until(lambda: any(f["payload"].get("controls", {}).get("gamma") == 0.5
                                   for f in client.of("notify.layers")), "notify.layers of gamma")
    assert (await client.update("layer", "gamma", 0, layer))["status"] == "rejected"
    assert (await client.update("layer", "nonsense", 1, layer))["error"]["code"] == "state.invalid"

    for key, value in (("zoom", {"factor": 0.8, "anchor_px": [300.0, 200.0]}),
                       ("pan", {"dx_px": 12.0, "dy_px": -7.0}), ("reset", {"reason": "test"})):
        await client.accepted("camera", key, value)
        await client.until(lambda k=key: any(f["payload"]["mode"] == k for f in client.of("notify.camera")),
                           f"notify.camera {key}")

    assert await client.accepted("view", "ndisplay", 3) == 3
    await client.until(lambda: client.of("notify.dims")[-1]["payload"]["mode"] == "volume", "3-D dims")
    await client.accepted("camera", "orbit", {"d_az_deg": 20.0, "d_el_deg": -5.0})
    await client.accepted("volume", "render_mode", "mip")
    volume = await client.at_rest()
    assert volume.max() > 60, "the volume is dark"
    assert await client.accepted("view", "ndisplay", 2) == 2
    await client.until(lambda: client.of("notify.dims")[-1]["payload"]["mode"] == "plane", "2-D dims")

    reply = await client.call("napari.pixel.request_keyframe")
    assert reply["status"] == "ok", reply
    assert (await client.call("no.such.command"))["code"] == "command.not_found"


async def check_picture(client):
    """The picture is upright for this client: what it shows is what `oriel render` draws."""
    await client.accepted("camera", "reset", {"reason": "test"})
    shown = await client.at_rest()
    scene = (await client.call("napari.scene.get"))
    assert scene["status"] == "ok", scene
    height, width = shown.shape[:2]
    want = oriel.render(scene["result"], (width, height))
    level = oriel.psnr(shown, want)
    upside_down = oriel.psnr(shown[::-1], want)
    print(f"picture: {level:.1f} dB, upside down it would be {upside_down:.1f} dB")
    assert level >= 33 and level > upside_down + 6


async def main():
    with oriel.Server(oriel.EXAMPLE, "--set", "canvas.width=640", "--set", "canvas.height=480") as server:
        client = Client(server.ready, client_parsers())
        await client.open()
        await client.state.send(json.dumps({"type": "ping"}))
        layers, dims = await check_baseline(client)
        await check_picture(client)
        await check_updates(client, layers, dims)
        await check_picture(client)

        # Garbage of one client is nobody else's matter.
        rude = await websockets.connect(server.ready["state"])
        await rude.send("[1, 2")
        await rude.send(b"\xff\xfe")
        await rude.close()
        assert (await client.call("napari.pixel.request_keyframe"))["status"] == "ok"
        await client.close()


asyncio.run(asyncio.wait_for(main(), 100))
print("desktop client: fine")
