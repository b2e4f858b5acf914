# SPDX-License-Identifier: BSD-3-Clause
"""transport/record: what it writes decodes, lies where its lines say and is what the server showed; it goes on in
another file by time, survives kill -9, and needs a token where the server wants one. `oriel play` then serves it to both
kinds of clients: the same bytes, the same state, at any moment."""

import asyncio
import base64
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile

import av
import numpy as np
import websockets

import oriel
import players
from peer import Client, until
from players import missing
from recording import Recording, check_upright, find, move, picture_of

MODULES = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])


def arguments(folder, *sets):
    both = ["modules.transport=transport/websocket,transport/record", "stream.prefer=order", f"transport/record.folder={folder}", *sets]
    return [oriel.EXAMPLE, *(word for item in both for word in ("--set", item))]


async def record(folder, seconds, *sets, kill=False):
    """A session of so many seconds, and what was seen at its end."""
    with oriel.Server(*arguments(folder, *sets)) as server:
        client = await Client(server).join()
        await move(client, seconds)
        await asyncio.sleep(0.5)
        shot = (await client.command("napari.screenshot")) if not kill else None
        if kill:
            server.process.kill()
            server.process.wait()
            server.process.returncode = 0  # as it should be
        await client.leave()
        return shot


def bottom_up(row):
    return base64.b64decode(row["picture"]["head"])[27] & 1 == 1


def facts_of(video, *what):
    done = subprocess.run(["ffprobe", "-v", "error", *what, video], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def check_with_ffmpeg(path, count):
    """No word of complaint, and every picture."""
    if missing("ffmpeg"):
        return
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-enc_time_base", "-1",
                           "-f", "framemd5", "-"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("0,")]
    assert len(rows) == count, (len(rows), count)


async def check_players(recording, seen, folder):
    """What programs show that turn pictures by what a file says, and what those show that do not."""
    what = recording.about["container"]
    if not missing("ffmpeg"):
        for turns in (True, False):
            shown, count = await players.ffmpeg(folder / f"ffmpeg-{turns}", "-i", recording.video, turns=turns)
            assert count == len(recording.pictures), (count, len(recording.pictures))
            check_upright(shown, [seen], f"{what}, FFmpeg")
        facts = facts_of(recording.video, "-show_streams", "-show_frames", "-read_intervals", "%+#1")
        assert "displaymatrix" not in facts and "width" in facts, facts
    demuxer = {"mp4": "qtdemux", "mkv": "matroskademux"}[what]
    if not missing("gst-launch-1.0", demuxer, "h264parse", "avdec_h264", "pngenc"):
        shown, count = await players.gstreamer(folder / "gst", "filesrc", f"location={recording.video}", "!", demuxer)
        assert count == len(recording.pictures), (count, len(recording.pictures))
        check_upright(shown, [seen], f"{what}, GStreamer")
    if not missing("cvlc"):
        recording.video.parent.chmod(0o755)
        recording.video.chmod(0o644)
        shown, count = await players.vlc(folder / "vlc", recording.video)
        assert count > len(recording.pictures) // 3, (count, len(recording.pictures))
        check_upright(shown, recording.shown(), f"{what}, VLC") # it leaves out what it is late for


def check_what_was_applied(recording):
    """Who moved the slider last, in which revision, and a picture that shows it."""
    views = [row["frame"]["payload"] for row in recording.frames if row["frame"]["type"] == "notify.view"]
    step, first = views[-1]["versions"]["step"], views[0]["versions"]["step"]
    assert step["source_client_id"] and step["version"] > first["version"] + 5, (first, step)
    shown = [struct.unpack_from("!Q", base64.b64decode(row["picture"]["head"]), 48)[0] for row in recording.pictures]
    assert shown == sorted(shown) and shown[-1] >= step["server_seq"] > shown[0], (shown, step)


async def check_containers():
    for container in "mp4", "mkv":
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            shot = await record(folder / "made", 2, f"transport/record.container={container}")
            seen = picture_of(shot, folder)
            recording, = find(folder / "made")
            assert recording.about["container"] == container and recording.about["codec"] == "h264"
            last = recording.check()
            assert len(recording.pictures) > 10, len(recording.pictures)
            assert not any(bottom_up(row) for row in recording.pictures)
            decibel = check_upright(last.to_ndarray(format="rgb24"), [seen], container, least=30)
            await check_players(recording, seen, folder / "shown")
            assert {"notify.scene", "notify.view", "notify.layers"} <= set(recording.types("page"))
            assert {"notify.scene", "notify.dims", "notify.camera"} <= set(recording.types("desktop"))
            assert not {"session.welcome", "session.heartbeat"} & set(recording.types("page"))
            check_what_was_applied(recording)
            print(f"{container}: {len(recording.pictures)} pictures, the last with {decibel:.1f} dB")


