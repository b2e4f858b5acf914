# SPDX-License-Identifier: BSD-3-Clause
"""From the framebuffer to the client without the CPU's memory, on stand-ins for NVIDIA's libraries (tests/standin): what
clients decode is what `oriel render` draws, the right way up; no byte of a picture reaches the host and NVENC is given
CUDA memory alone; an encoder that fails is replaced at a key picture, and rendering starts again when the device is
lost, on the same connections; another size of the canvas is another picture of the same encoder session; the stand-ins
see no fault.

  gpu_path.py FOLDER     where the stand-ins are"""

import asyncio
import os
import pathlib
import re
import struct
import sys
import tempfile

import av

import oriel
from peer import Client, metrics, until, value

SIZE = 320, 240
ARGS = ["--set", 'modules.encoder=["encode/nvenc","encode/x264"]', "--set", "modules.still=[]",
        "--set", "stream.prefer=order"]
STANDINS = pathlib.Path(sys.argv[1])


class Viewer(Client):
    """Decodes; `picture` is the newest one as it is shown."""

    picture = None
    seq = None
    size = None

    async def watch(self, pixel):
        codec = av.CodecContext.create("h264", "r")
        async for message in pixel:
            seq, _, width, height, kind, flags, extension = struct.unpack_from("!IdIIBBH", message)
            assert kind == 1 and (self.seq is None or seq == self.seq + 1), (kind, self.seq, seq)
            self.seq = seq
            assert flags & 1 or (width, height) == self.size, "another size does not begin with a key"
            self.size = width, height
            data = message[24 + extension:]
            bottom_up = not extension or struct.unpack_from("!H", message, 26)[0] & 1
            if not extension:
                data = annex_b(data)
            for frame in codec.decode(av.Packet(data)):
                assert (frame.width, frame.height) == (width, height)
                rows = frame.to_ndarray(format="rgb24")
                self.picture = rows[::-1] if bottom_up else rows
            self.pictures += 1
            self.keys += flags & 1
            if self.own:
                await pixel.send('{"type": "shown", "seq": %d}' % seq)

    async def at_rest(self):
        before = -1
        while before != self.pictures or self.picture is None:
            before = self.pictures
            await asyncio.sleep(1)
        return self.picture


def annex_b(data):
    out, at = b"", 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at)
        out += b"\0\0\0\1" + data[at + 4:at + 4 + length]
        at += 4 + length
    return out


async def check_pictures(viewers, what):
    """Both see what `oriel render` draws."""
    await viewers[0].ask("state.update", {"scope": "dims", "target": "z", "key": "index", "value": 80})
    scene = await viewers[0].command("napari.scene.get")
    want = oriel.render(scene, SIZE)
    for viewer in viewers:
        shown = await viewer.at_rest()
        level, turned = oriel.psnr(shown, want), oriel.psnr(shown[::-1], want)
        print(f"  {what}, {'Oriel' if viewer.own else 'desktop'} client: {level:.1f} dB, upside down {turned:.1f} dB")
        assert level >= 33 and level > turned + 6


async def play(viewers, condition, what):
    await viewers[0].update("play", {"axis": "z", "fps": 60, "mode": "loop"})
    await until(condition, what)
    await viewers[0].update("play", None)


def captured(server):
    return [value(server, f'oriel_captured_bytes_total{{memory="{memory}"}}') for memory in ("cuda", "gl", "cpu")]


def check_report(path, sessions=None):
    """What the stand-ins saw, at their end."""
    text = path.read_text()
    ends = [line for line in text.splitlines() if " faults, " in line]
    assert ends and all(": 0 faults, " in line for line in ends), text
    nvenc = [line for line in ends if line.startswith("standin nvenc: ")]
    assert nvenc and all(": 0 faults, 0 live objects" in line for line in nvenc), text
    taken = {kind: sum(int(n) for line in nvenc for n in re.findall(rf"input\.{kind} (\d+)", line))
             for kind in ("cuda", "gl", "host")}
    print(f"  pictures given to NVENC: {taken}")
    assert taken["cuda"] > 30 and not taken["gl"] and not taken["host"], text
    made = sum(int(n) for line in nvenc for n in re.findall(r"made\.sessions (\d+)", line))
    assert sessions in (None, made), text


