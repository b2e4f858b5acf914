# SPDX-License-Identifier: BSD-3-Clause
"""The napari-cuda desktop client's own, unmodified classes from the checkout in NAPARI_CUDA_SRC (its `src`
folder), wired as its runtime wires them, with an ear for everything that they keep to themselves. Importing
this ends the program (77) where that checkout, or what it needs (PyQt5, qtpy), is not there."""

import collections
import json
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse
from concurrent.futures import Future

import oriel

if "NAPARI_CUDA_SRC" not in os.environ:
    print("left out: NAPARI_CUDA_SRC is not set")
    sys.exit(77)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, os.environ["NAPARI_CUDA_SRC"])

try:
    from qtpy import QtWidgets
except ImportError as error:
    print(f"left out: {error}")
    sys.exit(77)
try:
    import napari.layers.image.image  # noqa: F401
    NAPARI = "napari itself"
except ImportError:
    for name in [name for name in sys.modules if name.split(".")[0] == "napari"]:
        del sys.modules[name]
    import napari_standin
    napari_standin.install()
    NAPARI = "tests/e2e/napari_standin.py in place of napari's Image"

from napari_cuda.client.control import control_channel_client, state_update_actions as actions
from napari_cuda.client.control.client_state_ledger import ClientStateLedger
from napari_cuda.client.control.emitters import (
    NapariCameraIntentEmitter, NapariDimsIntentEmitter, NapariLayerIntentEmitter)
from napari_cuda.client.control.mirrors import NapariCameraMirror, NapariDimsMirror, NapariLayerMirror
from napari_cuda.client.data import registry as layer_registry
from napari_cuda.client.rendering.presenter_facade import PresenterFacade
from napari_cuda.client.runtime.client_loop.loop_state import ClientLoopState
from napari_cuda.client.runtime.client_loop.scheduler import CallProxy
from napari_cuda.protocol import build_call_command, build_state_update

FILTERS = ("nearest linear cubic bessel blackman catrom gaussian hamming hanning hermite kaiser lanczos mitchell "
           "spline16 spline36").split()
# In what the client says at its debug level and tells nobody.
SUSPICIOUS = ("ignored", "ignoring", "failed", "dropped", "unsupported", "skipped", "without pending future")


