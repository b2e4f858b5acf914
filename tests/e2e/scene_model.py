# SPDX-License-Identifier: BSD-3-Clause
"""What the protocol's text says the record becomes, written down a second time: plain Python, no
part of the server. A request gives ("ok", applied value) or ("no", code); `values` are the keys
that the documents name, `versions` count their changes."""

import copy
import math

import numpy as np

BLENDING = ["translucent", "translucent_no_depth", "additive", "minimum", "opaque", "multiplicative"]
FILTERS = ("nearest linear cubic bessel blackman catrom gaussian hamming hanning hermite kaiser lanczos "
           "mitchell spline16 spline36 custom").split()
RENDERING = ["mip", "minip", "attenuated_mip", "average", "additive", "translucent", "iso"]


class Refused(Exception):
    def __init__(self, code):
        self.code = code


def number(value, code):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Refused(code)
    return float(value)


def numbers(value, low, high, code):
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise Refused(code)
    return [number(v, code) for v in value]


def real(value, code):
    """A number where booleans count as 0 and 1."""
    return float(value) if isinstance(value, bool) else number(value, code)


def limits(value, code):
    if isinstance(value, dict):
        value = [value.get("lo"), value.get("hi")]
    pair = numbers(value, 2, 2, code)
    return sorted(pair)


def choice(names):
    def normal(value):
        if not isinstance(value, str) or value.lower() not in names:
            raise Refused("state.error")
        return value.lower()
    return normal


