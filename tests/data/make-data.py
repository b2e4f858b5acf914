#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the small stores of this folder (python3-numpy, python3-numcodecs).

The value at linear index i of an array is (7 i + 3) mod 101, in its type; booleans are its lowest bit.
Chunks whose index along the first axis is 1 and along the last is 0 are left out in the arrays named
"absent": they read as the fill value.
"""
import bz2
import gzip
import itertools
import json
import lzma
import pathlib
import shutil
import struct
import subprocess
import zlib

import numcodecs
import numpy as np

HERE = pathlib.Path(__file__).parent
SHAPE, CHUNK = (3, 5, 4), (2, 3, 4)


def values(shape, dtype):
    i = np.arange(int(np.prod(shape, dtype=int)), dtype=np.int64).reshape(shape)
    v = (7 * i + 3) % 101
    return (v & 1).astype(dtype) if np.dtype(dtype).kind == "b" else v.astype(dtype)


class Fletcher32:
    """HDF5's: big-endian words, sums modulo 65535; the sum is kept after the data."""

    def encode(self, data):
        one = two = 0
        for (word,) in struct.iter_unpack(">H", data + b"\0" * (len(data) % 2)):
            one = (one + word) % 65535
            two = (two + one) % 65535
        return data + struct.pack("<I", two << 16 | one)


def chunks(a, chunk, fill=0):
    for index in np.ndindex(*[-(-n // c) for n, c in zip(a.shape, chunk)]):
        part = np.full(chunk, fill, a.dtype)
        inside = a[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunk))]
        part[tuple(slice(0, n) for n in inside.shape)] = inside
        yield index, part


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else (json.dumps(data) + "\n").encode())


def write_v2(folder, dtype, compressor=None, filters=(), order="C", separator=".", shape=SHAPE, chunk=CHUNK,
             fill=0, skip=None):
    a = values(shape, dtype)
    codecs = [numcodecs.get_codec(dict(f)) for f in filters]
    packer = None
    if compressor:
        own = compressor["id"] == "fletcher32"  # not in Debian's numcodecs
        packer = Fletcher32() if own else numcodecs.get_codec(dict(compressor))
    meta = {"zarr_format": 2, "shape": list(shape), "chunks": list(chunk), "dtype": np.dtype(dtype).str,
            "compressor": compressor, "filters": list(filters) or None, "order": order,
            "fill_value": fill}
    if separator != ".":
        meta["dimension_separator"] = separator
    put(folder / ".zarray", meta)
    for index, part in chunks(a, chunk):
        if skip and skip(index):
            continue
        data = part.tobytes(order)
        for f in codecs:
            data = bytes(f.encode(np.frombuffer(data, f.dtype if hasattr(f, "dtype") else "u1")))
        if packer:
            data = bytes(packer.encode(data))
        put(folder / (separator.join(map(str, index)) or "0"), data)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def encode_v3(part, codecs):
    for codec in codecs:
        name, config = codec["name"], codec.get("configuration", {})
        if name == "transpose":
            part = part.transpose(config["order"])
        elif name == "bytes":
            data = part.astype(part.dtype.newbyteorder(">" if config.get("endian") == "big" else "<"))
            part = data.tobytes()
        elif name == "sharding_indexed":
            part = shard(part, config)
        elif name == "gzip":
            part = gzip.compress(part, mtime=0)
        elif name == "zstd":  # from a pipe the frame does not know its content's size
            part = subprocess.run(["zstd", "-q", "-c"], input=part, stdout=subprocess.PIPE, check=True).stdout
        elif name == "blosc":
            part = numcodecs.Blosc(config["cname"], 5, 1).encode(part)
        elif name == "crc32c":
            part += crc32c(part)
        elif name == "numcodecs.crc32":
            part = struct.pack("<I", zlib.crc32(part)) + part
        elif name == "numcodecs.lzma":
            part = lzma.compress(part)
        elif name == "numcodecs.bz2":  # two streams, one after the other
            part = bz2.compress(part[:5]) + bz2.compress(part[5:])
        else:
            raise SystemExit(name)
    return bytes(part)


