#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A running server is resized and has its encoders swapped, over and over: nothing may grow. Needs nothing but
Python, and no GPU; with one its memory is counted too.

    churn.py ORIEL DATA [--resizes 1000] [--swaps 100] [--encoders ID,ID…] [--standins DIR] [--json FILE]
             [-- oriel's options…]

Counted after a warm-up and at the end, while nobody looks, so that no encoder is there: open files, threads, resident
memory of the server, used memory of the GPU. Each resize is waited for until a picture of that size has come, each swap until one of that codec has.
--standins: the server finds the stand-ins for NVIDIA's libraries there, and they must have nothing to say."""

import argparse
import base64
import ctypes
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

CODECS = {"h264": 1, "jpeg": 6}
HELLO = {"protocols": [2], "client": {"name": "churn", "version": "1", "platform": "-"},
         "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
         "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}
# What may come and go without being a leak: caches of the C library and of drivers.
SLACK = {"files": 0, "threads": 0, "resident_mib": 32, "gpu_mib": 16}


class WebSocket:
    """RFC 6455, a client's side of it, as much as two channels need."""

    def __init__(self, url, timeout=30):
        at = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        path = (at.path or "/") + ("?" + at.query if at.query else "")
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.take(1)
        assert b" 101 " in answer.split(b"\r\n")[0], answer

    def take(self, count):
        while len(self.rest) < count:
            more = self.socket.recv(1 << 20)
            assert more, "the server has closed the connection"
            self.rest += more
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def send(self, opcode, data):
        mask = secrets.token_bytes(4)
        size = len(data)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else \
            struct.pack("!BBH", 0x80 | opcode, 0xfe, size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

    def receive(self):
        """The next whole message."""
        message = b""
        while True:
            first, size = self.take(2)
            size &= 127
            if size > 125:
                size, = struct.unpack("!H" if size == 126 else "!Q", self.take(2 if size == 126 else 8))
            data = self.take(size)
            if first & 15 == 9:
                self.send(10, data)
            elif first & 15 == 8:
                raise AssertionError(f"the server has closed the connection: {data[2:].decode(errors='replace')}")
            elif first & 15 < 3:
                message += data
                if first & 0x80:
                    return message

    def close(self):
        try:
            self.send(8, struct.pack("!H", 1000))
            while self.socket.recv(1 << 20):
                pass
        except OSError:
            pass
        self.socket.close()


class Client:
    def __init__(self, ready):
        self.ready, self.count = ready, 0
        self.state = WebSocket(ready["state"])
        self.say("session.hello", HELLO)
        self.session = self.wait("session.welcome")["session"]
        self.pixel = None

    def say(self, kind, payload, **envelope):
        self.count += 1
        self.state.send(1, json.dumps({"type": kind, "version": 2, "frame_id": f"f{self.count}", "timestamp": time.time(),
                                       "payload": payload, **envelope}).encode())

    def wait(self, kind):
        while (frame := json.loads(self.state.receive()))["type"] != kind:
            pass
        return frame

    def resize(self, width, height):
        self.say("state.update", {"scope": "view", "target": "main", "key": "canvas", "value": {"size": [width, height]}},
                 session=self.session, intent_id=f"i{self.count}")
        ack = self.wait("ack.state")["payload"]
        assert ack["status"] == "accepted", ack

    def look(self, codec):
        """A pixel connection of one codec in the place of the last; waits for its first picture."""
        self.leave()
        self.pixel = WebSocket(f"{self.ready['pixel']}?ext=1&codecs={codec}&session={self.session}")
        self.picture(lambda width, height, got: got == CODECS[codec])

    def leave(self):
        if self.pixel:
            self.pixel.close()
        self.pixel = None

    def picture(self, wanted):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = self.pixel.receive()
            width, height, codec = struct.unpack_from("!IIB", message, 12)
            if wanted(width, height, codec):
                return
        raise AssertionError("no such picture within 30 s")


class Gpu:
    """Used bytes of the first CUDA device by cuMemGetInfo; of all processes, so let there be no others."""

    def __init__(self):
        self.cuda, self.why = None, None
        try:
            cuda = ctypes.CDLL("libcuda.so.1")
        except OSError:
            self.why = "no libcuda.so.1"
            return
        device, context = ctypes.c_int(), ctypes.c_void_p()
        if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0) or \
                cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) or cuda.cuCtxSetCurrent(context):
            self.why = "no CUDA device"
            return
        self.cuda = cuda

    def used_mib(self):
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        if not self.cuda or self.cuda.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)):
            return None
        return (total.value - free.value) / 2**20


def count(pid, gpu):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {"files": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(re.search(r"^Threads:\s+(\d+)", status, re.M)[1]),
            "resident_mib": int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1]) / 1024,
            "gpu_mib": gpu.used_mib()}


def settled(pid, gpu):
    """Counts until nothing ends any more: threads of what was closed take their time."""
    last, since = count(pid, gpu), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.1)
        now = count(pid, gpu)
        if now["threads"] < last["threads"] or now["files"] < last["files"]:
            since = time.monotonic()
        last = now
    return last


