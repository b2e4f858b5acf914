# SPDX-License-Identifier: BSD-3-Clause
"""A scene in a state directory: servers are killed under load and started again, and nothing that was
acknowledged is lost; who else wants the directory is refused, who lost it writes nothing.

usage: restart.py [ROUNDS [RESULT.json]]"""

import asyncio
import itertools
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import websockets

import oriel

DATA = oriel.SOURCE / "tests" / "data" / "cyx.ome.zarr"
TOPICS = ("notify.scene", "notify.layers", "notify.stream")


class Kept:
    """Servers with one state directory, one after another, on the same ports."""

    def __init__(self, folder, *args, fsync="batch"):
        self.folder, self.args, self.fsync = pathlib.Path(folder), args, fsync
        self.state = self.folder / "state"
        self.log = self.folder / "log"
        self.ports = None
        self.process = None

    def command(self):
        ports = self.ports or (0, 0, 0)
        return [oriel.BINARY, "serve", *map(str, self.args), "--state", str(self.state),
                "--set", f"state.fsync={self.fsync}", "--set", "state.snapshot_bytes=60000",
                "--set", "control.update_rate=100000", "--set", "thumbnails.enabled=false",
                *(f"--{name}port={port}" for name, port in zip(("", "pixel-", "metrics-"), ports)),
                "--ready-file", str(self.folder / "ready.json")]

    def start(self):
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=log)
        while not ready.exists():
            assert self.process.poll() is None, f"exit status {self.process.returncode}:\n{self.text()}"
            assert time.monotonic() < began + 60, self.text()
            time.sleep(0.01)
        ready = json.loads(ready.read_text())
        self.url = ready["state"]
        self.ports = [int(ready[name].split(":")[2].split("/")[0]) for name in ("http", "pixel", "metrics")]
        return time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0, self.text()

    def text(self):
        return self.log.read_text(errors="replace")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind:
            print("--- server log ---", self.text()[-20000:], sep="\n")

    def journal_bytes(self):
        return {path.name: path.stat().st_size for path in self.state.glob("journal-*.log")}


