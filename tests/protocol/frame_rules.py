# SPDX-License-Identifier: BSD-3-Clause
"""What JSON Schema cannot say of a frame, and what a session's frames must be together.

Every rule yields (path, what): where in the frame, and what is wrong there."""

import base64
import struct

LIMIT_KEYS = ("contrast_limits", "contrast_limits_range", "iso_range")
RESUMABLE = ("notify.scene", "notify.layers", "notify.stream")
# Types that a session gets whether or not a feature of that name is enabled.
ALWAYS = ("session.", "ack.", "reply.", "error.")


def increasing_limits(value, path, equal):
    """The napari-cuda client asserts that limits are strictly increasing; others may see them `equal`."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}"
            if key in LIMIT_KEYS and isinstance(item, list) and len(item) == 2:
                if item[0] > item[1] or (item[0] == item[1] and not (equal and key == "contrast_limits")):
                    yield here, f"{item[0]} is not below {item[1]}"
            yield from increasing_limits(item, here, equal)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from increasing_limits(item, f"{path}[{i}]", equal)


def same(path, got, want, what):
    if got != want:
        yield path, f"{got} where {what} is {want}"


def level_rules(dims, path):
    shapes, level = dims["level_shapes"], dims["current_level"]
    if level >= len(shapes):
        yield f"{path}.current_level", f"{level} of {len(shapes)} level_shapes"
        return
    shape, ndim = shapes[level], len(shapes[level])
    for i, other in enumerate(shapes):
        yield from same(f"{path}.level_shapes[{i}]", len(other), ndim, "the number of axes")
    for key in ("current_step", "axis_labels", "order"):
        yield from same(f"{path}.{key}", len(dims[key]), ndim, "the number of axes")
    for axis, (at, size) in enumerate(zip(dims["current_step"], shape)):
        if at >= size:
            yield f"{path}.current_step[{axis}]", f"{at} of {size} in level {level}"
    yield from same(f"{path}.order", sorted(dims["order"]), list(range(ndim)), "the list of axes")
    yield from same(f"{path}.displayed", dims["displayed"], dims["order"][-dims["ndisplay"]:],
                    "the end of order")


def notify_dims(payload, path):
    yield from same(f"{path}.current_step", payload["current_step"], payload["step"], "step")
    yield from level_rules(payload, path)
    shapes = [level["shape"] for level in payload["levels"]]
    yield from same(f"{path}.levels", shapes, payload["level_shapes"], "level_shapes")
    indices = [level["index"] for level in payload["levels"]]
    yield from same(f"{path}.levels", indices, list(range(len(shapes))), "the list of levels")


def versions_of(holder, path):
    """Oriel's clients learn for each control that they get who set it."""
    if "control_versions" in holder:
        missing = set(holder.get("controls", {})) ^ set(holder["control_versions"])
        # `interpolation` stands for the one of the current ndisplay, and changes with that; a name that is
        # the data's own was set by nobody.
        if missing - {"interpolation", "name"}:
            yield f"{path}.control_versions", f"not the same keys as controls: {', '.join(sorted(missing))}"


def layer_block(block, path):
    for key in ("shape", "axis_labels", "scale", "translate"):
        yield from same(f"{path}.{key}", len(block[key]), block["ndim"], "ndim")
    yield from same(f"{path}.level_shapes[0]", block["level_shapes"][0], block["shape"], "shape")
    if "multiscale" in block:
        scale = block["multiscale"]
        shapes = [level["shape"] for level in scale["levels"]]
        yield from same(f"{path}.multiscale.levels", shapes, block["level_shapes"], "level_shapes")
        if scale["current_level"] >= len(shapes):
            yield f"{path}.multiscale.current_level", f"{scale['current_level']} of {len(shapes)} levels"
    limits = block["controls"].get("contrast_limits")
    if "oriel" not in block:
        yield from same(f"{path}.contrast_limits", block["contrast_limits"], limits, "the control")
    else:
        shapes = [level["shape"] for level in block["oriel"]["levels"]]
        yield from same(f"{path}.oriel.levels", shapes, block["level_shapes"], "level_shapes")
    yield from versions_of(block, path)


def notify_scene(payload, path):
    dims, policy = payload["viewer"]["dims"], payload["policies"]["multiscale"]
    yield from level_rules(dims, f"{path}.viewer.dims")
    yield from same(f"{path}.viewer.dims.ndim", dims["ndim"], len(dims["order"]), "the number of axes")
    yield from same(f"{path}.policies.multiscale.active_level", policy["active_level"],
                    dims["current_level"], "current_level")
    settings = payload["viewer"]["settings"]
    yield from same(f"{path}.viewer.settings.volume_enabled", settings["volume_enabled"],
                    dims["ndisplay"] == 3, "3-D")
    ids = [block["layer_id"] for block in payload["layers"]]
    if len(set(ids)) != len(ids):
        yield f"{path}.layers", f"a layer_id twice: {ids}"
    for i, block in enumerate(payload["layers"]):
        yield from layer_block(block, f"{path}.layers[{i}]")


def notify_layers(payload, path):
    yield from versions_of(payload, path)
    if "thumbnail" in payload:
        yield from thumbnail(payload["thumbnail"], f"{path}.thumbnail")


