# SPDX-License-Identifier: BSD-3-Clause
"""What transport/record has written, read without libav but for the video, and a scene that moves."""

import asyncio
import base64
import json
import pathlib

import av

import oriel


class Recording:
    """One recording: its lines, and the video beside them."""

    def __init__(self, lines):
        self.path = pathlib.Path(lines)
        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        assert rows[0]["oriel_recording"] == 1, rows[0]
        videos = [row["video"] for row in rows if "video" in row]
        assert len(videos) == 1, videos
        self.about = videos[0]
        self.video = self.path.parent / videos[0]["file"]
        self.pictures = [row for row in rows if "picture" in row]
        self.frames = [row for row in rows if "frame" in row]

    def types(self, to):
        return [row["frame"]["type"] for row in self.frames if row["to"] == to]

    def check(self):
        """The packets of the video are where the lines say, with their times, and all of them decode. The last one."""
        data = self.video.read_bytes()
        with av.open(str(self.video)) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            base = stream.time_base
        assert len(packets) == len(self.pictures), (len(packets), len(self.pictures))
        start = self.pictures[0]["t"]
        for packet, row in zip(packets, self.pictures):
            picture = row["picture"]
            assert data[picture["at"]:picture["at"] + picture["bytes"]] == bytes(packet), picture
            assert bool(packet.is_keyframe) == picture["key"], picture
            assert abs(float((packet.pts - packets[0].pts) * base) - (row["t"] - start)) < 0.002, row["t"]
        assert self.pictures[0]["picture"]["key"]
        with av.open(str(self.video)) as container:
            decoded = list(container.decode(video=0))
        assert len(decoded) == len(packets), (len(decoded), len(packets))
        return decoded[-1]

    def shown(self):
        """Its pictures, RGB rows as they lie in the file."""
        with av.open(str(self.video)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def find(folder):
    """All of a folder, the oldest first."""
    return sorted(map(Recording, pathlib.Path(folder).glob("*.ndjson")), key=lambda one: one.pictures[0]["t"])


async def move(client, seconds, first=60, pause=0.03, count=60):
    """Steps through so many slices of the example; the last index."""
    end = asyncio.get_running_loop().time() + seconds
    index = first
    while asyncio.get_running_loop().time() < end:
        index = first + (index - first + 1) % count
        answer = await client.ask("state.update", {"scope": "dims", "target": "0", "key": "index", "value": index})
        assert answer["status"] == "accepted", answer
        await asyncio.sleep(pause)
    return index


def picture_of(shot, folder):
    """RGB rows of a screenshot; the folder takes its file."""
    path = pathlib.Path(folder, "shot.png")
    path.write_bytes(base64.b64decode(shot["png"]))
    return oriel.read_png(path)


def check_upright(shown, seen, what, least=28):
    """RGB rows as a program shows them are one of the pictures that were seen, and none of them upside down."""
    assert all(shown.shape == one.shape for one in seen), f"{what}: {shown.shape}"
    level, turned = (max(oriel.psnr(rows, one) for one in seen) for rows in (shown, shown[::-1]))
    assert level > least and level > turned + 6, f"{what}: {level:.1f} dB, upside down {turned:.1f} dB"
    return level
