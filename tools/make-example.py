#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes examples/colin27.ome.zarr from Debian's mricron-data.

    apt-get install mricron-data python3-numpy python3-numcodecs
    tools/make-example.py [OUT]

Source: /usr/share/mricron/templates/ch2better.nii.gz, the Colin27 average (27 T1-weighted scans of one
person), brain extracted, 0.5 mm. Changed here: it is turned half round about the x axis, so that viewers
which draw row 0 at the top show the front of the head up; neighbouring slices along z are averaged in
pairs, which leaves voxels of 1.0 x 0.5 x 0.5 mm, so that the repository stays small; then a pyramid of
means. Written as OME-Zarr 0.4 (Zarr v2), blosc with zstd. The terms are in examples/COPYING.colin27.
"""
import gzip
import json
import pathlib
import shutil
import struct
import sys

import numcodecs
import numpy as np

SOURCE = "/usr/share/mricron/templates/ch2better.nii.gz"
CHUNK = 64


def read_nifti(path):
    data = gzip.open(path).read()
    ndim, nx, ny, nz = struct.unpack_from("<4h", data, 40)
    (datatype,) = struct.unpack_from("<h", data, 70)
    (offset,) = struct.unpack_from("<f", data, 108)
    pitch = struct.unpack_from("<3f", data, 80)
    if ndim != 3 or datatype != 2:
        sys.exit(f"{path}: not the u8 volume that this script knows")
    volume = np.frombuffer(data, np.uint8, nx * ny * nz, int(offset)).reshape(nz, ny, nx)
    return volume[::-1, ::-1], pitch[::-1]


def halve(volume, axes):
    """Means of pairs along `axes`, rounded; a last plane without a partner is its own mean."""
    for axis in axes:
        even = volume.take(range(0, volume.shape[axis], 2), axis).astype(np.uint16)
        odd = volume.take(range(1, volume.shape[axis], 2), axis).astype(np.uint16)
        if odd.shape[axis] < even.shape[axis]:
            odd = np.concatenate([odd, even.take([-1], axis)], axis)
        volume = ((even + odd + 1) // 2).astype(np.uint8)
    return volume


def write_array(folder, volume):
    codec = numcodecs.Blosc("zstd", clevel=9, shuffle=numcodecs.Blosc.NOSHUFFLE)
    chunk = [min(CHUNK, n) for n in volume.shape]
    folder.mkdir(parents=True)
    meta = {
        "zarr_format": 2, "shape": list(volume.shape), "chunks": chunk, "dtype": "|u1",
        "compressor": codec.get_config(), "fill_value": 0, "order": "C", "filters": None,
        "dimension_separator": "/",
    }
    (folder / ".zarray").write_text(json.dumps(meta, indent=1) + "\n")
    for index in np.ndindex(*[-(-n // c) for n, c in zip(volume.shape, chunk)]):
        box = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunk))
        part = np.zeros(chunk, np.uint8)
        inside = volume[box]
        part[tuple(slice(0, n) for n in inside.shape)] = inside
        if not part.any():
            continue  # an absent chunk is the fill value
        file = folder.joinpath(*map(str, index))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(codec.encode(part))


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                       pathlib.Path(__file__).parent.parent / "examples/colin27.ome.zarr")
    volume, pitch = read_nifti(SOURCE)
    scale = list(pitch)
    start = [0.0, 0.0, 0.0]
    shutil.rmtree(out, ignore_errors=True)
    datasets = []
    steps = [[0], [1, 2], [0, 1, 2], [0, 1, 2]]
    for level, axes in enumerate(steps):
        volume = halve(volume, axes)
        for axis in axes:
            start[axis] += scale[axis] / 2
            scale[axis] *= 2
        # The first level's own first voxel is the origin.
        origin = start[:] if level == 0 else origin
        shift = [a - b for a, b in zip(start, origin)]
        write_array(out / str(level), volume)
        datasets.append({"path": str(level), "coordinateTransformations": [
            {"type": "scale", "scale": scale[:]}, {"type": "translation", "translation": shift}]})
    axes = [{"name": n, "type": "space", "unit": "millimeter"} for n in "zyx"]
    attributes = {
        "multiscales": [{"version": "0.4", "name": "Colin27", "type": "mean", "axes": axes,
                         "datasets": datasets}],
        "omero": {"version": "0.4", "channels": [
            {"label": "T1", "color": "FFFFFF", "active": True, "coefficient": 1,
             "family": "linear", "inverted": False,
             "window": {"start": 30, "end": 126, "min": 0, "max": 255}}],
            "rdefs": {"model": "greyscale", "defaultT": 0, "defaultZ": 79}},
    }
    (out / ".zgroup").write_text('{"zarr_format": 2}\n')
    (out / ".zattrs").write_text(json.dumps(attributes, indent=1) + "\n")


if __name__ == "__main__":
    main()