def sizes(number):
    """Sizes with odd proportions, all different from the one before; as many small as large ones."""
    step = number * 37 % 41
    return 320 + 16 * step, 240 + 8 * (number * 29 % 43)


def churn(client, resizes, swaps, start):
    begin = time.monotonic()
    for number in range(start, start + max(resizes, swaps)):
        if number < start + resizes:
            width, height = sizes(number)
            client.resize(width, height)
            client.picture(lambda w, h, _: (w, h) == (width, height))
        if number < start + swaps:
            client.look(("h264", "jpeg")[number % 2])
        done = number - start + 1
        if done % 100 == 0:  # what is cut off has got so far
            print(f"{min(done, resizes)} resizes, {min(done, swaps)} swaps: {time.monotonic() - begin:.1f} s", flush=True)


def cut_off(*_):
    sys.exit("cut off")


def main():
    own = sys.argv[1:]
    own, more = (own[:own.index("--")], own[own.index("--") + 1:]) if "--" in own else (own, [])
    parser = argparse.ArgumentParser()
    parser.add_argument("oriel")
    parser.add_argument("data")
    parser.add_argument("--resizes", type=int, default=1000)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--encoders", default="encode/x264,encode/openh264,encode/nvjpeg,encode/jpeg")
    parser.add_argument("--standins", type=pathlib.Path)
    parser.add_argument("--resident", type=float, default=SLACK["resident_mib"], help="MiB that may be kept")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args(own)
    signal.signal(signal.SIGTERM, cut_off)
    SLACK["resident_mib"] = args.resident
    if args.standins and not pathlib.Path(args.standins, "libnvjpeg.so.12").exists():
        print(f"skipped: no stand-ins in {args.standins}")
        return 77
    gpu = Gpu()
    if gpu.why:
        print(f"memory of the GPU is not counted: {gpu.why}")
    with tempfile.TemporaryDirectory() as folder:
        ready_file, log, report = (pathlib.Path(folder, name) for name in ("ready", "log", "report"))
        environment = dict(os.environ)
        if args.standins:
            environment.update(LD_LIBRARY_PATH=str(args.standins), ORIEL_STANDIN_REPORT=str(report))
        # What writes nothing leads the list, so that both codecs come and go with their clients.
        encoders = json.dumps(["encode/null"] + args.encoders.split(","))
        with open(log, "wb") as out:
            server = subprocess.Popen([args.oriel, "serve", args.data, "--port", "0", "--ready-file", ready_file, "--set",
                                       f"modules.encoder={encoders}", *more], stdout=out, stderr=out,
                                      env=environment)
        try:
            deadline = time.monotonic() + 60
            while not ready_file.exists():
                assert server.poll() is None and time.monotonic() < deadline, "the server did not come up"
                time.sleep(0.02)
            client = Client(json.loads(ready_file.read_text()))
            client.look("h264")
            churn(client, args.resizes // 10 + 10, args.swaps // 5 + 10, 0)
            client.leave()
            before, begin = settled(server.pid, gpu), time.monotonic()
            client.look("h264")
            churn(client, args.resizes, args.swaps, 1)
            seconds = time.monotonic() - begin
            client.leave()
            after = settled(server.pid, gpu)
            client.state.close()
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0, f"exit status {server.returncode}"
        except BaseException:
            server.kill()
            server.wait()
            print(*log.read_text(errors="replace").splitlines()[-40:], sep="\n")
            raise
        said = [line.split(", input.")[0] for line in report.read_text().splitlines()] if args.standins else []
        used = sorted(set(re.findall(r"-> (encode/\w+)", log.read_text(errors="replace"))) - {"encode/null"})
    grown = {key: None if before[key] is None else after[key] - before[key] for key in before}
    fine = all(grown[key] is None or grown[key] <= SLACK[key] for key in grown)
    # The primary context and nvJPEG's handle are the process's own until its end.
    fine = fine and (not args.standins or sorted(said) == [
        f"standin {name}: 0 faults, {live} live objects" for name, live in (("cuda", 1), ("nvenc", 0), ("nvjpeg", 1))])
    print(f"{args.resizes} resizes and {args.swaps} swaps of the encoder in {seconds:.1f} s: {', '.join(used)}")
    for key, value in grown.items():
        if value is not None:
            print(f"  {key:13} {before[key]:10.1f} before {after[key]:10.1f} after  {value:+8.1f}"
                  f"  {'ok' if value <= SLACK[key] else 'GROWS'}")
    for line in said:
        print(f"  {line}")
    if args.json:
        args.json.write_text(json.dumps({"resizes": args.resizes, "swaps": args.swaps, "seconds": seconds,
                                         "encoders": used, "before": before, "after": after, "slack": SLACK,
                                         "passed": fine}, indent=1) + "\n")
    return 0 if fine else 1


sys.exit(main())
