# SPDX-License-Identifier: BSD-3-Clause
"""Drives the napari-cuda desktop client's own classes (reference_runtime.py) through every kind of update, those
that its interface never sends included, and every command, and writes what came of each to a table. Nothing may
be swallowed: no exception or refusal in the client's debug log, and as many frames of each type taken by its
classes as the server says it has sent.

  reference_client.py [RECORD.md]"""

import asyncio
import collections
import contextlib
import json
import os
import pathlib
import sys
import tempfile
import threading
import urllib.parse

import numpy as np
import websockets

import oriel
import reference_runtime

sys.path.insert(0, str(oriel.SOURCE / "tests" / "protocol"))
import check_frames  # noqa: E402
from napari_cuda.client.control import state_update_actions as actions  # noqa: E402
from napari_cuda.client.rendering.decoders.pyav import PyAVDecoder  # noqa: E402
from napari_cuda.client.runtime.receiver import PixelReceiver  # noqa: E402
from qtpy import QtWidgets  # noqa: E402

SIZE = (640, 480)
DATA = oriel.SOURCE / "tests" / "data"


class Other:
    """A second client, from the protocol: somebody else who changes things."""

    def __init__(self, ready):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.socket = self.wait_for(self.connect(ready["state"]))
        self.count = 0
        self.send("session.hello", {
            "protocols": [2], "client": {"name": "other", "version": "1", "platform": "x"},
            "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True}, "resume_tokens": {}})
        self.session = self.wait("session.welcome")["session"]

    async def connect(self, url):
        return await websockets.connect(url, max_size=None)

    def wait_for(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def send(self, kind, payload, **envelope):
        self.count += 1
        self.wait_for(self.socket.send(json.dumps({
            "type": kind, "version": 2, "frame_id": f"f-{self.count}", "timestamp": 1.0, "payload": payload, **envelope})))

    def wait(self, kind):
        while (frame := json.loads(self.wait_for(self.socket.recv())))["type"] != kind:
            pass
        return frame

    def update(self, scope, target, key, value):
        self.send("state.update", {"scope": scope, "target": target, "key": key, "value": value},
                  session=self.session, intent_id=f"i-{self.count}")
        payload = self.wait("ack.state")["payload"]
        assert payload["status"] == "accepted", payload


class Drive:
    def __init__(self, runtime, record):
        self.runtime, self.record = runtime, record

    def row(self, name, send, applied=None, code=None, notified=None, after=None, want=None):
        """One update. `applied` or `code`: what the acknowledgement must say. `notified`: the type of frame that
        must (or, as "no …", must not) come. `after`: what to look at in the client, which must be `want`."""
        runtime = self.runtime
        outcome, frames = runtime.acked(send)
        sent = runtime.sent["payload"]
        if code:
            assert outcome.status == "rejected" and outcome.error["code"] == code, (name, outcome)
            answer = f"rejected: {outcome.error['code']}: {outcome.error['message']}"
        else:
            assert outcome.status == "accepted", (name, outcome)
            assert isinstance(outcome.version, int), (name, outcome)
            if applied is not None:
                assert reference_runtime.plain(outcome.applied_value) == applied, (name, outcome.applied_value)
            answer = f"{json.dumps(reference_runtime.plain(outcome.applied_value))}, version {outcome.version}"
        # Thumbnails come when they are ready, of what was done before.
        kinds = collections.Counter(
            frame.envelope.type + (f" {frame.payload.mode}" if frame.envelope.type == "notify.camera" else "")
            for frame in frames if not getattr(frame.payload, "thumbnail", None))
        if notified and notified.startswith("no "):
            assert not any(kind.startswith(notified[3:]) for kind in kinds), (name, kinds)
        elif notified:
            assert kinds[notified], (name, notified, kinds)
        state = "" if after is None else after()
        if want is not None:
            assert reference_runtime.plain(state) == want, (name, state, want)
        value = f"{sent['scope']}.{sent['key']} of \"{sent['target']}\": {json.dumps(reference_runtime.plain(sent['value']))}"
        self.record.rows.append([name, value, answer, ", ".join(sorted(kinds)) or "–", state])
        return outcome

    def raw(self, name, scope, target, key, value, **more):
        return self.row(name, lambda: self.runtime.emit(scope, target, key, value), **more)

    # --- rows

    def dims(self):
        runtime, state = self.runtime, self.runtime.state
        labels = state.dims_meta["axis_labels"]
        size = state.dims_meta["range"][0][1] + 1

        def step():
            return state.dims_meta["current_step"][0]

        def dims(name, send, applied, **more):
            self.row(name, send, applied=applied, after=step, want=applied, **more)

        dims("dims.index", lambda: runtime.dims.dims_set_index(0, size // 2), size // 2)
        dims("dims.index of the same", lambda: runtime.emit("dims", labels[0], "index", size // 2, "step"), size // 2,
             notified="no notify.dims")
        dims("dims.index beyond the end", lambda: runtime.dims.dims_set_index(0, 10**6), size - 1, notified="notify.dims")
        dims("dims.index below 0", lambda: runtime.dims.dims_set_index(0, -5), 0, notified="notify.dims")
        dims("dims.step by 10", lambda: runtime.dims.dims_step(0, 10), 10, notified="notify.dims")
        dims("dims.step by -1", lambda: runtime.dims.dims_step("primary", -1), 9, notified="notify.dims")
        dims("dims.step of the wheel", lambda: runtime.dims.handle_wheel({"angle_y": 120}), 10, notified="notify.dims")
        dims("dims.step far below 0", lambda: runtime.dims.dims_step(0, -10**9), 0, notified="notify.dims")
        dims("dims.index by number", lambda: runtime.emit("dims", "0", "index", 7), 7, notified="notify.dims")
        dims("dims.index, label in capitals", lambda: runtime.emit("dims", labels[0].upper(), "index", 8), 8,
             notified="notify.dims")
        dims("dims.index, true for 1", lambda: runtime.emit("dims", labels[0], "index", True), 1, notified="notify.dims")
        self.raw("dims.index of no axis", "dims", "17", "index", 1, code="state.error", notified="no notify")
        self.raw("dims.index, no integer", "dims", labels[0], "index", 1.5, code="state.invalid", notified="no notify")
        self.raw("dims.index without an axis", "dims", "", "index", 1, code="state.invalid", notified="no notify")
        self.raw("dims.order", "dims", "main", "order", [0, 1, 2], code="state.invalid", notified="no notify")

    def plane(self):
        runtime, state = self.runtime, self.runtime.state

        def camera(name, send, key, **more):
            self.row(name, send, notified=f"notify.camera {key}", after=lambda: state.camera_state["pose"], **more)

        camera("camera.zoom", lambda: runtime.camera.zoom(factor=0.8, anchor_px=(300, 200), origin="t"), "zoom",
               applied={"factor": 0.8, "anchor_px": [300, 200]})
        camera("camera.pan", lambda: runtime.camera.pan(dx_px=12, dy_px=-7, origin="t"), "pan",
               applied={"dx_px": 12, "dy_px": -7})
        self.row("camera.pan by nothing", lambda: runtime.camera.pan(dx_px=0, dy_px=0, origin="t"),
                 applied={"dx_px": 0, "dy_px": 0}, notified="no notify.camera")
        before = state.camera_state["pose"]["center"]
        self.row("camera.orbit in 2-D", lambda: runtime.camera.orbit(d_az_deg=5, d_el_deg=1, origin="t"),
                 code="state.invalid", after=lambda: state.camera_state["pose"]["center"], want=reference_runtime.plain(before))
        camera("camera.set: center, zoom", lambda: runtime.camera.set(center=(50, 60), zoom=3, origin="t"), "set",
               applied={"center": [50, 60], "zoom": 3})
        assert reference_runtime.plain(state.camera_state["pose"]["center"]) == [50, 60], state.camera_state
        camera("camera.set: rect", lambda: runtime.emit("camera", "main", "set", {"rect": [10, 20, 64, 48]}), "set",
               applied={"rect": [10, 20, 64, 48]})
        assert reference_runtime.plain(state.camera_state["pose"]["rect"]) == [10, 20, 64, 48], state.camera_state
        camera("camera.reset, target \"\"", lambda: runtime.emit("camera", "", "reset", "why"), "reset",
               applied={"reason": "why"})
        camera("camera.reset", lambda: runtime.camera.reset(reason="key", origin="t"), "reset", applied={"reason": "key"})
        for name, key, value in (("camera.zoom by 0", "zoom", {"factor": 0, "anchor_px": [0, 0]}),
                                 ("camera.zoom without an anchor", "zoom", {"factor": 2}),
                                 ("camera.pan, half", "pan", {"dx_px": 1}), ("camera.set of nothing", "set", {}),
                                 ("camera.fly", "fly", {})):
            self.raw(name, "camera", "main", key, value, code="state.invalid", notified="no notify")
        self.raw("camera.zoom of another view", "camera", "left", "zoom", {"factor": 2, "anchor_px": [0, 0]},
                 code="state.invalid", notified="no notify")

    def volume(self):
        runtime, state = self.runtime, self.runtime.state

        def mode():
            return [state.dims_meta["ndisplay"], state.dims_meta["mode"]]

        self.row("view.ndisplay 3", lambda: runtime.dims.view_set_ndisplay(3), applied=3, notified="notify.dims",
                 after=mode, want=[3, "volume"])

        def camera(name, send, key, **more):
            self.row(name, send, notified=f"notify.camera {key}", after=lambda: state.camera_state["pose"], **more)

        camera("camera.orbit", lambda: runtime.camera.orbit(d_az_deg=20, d_el_deg=-5, origin="t"), "orbit",
               applied={"d_az_deg": 20, "d_el_deg": -5})
        roll = reference_runtime.plain(state.camera_state["pose"]["angles"][2])
        for angles, want in (((40, 20), [40, 20, roll]), ((40, 20, 0), [40, 20, 0])):
            camera("camera.set in 3-D", lambda: runtime.camera.set(center=(80, 90, 70), angles=angles, origin="t"), "set",
                   applied={"center": [80, 90, 70], "angles": want})
            pose = reference_runtime.plain(state.camera_state["pose"])
            assert (pose["center"], pose["angles"]) == ([80, 90, 70], want), pose
        camera("camera.zoom in 3-D", lambda: runtime.camera.zoom(factor=1.2, anchor_px=(1, 1), origin="t"), "zoom")
        camera("camera.pan in 3-D", lambda: runtime.camera.pan(dx_px=3, dy_px=4, origin="t"), "pan")
        camera("camera.reset in 3-D", lambda: runtime.camera.reset(reason="key", origin="t"), "reset")

        common = (state, runtime.loop, runtime.ledger, runtime.dispatch)

        def volume(name, send, key, want, layer, read):
            def patient(): # the client sends settings at most 60 times a second
                runtime.settle(0.03)
                return send(*common, *args, origin="t")
            args = want if key == "contrast_limits" else (want,)
            self.row(name, patient, applied=list(want) if isinstance(want, tuple) else want, notified=layer,
                     after=lambda: [state.volume_state[key], read()], want=[list(want) if isinstance(want, tuple) else want] * 2)

        first = runtime.layer()
        volume("volume.render_mode", actions.volume_set_render_mode, "render_mode", "iso", "notify.layers",
               lambda: first.rendering)
        volume("volume.render_mode minip", actions.volume_set_render_mode, "render_mode", "minip", "notify.layers",
               lambda: first.rendering)
        volume("volume.contrast_limits", actions.volume_set_clim, "contrast_limits", (10.0, 90.0), "notify.layers",
               lambda: list(first.contrast_limits))
        volume("volume.colormap", actions.volume_set_colormap, "colormap", "magma", "notify.layers",
               lambda: str(first.colormap))
        volume("volume.opacity", actions.volume_set_opacity, "opacity", 0.75, "notify.layers", lambda: first.opacity)
        volume("volume.sample_step", actions.volume_set_sample_step, "sample_step", 0.5, "no notify.layers", lambda: 0.5)
        self.raw("volume.sample_step beyond the end", "volume", "main", "sample_step", 99, applied=4)
        self.raw("volume.opacity beyond the end", "volume", "main", "opacity", 7, applied=1)
        self.raw("volume.colormap of no such name", "volume", "main", "colormap", "no-such-map", code="state.invalid")
        self.raw("volume.fog", "volume", "main", "fog", 1, code="state.invalid")
        self.raw("view.ndisplay 2", "view", "main", "ndisplay", None, applied=2, notified="notify.dims", after=mode,
                 want=[2, "plane"])
        self.raw("view.ndisplay 7 is 3", "view", "main", "ndisplay", 7, applied=3, notified="notify.dims", after=mode,
                 want=[3, "volume"])
        self.raw("view.ndisplay 0 is 2", "view", "main", "ndisplay", 0, applied=2, notified="notify.dims", after=mode,
                 want=[2, "plane"])
        self.raw("view.ndisplay, no number", "view", "main", "ndisplay", "flat", code="state.invalid")
        self.raw("view.tilt", "view", "main", "tilt", 1, code="state.invalid")

    def layers(self):
        runtime = self.runtime
        layer = runtime.layer()
        ledger = runtime.ledger

        def own(key, value, want=None):
            """The layer's property is set, as its widgets do; the emitter sends it."""
            def send():
                setattr(layer, key, value)
                return True
            want = value if want is None else want
            self.row(f"layer.{key}", send, applied=want, notified="notify.layers",
                     after=lambda: [ledger.confirmed_value("layer", layer.remote_id, key), look(key)], want=[want, want])

        def look(key):
            value = getattr(layer, "interpolation2d" if key == "interpolation" else key)
            return str(value) if key == "colormap" else list(value) if key == "contrast_limits" else value

        own("visible", False)
        own("visible", True)
        own("opacity", 0.4)
        own("gamma", 0.5)
        own("rendering", "attenuated_mip")
        own("colormap", "viridis")
        own("contrast_limits", (20.0, 80.0), [20, 80])

        def other(key, value, want, shown=None, name=None):
            shown = want if shown is None else shown
            news = "no notify.layers" if look(key) == shown else "notify.layers"
            self.raw(name or f"layer.{key} {json.dumps(value)}", "layer", layer.remote_id, key, value, applied=want,
                     notified=news, after=lambda: look(key), want=shown)

        for blending in ("opaque", "translucent_no_depth", "additive", "minimum", "multiplicative", "translucent"):
            other("blending", blending, blending)
        for name in reference_runtime.FILTERS:
            other("interpolation", name, name)
        for name in ("minip", "average", "additive", "translucent", "iso", "mip"):
            other("rendering", name, name)
        other("iso_threshold", 12.5, 12.5)
        other("attenuation", 0.25, 0.25)
        other("attenuation", -3, 0)
        other("opacity", 4, 1)
        other("visible", "off", False)
        other("visible", 1, True)
        other("colormap", "MAGMA", "magma")
        other("colormap", {"colors": [[0, 0, 0, 1], [1, 0, 0, 1]]},
              {"colors": [[0, 0, 0, 1], [1, 0, 0, 1]], "controls": [0, 1], "interpolation": "linear"}, "#ff0000")
        other("colormap", "gray", "gray")
        other("contrast_limits", [90, 10], [10, 90], name="layer.contrast_limits, swapped")
        other("contrast_limits", {"lo": 1, "hi": 200}, [1, 200])
        self.raw("layer.contrast_limits, equal", "layer", layer.remote_id, "contrast_limits", [50, 50], applied=[50, 50],
                 notified="notify.layers", after=lambda: look("contrast_limits"))
        low, high = layer.contrast_limits
        assert low == 50 < high < 50.001, (low, high)
        other("contrast_limits", [0, 255], [0, 255])
        self.raw("layer.depiction", "layer", layer.remote_id, "depiction", "plane", applied="plane",
                 notified="no notify.layers")
        self.raw("layer.depiction", "layer", layer.remote_id, "depiction", "volume", applied="volume")
        for key, value in (("gamma", 0), ("opacity", "half"), ("rendering", "raytraced"), ("blending", "none"),
                           ("colormap", "no-such-map"), ("contrast_limits", [1]), ("interpolation", "sharp"),
                           ("visible", "perhaps"), ("depiction", "cube")):
            self.raw(f"layer.{key}, wrong", "layer", layer.remote_id, key, value, code="state.error", notified="no notify")
        self.raw("layer.projection_mode", "layer", layer.remote_id, "projection_mode", "mean", applied="mean",
                 notified="no notify")
        self.raw("layer.projection_mode", "layer", layer.remote_id, "projection_mode", "none", applied="none",
                 notified="no notify")
        self.raw("a layer that is not there", "layer", "layer-99", "opacity", 0.5, code="state.error", notified="no notify")

    def levels(self):
        runtime, state = self.runtime, self.runtime.state
        count = len(state.dims_meta["level_shapes"])

        def level():
            return [state.multiscale_state["current_level"], state.dims_meta["active_level_shape"]]

        def set_level(value):
            def send():
                runtime.settle(0.03)
                return actions.multiscale_set_level(state, runtime.loop, runtime.ledger, runtime.dispatch, value, origin="t")
            return send

        shapes = state.dims_meta["level_shapes"]
        self.row("multiscale.level", set_level(count - 1), applied=count - 1, notified="notify.dims", after=level,
                 want=[count - 1, shapes[-1]])
        self.raw("dims.index in that level", "dims", state.dims_meta["axis_labels"][0], "index", 10**6,
                 applied=shapes[-1][0] - 1, notified="notify.dims")
        self.raw("multiscale.level, digits", "multiscale", "main", "level", "0", applied=0, notified="notify.dims",
                 after=level, want=[0, shapes[0]])
        self.raw("multiscale.level beyond the end", "multiscale", "main", "level", 99, applied=count - 1, after=level,
                 want=[count - 1, shapes[-1]])
        self.raw("multiscale.level, no number", "multiscale", "main", "level", [1], code="state.invalid")
        self.raw("multiscale.level automatic", "multiscale", "main", "level", "auto", applied="auto", after=level,
                 want=[0, shapes[0]])

        def policy():
            runtime.settle(0.03)
            return actions.multiscale_set_policy(state, runtime.loop, runtime.ledger, runtime.dispatch, "ratio", origin="t")

        self.row("multiscale.policy", policy, code="state.unsupported")
        self.raw("a scope that nobody knows", "sound", "main", "volume", 1, code="state.invalid")
        self.raw("no scope", "", "main", "", 1, code="state.invalid")

    # --- commands

    def command(self, name, code=None, check=None, **kwargs):
        answer = self.runtime.call(name, kwargs)
        given = getattr(answer, "code", None)
        assert given == code, (name, kwargs, answer)
        if code:
            text = f"{answer.code}: {answer.message} {json.dumps(answer.details)}"
        else:
            text = json.dumps(answer.result)
        if check:
            assert check(answer), (name, kwargs, answer)
        self.record.commands.append([name, json.dumps(kwargs), text.replace(str(oriel.SOURCE), "…")])
        return answer

    def commands(self):
        runtime = self.runtime
        assert runtime.channel.command_catalog() == ("napari.pixel.request_keyframe", "fs.listdir", "napari.load_zarr")
        self.command("napari.pixel.request_keyframe", check=lambda a: a.result is None)

        def names(answer):
            return [entry["name"] for entry in answer.result["entries"]]

        self.command("fs.listdir", check=lambda a: "tyx.ome.zarr" in names(a) and not a.result["has_more"])
        self.command("fs.listdir", path=None, only=[".py"], check=lambda a: "make-data.py" in names(a))
        self.command("fs.listdir", path="", only=[], check=lambda a: "make-data.py" in names(a))
        listed = self.command("fs.listdir", path="series.zarr", show_hidden=True)
        assert ".zgroup" not in names(listed) or listed.result["path"] == str(DATA / "series.zarr"), listed
        entry = next(e for e in self.command("fs.listdir").result["entries"] if e["name"] == "tyx.ome.zarr")
        assert entry["is_dir"] and entry["zarr_metadata"]["has_multiscales"], entry
        self.command("fs.listdir", code="command.invalid", only=".zarr")
        self.command("fs.listdir", code="fs.not_found", path="nowhere", check=lambda a: a.details["path"] == "nowhere")
        self.command("fs.listdir", code="fs.not_found", path="make-data.py")
        self.command("fs.listdir", code="fs.forbidden", path="/etc")
        self.command("fs.listdir", code="fs.forbidden", path="../..")
        self.command("napari.load_zarr", code="command.invalid", path="")
        self.command("napari.load_zarr", code="command.invalid")
        self.command("napari.load_zarr", code="fs.not_found", path="nowhere.zarr")
        self.command("napari.load_zarr", code="fs.forbidden", path="/etc")
        self.command("napari.load_zarr", code="zarr.invalid", path="npy")
        self.command("napari.load_zarr", code="zarr.disambiguate", path=".", check=lambda a: len(a.details["options"]) > 1)
        self.command("no.such.command", code="command.not_found")

    def load(self, path, check):
        """Another dataset on the same socket: a new scene for everyone."""
        runtime = self.runtime
        scenes = runtime.taken["notify.scene"]
        self.command("napari.load_zarr", path=path, check=lambda a: a.result == {"ok": True})
        runtime.until(lambda: runtime.taken["notify.scene"] > scenes, "notify.scene of the new data")
        runtime.settle()
        check(runtime.registry.snapshot().layers)

    def series(self):
        def layers(records):
            assert len(records) == 1 and list(records[0].block["axis_labels"])[0] == "t", records
        self.load("tyx.ome.zarr", layers)
        state = self.runtime.state
        last = state.dims_meta["range"][0][1]
        for name, delta, want in (("dims.step in time", 1, 1), ("dims.step in time, far", 99, last)):
            self.raw("dims.index in time", "dims", "t", "index", 0, applied=0)
            self.raw(name, "dims", "t", "step", delta, applied=want, notified="notify.dims",
                     after=lambda: state.dims_meta["current_step"][0], want=want)

    def channels(self):
        def layers(records):
            assert len(records) > 1, records
        self.load("cyx.ome.zarr", layers)
        second = self.runtime.registry.snapshot().layers[1]
        self.raw("layer.opacity of a second channel", "layer", second.layer_id, "opacity", 0.25, applied=0.25,
                 notified="notify.layers", after=lambda: second.layer.opacity, want=0.25)


def resume(drive, ready):
    """The socket goes while somebody else changes one control: with its own tokens it gets that change alone."""
    runtime = drive.runtime
    other = Other(ready)
    layer = runtime.registry.snapshot().layers[-1]
    runtime.between = lambda: other.update("layer", layer.layer_id, "gamma", 1.75)
    before, count = runtime.taken.copy(), len(runtime.frames)
    socket, loop = runtime.channel._loop_state.websocket, runtime.channel._loop_state.loop
    loop.call_soon_threadsafe(lambda: loop.create_task(socket.close()))
    runtime.until(lambda: len(runtime.sessions) == 2 and runtime.state.dims_ready, "the second session")
    runtime.settle(0.5)
    runtime.between = None
    came = runtime.taken - before
    changes = [f.payload.controls for f in runtime.frames[count:] if getattr(f.payload, "controls", None)]
    assert came["notify.scene"] == 1 and changes == [{"gamma": 1.75}], (came, changes)
    assert layer.layer.gamma == 1.75, layer.layer.gamma
    assert came["notify.stream"] == 0, came
    other.wait_for(other.socket.close())
    drive.record.notes.append(
        "reconnected with its own resume tokens after somebody else had changed a gamma: got "
        f"{', '.join(f'{n} {kind}' for kind, n in sorted(came.items()))}, of which the changes of controls were "
        f"{json.dumps(changes)}; its layer's gamma is {layer.layer.gamma}")
    drive.raw("layer.gamma after the reconnect", "layer", layer.layer_id, "gamma", 0.9, applied=0.9,
              notified="notify.layers", after=lambda: layer.layer.gamma, want=0.9)


def heartbeats(drive):
    runtime = drive.runtime
    count = runtime.taken["session.heartbeat"]
    runtime.until(lambda: runtime.taken["session.heartbeat"] >= count + 2, "two heartbeats", 10)
    drive.record.notes.append(f"{runtime.taken['session.heartbeat']} heartbeats were answered by its StateChannel, "
                              f"every {runtime.sessions[-1].heartbeat_s:g} s")


def thumbnails(drive):
    """Each layer's thumbnail is a picture, and changes with its colours."""
    runtime = drive.runtime
    layer = runtime.layer()

    def bright():
        return layer._thumbnail.shape == (32, 32, 4) and layer._thumbnail[..., :3].max() > 50

    runtime.until(bright, "a thumbnail")
    sides = [int(ends.max()) + 1 for ends in np.nonzero(layer._thumbnail[..., 3])]
    drive.raw("layer.colormap for the thumbnail", "layer", layer.remote_id, "colormap", "red", applied="red")
    runtime.until(lambda: bright() and layer._thumbnail[..., 1:3].max() == 0, "a red thumbnail")
    red = int(layer._thumbnail[..., 0].max())
    drive.raw("layer.colormap back", "layer", layer.remote_id, "colormap", "gray", applied="gray")
    drive.raw("layer.name", "layer", layer.remote_id, "name", "renamed", applied="renamed", after=lambda: layer.name,
              want="renamed")
    runtime.settle()
    assert bright(), "a renamed layer has lost its thumbnail"
    drive.record.notes.append(f"its layer shows the thumbnail of notify.layers, {sides[1]}×{sides[0]} of 32×32; with the "
                              f"colormap red there is no green and no blue in it, and red up to {red}")


def pictures(drive, ready):
    url = urllib.parse.urlsplit(ready["pixel"])
    decoder, shown = PyAVDecoder(), []

    def take(packet):
        picture = decoder.decode(packet.payload)
        if picture is not None:
            shown.append(picture)

    threading.Thread(target=PixelReceiver(url.hostname, url.port, on_frame=take).run, daemon=True).start()
    drive.runtime.until(lambda: shown, "a picture")
    stream = next(f for f in drive.runtime.frames if f.envelope.type == "notify.stream").payload
    assert shown[-1].shape[1::-1] == tuple(stream.frame_size), (shown[-1].shape, stream)
    assert np.asarray(shown[-1]).max() > 60, "the picture is dark"
    drive.record.notes.append(f"its PixelReceiver and PyAVDecoder show pictures of {shown[-1].shape[1]}×{shown[-1].shape[0]}")


def sent_to(folder, sessions):
    """Frames by type that the server sent to these sessions; all of them are checked."""
    schemas, sent = check_frames.Schemas(), collections.Counter()
    for path in pathlib.Path(folder).glob("*.ndjson"):
        log = check_frames.Log(schemas, path.name)
        for text in path.read_text().splitlines():
            log.take(text)
            frame = json.loads(text)["frame"]
            if frame.get("session") in sessions:
                sent[frame["type"]] += 1
        assert not log.found, log.found
    return sent


def main(record_path):
    app = QtWidgets.QApplication([])
    record = reference_runtime.Record()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        server = stack.enter_context(oriel.Server(
            oriel.EXAMPLE, "--set", f"canvas.width={SIZE[0]}", "--set", f"canvas.height={SIZE[1]}", "--set",
            "control.heartbeat_s=1", "--set", f"data.root={DATA}", "--set", f"debug.frame_dir={folder}"))
        runtime = reference_runtime.Runtime(server.ready)
        runtime.until(lambda: runtime.state.dims_ready and runtime.taken["notify.stream"], "the baseline")
        runtime.until(lambda: runtime.taken["notify.camera"], "the camera's pose")
        drive = Drive(runtime, record)
        pictures(drive, server.ready)
        drive.dims()
        drive.plane()
        drive.volume()
        drive.layers()
        drive.levels()
        thumbnails(drive)
        resume(drive, server.ready)
        drive.commands()
        drive.series()
        drive.channels()
        heartbeats(drive)
        sessions = {metadata.session_id for metadata in runtime.sessions}
        swallowed = list(runtime.swallowed.found)
        runtime.channel.stop()
        server.stop()
        runtime.settle(0.2)
        sent = sent_to(folder, sessions)
        # It has no ear for the goodbye; the last frames may have come after its own.
        sent.pop("session.goodbye", None)
        late = sent - runtime.taken
        assert sum(late.values()) <= 2 and not runtime.taken - sent, (sent, runtime.taken)
        assert not swallowed, "\n".join(swallowed)
    if record_path:
        record.write(record_path, sent)
    print(f"{len(record.rows)} updates, {len(record.commands)} commands: nothing was swallowed of {sum(sent.values())} frames")
    app.quit()


main(sys.argv[1] if len(sys.argv) > 1 else None)
