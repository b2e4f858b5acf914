# SPDX-License-Identifier: BSD-3-Clause
"""Random sequences of requests to a server and to scene_model.py: every acknowledgement, and what the
record holds in the end, must be the same. An argument is the number of sequences (2000)."""

import asyncio
import json
import math
import pathlib
import random
import sys
import tempfile

import numpy as np
import websockets

from oriel import Server
from scene_model import BLENDING, FILTERS, RENDERING, Model, from_quaternion

SHAPE, LENGTH = (4, 9, 24, 32), 16


def write_store(folder):
    """An OME-Zarr of two levels, with units that differ by axis."""
    rng = np.random.default_rng(7)
    levels = [SHAPE, (4, 9, 12, 16)]
    for i, shape in enumerate(levels):
        path = pathlib.Path(folder, str(i))
        path.mkdir(parents=True)
        meta = {"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<u2", "compressor": None,
                "fill_value": 0, "order": "C", "filters": None, "dimension_separator": "."}
        (path / ".zarray").write_text(json.dumps(meta))
        (path / "0.0.0.0").write_bytes(rng.integers(0, 4000, shape).astype("<u2").tobytes())
    scales = [[2.0, 1.5, 0.5, 0.5], [2.0, 1.5, 1.0, 1.0]]
    axes = [{"name": n, "type": "time" if n == "t" else "space"} for n in "tzyx"]
    datasets = [{"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": s}]}
                for i, s in enumerate(scales)]
    (pathlib.Path(folder) / ".zgroup").write_text('{"zarr_format": 2}')
    (pathlib.Path(folder) / ".zattrs").write_text(json.dumps(
        {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}]}))


class Client:
    def __init__(self, socket):
        self.socket, self.count = socket, 0

    async def hello(self):
        features = dict.fromkeys(["notify.scene", "notify.layers", "notify.stream", "oriel"], True)
        await self.send("session.hello", {"protocols": [2], "client": {"name": "model", "version": "1", "platform": "x"},
                                          "features": features, "resume_tokens": {}}, session=None)
        self.session = (await self.expect("session.welcome"))["session"]

    async def send(self, kind, payload, session="", intent=False):
        self.count += 1
        frame = {"type": kind, "version": 2, "frame_id": f"f{self.count}", "timestamp": 1.0, "payload": payload}
        if session is not None:
            frame["session"] = getattr(self, "session", "")
        if intent:
            frame["intent_id"] = f"i{self.count}"
        await self.socket.send(json.dumps(frame))
        return frame["frame_id"]

    async def expect(self, *kinds):
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
            if frame["type"] in kinds:
                return frame

    async def call(self, command, **kwargs):
        await self.send("call.command", {"command": command, "args": [], "kwargs": kwargs})
        frame = await self.expect("reply.command", "error.command")
        assert frame["type"] == "reply.command", frame["payload"]
        return frame["payload"].get("result")


# --- requests ---

ODD = [None, True, False, "", "x", -1, 0, 0.5, 1, 2, 3, 7, 1e6, -1e6, [], [1], [1, 2], [2, 1], [1, 1], {}, {"lo": 5, "hi": 1},
       {"factor": 0}, "auto", "1", "YES", "off", 1e-300, [0, 1, 2, 3], ["a", "b"]]


def uniform(rng, low, high):
    return round(rng.uniform(low, high), rng.choice([0, 2, 6]))


def request(rng, layers):
    layer = rng.choice(layers + ["", "layer-77"]) if rng.random() < 0.2 else rng.choice(layers)
    axis = rng.choice(["t", "z", "y", "x", "Z", "0", "3", "9", "q", ""])
    u = lambda a, b: uniform(rng, a, b)
    table = [
        ("dims", axis, "index", rng.randint(-3, 40)), ("dims", axis, "step", rng.randint(-9, 9)),
        ("view", "main", "ndisplay", rng.choice([2, 3, 3, 4, None, 1])), ("view", "main", "reset", {}),
        ("view", "main", "order", rng.sample(range(4), 4)), ("view", "main", "background", [u(0, 1) for _ in range(rng.choice([3, 4]))]),
        ("camera", "main", "zoom", {"factor": u(0.5, 2), "anchor_px": [u(0, 1280), u(0, 720)]}),
        ("camera", "", "pan", {"dx_px": u(-300, 300), "dy_px": u(-300, 300)}),
        ("camera", "main", "orbit", {"d_az_deg": u(-80, 80), "d_el_deg": u(-30, 30)}),
        ("camera", "main", "reset", rng.choice([{}, {"reason": "key"}, "button", None])),
        ("camera", "main", "set", rng.choice([
            {"center": [u(0, 16), u(0, 12)]}, {"zoom": u(0.5, 50)}, {"rect": [u(-5, 5), u(-5, 5), u(1, 40), u(1, 40)]},
            {"angles": [u(-400, 400), u(-80, 80)]}, {"angles": [u(-179, 179), u(-80, 80), u(-170, 170)], "center": [1, 2, 3]},
            {"distance": u(1, 90), "fov": u(1, 120)}, {"center": [1, 2, 3], "zoom": u(1, 9)}, {"fov": 0}, {"angles": "x"}])),
        ("layer", layer, "visible", rng.choice([True, False, 1, "no"])), ("layer", layer, "opacity", u(-1, 2)),
        ("layer", layer, "blending", rng.choice(BLENDING + ["Additive", "glow"])),
        ("layer", layer, rng.choice(["interpolation", "interpolation2d", "interpolation3d"]), rng.choice(FILTERS)),
        ("layer", layer, "gamma", u(-0.5, 2)), ("layer", layer, "colormap", rng.choice(["gray", "Viridis", "magma", "nope"])),
        ("layer", layer, "contrast_limits", [u(-50, 5000), u(-50, 5000)]),
        ("layer", layer, "contrast_limits_range", [u(-50, 5000), u(-50, 5000)]),
        ("layer", layer, "rendering", rng.choice(RENDERING)), ("layer", layer, "attenuation", u(-1, 1)),
        ("layer", layer, "iso_threshold", u(-9, 4000)), ("layer", layer, "projection_mode", rng.choice(["none", "max", "Mean", "median"])),
        ("layer", layer, "depiction", rng.choice(["volume", "plane", "solid"])),
        ("layer", layer, "name", rng.choice(["a", "b", "c"])), ("layer", layer, "mood", 1),
        ("volume", "main", "render_mode", rng.choice(RENDERING + ["solid"])), ("volume", "main", "opacity", u(-1, 2)),
        ("volume", "main", "contrast_limits", [u(0, 4000), u(0, 4000)]), ("volume", "main", "sample_step", u(0, 6)),
        ("volume", "main", "colormap", rng.choice(["red", "blue", ""])), ("volume", "main", "x", 1),
        ("multiscale", "main", "level", rng.choice([0, 1, "0", 9, -2, "auto", None, "x"])), ("multiscale", "main", "policy", "x"),
        ("points", "main", "size", 1), ("view", "main", "mood", 1), ("camera", "other", "reset", {}),
    ]
    scope, target, key, value = rng.choice(table)
    if rng.random() < 0.1:
        value = rng.choice(ODD)
    return scope, target, key, value