def png_size(text):
    """[height, width] of base64 PNG, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if len(data) < 33 or data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or data[-8:-4] != b"IEND":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return [height, width]


def thumbnail(thumb, path):
    if "png" in thumb:
        size = png_size(thumb["png"])
        if size is None:
            yield f"{path}.png", "no whole PNG file"
            return
    else:
        size = [len(thumb["array"]), len(thumb["array"][0])]
        if any(len(row) != size[1] for row in thumb["array"]):
            yield f"{path}.array", "rows of different lengths"
    yield from same(f"{path}.shape", thumb["shape"][:2], size, "the picture")
    if max(size) != 32:
        yield f"{path}.shape", f"the longest side is {max(size)}, not 32"


def avcc(payload, path):
    """One SPS, one PPS, 4-byte lengths: what the napari-cuda client's parser reads."""
    data = base64.b64decode(payload["avcc"])
    ok = len(data) > 8 and data[0] == 1 and data[4] == 0xFF and data[5] == 0xE1
    if ok:
        sps = struct.unpack_from(">H", data, 6)[0]
        ok = len(data) > 8 + sps + 3 and data[8] & 31 == 7 and data[1:4] == data[9:12] and data[8 + sps] == 1
        if ok:
            pps = struct.unpack_from(">H", data, 9 + sps)[0]
            ok = len(data) == 11 + sps + pps and data[11 + sps] & 31 == 8
    if not ok:
        yield f"{path}.avcc", "no decoder configuration record of one SPS and one PPS"


def listing(result, path):
    if result.get("cursor") is not None and not result["has_more"]:
        yield f"{path}.cursor", "given, but has_more is false"
    names = [entry["name"].lower() for entry in result["entries"]]
    if result["path"] and names != sorted(names):
        yield f"{path}.entries", "not sorted by name"


def reply(payload, path):
    result = payload.get("result", {})
    if "entries" in result:
        yield from listing(result, f"{path}.result")
    if "png" in result:
        yield from same(f"{path}.result", [result["height"], result["width"]], png_size(result["png"]),
                        "the size of the PNG")


def welcome(frame):
    yield from same("$.session", frame["session"], frame["payload"]["session"]["id"], "payload.session.id")


BY_TYPE = {"notify.dims": notify_dims, "notify.scene": notify_scene, "notify.layers": notify_layers,
           "notify.stream": avcc, "reply.command": reply}


def frame_rules(kind, frame):
    """For a frame that its schema accepts; `kind`: the class of the client."""
    equal = kind == "oriel" or not frame["type"].startswith("notify.")
    yield from increasing_limits(frame["payload"], "$.payload", equal)
    if frame["type"] == "session.welcome":
        yield from welcome(frame)
    rule = BY_TYPE.get(frame["type"])
    if rule:
        yield from rule(frame["payload"], "$.payload")


class Session:
    """The frames of one session in the order in which they were sent."""

    def __init__(self):
        self.kind = self.features = self.layers = None
        self.dims = self.closed = False
        self.seen = set()
        self.cursors = {}

    def take(self, kind, frame):
        """`kind`: the class of the client."""
        if self.closed:
            yield "$.type", f"{frame['type']} after session.goodbye"
        if self.kind is None:
            yield from self.first(kind, frame)
            return
        if kind != self.kind:
            yield "$", f"to a client that is {kind} now and was {self.kind}"
        if frame["type"] == "session.welcome":
            yield "$.type", "a second session.welcome"
        yield from self.order(frame)
        self.closed = frame["type"] == "session.goodbye"

    def first(self, kind, frame):
        self.kind = kind
        if frame["type"] != "session.welcome":
            yield "$.type", f"{frame['type']} before session.welcome"
            return
        self.features = frame["payload"]["features"]

    def order(self, frame):
        kind = frame["type"]
        if self.features is not None and not kind.startswith(ALWAYS):
            if not self.features.get(kind, {}).get("enabled"):
                yield "$.type", f"{kind} is not enabled in this session's welcome"
        if kind.startswith("notify.") and self.layers is None and kind != "notify.scene":
            # A fault may be told at any time.
            if kind != "notify.error":
                yield "$.type", f"{kind} before notify.scene"
            return
        if kind == "notify.scene":
            self.layers = {block["layer_id"] for block in frame["payload"]["layers"]}
            self.cursors.pop("notify.layers", None)
            self.cursors.pop("notify.stream", None)
            self.dims = False
        if kind in ("notify.dims", "notify.view"):
            self.dims = True
        if kind == "notify.layers":
            yield from self.layer(frame["payload"])
        if kind in RESUMABLE:
            yield from self.cursor(frame)

    def layer(self, payload):
        if payload["layer_id"] not in self.layers:
            yield "$.payload.layer_id", f"{payload['layer_id']} is not in the last notify.scene"
        if not self.dims:
            yield "$.type", "notify.layers before notify.dims or notify.view of the same scene"
        if payload.get("removed"):
            self.layers.discard(payload["layer_id"])

    def cursor(self, frame):
        """seq never goes back but with a new scene; the same seq has the same token."""
        now = (frame["seq"], frame["delta_token"])
        last = self.cursors.get(frame["type"])
        self.cursors[frame["type"]] = now
        if last and now[0] < last[0]:
            yield "$.seq", f"{now[0]} after {last[0]}"
        if last and (now[0] == last[0]) != (now[1] == last[1]) and frame["type"] != "notify.scene":
            yield "$.delta_token", f"seq {last[0]} then {now[0]}, with token {last[1]} then {now[1]}"
