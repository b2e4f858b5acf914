# SPDX-License-Identifier: BSD-3-Clause
"""Clients like the existing desktop one, which decode what they get, until the input ends: a line of JSON for each
picture with the time (CLOCK_MONOTONIC, ms) when it was there, and for whatever should not happen. Usage: lookers.py
HTTP_ADDRESS CLIENTS"""

import asyncio
import json
import struct
import sys
import time
import types

import av

import peer


def say(client, **what):
    print(json.dumps({"client": client, **what}), flush=True)


class Looker(peer.Client):
    def __init__(self, server, number):
        super().__init__(server, own=False)
        self.number, self.decoder, self.leaving = number, None, False

    async def watch(self, pixel):
        expected = None
        try:
            async for message in pixel:
                self.take(message, expected)
                expected = (struct.unpack_from("!I", message)[0] + 1) % 2**32
        except Exception as error:
            say(self.number, wrong=f"{type(error).__name__}: {error}")
            raise
        if not self.leaving:
            say(self.number, wrong="it was disconnected")

    def take(self, message, expected):
        seq, _, width, height, codec, flags, _ = struct.unpack_from("!IdIIBBH", message)
        assert codec == 1 and expected in (None, seq), (codec, seq, expected)
        units, offset = b"", 24
        while offset < len(message):
            length, = struct.unpack_from("!I", message, offset)
            units += b"\0\0\0\1" + message[offset + 4:offset + 4 + length]
            offset += 4 + length
        if flags & 1 and not self.decoder:
            self.decoder = av.CodecContext.create("h264", "r")
            self.decoder.flags |= av.codec.context.Flags.LOW_DELAY
        if self.decoder:
            for picture in self.decoder.decode(av.Packet(units)):
                assert not picture.is_corrupt
                say(self.number, at=time.monotonic() * 1e3, key=flags & 1)


async def look(address, count):
    base = address.replace("http", "ws", 1).rstrip("/")
    server = types.SimpleNamespace(ready={"state": f"{base}/state", "pixel": f"{base}/pixel"})
    clients = [await Looker(server, i).join() for i in range(count)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for client in clients:
        if not client.connected():
            say(client.number, wrong="it is not connected any more")
        client.leaving = True
        await client.leave()


asyncio.run(look(sys.argv[1], int(sys.argv[2])))