# --- comparison ---

def close(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return a == b and type(a) is type(b)
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def differences(model, described):
    view, out = described["view"], []
    def same(what, ours, theirs):
        if not close(ours, theirs):
            out.append(f"{what}: model {ours}, record {theirs}")
    same("ndisplay", model.ndisplay, view["ndisplay"])
    same("order", model.order, view["order"])
    same("step", model.step, view["step"])
    same("background", model.background, view["canvas"]["background"])
    pose = model.cameras[model.ndisplay]
    same("center", [float(v) for v in pose["center"]], [float(v) for v in view["camera"]["center"]])
    same("zoom", pose["zoom"], view["camera"]["zoom"])
    same("fov", float(pose["fov"]), float(view["camera"]["fov"]))
    if model.ndisplay == 3 and not np.allclose(pose["m"], from_quaternion(view["camera"]["quat"]), atol=1e-7):
        out.append(f"orientation: model\n{pose['m']}, record\n{from_quaternion(view['camera']['quat'])}")
    for layer in described["layers"]:
        ident = layer["layer_id"]
        shown = dict(layer["controls"])
        named = "interpolation2d" if model.ndisplay == 2 else "interpolation3d"
        same(f"{ident}.interpolation", model.layers[ident][named], shown.pop("interpolation"))
        same(f"{ident}.controls", model.layers[ident], shown)
        same(f"{ident}.name", model.names[ident], layer["name"])
        for key, stamp in layer["control_versions"].items():
            if key not in ("interpolation", "name"):
                same(f"{ident}.{key} version", model.versions[(ident, key)], stamp["version"])
    for key in ("step", "ndisplay", "order", "background", "level"):
        same(f"{key} version", model.versions[("view", key)], view["versions"][key]["version"])
    return out


async def fresh(client, store):
    """The data opened anew, twice, and a model of what that gives."""
    await client.call("napari.load_zarr", path=store)
    await client.call("napari.layer.add", path=store)
    return Model(await client.call("oriel.describe"))


async def sequence(client, rng, model):
    layers, sent, expected = list(model.layers), [], []
    for _ in range(LENGTH):
        sent.append(request(rng, layers))
        expected.append(model.request(*sent[-1]))
        payload = dict(zip(("scope", "target", "key", "value"), sent[-1]))
        await client.send("state.update", payload, intent=True)
    for i, ours in enumerate(expected):
        payload = (await client.expect("ack.state"))["payload"]
        got = ("ok", payload.get("applied_value")) if payload["status"] == "accepted" else ("no", payload["error"]["code"])
        assert close(list(ours), list(got)), f"{sent[i]}: model {ours}, server {got}; after {sent[:i]}"
    found = differences(model, await client.call("oriel.describe"))
    assert not found, "\n".join(found + [f"after {sent}"])


async def main(count):
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "model.ome.zarr")
        write_store(store)
        with Server(store, "--set", "control.update_rate=1000000", "--set", "control.command_rate=1000000",
                    "--set", "log.level=warn") as server:
            async with websockets.connect(server.ready["state"], max_size=None) as socket:
                client = Client(socket)
                await client.hello()
                for seed in range(count):
                    if seed % 25 == 0:
                        model = await fresh(client, str(store))
                    try:
                        await sequence(client, random.Random(seed), model)
                    except AssertionError as error:
                        raise AssertionError(f"sequence {seed}: {error}") from None
        print(f"{count} sequences, {count * LENGTH} requests: the record and the model agree")


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
