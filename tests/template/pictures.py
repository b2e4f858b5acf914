# SPDX-License-Identifier: BSD-3-Clause
"""What a client of the pixel channel gets."""

import asyncio
import struct

import av
import numpy as np
import websockets

H264, RAW = 1, 8
COMPLETE = 2


def parse(message):
    """(width, height, codec, complete, data)"""
    width, height, codec, _, more = struct.unpack_from("!IIBBH", message, 12)
    flags, = struct.unpack_from("!H", message, 26)
    return width, height, codec, flags & COMPLETE, message[24 + more:]


async def complete_picture(server, codec):
    """The first picture that shows everything."""
    async with websockets.connect(f"{server.ready['pixel']}?ext=1&codecs={codec}", max_size=None) as pixel:
        while True:
            picture = parse(await asyncio.wait_for(pixel.recv(), 20))
            if picture[3]:
                return picture


def picture(server, codec):
    return asyncio.run(complete_picture(server, codec))


def split_i420(data, width, height):
    """The planes of tightly packed samples; sides are even."""
    luma = np.frombuffer(data, np.uint8, width * height).reshape(height, width)
    chroma = np.frombuffer(data, np.uint8, offset=width * height).reshape(2, height // 2, width // 2)
    return [luma, chroma[0], chroma[1]]


def decode_h264(data):
    """The planes of the one picture that is in these bytes."""
    decoder = av.CodecContext.create("h264", "r")
    frames = decoder.decode(av.Packet(data)) + decoder.decode(None)
    assert len(frames) == 1, frames
    rows = [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, :plane.width]
            for plane in frames[0].planes]
    assert frames[0].format.name in ("yuvj420p", "yuv420p") and len(rows) == 3, frames[0]
    return rows
