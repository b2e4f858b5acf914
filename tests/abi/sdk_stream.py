# SPDX-License-Identifier: BSD-3-Clause
"""The example module of the SDK encodes for a client: usage: sdk_stream.py FOLDER_OF_THE_MODULE."""

import asyncio
import os
import struct
import sys

import websockets

sys.path.insert(0, os.path.join(os.environ["ORIEL_SOURCE_DIR"], "tests", "e2e"))
import oriel  # noqa: E402


async def corner(server):
    """The first pixel of the first picture."""
    async with websockets.connect(server.ready["pixel"] + "?ext=1&codecs=raw", max_size=None) as pixel:
        message = await asyncio.wait_for(pixel.recv(), 20)
    width, height, codec, _, more = struct.unpack_from("!IIBBH", message, 12)
    picture = message[24 + more:]
    assert (codec, len(picture)) == (8, width * height * 4), (codec, len(picture))
    return list(picture[:4])


for invert, want in (("false", [0, 0, 0]), ("true", [255, 255, 255])):
    with oriel.Server("--set", f"modules.path={sys.argv[1]}", "--set", "modules.encoder=org.example/invert",
                      "--set", f"org.example/invert.invert={invert}") as it:
        pixel = asyncio.run(corner(it))
        assert pixel[:3] == want, pixel
