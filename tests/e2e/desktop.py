# SPDX-License-Identifier: BSD-3-Clause
"""What the napari-cuda desktop client does, over real sockets: the handshake, the baseline in order, the
picture decoded by PyAV and turned upside down as that client does, and every kind of update it sends.

With NAPARI_CUDA_SRC (the `src` folder of a checkout of that client) its own, unmodified classes do the
same once more: StateChannel, PixelReceiver, PyAVDecoder. Without it that part is left out, and said so."""

import asyncio
import importlib
import json
import logging
import os
import struct
import sys
import threading
import time
import urllib.parse

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


def in_thread(run):
    threading.Thread(target=run, daemon=True).start()


class OwnSockets:
    """The client's side of both channels, written from the protocol."""

    def __init__(self, ready, on_frame, on_picture):
        self.on_frame, self.on_picture = on_frame, on_picture
        self.seq = None
        self.codec = None
        self.loop = asyncio.new_event_loop()
        in_thread(self.loop.run_forever)
        self.call(self.connect_state(ready["state"]))

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def connect_state(self, url):
        self.state = await websockets.connect(url, max_size=None)
        await self.state.send(json.dumps(HELLO))
        await self.state.send(json.dumps({"type": "ping"}))
        self.loop.create_task(self.read(self.state, lambda text: self.on_frame(json.loads(text))))

    def open_pixels(self, ready):
        async def connect():
            self.pixel = await websockets.connect(ready["pixel"], max_size=None)
            self.loop.create_task(self.read(self.pixel, self.take_picture))
        self.call(connect())

    async def read(self, socket, take):
        try:
            async for message in socket:
                take(message)
        except Exception as error:
            self.on_frame(error)
            raise

    def take_picture(self, message):
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
            return
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        for picture in self.codec.decode(packet):
            assert (picture.width, picture.height) == (width, height)
            self.on_picture(picture.to_ndarray(format="rgb24"))

    def post(self, frame):
        self.call(self.state.send(json.dumps(frame)))

    def close(self):
        async def close():
            await self.state.close()
            await self.pixel.close()
        self.call(close())


class ClientClasses:
    """The existing client's own classes, unmodified."""

    def __init__(self, ready, on_frame, on_picture):
        control = importlib.import_module("napari_cuda.client.control.control_channel_client")
        # It swallows what it cannot read, at debug level: here that is a failure.
        control.logger.setLevel(logging.DEBUG)
        handler = logging.Handler()
        handler.emit = lambda r: r.exc_info and on_frame(AssertionError(f"{r.getMessage()}: {r.exc_info[1]!r}"))
        control.logger.addHandler(handler)
        control.logger.propagate = False
        self.on_picture = on_picture
        self.on_frame = on_frame
        take = lambda frame: on_frame(frame.to_dict())  # noqa: E731
        url = urllib.parse.urlsplit(ready["state"])
        self.channel = control.StateChannel(
            url.hostname, url.port, ingest_notify_stream=take, ingest_dims_notify=take,
            ingest_notify_scene_snapshot=take, ingest_notify_layers=take, ingest_notify_camera=take,
            ingest_ack_state=take, ingest_reply_command=take, ingest_error_command=take)
        in_thread(self.channel.run)
        deadline = time.monotonic() + 10
        while not self.channel.session_id:
            assert time.monotonic() < deadline, "no session"
            time.sleep(0.01)
        assert "napari.load_zarr" in self.channel.command_catalog()

    def open_pixels(self, ready):
        receiver = importlib.import_module("napari_cuda.client.runtime.receiver")
        decoder = importlib.import_module("napari_cuda.client.rendering.decoders.pyav").PyAVDecoder()

        def take(packet):
            picture = decoder.decode(packet.payload)
            if picture is not None:
                self.on_picture(picture)

        url = urllib.parse.urlsplit(ready["pixel"])
        in_thread(receiver.PixelReceiver(url.hostname, url.port, on_frame=take).run)

    def post(self, frame):
        assert self.channel.post(frame)

    def close(self):
        self.channel.stop()


