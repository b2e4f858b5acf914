#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes pictures like those of a fluorescence microscope, camera noise included, for benches.

    data.py FOLDER [--slice 4096] [--volume 512]...

FOLDER gets slice.npy and volume-N.npy, uint16. The same arguments give the same files. Volumes above 512³ repeat one of
half the side."""

import argparse
import pathlib
import time

import numpy as np

OFFSET, READ_NOISE, GAIN = 100, 10.0, 1.6  # counts; counts; counts per detected photon


def cells(signal, count, radii, peaks, random):
    """Adds round cells with a darker nucleus to an array of any dimension."""
    shape = np.array(signal.shape)
    for _ in range(count):
        radius = random.uniform(*radii)
        center = random.uniform(0.08, 0.92, len(shape)) * shape
        low = np.maximum(np.floor(center - radius), 0).astype(int)
        high = np.minimum(np.ceil(center + radius) + 1, shape).astype(int)
        axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high))]
        d = sum(((axis - c) / radius).astype(np.float32) ** 2 for axis, c in zip(axes, center))
        body = np.clip(1 - d, 0, 1) * (1 - 0.6 * np.clip(1 - 6 * d, 0, 1))
        signal[tuple(slice(a, b) for a, b in zip(low, high))] += np.float32(random.uniform(*peaks)) * body


def expose(signal, random):
    """Shot and read noise on the expected counts, a plane at a time."""
    out = np.empty(signal.shape, np.uint16)
    for plane, to in zip(signal, out):
        noise = random.standard_normal(plane.shape, np.float32)
        noise *= np.sqrt(GAIN * plane + np.float32(READ_NOISE**2))
        noise += plane + np.float32(OFFSET)
        np.clip(noise, 0, 65535, out=noise)
        to[...] = noise
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--slice", type=int, default=0)
    parser.add_argument("--volume", type=int, action="append", default=[])
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, shape in [("slice", (args.slice,) * 2)] * bool(args.slice) + [
            (f"volume-{n}", (n,) * 3) for n in args.volume]:
        begin = time.monotonic()
        random = np.random.default_rng(len(shape) * 10000 + shape[0])
        side = shape[0]
        if len(shape) == 3 and side > 512:
            half = np.load(args.folder / f"volume-{side // 2}.npy")
            np.save(args.folder / f"{name}.npy", np.tile(half, (2, 2, 2)))
            continue
        signal = np.full(shape, 60, np.float32)
        if len(shape) == 2:
            cells(signal, side * side // 5600, (side / 340, side / 100), (200, 2600), random)
        else:
            cells(signal, 220, (side / 36, side / 14), (200, 2600), random)
        np.save(args.folder / f"{name}.npy", expose(signal, random))
        print(f"{args.folder / name}.npy in {time.monotonic() - begin:.1f} s", flush=True)


main()
