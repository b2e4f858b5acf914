# SPDX-License-Identifier: BSD-3-Clause
"""The few classes of napari that the napari-cuda client's layers stand on, for machines without napari. Image
keeps what it is given and refuses what napari would refuse: wrong lengths, unknown names, limits that do not
increase."""

import contextlib
import dataclasses
import sys
import types
from typing import Protocol

import numpy as np

BLENDINGS = "translucent translucent_no_depth additive minimum opaque multiplicative"
RENDERINGS = "translucent additive iso mip minip attenuated_mip average"
FILTERS = ("bessel cubic linear blackman catrom gaussian hamming hanning hermite kaiser lanczos mitchell nearest "
           "spline16 spline36 custom")


class EventEmitter:
    def __init__(self):
        self.callbacks = []
        self.blocked = 0

    def connect(self, callback):
        self.callbacks.append(callback)

    def disconnect(self, callback):
        self.callbacks.remove(callback)

    @contextlib.contextmanager
    def blocker(self, callback=None):
        self.blocked += 1
        try:
            yield
        finally:
            self.blocked -= 1

    def __call__(self, *args, value=None):
        if not self.blocked:
            for callback in list(self.callbacks):
                callback(value)


class Emitters:
    def __getattr__(self, name):
        self.__dict__[name] = emitter = EventEmitter()
        return emitter


@dataclasses.dataclass(frozen=True)
class SliceResponse:
    thumbnail: object = None
    empty: bool = True

    @classmethod
    def make_empty(cls, **_):
        return cls()


class View:
    @classmethod
    def from_view(cls, view):
        return view


class Colormap:
    def __init__(self, name):
        if not isinstance(name, str) or not name:
            raise KeyError(f"no colormap {name!r}")
        self.name = name

    def __str__(self):
        return self.name

    def map(self, values):
        return np.stack([values, values, values, np.ones_like(values)], axis=-1)


def setting(name, check):
    def write(self, value):
        value = check(value)
        changed = self._settings.get(name) != value
        self._settings[name] = value
        if changed:
            getattr(self.events, name)(value=value)
    return property(lambda self: self._settings[name], write)


def one_of(names):
    def check(value):
        if value not in names.split():
            raise ValueError(f"{value!r} is not one of {names}")
        return value
    return check


def limits(value):
    low, high = map(float, value)
    if not low < high:
        raise ValueError(f"contrast_limits must increase, not {value}")
    return (low, high)


def unit(value):
    if not 0 <= value <= 1:
        raise ValueError(f"opacity must be 0 to 1, not {value}")
    return float(value)


class Image:
    visible = setting("visible", bool)
    opacity = setting("opacity", unit)
    blending = setting("blending", one_of(BLENDINGS))
    interpolation2d = setting("interpolation2d", one_of(FILTERS))
    interpolation3d = setting("interpolation3d", one_of(FILTERS))
    rendering = setting("rendering", one_of(RENDERINGS))
    gamma = setting("gamma", float)
    contrast_limits = setting("contrast_limits", limits)
    iso_threshold = setting("iso_threshold", float)
    attenuation = setting("attenuation", float)
    colormap = setting("colormap", lambda value: value if isinstance(value, Colormap) else Colormap(value))
    rgb = False
    _thumbnail_shape = (32, 32, 4)
    _slice_input = None

    def __init__(self, data, *, name, metadata, multiscale, axis_labels=None, scale=None, translate=None,
                 contrast_limits=(0.0, 1.0)):
        self.events = Emitters()
        self._settings = {}
        self._data, self.multiscale = data, multiscale
        self.name, self.metadata = name, metadata
        self.ndim = data.ndim
        for key, value in (("axis_labels", axis_labels), ("scale", scale), ("translate", translate)):
            self._vector(key, value if value is not None else ("",) * self.ndim)
        self.visible, self.opacity, self.blending = True, 1.0, "translucent"
        self.interpolation2d, self.interpolation3d, self.rendering = "nearest", "linear", "mip"
        self.gamma, self.iso_threshold, self.attenuation, self.colormap = 1.0, 0.5, 0.05, "gray"
        self.contrast_limits = contrast_limits
        self.loaded = False

    def _vector(self, key, value):
        if len(value) != self.ndim:
            raise ValueError(f"{key} has {len(value)} entries, the layer {self.ndim} axes")
        self.__dict__[key] = tuple(value)

    def __setattr__(self, key, value):
        if key in ("axis_labels", "scale", "translate"):
            self._vector(key, value)
        else:
            object.__setattr__(self, key, value)

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, data):
        self._data, self.ndim = data, data.ndim

    @property
    def dtype(self):
        return self._data.dtype

    def _update_slice_response(self, response):
        self._slice = response

    def _set_loaded(self, loaded):
        self.loaded = loaded


class LayerDataProtocol(Protocol):
    pass


class MultiScaleData(list):
    @property
    def ndim(self):
        return self[0].ndim

    @property
    def dtype(self):
        return self[0].dtype


def install():
    """Makes `import napari.layers…` find these."""
    contents = {"napari.layers._data_protocols": {"LayerDataProtocol": LayerDataProtocol},
                "napari.layers._multiscale_data": {"MultiScaleData": MultiScaleData},
                "napari.layers._scalar_field._slice": {"_ScalarFieldSliceResponse": SliceResponse,
                                                       "_ScalarFieldView": View},
                "napari.layers.image.image": {"Image": Image},
                "napari.utils.events": {"EventEmitter": EventEmitter}}
    for name, names in contents.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
            module.__path__ = []
        sys.modules[name].__dict__.update(names)