def boolean(value):
    words = {"1": True, "true": True, "yes": True, "on": True,
             "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    return bool(real(value, "state.error"))


def positive(value):
    value = real(value, "state.error")
    if value <= 0:
        raise Refused("state.error")
    return value


def wide_limits(value):
    pair = limits(value, "state.error")
    if pair[0] == pair[1]:
        raise Refused("state.error")
    return pair


CONTROLS = {
    "visible": boolean,
    "opacity": lambda v: min(1.0, max(0.0, real(v, "state.error"))),
    "blending": choice(BLENDING),
    "interpolation2d": choice(FILTERS),
    "interpolation3d": choice(FILTERS),
    "gamma": positive,
    "contrast_limits": lambda v: limits(v, "state.error"),
    "contrast_limits_range": wide_limits,
    "rendering": choice(RENDERING),
    "attenuation": lambda v: max(0.0, real(v, "state.error")),
    "iso_threshold": lambda v: real(v, "state.error"),
    "depiction": choice(["volume", "plane"]),
    "projection_mode": choice(["none", "sum", "mean", "max", "min"]),
    "colormap": choice(["gray", "viridis", "magma", "fire", "hsl", "red", "green", "blue"]),
}


def turn(axis, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m = np.eye(3)
    m[i, i] = m[j, j] = c
    m[i, j], m[j, i] = -s, s
    return m


def orientation(azimuth, elevation, roll):
    """Columns: the camera's right, down and away in the world."""
    return turn(1, roll) @ turn(2, azimuth) @ turn(0, -elevation) @ turn(0, -90)


def wrap(angle):
    return (angle + 180.0) % 360.0 - 180.0


def turntable(m):
    m = m @ turn(0, 90)
    sign = 1.0 if m[1, 1] > -1e-9 else -1.0
    cosine = sign * math.hypot(m[1, 1], m[1, 2])
    azimuth = math.degrees(math.atan2(m[1, 0], cosine))
    elevation = math.degrees(math.atan2(m[1, 2] / cosine, m[1, 1] / cosine))
    roll = math.degrees(math.atan2(-m[2, 0] / cosine, m[0, 0] / cosine))
    return azimuth, elevation, roll


def from_quaternion(q):
    w, x, y, z = np.array(q) / np.linalg.norm(q)
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


class Model:
    """One view of a scene, from an oriel.describe of it."""

    def __init__(self, described):
        view = described["view"]
        self.axes = view["axes"]
        self.ndim = len(self.axes)
        self.canvas = view["canvas"]["size"]
        self.ndisplay = view["ndisplay"]
        self.order = view["order"]
        self.step = view["step"]
        self.background = view["canvas"]["background"]
        self.play = view["play"]
        self.level = -1
        self.levels = described["layers"][0]["level_shapes"]
        self.cameras = {2: None, 3: None}
        self.cameras[self.ndisplay] = self.pose(view["camera"])
        self.layers = {layer["layer_id"]: copy.deepcopy(layer["controls"]) for layer in described["layers"]}
        for controls in self.layers.values():
            controls.pop("interpolation")
        self.names = {layer["layer_id"]: layer["name"] for layer in described["layers"]}
        self.first = described["layers"][0]["layer_id"]
        self.versions = {("view", k): v["version"] for k, v in view["versions"].items()}
        for layer in described["layers"]:
            for key, stamp in layer["control_versions"].items():
                self.versions[(layer["layer_id"], key)] = stamp["version"]

    @staticmethod
    def pose(camera):
        return {"center": np.array(camera["center"], float), "zoom": camera["zoom"], "fov": camera["fov"],
                "m": from_quaternion(camera["quat"])}

    # --- writing ---

    def bump(self, key, old, new):
        if old != new:
            self.versions[key] = self.versions.get(key, 0) + 1

    def set_control(self, layer, key, value):
        controls = self.layers[layer]
        self.bump((layer, key), controls.get(key), value)
        controls[key] = value
        low, high = controls["contrast_limits_range"]
        a, b = controls["contrast_limits"]
        if key == "contrast_limits" and (a < low or b > high):
            wide = [min(low, a), max(high, b)]
            self.bump((layer, "contrast_limits_range"), controls["contrast_limits_range"], wide)
            controls["contrast_limits_range"] = wide
        if key == "contrast_limits_range":
            inside = [min(max(a, low), high), min(max(b, low), high)]
            self.bump((layer, "contrast_limits"), controls["contrast_limits"], inside)
            controls["contrast_limits"] = inside

    def set_camera(self, ndisplay, pose):
        old = self.cameras[ndisplay]
        if ndisplay == self.ndisplay and old is not None:
            same = (np.array_equal(old["center"], pose["center"]) and old["zoom"] == pose["zoom"]
                    and old["fov"] == pose["fov"] and np.array_equal(old["m"], pose["m"]))
            if not same:
                self.moved = True
        self.cameras[ndisplay] = pose

    # --- geometry ---

    def extent(self):
        low, high = np.zeros(3), np.zeros(3)
        for k in range(self.ndisplay):
            axis = self.axes[self.order[self.ndim - 1 - k]]
            low[k] = axis["translate"] - axis["scale"] / 2
            high[k] = low[k] + axis["scale"] * axis["size"]
        return low, high

    def fitted(self, m, fov):
        low, high = self.extent()
        size = high - low
        right = float(np.abs(m[:, 0]) @ size)
        down = float(np.abs(m[:, 1]) @ size)
        zoom = 0.95 * min(self.canvas[0] / right, self.canvas[1] / down)
        return {"center": (low + high) / 2, "zoom": zoom, "fov": fov, "m": m}

    def distance(self, pose):
        fov = pose["fov"] or 60.0
        return self.canvas[1] / pose["zoom"] / 2 / math.tan(math.radians(fov) / 2)

    # --- requests ---

    def request(self, scope, target, key, value):
        self.moved = False
        try:
            handler = getattr(self, "on_" + scope, None)
            if not scope or not key or handler is None:
                raise Refused("state.invalid")
            return "ok", handler(target, key, value)
        except Refused as refused:
            return "no", refused.code

    def on_dims(self, target, key, value):
        if key not in ("index", "step"):
            raise Refused("state.invalid")
        if isinstance(value, bool):
            value = int(value)
        number(value, "state.invalid")
        if not target or value != math.floor(value):
            raise Refused("state.invalid")
        names = [a["name"].lower() for a in self.axes]
        if target.isdigit():
            axis = int(target) if int(target) < self.ndim else None
        else:
            axis = names.index(target.lower()) if target.lower() in names else None
        if axis is None:
            raise Refused("state.error")
        if key == "step":
            value += self.step[axis]
        step = list(self.step)
        step[axis] = int(min(max(value, 0), self.axes[axis]["size"] - 1))
        self.bump(("view", "step"), self.step, step)
        self.step = step
        return step[axis]

    def on_multiscale(self, target, key, value):
        if key == "policy":
            raise Refused("state.unsupported")
        if key != "level":
            raise Refused("state.invalid")
        if value is None or value == "auto":
            level, applied = -1, "auto"
        else:
            if isinstance(value, str) and value.isdigit():
                value = int(value)
            if isinstance(value, bool):
                value = int(value)
            number(value, "state.invalid")
            if value != math.floor(value):
                raise Refused("state.invalid")
            level = applied = int(min(max(value, 0), len(self.levels) - 1))
        self.bump(("view", "level"), self.level, level)
        self.level = level
        return applied

    def on_layer(self, target, key, value):
        if key == "interpolation":
            key = "interpolation2d" if self.ndisplay == 2 else "interpolation3d"
        if key != "name" and key not in CONTROLS:
            raise Refused("state.invalid")
        layer = self.first if target in ("", "main") else target
        if layer not in self.layers:
            raise Refused("state.error")
        if key == "name":
            if not isinstance(value, str) or not value:
                raise Refused("state.error")
            others = {n for i, n in self.names.items() if i != layer}
            name, n = value, 1
            while name in others:
                name, n = f"{value} [{n}]", n + 1
            self.names[layer] = name
            return name
        normal = CONTROLS[key](value)
        self.set_control(layer, key, normal)
        return normal

    def on_volume(self, target, key, value):
        names = {"render_mode": "rendering", "contrast_limits": "contrast_limits", "colormap": "colormap",
                 "opacity": "opacity"}
        if key == "sample_step":
            return min(4.0, max(0.1, number(value, "state.invalid")))
        if key not in names:
            raise Refused("state.invalid")
        control = names[key]
        try:
            normal = CONTROLS[control](value)
        except Refused:
            raise Refused("state.invalid") from None
        for layer in (self.layers if control == "rendering" else [self.first]):
            self.set_control(layer, control, normal)
        return normal

    def on_view(self, target, key, value):
        if key == "ndisplay":
            value = 2 if value is None else int(value) if isinstance(value, bool) else value
            number(value, "state.invalid")
            if value != math.floor(value):
                raise Refused("state.invalid")
            ndisplay = 3 if value >= 3 else 2
            self.bump(("view", "ndisplay"), self.ndisplay, ndisplay)
            self.ndisplay = ndisplay
            if self.cameras[ndisplay] is None:
                self.cameras[ndisplay] = self.fitted(np.eye(3), 0)
            return ndisplay
        if key == "order":
            order = numbers(value, 0, 32, "state.invalid")
            if sorted(order) != list(range(self.ndim)):
                raise Refused("state.invalid")
            order = [int(v) for v in order]
            shown = order[-self.ndisplay:] != self.order[-self.ndisplay:]
            self.bump(("view", "order"), self.order, order)
            self.order = order
            if shown:
                self.cameras[self.ndisplay] = self.fitted(np.eye(3), 0)
                self.cameras[5 - self.ndisplay] = None
                self.moved = True
            return order
        if key == "reset":
            self.set_camera(self.ndisplay, self.fitted(np.eye(3), self.cameras[self.ndisplay]["fov"]))
            return {}
        if key == "background":
            rgba = numbers(value, 3, 4, "state.invalid")
            if not all(0 <= v <= 1 for v in rgba):
                raise Refused("state.invalid")
            rgba = rgba + [1.0] * (4 - len(rgba))
            self.bump(("view", "background"), self.background, rgba)
            self.background = rgba
            return rgba
        raise Refused("state.invalid")

    def on_camera(self, target, key, value):
        if target not in ("", "main") or key not in ("zoom", "pan", "orbit", "reset", "set"):
            raise Refused("state.invalid")
        fields = value if isinstance(value, dict) else {}
        return getattr(self, "camera_" + key)(fields, value)

    def current(self):
        return copy.deepcopy(self.cameras[self.ndisplay])

    def camera_zoom(self, fields, _):
        factor = number(fields.get("factor"), "state.invalid")
        anchor = numbers(fields.get("anchor_px"), 2, 2, "state.invalid")
        if factor <= 0:
            raise Refused("state.invalid")
        pose = self.current()
        if self.ndisplay == 2:
            off = np.array([anchor[0] - self.canvas[0] / 2, self.canvas[1] / 2 - anchor[1]])
            pose["center"][:2] += off / pose["zoom"] - off / (pose["zoom"] / factor)
        pose["zoom"] = min(1e12, max(1e-12, pose["zoom"] / factor))
        self.far(pose)
        self.set_camera(self.ndisplay, pose)
        return {"factor": factor, "anchor_px": anchor}

    @staticmethod
    def far(pose):
        if not all(abs(v) <= 1e15 for v in pose["center"]):
            raise Refused("state.invalid")

    def camera_pan(self, fields, _):
        dx, dy = (number(fields.get(k), "state.invalid") for k in ("dx_px", "dy_px"))
        pose = self.current()
        m = pose["m"] if self.ndisplay == 3 else np.eye(3)
        pose["center"] -= (m[:, 0] * dx + m[:, 1] * dy) / pose["zoom"]
        self.far(pose)
        self.set_camera(self.ndisplay, pose)
        return {"dx_px": dx, "dy_px": dy}

    def camera_orbit(self, fields, _):
        az, el = (number(fields.get(k), "state.invalid") for k in ("d_az_deg", "d_el_deg"))
        if self.ndisplay == 2:
            raise Refused("state.invalid")
        pose = self.current()
        azimuth, elevation, roll = turntable(pose["m"])
        pose["m"] = orientation(wrap(azimuth + az), min(90.0, max(-90.0, elevation + el)), roll)
        self.set_camera(3, pose)
        return {"d_az_deg": az, "d_el_deg": el}

    def camera_reset(self, fields, value):
        reason = fields.get("reason", value)
        reason = reason if isinstance(reason, str) and reason else "state.update"
        pose = self.current()
        self.set_camera(self.ndisplay, self.fitted(pose["m"] if self.ndisplay == 3 else np.eye(3), pose["fov"]))
        return {"reason": reason}

    def camera_set(self, fields, _):
        def tried(read):
            try:
                return read()
            except Refused:
                return None
        angles = tried(lambda: numbers(fields.get("angles"), 2, 3, "x"))
        any_angles = tried(lambda: numbers(fields.get("angles"), 2, 4, "x"))
        volume = self.ndisplay == 3 or any_angles is not None
        applied = {}
        zoom = tried(lambda: number(fields.get("zoom"), "x"))
        if not volume:
            pose = self.current()
            rect = tried(lambda: numbers(fields.get("rect"), 4, 4, "x"))
            if rect and rect[2] > 0 and rect[3] > 0:
                pose["center"][:2] = [rect[0] + rect[2] / 2, rect[1] + rect[3] / 2]
                pose["zoom"] = min(self.canvas[0] / rect[2], self.canvas[1] / rect[3])
                applied["rect"] = rect
            center = tried(lambda: numbers(fields.get("center"), 2, 4, "x"))
            if center:
                pose["center"][:2] = center[:2]
                applied["center"] = center[:2]
            if zoom is not None and zoom > 0:
                pose["zoom"] = applied["zoom"] = zoom
        else:
            old = self.cameras[3]
            if old is None:
                shown, self.ndisplay = self.ndisplay, 3
                old = self.fitted(np.eye(3), 0)
                self.ndisplay = shown
            pose = copy.deepcopy(old)
            distance = self.distance(pose)
            azimuth, elevation, roll = turntable(pose["m"])
            center = tried(lambda: numbers(fields.get("center"), 3, 3, "x"))
            if center:
                pose["center"] = np.array(center)
                applied["center"] = center
            if angles:
                roll = wrap(angles[2]) if len(angles) > 2 else roll
                azimuth, elevation = wrap(angles[0]), min(90.0, max(-90.0, angles[1]))
                applied["angles"] = [azimuth, elevation, roll]
            fov = tried(lambda: number(fields.get("fov"), "x"))
            if fov is not None and 0 <= fov < 180:
                pose["fov"] = applied["fov"] = min(fov, 179.0)
            far = tried(lambda: number(fields.get("distance"), "x"))
            if far is not None and far > 0:
                distance = applied["distance"] = far
            pose["m"] = orientation(azimuth, elevation, roll)
            pose["zoom"] = self.canvas[1] / distance / 2 / math.tan(math.radians(pose["fov"] or 60.0) / 2)
            if "distance" not in applied and zoom is not None and zoom > 0:
                pose["zoom"] = applied["zoom"] = zoom
        if not applied:
            raise Refused("state.invalid")
        self.far(pose)
        self.set_camera(3 if volume else 2, pose)
        return applied