def shard(part, config):
    grid = [n // c for n, c in zip(part.shape, config["chunk_shape"])]
    size = 16 * int(np.prod(grid)) + 4 * sum(c["name"] == "crc32c" for c in config["index_codecs"])
    first = config["index_location"] == "start"
    at = size if first else 0
    body, index = b"", np.full(grid + [2], 2**64 - 1, "<u8")
    for cell, inner in chunks(part, config["chunk_shape"]):
        if not inner.any():
            continue
        data = encode_v3(inner, config["codecs"])
        index[cell] = at + len(body), len(data)
        body += data
    head = encode_v3(index, config["index_codecs"])
    assert len(head) == size
    return head + body if first else body + head


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def sharding(inner, codecs, location="end", index=(BYTES, {"name": "crc32c"})):
    return {"name": "sharding_indexed", "configuration": {
        "chunk_shape": list(inner), "codecs": codecs, "index_codecs": list(index),
        "index_location": location}}


V3 = {np.dtype(t).newbyteorder("=").str[1:]: n for t, n in (
    ("u1", "uint8"), ("u2", "uint16"), ("u4", "uint32"), ("u8", "uint64"), ("i1", "int8"), ("i2", "int16"),
    ("i4", "int32"), ("i8", "int64"), ("f2", "float16"), ("f4", "float32"), ("f8", "float64"), ("?", "bool"))}


def write_v3(folder, dtype, codecs, shape=SHAPE, chunk=CHUNK, encoding=("default", "/"), fill=0,
             names=None, a=None, skip=None):
    a = values(shape, dtype) if a is None else a
    meta = {"zarr_format": 3, "node_type": "array", "shape": list(a.shape),
            "data_type": V3[np.dtype(dtype).str[1:]],
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
            "chunk_key_encoding": {"name": encoding[0], "configuration": {"separator": encoding[1]}},
            "fill_value": fill, "codecs": codecs, "attributes": {}}
    if names:
        meta["dimension_names"] = names
    put(folder / "zarr.json", meta)
    for index, part in chunks(a, chunk):
        if skip and skip(index):
            continue
        parts = (["c"] if encoding[0] == "default" else []) + [str(i) for i in index]
        put(folder / (encoding[1].join(parts) or "0"), encode_v3(part, codecs))


def arrays():
    out = HERE / "arrays.zarr"
    blosc = lambda cname, shuffle: {"id": "blosc", "cname": cname, "clevel": 5, "shuffle": shuffle,
                                    "blocksize": 0}
    put(out / ".zgroup", {"zarr_format": 2})
    for t in ("|u1", "<u2", ">u4", "<u8", "|i1", ">i2", "<i4", ">i8", "<f2", ">f4", "<f8", "|b1"):
        write_v2(out / ("v2_" + np.dtype(t).str[1:] + ("_big" if t[0] == ">" else "")), t)
    for cname, shuffle in (("blosclz", 1), ("lz4", 2), ("lz4hc", 0), ("zlib", 1), ("zstd", 2)):
        write_v2(out / f"v2_blosc_{cname}", "<i4", blosc(cname, shuffle))
    for name in ("zlib", "gzip", "bz2", "lz4", "zstd", "lzma", "crc32", "adler32", "fletcher32"):
        write_v2(out / f"v2_{name}", "<u2", {"id": name})
    write_v2(out / "v2_f_order", ">u2", {"id": "zlib"}, order="F", separator="/")
    write_v2(out / "v2_delta_shuffle", "<i4", {"id": "zlib"},
             [{"id": "delta", "dtype": "<i4", "astype": "<i2"}, {"id": "shuffle", "elementsize": 2}])
    write_v2(out / "v2_fixedscaleoffset", "<f8", None,
             [{"id": "fixedscaleoffset", "scale": 10, "offset": 5, "dtype": "<f8", "astype": ">i4"}])
    write_v2(out / "v2_rank0", "<f8", shape=(), chunk=())
    write_v2(out / "v2_big_chunk", "<u2", {"id": "zlib"}, chunk=(8, 8, 8))
    skip = lambda i: i[0] == 1 and i[-1] == 0
    for name, dtype, fill in (("nan", "<f4", "NaN"), ("text", "|i1", "9"), ("null", "<u2", None),
                              ("large", "<u8", 18446744073709551615), ("base64", ">i2", "//8="),
                              ("infinity", "<f8", "-Infinity")):
        write_v2(out / f"v2_absent_{name}", dtype, fill=fill, skip=skip)

    gz = {"name": "gzip", "configuration": {"level": 5}}
    crc = {"name": "crc32c"}
    zstd = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}
    big = {"name": "bytes", "configuration": {"endian": "big"}}
    turn = lambda *o: {"name": "transpose", "configuration": {"order": list(o)}}
    write_v3(out / "v3_bytes", "|u1", [{"name": "bytes"}])
    write_v3(out / "v3_big", "<u4", [big])
    write_v3(out / "v3_v2_keys", "<i2", [BYTES, gz], encoding=("v2", "."))
    write_v3(out / "v3_dot_keys", "<i2", [BYTES, zstd, crc], encoding=("default", "."))
    write_v3(out / "v3_rank0", "<i4", [BYTES], shape=(), chunk=())
    write_v3(out / "v3_transpose", "<f4", [turn(2, 0, 1), big, zstd])
    write_v3(out / "v3_transpose_twice", "<i2", [turn(2, 0, 1), turn(1, 0, 2), BYTES])
    write_v3(out / "v3_numcodecs", "<u2", [BYTES, {"name": "numcodecs.bz2"}, {"name": "numcodecs.crc32"}])
    write_v3(out / "v3_lzma_gzip", "<u2", [BYTES, {"name": "numcodecs.lzma"}, gz])
    write_v3(out / "v3_absent_hex", "<f4", [BYTES], fill="0x7fc00001", skip=skip)
    write_v3(out / "v3_shard_end", "<u2", [sharding((2, 3, 2), [BYTES, gz])], chunk=(2, 6, 4))
    write_v3(out / "v3_shard_start", "<u2", [sharding((1, 3, 4), [big], "start", [big])], chunk=(2, 6, 4))
    write_v3(out / "v3_shard_transpose", "<i4",
             [turn(1, 2, 0), sharding((3, 4, 1), [turn(2, 0, 1), BYTES, zstd])], chunk=(2, 6, 4))
    write_v3(out / "v3_shard_nested", "<i2",
             [sharding((2, 3, 4), [sharding((1, 3, 2), [BYTES, crc], "start")])], chunk=(4, 6, 4))
    write_v3(out / "v3_shard_packed", "<i2", [sharding((1, 3, 4), [BYTES]), crc, gz], chunk=(2, 6, 4))
    sparse = values(SHAPE, "<u2")
    sparse[:, 3:] = 0
    write_v3(out / "v3_shard_absent", "<u2", [sharding((1, 3, 4), [BYTES, gz])], chunk=(2, 6, 4), fill=500,
             a=sparse)


