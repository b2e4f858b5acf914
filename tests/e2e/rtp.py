# SPDX-License-Identifier: BSD-3-Clause
"""transport/rtp, with a socket that reads its packets, and with the programs that it is for: FFmpeg, GStreamer, VLC and
Janus. Those that are not installed are left out, and it is said."""

import asyncio
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request

import oriel
import players
from peer import Client
from players import missing
from recording import check_upright, move, picture_of

MODULES = pathlib.Path(os.environ["ORIEL_MODULE_PATH"])
PICTURES = 20
MTU = 700
SIZE = "640,360"


def free_pair():
    """An even port and the one above it, both free a moment ago."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            try:
                b.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            if port % 2 == 0:
                return port


def arguments(*sets):
    both = ["modules.transport=transport/websocket,transport/rtp", "transport/rtp.key_s=1", "stream.prefer=order", *sets]
    return [oriel.EXAMPLE, *(word for item in both for word in ("--set", item))]


async def with_scene(sets, receive, rest=False):
    """The result of `receive`, a coroutine, while the scene moves."""
    with oriel.Server(*arguments(*sets)) as server:
        client = await Client(server).join()
        moving = asyncio.create_task(move(client, 0.3 if rest else 60))
        try:
            return await asyncio.wait_for(receive(server), 45)
        finally:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            await client.leave()


async def show(what, sets, receive):
    """What a program shows while the scene goes to and fro between two slices is one of them, the right way up."""
    with oriel.Server(*arguments(*sets)) as server, tempfile.TemporaryDirectory() as folder:
        client = await Client(server).join()
        seen = []
        for index in 60, 61:
            await client.ask("state.update", {"scope": "dims", "target": "0", "key": "index", "value": index})
            await asyncio.sleep(0.5)
            seen.append(picture_of(await client.command("napari.screenshot"), folder))
        moving = asyncio.create_task(move(client, 60, count=2))
        try:
            shown, count = await asyncio.wait_for(receive(), 45)
        finally:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            await client.leave()
        assert count >= PICTURES, (what, count)
        print(f"{what}: {count} pictures, the last with {check_upright(shown, seen, what, least=25):.1f} dB")


# --- the packets themselves ---

def read_for(seconds, sockets):
    return asyncio.get_running_loop().run_in_executor(None, read_now, seconds, sockets)


def read_now(seconds, sockets):
    import select
    import time
    got, end = [[] for _ in sockets], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for ready in select.select(sockets, [], [], left)[0]:
            got[sockets.index(ready)].append(ready.recvfrom(65536))
    return got


def nal_type(payload):
    """Of H.264 in RTP: that of the unit, or of the one that a fragment begins."""
    kind = payload[0] & 31
    return payload[1] & 31 if kind == 28 and payload[1] & 0x80 else kind


async def check_packets():
    port = free_pair()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reports, tempfile.TemporaryDirectory() as folder:
        media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        media.bind(("127.0.0.1", port))
        reports.bind(("127.0.0.1", port + 1))
        sdp = pathlib.Path(folder, "session.sdp")

        async def receive(_):
            moving, told = await read_for(2.5, [media, reports])
            await asyncio.sleep(1)
            read_now(0.01, [media, reports])
            return moving, told

        def keys(packets):
            return sum(nal_type(data[12:]) == 5 for data, _ in packets if len(data) > 14 and data[12] & 31 != 24)

        moving, told = await with_scene([f"transport/rtp.url=rtp://127.0.0.1:{port}", f"transport/rtp.sdp={sdp}",
                                         f"transport/rtp.mtu={MTU}", "transport/rtp.payload_type=101"], receive)
        assert len(moving) > 50, len(moving)
        first, = struct.unpack_from("!H", moving[0][0], 2)
        for i, (data, _) in enumerate(moving):
            assert len(data) <= MTU and data[0] == 0x80 and data[1] & 127 == 101, data[:12]
            assert struct.unpack_from("!H", data, 2)[0] == (first + i) & 0xffff, "packets are not in order"
        assert keys(moving) >= 1
        stamps = [struct.unpack_from("!I", data, 4)[0] for data, _ in moving]
        assert all((b - a) & 0xffffffff < 1 << 31 for a, b in zip(stamps, stamps[1:]))
        assert told and all(data[1] == 200 for data, _ in told), "no sender report"
        text = sdp.read_text()
        assert f"m=video {port} RTP/AVP 101" in text and "H264/90000" in text and "sprop-parameter-sets" in text, text

        # Without keys by the clock, at rest: one comes when a receiver asks for it, where reports come from.
        async def ask(_):
            packets, reported = await read_for(3, [media, reports])
            assert reported, "no sender report to answer"
            sender = reported[-1][1]
            quiet, _ = await read_for(1.5, [media, reports])
            assert not quiet, "packets of a scene at rest"
            ssrc = reported[-1][0][4:8]
            reports.sendto(struct.pack("!BBHI", 0x81, 206, 2, 1) + ssrc, sender)  # PLI, RFC 4585 6.3.1
            return (await read_for(1.5, [media, reports]))[0]

        asked = await with_scene([f"transport/rtp.url=rtp://127.0.0.1:{port}", "transport/rtp.key_s=0"], ask, rest=True)
        assert keys(asked) == 1, f"{len(asked)} packets with {keys(asked)} keys after a request"
        print(f"packets: {len(moving)} in order, none longer than {MTU}; a request is followed by a key")


# --- the programs ---

async def check_ffmpeg(folder):
    if missing("ffmpeg"):
        return
    for codec in "h264", "vp8", "vp9":
        if codec != "h264" and not (MODULES / "encode-vpx.so").exists():
            print(f"skipped: {codec}, encode/vpx is not built")
            continue
        sdp = folder / f"{codec}.sdp"

        async def receive():
            while not sdp.exists():
                await asyncio.sleep(0.05)
            return await players.ffmpeg(folder / codec, "-protocol_whitelist", "file,udp,rtp", "-i", sdp, turns=False,
                                        count=PICTURES)
        await show(f"FFmpeg, {codec}", [f"transport/rtp.url=rtp://127.0.0.1:{free_pair()}", f"transport/rtp.sdp={sdp}",
                                        f"transport/rtp.codec={codec}"], receive)


async def check_srt(folder):
    if missing("ffmpeg"):
        return
    protocols = subprocess.run(["ffmpeg", "-hide_banner", "-protocols"], capture_output=True, text=True).stdout
    if "srt" not in protocols.split():
        print("skipped: this ffmpeg has no SRT")
        return
    port = free_pair()
    await show("FFmpeg, SRT", [f"transport/rtp.url=srt://127.0.0.1:{port}"],
               lambda: players.ffmpeg(folder / "srt", "-i", f"srt://127.0.0.1:{port}?mode=listener", turns=False,
                                      count=PICTURES))


async def check_gstreamer(folder):
    if missing("gst-launch-1.0", "rtph264depay", "h264parse", "avdec_h264", "pngenc"):
        return
    port = free_pair()
    await show("GStreamer", [f"transport/rtp.url=rtp://127.0.0.1:{port}"],
               lambda: players.gstreamer(
                   folder / "gst", "udpsrc", f"port={port}",
                   "caps=application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000", "!",
                   "rtpjitterbuffer", "!", "rtph264depay", count=PICTURES))


async def check_vlc(folder):
    if missing("cvlc"):
        return
    port = free_pair()
    await show("VLC", [f"transport/rtp.url=rtp://127.0.0.1:{port}", "transport/rtp.payload=ts"],
               lambda: players.vlc(folder / "vlc", f"rtp://127.0.0.1:{port}", count=PICTURES))


JANUS = {
    "janus.jcfg": """general: {{ configs_folder = "{folder}" plugins_folder = "{lib}/plugins"
        transports_folder = "{lib}/transports" events_folder = "{folder}" loggers_folder = "{folder}" }}
        plugins: {{ disable = "{others}" }} transports: {{ disable = "{wires}" }}""",
    "janus.transport.http.jcfg": """general: {{ base_path = "/janus" http = true port = {http} ip = "127.0.0.1" https = false }}
        admin: {{ admin_http = false admin_https = false }}""",
    "janus.plugin.streaming.jcfg": """oriel: {{ type = "rtp" id = 1 description = "oriel" secret = "s" media = (
        {{ type = "video" mid = "v" label = "v" port = {port} rtcpport = {reports} pt = 96 codec = "h264" }}) }}""",
}


async def check_janus(folder):
    if missing("janus"):
        return
    libraries = [path.parent.parent for path in pathlib.Path("/usr/lib").glob("*/janus/plugins/libjanus_streaming.so")]
    if not libraries or not (libraries[0] / "transports" / "libjanus_http.so").exists():
        print("skipped: Janus has no streaming plugin, or no HTTP")
        return
    lib, port, http = libraries[0], free_pair(), free_pair()
    names = {
        "folder": folder, "lib": lib, "http": http, "port": port, "reports": port + 1,
        "others": ",".join(path.name for path in (lib / "plugins").glob("*.so") if "streaming" not in path.name),
        "wires": ",".join(path.name for path in (lib / "transports").glob("*.so") if "http" not in path.name)}
    for name, text in JANUS.items():
        (folder / name).write_text(text.format(**names))

    def post(path, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{http}/janus{path}",
                                         json.dumps({**body, "transaction": "t"}).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    async def receive(_):
        process = await asyncio.create_subprocess_exec("janus", "-F", str(folder), stdout=asyncio.subprocess.DEVNULL,
                                                       stderr=asyncio.subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    session = await asyncio.to_thread(post, "", janus="create")
                    break
                except OSError:
                    await asyncio.sleep(0.1)
            else:
                return None
            at = f"/{session['data']['id']}"
            handle = await asyncio.to_thread(post, at, janus="attach", plugin="janus.plugin.streaming")
            await asyncio.sleep(1)
            answer = await asyncio.to_thread(post, f"{at}/{handle['data']['id']}", janus="message",
                                             body={"request": "info", "id": 1, "secret": "s"})
            return answer["plugindata"]["data"]["info"]
        finally:
            process.terminate()
            await process.wait()
    info = await with_scene([f"transport/rtp.url=rtp://127.0.0.1:{port}"], receive)
    if info is None:
        print("skipped: Janus does not start here")
        return
    age = info["media"][0].get("age_ms")
    assert age is not None and age < 1000, info
    print(f"Janus: a packet {age} ms ago")


async def main():
    if not (MODULES / "transport-rtp.so").exists():
        print("skipped: transport/rtp is not built (no libavformat)")
        sys.exit(77)
    await check_packets()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        await check_ffmpeg(folder)
        await check_srt(folder)
        await check_gstreamer(folder)
        await check_janus(folder)
        await check_vlc(folder)
    done = oriel.run("serve", "--port", "0", "--set", "modules.transport=transport/websocket,transport/rtp", "--set",
                     "transport/rtp.url=nowhere")
    assert done.returncode == 1 and "SCHEME://" in done.stderr, done


asyncio.run(main())