class Swallowed(logging.Handler):
    """What the client's classes notice and keep to themselves."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.found = []
        for name in ("napari_cuda", control_channel_client.__name__, layer_registry.__name__):
            logging.getLogger(name).setLevel(logging.DEBUG)
        root = logging.getLogger("napari_cuda")
        root.addHandler(self)
        root.propagate = False
        control_channel_client._STATE_DEBUG = layer_registry._LAYER_DEBUG = True
        # Qt gives what its slots raise to this one.
        sys.excepthook = self.raised
        threading.excepthook = lambda args: self.raised(args.exc_type, args.exc_value, args.exc_traceback)

    def raised(self, kind, value, trace):
        self.found.append(f"{kind.__name__}: {value}")
        sys.__excepthook__(kind, value, trace)

    def emit(self, record):
        text = record.getMessage()
        if record.exc_info:
            self.found.append(f"{record.name}: {text}: {record.exc_info[1]!r}")
        elif text.startswith("ack.state") and "rejected" in text:
            pass # a refusal that reached it
        elif record.levelno >= logging.WARNING or any(word in text for word in SUSPICIOUS):
            self.found.append(f"{record.name}: {text}")


class Runtime:
    """The client's classes, wired as its ClientStreamLoop wires them; pictures and input aside."""

    def __init__(self, ready):
        self.swallowed = Swallowed()
        self.ui = CallProxy()
        self.gui = threading.current_thread()
        self.ledger = ClientStateLedger()
        self.state = actions.ControlStateContext()
        self.loop = ClientLoopState()
        self.presenter = PresenterFacade()
        self.registry = layer_registry.RemoteLayerRegistry()
        self.taken = collections.Counter()
        self.frames = []
        self.outcomes = {}
        self.calls = {}
        self.sessions = []
        self.between = None
        common = {"ledger": self.ledger, "state": self.state, "loop_state": self.loop}
        mirror = {**common, "presenter": self.presenter, "ui_call": self.ui}
        viewer = {"viewer_ref": lambda: None}
        self.dims_mirror = NapariDimsMirror(**mirror, **viewer, log_dims_info=False)
        emit = {**common, "dispatch_state_update": self.dispatch, "ui_call": self.ui}
        self.dims = NapariDimsIntentEmitter(**emit, log_dims_info=False, tx_interval_ms=0)
        self.dims_mirror.attach_emitter(self.dims)
        self.layer_mirror = NapariLayerMirror(**mirror, **viewer, registry=self.registry, log_layers_info=False)
        self.layers = NapariLayerIntentEmitter(**emit, log_layers_info=False, tx_interval_ms=0)
        self.layer_mirror.attach_emitter(self.layers)
        self.camera = NapariCameraIntentEmitter(**emit, log_camera_info=False)
        self.camera_mirror = NapariCameraMirror(**mirror, log_camera_info=False)
        self.camera_mirror.attach_emitter(self.camera)

        def on_ui(take):
            return lambda frame: self.run_on_ui(lambda: self.take(frame, take))

        url = urllib.parse.urlsplit(ready["state"])
        self.channel = control_channel_client.StateChannel(
            url.hostname, url.port, ingest_notify_stream=on_ui(lambda frame: None),
            ingest_dims_notify=on_ui(self.dims_mirror.ingest_dims_notify),
            ingest_notify_scene_snapshot=on_ui(self.layer_mirror.ingest_scene_snapshot),
            ingest_notify_layers=on_ui(self.layer_mirror.ingest_layer_delta),
            ingest_notify_camera=on_ui(self.camera_mirror.ingest_notify_camera),
            ingest_ack_state=on_ui(self.take_ack), ingest_reply_command=on_ui(self.take_reply),
            ingest_error_command=on_ui(self.take_error), on_session_ready=self.take_session,
            on_connected=lambda: actions.on_state_connected(self.state), on_disconnect=self.disconnected)
        self.loop.state_channel = self.channel
        heartbeat = self.channel._handle_session_heartbeat

        def count_heartbeat(data):
            heartbeat(data)
            self.taken["session.heartbeat"] += 1

        self.channel._handle_session_heartbeat = count_heartbeat
        threading.Thread(target=self.channel.run, daemon=True).start()

    # --- the runtime's part

    def run_on_ui(self, call):
        self.ui.call.emit(call)

    def take(self, frame, take):
        self.taken[frame.envelope.type] += 1
        self.frames.append(frame)
        take(frame)

    def take_session(self, metadata):
        self.state.session_id = metadata.session_id
        self.state.intent_counter = 0
        self.sessions.append(metadata)
        self.taken["session.welcome"] += 1

    def disconnected(self, error):
        actions.on_state_disconnected(self.loop, self.state)
        self.ledger.clear_pending_on_reconnect()
        if self.between:
            self.between()

    def dispatch(self, pending, origin):
        frame = build_state_update(session_id=self.state.session_id, intent_id=pending.intent_id,
                                   frame_id=pending.frame_id, payload=pending.payload_dict())
        self.sent = frame.to_dict()
        return self.channel.send_frame(frame)

    def take_ack(self, frame):
        outcome = self.ledger.apply_ack(frame)
        self.outcomes[(frame.envelope.session, outcome.in_reply_to)] = outcome
        assert outcome.was_pending, f"an acknowledgement of nothing: {outcome}"
        if outcome.scope == "layer":
            self.layers.handle_ack(outcome)
        elif outcome.scope == "camera":
            self.camera.handle_ack(outcome)
        elif outcome.scope == "dims":
            actions.handle_dims_ack(self.state, self.loop, outcome, presenter=self.presenter, viewer_ref=lambda: None,
                                    ui_call=self.ui)
        else:
            actions.handle_generic_ack(self.state, self.loop, outcome)

    def take_reply(self, frame):
        self.calls.pop(frame.payload.in_reply_to).set_result(frame.payload)

    def take_error(self, frame):
        self.calls.pop(frame.payload.in_reply_to).set_result(frame.payload)

    # --- the test's part

    def until(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not come; taken: {dict(self.taken)}"
            QtWidgets.QApplication.processEvents()
            time.sleep(0.002)
        return found

    def settle(self, seconds=0.15):
        self.until(lambda end=time.monotonic() + seconds: time.monotonic() > end, "the end of a pause")

    def emit(self, scope, target, key, value, kind=None):
        """Any update at all, by the function that all of the client's emitters use."""
        return actions._emit_state_update(
            self.state, self.loop, self.ledger, self.dispatch, scope=scope, target=target, key=key, value=value,
            origin="test", metadata={"update_kind": kind or "delta"})[0]

    def acked(self, send):
        """The outcome of what `send` sends, and the frames of notify that came with it."""
        count = len(self.frames)
        assert send(), "the client did not send it"
        key = (self.state.session_id, self.sent["frame_id"])
        outcome = self.until(lambda: self.outcomes.get(key), f"the acknowledgement of {self.sent['payload']}")
        self.settle()
        return outcome, [f for f in self.frames[count:] if f.envelope.type.startswith("notify.")]

    def call(self, command, kwargs):
        payload = {"command": command, "origin": "test"}
        if kwargs:
            payload["kwargs"] = kwargs
        frame = build_call_command(session_id=self.state.session_id, frame_id=None, payload=payload)
        self.calls[frame.envelope.frame_id] = future = Future()
        assert self.channel.send_frame(frame)
        self.until(future.done, f"the answer to {command}")
        return future.result()

    def layer(self, index=0):
        return self.registry.snapshot().layers[index].layer


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def cell(value):
    text = value if isinstance(value, str) else json.dumps(plain(value), default=str)
    text = text if len(text) <= 120 else text[:117] + "…"
    return text.replace("|", "\\|")


class Record:
    def __init__(self):
        self.rows, self.commands, self.notes = [], [], []

    def write(self, path, sent):
        source = pathlib.Path(os.environ["NAPARI_CUDA_SRC"])
        commit = os.environ.get("NAPARI_CUDA_COMMIT") or subprocess.run(
            ["git", "-C", str(source), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
        lines = [
            "# The napari-cuda desktop client's own classes", "",
            "Written by `tests/e2e/reference_client.py`: the client's unmodified StateChannel, ClientStateLedger, mirrors,",
            "intent emitters, RemoteLayerRegistry and RemoteImageLayer against `oriel serve`, every row of the protocol's",
            "`state.update` table and every command. Every line below was asserted while it was written.", "",
            f"- client: napari-cuda at commit {commit or 'unknown'}, on {NAPARI}",
            f"- server: {oriel.run('--version').stdout.strip()}",
            "- errors that the client swallowed: 0",
            "- frames that the server sent to it, all taken by its classes: " +
            ", ".join(f"{count} {name}" for name, count in sorted(sent.items())), "",
            "## Updates", "",
            "| row | sent | acknowledged | notified | the client after |", "|---|---|---|---|---|"]
        lines += ["| " + " | ".join(map(cell, row)) + " |" for row in self.rows]
        lines += ["", "## Commands", "", "| command | kwargs | answer |", "|---|---|---|"]
        lines += ["| " + " | ".join(map(cell, row)) + " |" for row in self.commands]
        lines += ["", "## The rest", ""] + [f"- {note}" for note in self.notes]
        pathlib.Path(path).write_text("\n".join(lines) + "\n")