async def check_beside_the_desktop():
    """The desktop client turns every picture; beside it a recording gets its own, and each sees what is right."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with oriel.Server(*arguments(folder / "made")) as server:
            page = await Client(server).join()
            await move(page, 0.5)
            desktop = await Looker(server, desktop=True).join()
            await move(page, 1)
            assert page.pictures > 10, page.pictures
            await asyncio.sleep(0.5)
            seen = picture_of(await page.command("napari.screenshot"), folder)
            check_upright(desktop.decode()[-1].to_ndarray(format="rgb24")[::-1], [seen], "the desktop client")
            await desktop.leave()
            await page.leave()
        recording, = find(folder / "made")
        assert not any(bottom_up(row) for row in recording.pictures)
        check_upright(recording.check().to_ndarray(format="rgb24"), [seen], "the recording")
        print("a recording and a desktop client: each its own rows")


async def check_codecs():
    for encoder, codec, container in ("jpeg", "mjpeg", "mp4"), ("vpx", "vp8", "mkv"), ("vpx", "vp9", "mp4"):
        if not (MODULES / f"encode-{encoder}.so").exists():
            print(f"skipped: {codec}, encode/{encoder} is not built")
            continue
        with tempfile.TemporaryDirectory() as folder:
            name = "jpeg" if codec == "mjpeg" else codec
            shot = await record(folder, 1, f"modules.encoder=encode/{encoder}", f"transport/record.codecs={name}",
                         *([f"encode/vpx.codec={codec}"] if encoder == "vpx" else []))
            recording, = find(folder)
            check_upright(recording.check().to_ndarray(format="rgb24"), [picture_of(shot, folder)], codec)
            about = recording.about["codec"], recording.about["container"]
            assert about == (codec, container), about


async def check_kill():
    for container in "mp4", "mkv":
        with tempfile.TemporaryDirectory() as folder:
            await record(folder, 2.5, f"transport/record.container={container}", "transport/record.fragment_ms=300",
                         kill=True)
            path, = pathlib.Path(folder).glob("*.ndjson")
            text = path.read_text()
            path.write_text(text[:text.rindex("\n") + 1])
            recording = Recording(path)
            recording.check()
            span = recording.pictures[-1]["t"] - recording.pictures[0]["t"]
            last = max(row["t"] for row in recording.frames)
            assert last - recording.pictures[-1]["t"] < 1.5, (last, recording.pictures[-1]["t"])
            check_with_ffmpeg(recording.video, len(recording.pictures))
            print(f"killed: {container} plays {span:.1f} s of it")


async def check_rotation():
    with tempfile.TemporaryDirectory() as folder:
        await record(folder, 4, "transport/record.max_minutes=0.025", "transport/record.name=part")
        parts = find(folder)
        assert len(parts) >= 2 and parts[1].path.name == "part-2.ndjson", [part.path.name for part in parts]
        numbers = []
        for part in parts:
            part.check()
            assert "notify.scene" in part.types("page"), "a part cannot be read alone"
            numbers.append([struct.unpack_from("!Q", base64.b64decode(row["picture"]["head"]), 40)[0]
                            for row in part.pictures])
        for a, b in zip(numbers, numbers[1:]):
            assert b[0] <= a[-1] + 2, f"pictures {a[-1] + 1} to {b[0] - 1} are in no part"
        print(f"rotation: {len(parts)} parts")


async def check_token():
    with tempfile.TemporaryDirectory() as folder:
        tokens = "access.tokens=editor:a-long-enough-token"
        probe = oriel.run("serve", "--print-config", "--set", tokens)
        assert probe.returncode == 0, probe.stderr
        for word, there in ("", False), ("a-long-enough-token", True):
            with oriel.Server(*arguments(folder, tokens, f"transport/record.token={word}")) as server:
                made = lambda: list(pathlib.Path(folder).glob("*.mp4"))
                if there:
                    await until(made, "a recording")
                else:
                    await until(lambda: "a token is needed" in server.text(), "the refusal")
                    assert not made()


async def check_reload():
    """Begun and ended while the server runs."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "oriel.json")
        both = {"transport": ["transport/websocket", "transport/record"]}
        options = {"transport/record": {"folder": str(pathlib.Path(folder, "made"))}}
        config.write_text(json.dumps({"modules": {"transport": ["transport/websocket"]}, **options}))
        with oriel.Server(oriel.EXAMPLE, "--config", config) as server:
            client = await Client(server).join()
            for count in 1, 2:
                config.write_text(json.dumps({"modules": both, **options}))
                result = await client.command("modules.reload")
                assert "transport/record" in json.dumps(result), result
                await move(client, 1)
                config.write_text(json.dumps({"modules": {"transport": ["transport/websocket"]}, **options}))
                await client.command("modules.reload")
                await until(lambda: server.text().count("the one that was exchanged has closed") == count, "its end")
                recordings = find(options["transport/record"]["folder"])
                assert len(recordings) == count, recordings
                recordings[-1].check()
                await move(client, 0.3)
                assert len(find(recordings[-1].path.parent)) == count
            assert client.connected()
            await client.leave()


