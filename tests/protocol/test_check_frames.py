# SPDX-License-Identifier: BSD-3-Clause
"""The checker itself: whole sessions pass, and each broken frame is refused for the right reason."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile

import jsonschema

import check_frames
import good_frames

SCHEMAS = check_frames.Schemas()


def put(path, value):
    """A change: the value at a path as "payload/layers/0/name"; None takes it away."""
    def change(frame):
        *way, last = [int(p) if p.isdigit() else p for p in path.split("/")]
        at = frame
        for step in way:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return change


# type, class, which of that type, change, path of the complaint, part of its text
FRAMES = [
    ("notify.dims", "classic", 0, put("version", 1), "$.version", "2 was expected"),
    ("notify.dims", "classic", 0, put("session", None), "$", "'session' is a required"),
    ("notify.dims", "classic", 0, put("frame_id", None), "$", "'frame_id' is a required"),
    ("notify.dims", "classic", 0, put("timestamp", "now"), "$.timestamp", "not of type 'number'"),
    ("notify.dims", "classic", 0, put("seq", 3), "$", "'seq' was unexpected"),
    ("notify.camera", "classic", 0, put("delta_token", good_frames.TOKEN), "$", "'delta_token' was unexpected"),
    ("notify.dims", "classic", 0, put("payload/extra", 1), "$.payload", "'extra' was unexpected"),
    ("notify.dims", "classic", 0, put("payload/current_level", 2), "$.payload.current_level", "2 of 2 level_shapes"),
    ("notify.dims", "classic", 0, put("payload/level_shapes", []), "$.payload.level_shapes", "[]"),
    ("notify.dims", "classic", 0, put("payload/current_step/0", 5), "$.payload.current_step", "where step is"),
    ("notify.dims", "classic", 0, put("payload/order", [0, 1, 1]), "$.payload.order", "non-unique"),
    ("notify.dims", "classic", 0, put("payload/displayed", [0, 1]), "$.payload.displayed", "where the end of order"),
    ("notify.dims", "classic", 0, put("payload/mode", "volume"), "$.payload.mode", "'plane' was expected"),
    ("notify.dims", "oriel", 0, put("payload/levels/1/index", 0), "$.payload.levels", "[0, 0] where"),
    ("notify.scene", "classic", 0, put("seq", 1), "$.seq", "0 was expected"),
    ("notify.scene", "classic", 0, put("payload/layers/0/layer_type", "labels"), "$.payload.layers[0].layer_type",
     "not one of"),
    ("notify.scene", "classic", 0, put("payload/layers/0/controls", None), "$.payload.layers[0]",
     "'controls' is a required"),
    ("notify.scene", "classic", 0, put("payload/layers/0/controls/depiction", "volume"),
     "$.payload.layers[0].controls", "'depiction' was unexpected"),
    ("notify.scene", "classic", 0, put("payload/layers/0/controls/contrast_limits", [5, 5]),
     "$.payload.layers[0].controls.contrast_limits", "5 is not below 5"),
    ("notify.scene", "classic", 0, put("payload/layers/0/contrast_limits", [1, 2]),
     "$.payload.layers[0].contrast_limits", "where the control is"),
    ("notify.scene", "classic", 0, put("payload/layers/0/scale", [1, 1]), "$.payload.layers[0].scale", "where ndim"),
    ("notify.scene", "classic", 0, put("payload/layers/0/oriel", good_frames.FACTS), "$.payload.layers[0]",
     "'oriel' was unexpected"),
    ("notify.scene", "classic", 0, put("payload/layers/0/control_versions", {}), "$.payload.layers[0]",
     "'control_versions' was unexpected"),
    ("notify.scene", "classic", 0, put("payload/layers/0/metadata/thumbnail", [[[0, 0, 0, 255]]]),
     "$.payload.layers[0].metadata.thumbnail[0][0][3]", "greater than the maximum"),
    ("notify.scene", "classic", 0, put("payload/layers/0/metadata", {}), "$.payload.layers[0].metadata",
     "'thumbnail' is a required"),
    ("notify.scene", "classic", 0, put("payload/metadata/status", "idle"), "$.payload.metadata.status",
     "'ready' was expected"),
    ("notify.scene", "classic", 0, put("payload/extra", {}), "$.payload", "'extra' was unexpected"),
    ("notify.scene", "oriel", 0, put("payload/layers/0/control_versions/gamma", None),
     "$.payload.layers[0].control_versions", "not the same keys as controls: gamma"),
    ("notify.scene", "oriel", 0, put("payload/layers/0/oriel/iso_range", [2, 1]),
     "$.payload.layers[0].oriel.iso_range", "2 is not below 1"),
    ("notify.scene", "oriel", 0, put("payload/viewer/dims/current_level", 1),
     "$.payload.viewer.dims.current_step[0]", "4 of 4 in level 1"),
    ("notify.layers", "classic", 1, put("payload/controls/opacity", 1.5), "$.payload.controls.opacity",
     "greater than the maximum"),
    ("notify.layers", "classic", 1, put("payload/controls/contrast_limits", [1]),
     "$.payload.controls.contrast_limits", "too short"),
    ("notify.layers", "classic", 1, put("payload/controls/contrast_limits", [1, 1]),
     "$.payload.controls.contrast_limits", "1 is not below 1"),
    ("notify.layers", "oriel", 1, put("payload", {
        "layer_id": "layer-0", "controls": {"contrast_limits": [2, 1]},
        "control_versions": {"contrast_limits": good_frames.VERSION}}),
     "$.payload.controls.contrast_limits", "2 is not below 1"),
    ("notify.layers", "oriel", 1, put("payload/control_versions", None), "$.payload", "is a dependency of"),
    ("notify.view", "oriel", 0, put("payload/view", None), "$.payload", "'view' is a required"),
    ("notify.layers", "classic", 1, put("payload/controls/gamma", 0), "$.payload.controls.gamma", "less than or equal"),
    ("notify.layers", "classic", 1, put("payload/control_versions", {}), "$.payload", "was unexpected"),
    ("notify.layers", "classic", 1, put("payload/controls", None), "$.payload", "does not have enough properties"),
    ("notify.layers", "classic", 1, put("delta_token", None), "$", "'delta_token' is a required"),
    ("notify.layers", "classic", 0, put("payload/thumbnail/shape", [24, 32, 4]), "$.payload.thumbnail.shape",
     "where the picture is [32, 24]"),
    ("notify.layers", "classic", 0, put("payload/thumbnail/array/3/2", [0, 0, 0, 1.5]),
     "$.payload.thumbnail.array[3][2][3]", "not of type 'integer'"),
    ("notify.layers", "classic", 0, put("payload/thumbnail", {"png": good_frames.png(32, 32), "shape": [32, 32, 4],
                                                              "generated_at": 1}), "$.payload.thumbnail", "'png'"),
    ("notify.layers", "oriel", 0, put("payload/thumbnail/png", "iVBORw0KGgoAAAAA"), "$.payload.thumbnail.png",
     "no whole PNG"),
    ("notify.layers", "oriel", 0, put("payload/thumbnail", {"png": good_frames.png(8, 8), "shape": [8, 8, 4],
                                                            "generated_at": 1}), "$.payload.thumbnail.shape", "not 32"),
    ("notify.stream", "classic", 0, put("payload/codec", "vp9"), "$.payload.codec", "'h264' was expected"),
    ("notify.stream", "classic", 0, put("payload/avcc", "AWQAKv/hAAA="), "$.payload.avcc", "no decoder configuration"),
    ("notify.stream", "classic", 0, put("payload/latency_policy", None), "$.payload", "'latency_policy' is a required"),
    ("notify.camera", "classic", 0, put("payload/state/center", [1, 2, 3, 4]), "$.payload.state", ""),
    ("notify.camera", "classic", 1, put("payload/delta/factor", 0), "$.payload.delta.factor", "less than or equal"),
    ("notify.camera", "classic", 1, put("payload/delta", None), "$.payload", "'delta' is a required"),
    ("notify.view", "oriel", 0, put("payload/view", "fork"), "$.payload.view", "does not match"),
    ("notify.view", "oriel", 0, put("payload/versions/zoom", good_frames.VERSION), "$.payload.versions",
     "'zoom' is not one of"),
    ("notify.status", "oriel", 0, put("payload/stream/secret", 1), "$.payload.stream", "'secret' was unexpected"),
    ("notify.error", "classic", 0, put("payload/severity", "error"), "$.payload.severity", "not one of"),
    ("notify.error", "oriel", 0, put("payload/severity", "critical"), "$.payload.severity", "not one of"),
    ("notify.telemetry", "classic", 0, put("payload/decode", None), "$.payload", "'decode' is a required"),
    ("session.welcome", "classic", 0, put("payload/session/id", good_frames.SESSION["oriel"]), "$.session",
     "where payload.session.id is"),
    ("session.welcome", "classic", 0, put("payload/features/call.command", {"enabled": False}), "$.payload.features", ""),
    ("session.welcome", "classic", 0, put("payload/features/oriel", {"enabled": True}), "$.payload.features",
     "'oriel' was unexpected"),
    ("session.welcome", "oriel", 0, put("payload/features/oriel/role", "none"), "$.payload.features.oriel.role",
     "not one of"),
    ("session.heartbeat", "classic", 0, put("payload/at", 1), "$.payload", "'at' was unexpected"),
    ("ack.state", "classic", 0, put("payload/version", None), "$.payload", "'version' is a required"),
    ("ack.state", "classic", 0, put("payload/version", 1.5), "$.payload.version", "not of type 'integer'"),
    ("ack.state", "classic", 0, put("payload/error", {"code": "state.error", "message": "x"}), "$.payload",
     "'error' was unexpected"),
    ("ack.state", "classic", 0, put("payload/control_version", good_frames.VERSION), "$.payload",
     "'control_version' was unexpected"),
    ("ack.state", "classic", 1, put("payload/error", None), "$.payload", "'error' is a required"),
    ("ack.state", "classic", 1, put("intent_id", "intent-2"), "$", "'intent_id' was unexpected"),
    ("reply.command", "classic", 1, put("payload/result/entries/0/owner", "me"), "$.payload.result.entries[0]",
     "'owner' was unexpected"),
    ("reply.command", "classic", 1, put("payload/result/cursor", "a"), "$.payload.result.cursor", "has_more is false"),
    ("reply.command", "oriel", 2, put("payload/result/width", 21), "$.payload.result", "the size of the PNG"),
    ("reply.command", "classic", 0, put("payload/status", "error"), "$.payload.status", "'ok' was expected"),
    ("error.command", "classic", 0, put("payload/code", "nope"), "$.payload.code", "does not match"),
    ("session.goodbye", "classic", 0, put("payload/reason", None), "$.payload", "'reason' is a required"),
    ("notify.view", "classic", 0, put("payload/ndisplay", 2), "$.type", "not for classic clients"),
    ("notify.dims", "classic", 0, put("type", "notify.nonsense"), "$.type", "nobody knows"),
]


def take(kind, name):
    def change(frames):
        frames[:] = [frame for frame in frames if frame["type"] != name]
    return kind, change


def edit(kind, name, which, path, value):
    def change(frames):
        put(path, value)([frame for frame in frames if frame["type"] == name][which])
    return kind, change


def move(kind, name, to):
    def change(frames):
        at = next(i for i, frame in enumerate(frames) if frame["type"] == name)
        frames.insert(to, frames.pop(at))
    return kind, change


# (class, change of the whole session), part of the complaint
SESSIONS = [
    (take("classic", "session.welcome"), "notify.scene $.type: notify.scene before session.welcome"),
    (move("classic", "notify.layers", 1), "notify.layers $.type: notify.layers before notify.scene"),
    (move("classic", "notify.dims", 5), "notify.layers $.type: notify.layers before notify.dims or notify.view"),
    (edit("classic", "session.welcome", 0, "payload/features/notify.telemetry", {"enabled": False}),
     "notify.telemetry is not enabled"),
    (edit("classic", "notify.layers", 1, "payload/layer_id", "layer-9"), "layer-9 is not in the last notify.scene"),
    (edit("classic", "notify.layers", 0, "seq", 5), "notify.layers $.seq: 1 after 5"),
    (edit("classic", "notify.layers", 1, "delta_token", good_frames.TOKEN), "$.delta_token: seq 0 then 1"),
    (move("classic", "session.goodbye", 3), "after session.goodbye"),
]


def log_of(frames, kind):
    log = check_frames.Log(SCHEMAS, "log")
    for frame in frames:
        log.take(json.dumps({"class": kind, "peer": "127.0.0.1:1", "frame": frame}))
    return log.found


def check_good():
    schemas = check_frames.Schemas()
    for document in schemas.documents.values():
        jsonschema.Draft202012Validator.check_schema(document)
    for kind in ("classic", "oriel"):
        log = check_frames.Log(schemas, "good")
        for frame in [good_frames.reject(), *good_frames.session(kind)]:
            log.take(json.dumps({"class": kind, "peer": "127.0.0.1:1", "frame": frame}))
        assert not log.found, log.found
    wanted = {name for known in schemas.index["server"].values() for name in known.values()}
    assert schemas.used == wanted, wanted - schemas.used


def check_frames_broken():
    for name, kind, which, change, path, text in FRAMES:
        # Of a type that this class does not get, the other class's.
        source = kind if any(f["type"] == name for f in good_frames.session(kind)) else "oriel"
        frame = [f for f in good_frames.session(source) if f["type"] == name][which]
        change(frame)
        found = SCHEMAS.errors("server", kind, frame)
        assert any(p.startswith(path) and text in what for p, what in found), (name, kind, path, text, found)


def check_sessions_broken():
    for (kind, change), text in SESSIONS:
        frames = good_frames.session(kind)
        change(frames)
        found = log_of(frames, kind)
        assert any(text in line for line in found), (text, found)
    mixed = good_frames.session("classic")[:2]
    log = check_frames.Log(SCHEMAS, "log")
    for kind, frame in zip(("classic", "oriel"), (mixed[0], good_frames.session("classic")[10])):
        log.take(json.dumps({"class": kind, "peer": "x", "frame": frame}))
    assert any("is oriel now and was classic" in line for line in log.found), log.found


def check_lines():
    for text, what in (("{", "Expecting"), ('{"class":"classic","peer":"x"}', "not a line of"),
                       ('{"class":"other","peer":"x","frame":{}}', "not a line of"),
                       ('{"class":"oriel","peer":"x","frame":{"type":"a","payload":NaN}}', "NaN is not JSON"),
                       ('{"class":"oriel","peer":"x","frame":{"type":"a","type":"a"}}', "a key twice: type"),
                       ('{"class":"oriel","peer":"x","frame":[]}', "no frame with a type")):
        log = check_frames.Log(SCHEMAS, "log")
        log.take(text)
        assert any(what in line for line in log.found), (what, log.found)


def run_main(*args):
    sys.argv = ["check_frames.py", *map(str, args)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = check_frames.main()
    return status, out.getvalue()


def check_program():
    with tempfile.TemporaryDirectory() as folder:
        status, out = run_main(folder)
        assert status == 77 and "skipped:" in out, out
        path = pathlib.Path(folder, "1.ndjson")
        lines = [json.dumps({"class": "classic", "peer": "x", "frame": f}) for f in good_frames.session("classic")]
        path.write_text("\n".join(lines) + '\n{"class":"cla') # and half a line of a killed server
        status, out = run_main(folder)
        assert status == 0 and "never sent" in out and "notify.view" in out, out
        status, out = run_main(folder, "--complete")
        assert status == 1, out
        path.write_text("\n".join(lines).replace('"mode": "plane"', '"mode": "flat"') + "\n")
        status, out = run_main(folder)
        assert status == 1 and "1.ndjson:3: notify.dims $.payload.mode: 'flat' is not one of" in out, out


def client_frame(name, payload, **envelope):
    return {"type": name, "version": 2, "session": "s", "frame_id": "f-1", "timestamp": 1.7e9, **envelope,
            "payload": payload}


def check_clients():
    hello = client_frame("session.hello", {
        "protocols": [2], "client": {"name": "a", "version": "1", "platform": "x"},
        "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True},
        "resume_tokens": {"notify.scene": None}})
    del hello["session"]
    own = json.loads(json.dumps(hello))
    own["payload"]["features"]["oriel"] = True

    def update(scope, target, key, value, **more):
        return client_frame("state.update", {"scope": scope, "target": target, "key": key, "value": value, **more},
                            intent_id="i")

    good = [("classic", hello), ("oriel", own), ("classic", {"type": "ping"}),
            ("classic", client_frame("session.ack", {})),
            ("classic", update("dims", "z", "step", -10)), ("classic", update("camera", "", "set", {"center": [1, 2]})),
            ("oriel", update("view", "v1", "pose", {"rev": 1, "ndisplay": 2, "center": [0, 0, 0], "zoom": 1})),
            ("oriel", update("layer", "layer-0", "gamma", 2, client_seq=3, interaction_id="a", phase="end")),
            ("classic", client_frame("call.command", {"command": "fs.listdir", "args": [], "kwargs": {"path": None}})),
            ("oriel", client_frame("cancel.command", {"in_reply_to": "cmd-1"}))]
    for kind, frame in good:
        assert not SCHEMAS.errors("client", kind, frame), SCHEMAS.errors("client", kind, frame)
    bad = [("classic", own), ("oriel", hello), ("classic", {**hello, "session": "s"}), ("classic", {**hello, "seq": 1}),
           ("classic", update("view", "main", "pose", {})), ("classic", update("dims", "z", "step", 1.5)),
           ("classic", update("camera", "main", "zoom", {"factor": 0, "anchor_px": [0, 0]})),
           ("classic", update("layer", "layer-0", "mood", "mean")),
           ("classic", client_frame("session.ack", {"a": 1})),
           ("classic", client_frame("call.command", {"command": "napari.load_zarr", "kwargs": {"path": ""}})),
           ("oriel", client_frame("cancel.command", {}))]
    for kind, frame in bad:
        assert SCHEMAS.errors("client", kind, frame), frame


check_good()
check_frames_broken()
check_sessions_broken()
check_lines()
check_program()
check_clients()
print(f"{len(FRAMES)} broken frames, {len(SESSIONS) + 1} broken sessions, each refused for the right reason")