class Client:
    """What a client keeps over its connections: tokens, the newest frame of each topic, and what it wrote."""

    def __init__(self, classic=False):
        self.classic = classic
        self.tokens = dict.fromkeys(TOPICS)
        self.seqs = {}
        self.errors = []
        self.count = itertools.count()
        # By (scope, target, key): all values that were sent; of the newest acknowledged one its place there, itself,
        # and its version.
        self.sent, self.acked = {}, {}
        self.acks = 0

    async def join(self, url):
        self.state = await websockets.connect(url, max_size=None)
        features = {topic: True for topic in TOPICS} | ({} if self.classic else {"oriel": True})
        await self.state.send(json.dumps({
            "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
            "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                        "features": features, "resume_tokens": self.tokens}}))
        welcome = json.loads(await self.state.recv())
        assert welcome["type"] == "session.welcome", welcome
        self.session = welcome["session"]
        self.topics = {topic: welcome["payload"]["features"][topic]["resume_state"] for topic in TOPICS}
        self.replies, self.layers, self.first, self.waiting = asyncio.Queue(), [], {}, {}
        self.goodbye = None
        self.reader = asyncio.create_task(self.read())
        # The answer to a harmless call comes after everything that the hello brought.
        reply = await self.ask("call.command", {"command": "napari.pixel.request_keyframe", "args": [], "kwargs": {}})
        assert reply["status"] == "ok", reply
        self.replayed, self.layers = self.layers, []

    async def read(self):
        try:
            async for text in self.state:
                self.take(json.loads(text))
        except websockets.ConnectionClosed:
            pass

    def take(self, frame):
        kind, payload = frame["type"], frame["payload"]
        if "delta_token" in frame:
            if kind == "notify.layers":
                self.layers.append((frame["seq"], payload))
            self.tokens[kind], self.seqs[kind] = frame["delta_token"], frame["seq"]
        if kind in ("notify.scene", "notify.view"):
            self.first.setdefault(kind, payload)
        if kind == "notify.error":
            self.errors.append(payload)
        if kind == "session.goodbye":
            self.goodbye = payload
        if kind == "ack.state":
            where, value, index = self.waiting.pop(payload["in_reply_to"])
            if payload["status"] == "accepted":
                self.acked[where] = (index, value, payload["version"])
                self.acks += 1
        if kind in ("ack.state", "reply.command", "error.command"):
            self.replies.put_nowait(payload)

    async def send(self, kind, payload):
        frame_id = f"f{next(self.count)}"
        frame = {"type": kind, "version": 2, "session": self.session, "frame_id": frame_id, "timestamp": 1.0,
                 "payload": payload}
        if kind == "state.update":
            frame["intent_id"] = frame_id
            where = (payload["scope"], payload["target"], payload["key"])
            self.sent.setdefault(where, []).append(payload["value"])
            self.waiting[frame_id] = (where, payload["value"], len(self.sent[where]) - 1)
        await self.state.send(json.dumps(frame))
        return frame_id

    async def ask(self, kind, payload):
        frame_id = await self.send(kind, payload)
        while True:
            reply = await asyncio.wait_for(self.replies.get(), 30)
            if reply["in_reply_to"] == frame_id:
                return reply

    async def update(self, scope, target, key, value):
        return await self.ask("state.update", {"scope": scope, "target": target, "key": key, "value": value})

    async def call(self, command, **kwargs):
        reply = await self.ask("call.command", {"command": command, "args": [], "kwargs": kwargs})
        assert reply["status"] == "ok", reply
        return reply.get("result")

    async def load(self, updates):
        """Sends without waiting for answers, until the server is gone."""
        try:
            while True:
                scope, target, key, value = updates()
                await self.send("state.update", {"scope": scope, "target": target, "key": key, "value": value})
                await asyncio.sleep(random.uniform(0, 0.008))
        except websockets.ConnectionClosed:
            pass

    async def gone(self):
        """Everything that the server sent before its end has been read."""
        await asyncio.wait_for(self.reader, 20)

    async def leave(self):
        await self.state.close()
        await self.reader


def check_resumed(client, seen):
    """It got what it missed, in order, and nothing that it had; what is new follows."""
    seqs = [seq for seq, _ in client.replayed]
    last = client.topics["notify.layers"]["seq"]
    if client.classic:  # not every frame is for this class
        assert seqs == sorted(set(seqs)) and all(seq > seen for seq in seqs), (seen, last, seqs)
    else:
        assert seqs == list(range(seen + 1, seen + 1 + len(seqs))) and seen + len(seqs) >= last, (seen, last, seqs)
    return len(seqs)


def lost(client):
    """The values that are neither the newest acknowledged one nor one that was sent after it."""
    layers = {layer["layer_id"]: layer for layer in client.first["notify.scene"]["layers"]}
    view = client.first["notify.view"]
    out = []
    for where, (at, newest, known) in client.acked.items():
        scope, target, key = where
        if scope == "layer":
            value, version = layers[target]["controls"][key], layers[target]["control_versions"][key]["version"]
        else:
            value, version = view["canvas"]["background"], view["versions"][key]["version"]
        if value not in client.sent[where][at:] or version < known:
            out.append(f"{target} {key} is {value}, version {version}; {newest}, {known} was acknowledged")
    return out


def number():
    return round(random.uniform(0.1, 1), 6)


WRITERS = (
    lambda: ("layer", "layer-0", "opacity", number()),
    lambda: random.choice((("layer", "layer-1", "gamma", number()), ("layer", "layer-1", "opacity", number()))),
    lambda: ("view", "main", "background", [number(), number(), number(), 1]),
)


async def check_kills(folder, rounds):
    """Clients that change things all the time and come back with their tokens after each kill."""
    clients, watcher = [Client() for _ in WRITERS], Client(classic=True)
    starts, losses, replayed = [], [], 0
    everyone = [*clients, watcher]
    with Kept(folder, DATA) as server:
        for round_ in range(rounds + 1):
            seen = [client.seqs.get("notify.layers", 0) for client in everyone]
            for client in everyone:
                await client.join(server.url)
            if round_:
                missed = [check_resumed(client, last) for client, last in zip(everyone, seen)]
                replayed += sum(missed)
                for client in clients:
                    losses += lost(client)
            if round_ == rounds:
                break
            loads = [asyncio.create_task(client.load(writer)) for client, writer in zip(clients, WRITERS)]
            # A watcher that leaves early misses something.
            await asyncio.sleep(random.uniform(0.02, 0.3))
            await watcher.leave()
            await asyncio.sleep(random.uniform(0.02, 0.3))
            server.kill()
            for client in clients:
                await client.gone()
            await asyncio.gather(*loads)
            starts.append(server.start())
        for client in everyone:
            await client.leave()
        server.stop()
        epoch = int((server.state / "epoch").read_text())
        assert epoch == rounds + 1, epoch
        assert len(list(server.state.glob("snapshot-*"))) <= 3
        assert not list(server.state.glob("*.damaged"))
        files = sum(path.stat().st_size for path in server.state.iterdir() if path.is_file())
    acknowledged = sum(client.acks for client in clients)
    result = {"kills": rounds, "updates_sent": sum(len(v) for c in clients for v in c.sent.values()),
              "acknowledged": acknowledged, "acknowledged_lost": len(losses), "frames_replayed": replayed,
              "restart_s": {"median": round(statistics.median(starts), 3), "max": round(max(starts), 3)},
              "state_dir_bytes": files}
    print(f"  {result}")
    assert not losses, losses
    assert replayed > rounds and acknowledged > 10 * rounds
    return result


async def check_scene(folder):
    """The same camera, dims, layers, names and order; a file that is gone, and back."""
    folder.mkdir()
    first, second = folder / "first.zarr", folder / "second.zarr"
    shutil.copytree(DATA, first)
    shutil.copytree(oriel.SOURCE / "tests" / "data" / "tyx.ome.zarr", second)
    with Kept(folder, first, second, fsync="interval") as server:
        client = Client()
        await client.join(server.url)
        layers = [layer["layer_id"] for layer in client.first["notify.scene"]["layers"]]
        added = (await client.call("napari.layer.add", path=str(first), name="again"))["layer_ids"]
        await client.call("napari.layer.rename", layer_id=layers[0], name="a new name")
        await client.call("napari.layer.move", layer_id=layers[0], index=2)
        await client.call("napari.layer.remove", layer_id=layers[1])
        await client.send("state.update", {"scope": "view", "target": "main", "key": "pose", "value": {
            "rev": 1, "ndisplay": 2, "center": [3.25, 7.5, 0], "zoom": 5.125, "quat": [1, 0, 0, 0], "fov": 0}})
        assert (await client.update("layer", layers[0], "opacity", 0.625))["status"] == "accepted"
        assert (await client.update("dims", "t", "index", 1))["status"] == "accepted"
        before = await client.call("napari.scene.get")
        assert before["camera"]["zoom"] == 5.125
        server.kill()
        await client.gone()

        server.start()
        await client.join(server.url)
        assert await client.call("napari.scene.get") == before
        assert "its scene is shown, as it was" in server.text()
        again = (await client.call("napari.layer.add", path=str(first), name="once more"))["layer_ids"]
        assert not set(again) & {*layers, *added}, "an id is given away twice"
        before = await client.call("napari.scene.get")
        await client.leave()
        server.stop()

        # A layer whose data are gone is said to be, and comes back with them.
        second.rename(folder / "away.zarr")
        server.start()
        client = Client()
        await client.join(server.url)
        scene = await client.call("napari.scene.get")
        assert [layer["name"] for layer in scene["layers"]] == \
            [layer["name"] for layer in before["layers"] if "second.zarr" not in layer["source"]["uri"]], scene
        missing = [error for error in client.errors if error["code"] == "data.open"]
        assert len(missing) == 1 and "second.zarr" in missing[0]["message"], client.errors
        await client.leave()
        server.stop()
        (folder / "away.zarr").rename(second)
        server.start()
        client = Client()
        await client.join(server.url)
        scene = await client.call("napari.scene.get")
        assert scene["layers"] == before["layers"], scene["layers"]
        assert not [error for error in client.errors if error["code"] == "data.open"]
        revision = client.first["notify.view"]["revision"]
        tokens = dict(client.tokens)
        await client.leave()
        server.stop()

        # Other data are another scene; what was told stays true: revisions go on, old tokens lead nowhere.
        server.args = (second,)
        server.start()
        assert "was begun with other data" in server.text()
        client = Client()
        client.tokens = dict(tokens)
        await client.join(server.url)
        assert len(client.first["notify.scene"]["layers"]) == 1
        assert client.first["notify.view"]["revision"] > revision
        assert client.topics["notify.layers"]["delta_token"] != tokens["notify.layers"]
        await client.leave()
        server.stop()
        # And no data are those of the directory.
        server.args = ()
        server.start()
        client = Client()
        await client.join(server.url)
        assert len(client.first["notify.scene"]["layers"]) == 1
        await client.leave()
        server.stop()


async def check_owner(folder):
    """75: in use. 76: taken over; not a byte more, and nothing acknowledged."""
    folder.mkdir()
    for stopped in (False, True):
        with Kept(folder, DATA) as server:
            client = Client()
            await client.join(server.url)
            assert (await client.update("layer", "layer-0", "opacity", 0.5))["status"] == "accepted"

            other = subprocess.run([oriel.BINARY, "serve", "--state", str(server.state), "--port", "0"],
                                   capture_output=True, text=True, timeout=60)
            lines = [line for line in other.stderr.splitlines() if line.startswith("oriel:")]
            assert other.returncode == 75, (other.returncode, other.stderr)
            assert len(lines) == 1 and str(server.state) in lines[0] and str(server.process.pid) in lines[0], lines
            print(" ", lines[0])

            before = server.journal_bytes()
            if stopped:
                server.process.send_signal(signal.SIGSTOP)
            epoch = server.state / "epoch"
            epoch.write_text(f"{int(epoch.read_text()) + 1}\n")
            await client.send("state.update", {"scope": "layer", "target": "layer-0", "key": "opacity", "value": 0.25})
            if stopped:
                await asyncio.sleep(0.2)
                server.process.send_signal(signal.SIGCONT)
            await client.gone()
            assert client.goodbye and client.goodbye["code"] == "fenced", client.goodbye
            assert client.acked[("layer", "layer-0", "opacity")][1] == 0.5, "an update was acknowledged"
            assert server.process.wait(timeout=20) == 76, server.process.returncode
            assert server.journal_bytes() == before, (before, server.journal_bytes())
            assert "taken this session over" in server.text()


async def until(condition, what):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def check_full_disk(folder):
    """The server goes on, says that it does not store, and stores again when it can."""
    folder.mkdir()
    with Kept(folder, DATA) as server:
        client = Client()
        await client.join(server.url)
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (max(server.journal_bytes().values()), hard))
        assert (await client.update("layer", "layer-0", "opacity", 0.25))["status"] == "accepted"
        await until(lambda: any(error["code"] == "state.not_stored" for error in client.errors), client.errors)
        # That nothing is stored is no matter of the data, which may be closed.
        client.first.pop("notify.scene")
        await client.call("napari.load_zarr", path=str(DATA))
        await until(lambda: "notify.scene" in client.first, "no other scene")
        assert not [error for error in client.errors if error["code"].endswith(".cleared")], client.errors
        layer = client.first["notify.scene"]["layers"][0]["layer_id"]
        assert (await client.update("layer", layer, "opacity", 0.25))["status"] == "accepted"
        assert (await client.update("layer", layer, "gamma", 0.75))["status"] == "accepted"
        # It is tried again and again; that is said once, and leaves no file each time.
        files = len(list(server.state.iterdir()))
        await asyncio.sleep(4)
        assert len(list(server.state.iterdir())) <= files + 1, sorted(server.state.iterdir())
        assert [error["code"] for error in client.errors].count("state.not_stored") == 1, client.errors
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await until(lambda: any(error["code"] == "state.not_stored.cleared" for error in client.errors), client.errors)
        server.kill()
        await client.gone()
        server.start()
        await client.join(server.url)
        controls = client.first["notify.scene"]["layers"][0]["controls"]
        assert (controls["opacity"], controls["gamma"]) == (0.25, 0.75), controls
        await client.leave()
        server.stop()


async def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(os.environ.get("ORIEL_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}")
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="oriel-restart-") as folder:
        folder = pathlib.Path(folder)
        await check_scene(folder / "scene")
        print("the scene is as it was")
        await check_owner(folder / "owner")
        print("one owner at a time")
        await check_full_disk(folder / "full")
        print("a full disk is survived")
        (folder / "kills").mkdir()
        result = await check_kills(folder / "kills", rounds)
        print(f"{rounds} kills, nothing lost")
        if len(sys.argv) > 2:
            pathlib.Path(sys.argv[2]).write_text(json.dumps(result | {"seed": seed}, indent=1) + "\n")


asyncio.run(main())