class Client:
    """One session over either kind of sockets, with what came and what was asked."""

    def __init__(self, ready, sockets):
        self.frames = []
        self.pictures = []
        self.count = 0
        # What the client shows: the decoded rows, the last one on top.
        self.sockets = sockets(ready, self.frames.append, lambda rgb: self.pictures.append(np.flipud(rgb)))
        self.until(lambda: self.of("notify.stream"), "notify.stream")
        self.sockets.open_pixels(ready)

    def of(self, kind):
        frames = list(self.frames)
        for frame in frames:
            if isinstance(frame, Exception):
                raise frame
        return [frame for frame in frames if frame["type"] == kind]

    def payloads(self, kind):
        return [frame["payload"] for frame in self.of(kind)]

    def until(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not come; got {[f['type'] for f in self.frames]}"
            time.sleep(0.01)
        return found

    def at_rest(self):
        """The newest picture, when none has come for a second."""
        self.until(lambda: self.pictures, "a picture")
        count = -1
        while count != len(self.pictures):
            count = len(self.pictures)
            time.sleep(1.0)
        return self.pictures[-1]

    def ask(self, kind, prefix, payload, **envelope):
        self.count += 1
        frame_id = f"{prefix}-{self.count:08x}"
        self.sockets.post({"type": kind, "version": 2, "session": self.of("notify.scene")[0]["session"],
                           "frame_id": frame_id, "timestamp": time.time(), "payload": payload, **envelope})
        return frame_id

    def update(self, scope, key, value, target="main"):
        frame_id = self.ask("state.update", "state",
                            {"scope": scope, "target": target, "key": key, "value": value},
                            intent_id=f"intent-{self.count + 1:08x}")
        return self.until(lambda: [p for p in self.payloads("ack.state") if p["in_reply_to"] == frame_id],
                          f"the acknowledgement of {scope}.{key}")[0]

    def accepted(self, scope, key, value, target="main"):
        ack = self.update(scope, key, value, target)
        assert ack["status"] == "accepted", ack
        assert isinstance(ack["version"], int), ack
        return ack.get("applied_value", value)

    def call(self, command, **kwargs):
        frame_id = self.ask("call.command", "cmd", {"command": command, "args": [], "kwargs": kwargs})
        return self.until(lambda: [p for p in self.payloads("reply.command") + self.payloads("error.command")
                                   if p["in_reply_to"] == frame_id], f"the reply of {command}")[0]


def check_baseline(client):
    client.until(lambda: client.of("notify.layers") and client.of("notify.dims"), "the baseline")
    kinds = [frame["type"] for frame in client.frames]
    order = [kinds.index(k) for k in ("notify.scene", "notify.dims", "notify.layers", "notify.stream")]
    assert order == sorted(order), kinds
    assert kinds[0] in ("session.welcome", "notify.scene"), kinds
    scene = client.of("notify.scene")[0]
    assert scene["seq"] == 0
    for layer in scene["payload"]["layers"]:
        assert layer["layer_type"] in ("image", "volume")
        assert set(layer["controls"]) <= CONTROL_KEYS, layer["controls"]
        low, high = layer["controls"]["contrast_limits"]
        assert low < high
    dims = client.payloads("notify.dims")[0]
    assert 0 <= dims["current_level"] < len(dims["level_shapes"])
    stream = client.payloads("notify.stream")[0]
    assert stream["codec"] == "h264" and stream["format"] == "avcc"
    return scene["payload"]["layers"], dims


def check_updates(client, layers, dims):
    shape = dims["level_shapes"][dims["current_level"]]
    layer = layers[0]["layer_id"]
    labels = dims["axis_labels"]

    assert client.accepted("dims", "index", 10**6, labels[0]) == shape[0] - 1
    assert client.accepted("dims", "step", -3, labels[0]) == shape[0] - 4
    assert client.accepted("dims", "index", shape[0] // 2, "0") == shape[0] // 2
    client.until(lambda: client.payloads("notify.dims")[-1]["step"][0] == shape[0] // 2, "dims")
    assert client.update("dims", "index", 3, "no-such-axis")["status"] == "rejected"

    for key, value, want in (
            ("opacity", 4, 1.0), ("gamma", 0.5, 0.5), ("colormap", "VIRIDIS", "viridis"),
            ("contrast_limits", [90.0, 10.0], [10.0, 90.0]), ("rendering", "mip", "mip"),
            ("visible", False, False), ("visible", True, True)):
        assert client.accepted("layer", key, value, layer) == want, key
    client.until(lambda: any(p.get("controls", {}).get("gamma") == 0.5
                             for p in client.payloads("notify.layers")), "notify.layers of gamma")
    assert client.update("layer", "gamma", 0, layer)["status"] == "rejected"
    assert client.update("layer", "nonsense", 1, layer)["error"]["code"] == "state.invalid"

    for key, value in (("zoom", {"factor": 0.8, "anchor_px": [300.0, 200.0]}),
                       ("pan", {"dx_px": 12.0, "dy_px": -7.0}), ("reset", {"reason": "test"})):
        client.accepted("camera", key, value)
        client.until(lambda k=key: any(p["mode"] == k for p in client.payloads("notify.camera")),
                     f"notify.camera {key}")

    assert client.accepted("view", "ndisplay", 3) == 3
    client.until(lambda: client.payloads("notify.dims")[-1]["mode"] == "volume", "3-D dims")
    client.accepted("camera", "orbit", {"d_az_deg": 20.0, "d_el_deg": -5.0})
    client.accepted("volume", "render_mode", "mip")
    volume = client.at_rest()
    assert volume.max() > 60, "the volume is dark"
    assert client.accepted("view", "ndisplay", 2) == 2
    client.until(lambda: client.payloads("notify.dims")[-1]["mode"] == "plane", "2-D dims")

    # Grey again: 4:2:0 cannot carry a fine picture in strong colours.
    client.accepted("layer", "colormap", "gray", layer)

    reply = client.call("napari.pixel.request_keyframe")
    assert reply["status"] == "ok", reply
    assert client.call("no.such.command")["code"] == "command.not_found"


def check_picture(client):
    """The picture is upright for this client: what it shows is what `oriel render` draws."""
    client.accepted("camera", "reset", {"reason": "test"})
    shown = client.at_rest()
    scene = client.call("napari.scene.get")
    assert scene["status"] == "ok", scene
    height, width = shown.shape[:2]
    want = oriel.render(scene["result"], (width, height))
    level = oriel.psnr(shown, want)
    upside_down = oriel.psnr(shown[::-1], want)
    print(f"picture: {level:.1f} dB, upside down it would be {upside_down:.1f} dB")
    assert level >= 33 and level > upside_down + 6


async def rude(ready):
    """Garbage of one client is nobody else's matter."""
    socket = await websockets.connect(ready["state"])
    await socket.send("[1, 2")
    reject = json.loads(await socket.recv())
    assert reject["payload"]["code"] == "invalid_json", reject
    await socket.wait_closed()


def visit(sockets):
    with oriel.Server(oriel.EXAMPLE, "--set", "canvas.width=640", "--set", "canvas.height=480") as server:
        client = Client(server.ready, sockets)
        layers, dims = check_baseline(client)
        check_picture(client)
        check_updates(client, layers, dims)
        check_picture(client)
        asyncio.run(rude(server.ready))
        assert client.call("napari.pixel.request_keyframe")["status"] == "ok"
        client.sockets.close()


visit(OwnSockets)
print("desktop client, from the protocol: fine")
if "NAPARI_CUDA_SRC" in os.environ:
    sys.path.insert(0, os.environ["NAPARI_CUDA_SRC"])
    visit(ClientClasses)
    print("desktop client, its own classes: fine")
else:
    print("left out: the client's own classes (NAPARI_CUDA_SRC is not set)")