async def visit(server, check):
    viewers = [await Viewer(server).join(), await Viewer(server, own=False).join()]
    await viewers[0].update("canvas", {"size": SIZE})
    await until(lambda: all(v.picture is not None and v.picture.shape[:2] == SIZE[::-1] for v in viewers), "pictures")
    await check(server, viewers)
    assert all(viewer.connected() for viewer in viewers)
    for task in [task for viewer in viewers for task in viewer.tasks]:
        assert not task.done() or not task.exception(), task.exception()
    for viewer in viewers:
        await viewer.leave()


async def steady(server, viewers):
    await check_pictures(viewers, "NVENC")
    before = captured(server)
    await play(viewers, lambda: all(viewer.pictures > 80 for viewer in viewers), "80 pictures")
    await check_pictures(viewers, "NVENC after playing")
    after = captured(server)
    print(f"  captured bytes in CUDA's, OpenGL's and the host's memory: {before}, then {after}")
    assert after[0] > before[0] > 0 and after[1:] == before[1:] == [0, 0], (before, after)
    assert viewers[0].encoders == ["encode/nvenc"] and not viewers[0].faults, (viewers[0].encoders, viewers[0].faults)


async def resizing(server, viewers):
    for turn in range(30):
        size = [(640, 360), (322, 182), (180, 400), (800, 200), (320, 240)][turn % 5]
        await viewers[0].update("canvas", {"size": size})
        await until(lambda: all(v.picture.shape[:2] == size[::-1] for v in viewers), f"pictures of {size}")
    await check_pictures(viewers, "NVENC after 30 sizes")
    assert viewers[0].encoders == ["encode/nvenc"] and not viewers[0].faults, (viewers[0].encoders, viewers[0].faults)
    assert value(server, "oriel_encoder_resets_total") == 0


async def failing(server, viewers):
    await play(viewers, lambda: viewers[0].encoders[-1:] == ["encode/x264"], "the other encoder")
    await check_pictures(viewers, "x264 after it")
    assert viewers[0].encoders == ["encode/nvenc", "encode/x264"], viewers[0].encoders
    assert any("encode/x264 took over" in fault["message"] for fault in viewers[0].faults), viewers[0].faults
    assert captured(server)[2] > 0


async def lost(server, viewers):
    await play(viewers, lambda: any("rendering starts again" in fault["message"] for fault in viewers[0].faults),
               "the lost device")
    await play(viewers, lambda pictures=viewers[0].pictures: viewers[0].pictures > pictures + 20, "pictures after it")
    await check_pictures(viewers, "NVENC after the device was lost")
    print(f"  {viewers[0].faults[0]['message']}")
    assert captured(server)[1:] == [0, 0], captured(server)
    assert 'branch="main",encoder="encode/nvenc"' in metrics(server)


def run(check, fail=""):
    with tempfile.TemporaryDirectory(prefix="oriel-standin-") as folder:
        report = pathlib.Path(folder, "report")
        os.environ.update(LD_LIBRARY_PATH=str(STANDINS), ORIEL_STANDIN_REPORT=str(report), ORIEL_STANDIN_FAIL=fail)
        with oriel.Server(oriel.EXAMPLE, *ARGS) as server:
            asyncio.run(visit(server, check))
        if check in (steady, resizing):
            check_report(report, 1 if check is resizing else None)


if not (STANDINS / "libnvidia-encode.so.1").exists():
    print("skipped: the stand-ins for NVIDIA's libraries are not built here")
    sys.exit(77)
run(steady)
run(resizing)
run(failing, "nvEncEncodePicture:60:4")
run(lost, "cuMemcpyDtoDAsync:60:700")
print("the path on the GPU: fine")