class Looker:
    """A client of `oriel play`."""

    def __init__(self, server, desktop=False):
        self.server, self.desktop = server, desktop
        self.frames, self.pictures = [], []

    async def join(self, codecs="h264"):
        features = {"notify.scene": True, "notify.layers": True, "notify.stream": True}
        self.state = await websockets.connect(self.server.ready["state"], max_size=None)
        await self.state.send(json.dumps({
            "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
            "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                        "features": features if self.desktop else {**features, "oriel": True}, "resume_tokens": {}}}))
        welcome = json.loads(await self.state.recv())
        assert welcome["type"] == "session.welcome", welcome
        self.session = welcome["session"]
        query = ""
        if not self.desktop:
            ticket = welcome["payload"]["features"]["oriel"]["pixel_ticket"]
            query = f"?ext=1&codecs={codecs}&still=png&session={self.session}&ticket={ticket}"
        self.pixel = await websockets.connect(self.server.ready["pixel"] + query, max_size=None)
        self.tasks = [asyncio.create_task(self.read()), asyncio.create_task(self.watch())]
        return self

    async def read(self):
        async for text in self.state:
            self.frames.append(json.loads(text))

    async def watch(self):
        async for message in self.pixel:
            self.pictures.append(message)
            if not self.desktop:
                await self.pixel.send(json.dumps({"type": "shown", "seq": struct.unpack_from("!I", message)[0]}))

    async def call(self, command, **kwargs):
        frame_id = f"c{len(self.frames)}-{command}"
        await self.state.send(json.dumps({
            "type": "call.command", "version": 2, "session": self.session, "frame_id": frame_id, "timestamp": 1.0,
            "payload": {"command": command, "args": [], "kwargs": kwargs}}))
        answer = lambda: [f["payload"] for f in self.frames if f["payload"].get("in_reply_to") == frame_id]
        await until(answer, command)
        return answer()[0]

    def newest(self, kind):
        return [frame["payload"] for frame in self.frames if frame["type"] == kind][-1]

    def decode(self):
        coder = av.CodecContext.create("h264", "r")
        pictures = []
        for message in self.pictures:
            data = message[24 + struct.unpack_from("!H", message, 22)[0]:]
            if self.desktop:  # lengths to start codes
                at, out = 0, b""
                while at < len(data):
                    length, = struct.unpack_from("!I", data, at)
                    out, at = out + b"\0\0\0\1" + data[at + 4:at + 4 + length], at + 4 + length
                data = out
            pictures += coder.decode(av.Packet(data))
        return pictures + coder.decode(None)

    async def leave(self):
        await self.state.close()
        await self.pixel.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def without_versions(payload):
    """A recording goes back in time: which write is newer is not told."""
    return {key: value for key, value in payload.items() if key != "versions"}


class Play(oriel.Server):
    """`oriel play`."""

    COMMAND = "play"


async def check_play_for_pages():
    """A recording for players: pages are told of its rows, the desktop client would show it upside down."""
    with tempfile.TemporaryDirectory() as folder:
        shot = await record(folder, 1)
        recording, = find(folder)
        with Play(recording.video, "--paused", "--at", "1000") as server:
            page, desktop = await Looker(server).join(), await Looker(server, desktop=True).join()
            last = base64.b64decode(recording.pictures[-1]["picture"]["head"])[40:48]
            await until(lambda: page.pictures and page.pictures[-1][40:48] == last, "the last picture")
            await until(lambda: desktop.pixel.close_code, "the refusal")
            assert not page.pictures[-1][27] & 1
            check_upright(page.decode()[-1].to_ndarray(format="rgb24"), [picture_of(shot, folder)], "play")
            assert desktop.pixel.close_code == 4400 and "rows" in desktop.pixel.close_reason, desktop.pixel
            assert not desktop.pictures
            for looker in page, desktop:
                await looker.leave()


async def check_play():
    with tempfile.TemporaryDirectory() as folder:
        shot = await record(folder, 3, "transport/record.key_s=1", "transport/record.rows=bottom")
        seen = picture_of(shot, folder)
        recording, = find(folder)
        assert all(map(bottom_up, recording.pictures))
        if not missing("ffmpeg"): # the file says what is to be turned
            for turns, rows in (True, seen), (False, seen[::-1]):
                shown, _ = await players.ffmpeg(pathlib.Path(folder, str(turns)), "-i", recording.video, turns=turns)
                check_upright(shown, [rows], "FFmpeg, the bottom row first")
        count, span = len(recording.pictures), recording.pictures[-1]["t"] - recording.pictures[0]["t"]
        truth = recording.check()
        with Play(recording.video) as server:
            lookers = [await Looker(server).join(), await Looker(server, desktop=True).join()]
            page, desktop = lookers
            status = await page.call("recording.status")
            assert abs(status["result"]["of"] - span) < 1e-3 and status["result"]["pictures"] == count, status
            await asyncio.sleep(span + 1)
            for looker in lookers:
                assert len(looker.pictures) > 0.6 * count, (len(looker.pictures), count)
                decoded = looker.decode()
                assert len(decoded) == len(looker.pictures)
                check_upright(decoded[-1].to_ndarray(format="rgb24")[::-1], [seen], "play")
                assert np.array_equal(decoded[-1].to_ndarray(), truth.to_ndarray()), "another last picture"
                numbers = [struct.unpack_from("!I", message)[0] for message in looker.pictures]
                assert numbers == list(range(1, len(numbers) + 1))
            # The state at the end is what was recorded last.
            for looker, to, kind in (page, "page", "notify.view"), (desktop, "desktop", "notify.dims"):
                rows = [row["frame"]["payload"] for row in recording.frames
                        if row["to"] == to and row["frame"]["type"] == kind]
                assert looker.newest(kind) == without_versions(rows[-1])
            # Anywhere in it: the picture and the state of that moment.
            await page.call("recording.pause")
            page.pictures.clear()
            answer = await page.call("recording.seek", seconds=span / 2)
            assert abs(answer["result"]["seconds"] - span / 2) < 1e-6 and not answer["result"]["playing"], answer
            await asyncio.sleep(1)
            moment = recording.pictures[0]["t"] + span / 2
            shown = [row for row in recording.pictures if row["t"] <= moment][-1]
            head = base64.b64decode(shown["picture"]["head"])
            assert page.pictures[-1][40:48] == head[40:48], "not the picture of that moment"
            assert page.pictures[0][21] & 1, "a seek begins without a key"
            views = [row["frame"]["payload"] for row in recording.frames
                     if row["to"] == "page" and row["frame"]["type"] == "notify.view" and row["t"] <= moment]
            assert page.newest("notify.view") == without_versions(views[-1])
            # Again and again, and on to the end.
            page.pictures.clear()
            await page.call("recording.loop", on=True)
            await page.call("recording.seek", seconds=span - 0.5)
            await page.call("recording.play")
            await asyncio.sleep(1.2)
            status = (await page.call("recording.status"))["result"]
            assert status["playing"] and status["loop"] and status["seconds"] < span - 0.5, status
            # Nothing changes it.
            await page.state.send(json.dumps({
                "type": "state.update", "version": 2, "session": page.session, "frame_id": "u", "intent_id": "u",
                "timestamp": 1.0, "payload": {"scope": "dims", "target": "0", "key": "index", "value": 3}}))
            await until(lambda: "ack.state" in [f["type"] for f in page.frames], "an answer")
            assert page.newest("ack.state")["error"]["code"] == "state.forbidden"
            assert (await page.call("napari.close"))["code"] == "command.not_found"
            assert (await page.call("recording.seek"))["code"] == "command.invalid"
            for looker in lookers:
                await looker.leave()
        print(f"play: {count} pictures to the page's client and the desktop's")
        for wrong in "nothing.ndjson", oriel.EXAMPLE / ".zattrs":
            done = oriel.run("play", wrong, "--port", "0")
            assert done.returncode == 1 and done.stderr, done


async def main():
    if not (MODULES / "transport-record.so").exists():
        print("skipped: transport/record is not built (no libavformat)")
        sys.exit(77)
    await check_containers()
    await check_beside_the_desktop()
    await check_codecs()
    await check_kill()
    await check_rotation()
    await check_token()
    await check_reload()
    await check_play()
    await check_play_for_pages()


asyncio.run(main())