def axes(names):
    kinds = {"t": ("time", "second"), "c": ("channel", None)}
    out = []
    for n in names:
        kind, unit = kinds.get(n, ("space", "micrometer"))
        out.append({"name": n, "type": kind} | ({"unit": unit} if unit else {}))
    return out


def images():
    zstd = {"name": "zstd", "configuration": {"level": 3}}
    out = HERE / "cyx.ome.zarr"
    put(out / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {
        "version": "0.5",
        "multiscales": [{"name": "three channels", "axes": axes("cyx"), "datasets": [
            {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.5]}]},
            {"path": "1", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]},
             {"type": "translation", "translation": [0, 0.25, 0.25]}]}],
            "coordinateTransformations": [{"type": "scale", "scale": [1, 2, 2]}]}],
        "omero": {"channels": [
            {"label": "DAPI", "color": "0000FF", "active": True,
             "window": {"start": 5, "end": 90, "min": 0, "max": 65535}},
            {"label": "GFP", "color": "00FF00", "active": False, "window": {"start": 0, "end": 100}},
            {"label": "RFP", "color": "#FF0000", "inverted": True}]}}}})
    put(out / "labels/zarr.json", {"zarr_format": 3, "node_type": "group",
                                   "attributes": {"ome": {"version": "0.5", "labels": ["cells"]}}})
    put(out / "labels/cells/zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {
        "version": "0.5", "image-label": {"colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}]},
        "multiscales": [{"axes": axes("yx"), "datasets": [{"path": "0", "coordinateTransformations": [
            {"type": "scale", "scale": [0.5, 0.5]}]}]}]}}})
    write_v3(out / "0", "<u2", [BYTES, zstd], (3, 40, 50), (1, 32, 32), names=["c", "y", "x"])
    write_v3(out / "1", "<u2", [BYTES, zstd], (3, 20, 25), (1, 32, 32), names=["c", "y", "x"])
    write_v3(out / "labels/cells/0", "<i4", [BYTES, zstd], (40, 50), (40, 50), names=["y", "x"])

    out = HERE / "tyx.ome.zarr"
    put(out / ".zgroup", {"zarr_format": 2})
    put(out / ".zattrs", {"multiscales": [{"version": "0.4", "name": "a series", "axes": axes("tyx"),
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [30, 1, 1]}]}]}]})
    write_v2(out / "0", "<u2", {"id": "zlib"}, shape=(6, 20, 24), chunk=(1, 20, 24))

    out = HERE / "plate.zarr"
    put(out / ".zgroup", {"zarr_format": 2})
    put(out / ".zattrs", {"plate": {"version": "0.4", "name": "two wells", "wells": [
        {"path": "A/1"}, {"path": "B/2"}, {"path": "C/3"}, {"path": "../../etc"}]}})
    for well, fields in (("A/1", 2), ("B/2", 1)):
        put(out / well / ".zgroup", {"zarr_format": 2})
        put(out / well / ".zattrs", {"well": {"version": "0.4", "images": [
            {"path": str(i)} for i in range(fields)]}})
        for i in range(fields):
            put(out / well / str(i) / ".zattrs", {"multiscales": [{"version": "0.4", "axes": axes("yx"),
                "datasets": [{"path": "0", "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 1]}]}]}]})
            write_v2(out / well / str(i) / "0", "|u1", shape=(4, 5), chunk=(4, 5))

    out = HERE / "series.zarr"
    put(out / ".zgroup", {"zarr_format": 2})
    put(out / ".zattrs", {"bioformats2raw.layout": 3})
    put(out / "OME/.zgroup", {"zarr_format": 2})
    put(out / "OME/.zattrs", {"series": ["1", "0"]})
    for i in "01":  # 0.1: no axes, no transformations
        put(out / i / ".zgroup", {"zarr_format": 2})
        put(out / i / ".zattrs", {"multiscales": [{"version": "0.1", "datasets": [
            {"path": "0"}, {"path": "1"}, {"path": "2"}]}]})
        write_v2(out / i / "0", "|u1", shape=(1, 2, 1, 8, 9), chunk=(1, 1, 1, 8, 9))
        write_v2(out / i / "1", "|u1", shape=(1, 2, 1, 4, 4), chunk=(1, 1, 1, 4, 4))

    out = HERE / "consolidated.zarr"  # members are in the root's document alone
    write_v3(out / "a/b", "<i2", [BYTES])
    inner = json.loads((out / "a/b/zarr.json").read_text())
    (out / "a/b/zarr.json").unlink()
    put(out / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {},
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": {
            "a": {"zarr_format": 3, "node_type": "group", "attributes": {}}, "a/b": inner}}})


def npy():
    out = HERE / "npy"
    out.mkdir(exist_ok=True)
    np.save(out / "c_u2.npy", values((5, 6, 7), "<u2"))
    np.save(out / "f_i4.npy", np.asfortranarray(values((5, 6, 7), "<i4")))
    np.save(out / "f_big_f8.npy", np.asfortranarray(values((4, 3), ">f8")))
    np.save(out / "big_f4.npy", values((11,), ">f4"))
    np.save(out / "bool.npy", values((3, 4), "?"))
    np.save(out / "rank0.npy", values((), "<i8"))
    for version in ((2, 0), (3, 0)):
        with open(out / f"v{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values((3, 4), "<f2"), version)


for folder in ("arrays.zarr", "cyx.ome.zarr", "tyx.ome.zarr", "plate.zarr", "series.zarr",
               "consolidated.zarr", "npy"):
    shutil.rmtree(HERE / folder, ignore_errors=True)
arrays()
images()
npy()
