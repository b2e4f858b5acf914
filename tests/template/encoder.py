# SPDX-License-Identifier: BSD-3-Clause
"""The template of an encoder, in C and C++, by CMake and by make: each is one more encoder of a server, whose pictures
FFmpeg decodes to the very samples that were captured, at sizes that are no multiple of a macroblock too."""

import numpy as np

from author import ID, Author, oriel, place
from pictures import H264, RAW, decode_h264, picture, split_i420

WAYS = {
    "by_cmake": [],
    "by_make": ["--make"],
    "cpp_by_cmake": ["--cpp"],
    "cpp_by_make": ["--cpp", "--make"],
}


def samples(config, codec, size, *more):
    with oriel.Server(oriel.EXAMPLE, "--config", config, "--set", f"canvas.width={size[0]}", "--set",
                      f"canvas.height={size[1]}", *more) as server:
        width, height, got, _, data = picture(server, codec)
    assert (width, height) == size, (width, height)
    assert got == {"h264": H264, "raw": RAW}[codec], got
    return decode_h264(data) if got == H264 else split_i420(data, width, height)


def check_stream(author, module):
    config = author.config(module, "encoder")
    plain = ["--set", "modules.encoder=encode/raw"]
    for size in ((640, 480), (174, 102)):
        want = samples(config, "raw", size, *plain)
        assert want[0].max() > 100, "there is nothing to see"
        for invert in (False, True):
            option = ["--set", f"{ID.format(module.stem)}.invert={str(invert).lower()}"]
            for got, plane in zip(samples(config, "h264", size, *option), want):
                np.testing.assert_array_equal(got, np.maximum(plane ^ (0xFF if invert else 0), 1))


with Author() as author:
    make = place.tool("make", "modules built by a Makefile")
    for name, options in WAYS.items():
        if "--make" in options and not make:
            continue
        folder, _ = author.new("encoder", name, *options)
        author.look_at(folder, name, "encoder")
        module = author.build(folder, make="--make" in options)
        author.check(module)
        if "--make" not in options:
            author.ctest(module)
        check_stream(author, module)
