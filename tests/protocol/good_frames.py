# SPDX-License-Identifier: BSD-3-Clause
"""One session of each class, with every frame that a server may send: what the checker's test begins from."""

import base64
import copy
import struct
import zlib

SESSION = {"classic": "01234567-89ab-4cde-8f01-23456789abcd", "oriel": "76543210-89ab-4cde-9f01-23456789abcd"}
TOKEN = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x80" * 4 * width) * height)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)) + \
        chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


SPS, PPS = bytes([0x67, 0x42, 0xC0, 0x2A, 0xD9]), bytes([0x68, 0xCE, 0x3C, 0x80])
AVCC = base64.b64encode(bytes([1, *SPS[1:4], 0xFF, 0xE1]) + struct.pack(">H", len(SPS)) + SPS + b"\1" +
                        struct.pack(">H", len(PPS)) + PPS).decode()
SHAPES = [[8, 64, 48], [4, 32, 24]]
LEVELS = [{"index": i, "shape": shape, "downsample": [2.0**i] * 3, "path": str(i)} for i, shape in enumerate(SHAPES)]
DIMS = {"step": [4, 0, 0], "current_step": [4, 0, 0], "levels": LEVELS, "current_level": 0, "level_shapes": SHAPES,
        "mode": "plane", "ndisplay": 2, "downgraded": False, "axis_labels": ["z", "y", "x"], "order": [0, 1, 2],
        "displayed": [1, 2]}
CONTROLS = {"visible": True, "opacity": 1, "blending": "translucent", "interpolation": "nearest", "colormap": "gray",
            "rendering": "mip", "gamma": 1, "contrast_limits": [0, 255], "iso_threshold": 100, "attenuation": 0.05}
VERSION = {"version": 7, "server_seq": 812, "source_client_id": SESSION["oriel"], "source_client_seq": 41,
           "interaction_id": "drag-3", "phase": "update"}
BLOCK = {"layer_id": "layer-0", "layer_type": "image", "name": "mri", "ndim": 3, "shape": SHAPES[0], "dtype": "uint8",
         "axis_labels": ["z", "y", "x"], "volume": True, "controls": CONTROLS, "level_shapes": SHAPES,
         "metadata": {"thumbnail": [[[0, 0, 0, 0]]]},
         "multiscale": {"levels": [{k: v for k, v in level.items() if k != "index"} for level in LEVELS],
                        "current_level": 0},
         "contrast_limits": [0, 255], "scale": [2, 1, 1], "translate": [0, 0, 0], "source": {"kind": "ome-zarr"}}
FACTS = {"status": "ready", "error": "", "level": 0, "level_count": 2, "dtype": "uint8", "integer": True,
         "levels": [{"shape": shape, "chunk": [4, 32, 24]} for shape in SHAPES], "scale": [2, 1, 1],
         "translate": [0, 0, 0], "axes": ["z", "y", "x"], "unit": "millimeter", "source": "mri.zarr",
         "format": "zarr v2", "iso_range": [0, 255], "color": None, "warnings": []}
OWN_CONTROLS = {**CONTROLS, "interpolation2d": "nearest", "interpolation3d": "linear", "depiction": "volume", "projection_mode": "none",
                "contrast_limits_range": [0, 255],
                "colormap": {"colors": [[0, 0, 0, 1], [1, 0, 0, 1]], "controls": [0, 1], "interpolation": "linear"}}
OWN_BLOCK = {**BLOCK, "metadata": {}, "controls": OWN_CONTROLS, "oriel": FACTS,
             "control_versions": {key: VERSION for key in OWN_CONTROLS}}
VIEW = {"revision": 812, "view": "main", "ndisplay": 2, "order": [0, 1, 2],
        "axes": [{"name": n, "type": "space", "unit": "millimeter", "size": s, "scale": 1, "translate": 0}
                 for n, s in zip("zyx", SHAPES[0])],
        "step": [4, 0, 0], "canvas": {"size": [640, 480], "background": [0, 0, 0, 1]},
        "camera": {"center": [24, 32, 0], "zoom": 7.5, "quat": [1, 0, 0, 0], "fov": 0},
        "extent": [[-0.5, -0.5, 0], [47.5, 63.5, 0]], "origin": {"session": "", "rev": 0},
        "play": {"axis": "z", "fps": 10, "mode": "loop"}, "versions": {"camera": VERSION, "step": VERSION}}
STREAM = {"codec": "h264", "codec_string": "avc1.42c02a", "encoder": "encode/openh264", "reason": "", "chain": "",
          "size": [640, 480], "fps": 30, "bitrate": 1e6, "branches": [], "clients": []}
STATUS = {"revision": 812, "renderer": "llvmpipe", "software": True, "capture": "capture/gl",
          "scene_module": "scene/napari", "stream": STREAM, "version": "0.2.0"}
POSE = {"center": [24, 32], "zoom": 7.5, "rect": [-18.7, 0, 85.3, 64]}


def scene(block):
    return {"viewer": {"settings": {"fps_target": 60, "canvas_size": [640, 480], "volume_enabled": False},
                       "dims": {"ndim": 3, **{key: DIMS[key] for key in (
                           "axis_labels", "order", "level_shapes", "current_level", "current_step", "displayed",
                           "ndisplay")}},
                       "camera": {"ndisplay": 2, **POSE}},
            "layers": [block],
            "policies": {"multiscale": {"active_level": 0, "downgraded": False, "levels": LEVELS}},
            "metadata": {"status": "ready", "source_path": "/d/mri.zarr", "source_kind": "ome-zarr", "labels": [],
                         "volume_state": {}, "viewport_state": {}}}


def on(**more):
    return {"enabled": True, "version": 1, "resume": False, **more}


def features(kind):
    found = {topic: on(resume=True, resume_state={"seq": 0, "delta_token": TOKEN})
             for topic in ("notify.scene", "notify.layers", "notify.stream")}
    for name in ("dims", "camera", "telemetry", "error", "scene.level"):
        found[f"notify.{name}"] = on()
    found["call.command"] = on(commands=["napari.pixel.request_keyframe", "fs.listdir", "napari.load_zarr"])
    if kind == "oriel":
        found |= {"oriel": on(role="editor", pixel_ticket="0123456789abcdef" * 2), "notify.view": on(), "notify.status": on()}
    return found


def session(kind):
    """[frame, …] in an order that is allowed."""
    own = kind == "oriel"
    sid = SESSION[kind]

    def frame(name, payload, **envelope):
        return {"type": name, "version": 2, "session": sid, "frame_id": f"f-{name}", "timestamp": 1.7e9,
                **envelope, "payload": payload}

    cursor = {"seq": 1, "delta_token": OTHER}
    ack = {"intent_id": "intent-1", "in_reply_to": "state-1", "status": "accepted", "version": 3, "applied_value": 0.5}
    refusal = {"intent_id": "intent-2", "in_reply_to": "state-2", "status": "rejected", "error": {
        "code": "state.invalid", "message": "scope/key required", "details": {"scope": "", "key": "", "target": ""}}}
    entry = {"name": "a.zarr", "path": "/d/a.zarr", "is_dir": True, "size": 0, "mtime": 1.7e9, "zarr_metadata": {
        "is_dataset": True, "has_multiscales": True, "dataset_children": []}}
    change = {"layer_id": "layer-0", "controls": {"opacity": 0.4}}
    frames = [
        frame("session.welcome", {"protocol_version": 2, "features": features(kind), "session": {
            "id": sid, "heartbeat_s": 15, "ack_timeout_ms": 250}}),
        frame("notify.scene", scene(OWN_BLOCK if own else BLOCK), seq=0, delta_token=TOKEN),
        frame("notify.dims", DIMS),
        frame("notify.layers", {"layer_id": "layer-0", "thumbnail": {
            "png": png(24, 32), "shape": [32, 24, 4], "generated_at": 1.7e9} if own else {
            "array": [[[0, 128, 255, 255]] * 24] * 32, "shape": [32, 24, 4], "dtype": "uint8",
            "generated_at": 1.7e9}}, seq=0, delta_token=TOKEN),
        frame("notify.layers", {**change, "control_versions": {"opacity": VERSION}} if own else change, **cursor,
              intent_id="intent-1"),
        frame("notify.stream", {"codec": "h264", "format": "avcc", "fps": 30, "frame_size": [640, 480],
                                "nal_length_size": 4, "avcc": AVCC,
                                "latency_policy": {"max_buffer_ms": 120, "grace_keyframe_ms": 2000}}, **cursor),
        frame("notify.camera", {"mode": "pose", "origin": "worker.state.camera", "state": POSE}),
        frame("notify.camera", {"mode": "zoom", "origin": "state.update",
                                "delta": {"factor": 1.1, "anchor_px": [10, 20]}}, intent_id="intent-3"),
        frame("notify.telemetry", {"presenter": 30, "decode": 0, "queue_depth": 1}),
        frame("notify.scene.level", {"current_level": 1, "downgraded": False, "levels": LEVELS}, **cursor),
        frame("session.heartbeat", {}),
        frame("ack.state", {**ack, "control_version": VERSION} if own else ack),
        frame("ack.state", refusal),
        frame("reply.command", {"in_reply_to": "cmd-1", "status": "ok"}),
        frame("reply.command", {"in_reply_to": "cmd-2", "status": "ok", "result": {
            "path": "/d", "entries": [entry], "has_more": False, "cursor": None}}),
        frame("reply.command", {"in_reply_to": "cmd-3", "status": "ok", "result": {
            "png": png(20, 10), "width": 20, "height": 10, "revision": 812}}),
        frame("error.command", {"in_reply_to": "cmd-4", "status": "error", "code": "fs.not_found", "message": "no",
                                "details": {"path": "/d/b"}}),
    ]
    error = {"domain": "data", "code": "data.read", "message": "a block cannot be read"}
    if own:
        frames += [frame("notify.view", VIEW), frame("notify.status", STATUS),
                   frame("notify.error", {**error, "severity": "error", "layer_id": "layer-0", "ref": "/d/mri.zarr"})]
    else:
        frames += [frame("notify.error", {**error, "severity": "critical", "context": {"layer_id": "layer-0"}})]
    frames.append(frame("session.goodbye", {"code": "shutdown", "message": "the server stops", "reason": "shutdown"}))
    return copy.deepcopy(frames)


def reject():
    return {"type": "session.reject", "version": 2, "frame_id": "reject-1", "timestamp": 1.7e9, "payload": {
        "code": "protocol_mismatch", "message": "this server speaks protocol 2", "details": {"client_protocols": [1]}}}
