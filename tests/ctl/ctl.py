# SPDX-License-Identifier: BSD-3-Clause
"""`oriel ctl` against a running server: what it prints where, and its exit status."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import oriel  # noqa: E402


def ctl(*args):
    return oriel.run("ctl", *args)


def with_token(token, *args, stdin=None):
    """With ORIEL_TOKEN set."""
    return subprocess.run([oriel.BINARY, "ctl", *args], env={**os.environ, "ORIEL_TOKEN": token}, input=stdin,
                          capture_output=True, text=True, timeout=120)


def good(*args):
    """What is printed, as JSON."""
    done = ctl(*args)
    assert done.returncode == 0 and done.stderr == "", (args, done)
    return json.loads(done.stdout)


def bad(status, text, *args):
    done = ctl(*args)
    assert done.returncode == status, (args, done)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and text in done.stderr, (args, done)
    return done.stderr


def refused(url, code, *args):
    line = bad(1, f"{code}: ", url, *args)
    assert line.startswith(f"oriel: {url.partition('?')[0]}: "), line


def values(url):
    assert good(url, "get", "view", "main", "ndisplay") == 2
    assert good(url, "get", "dims", "main", "order") == [0, 1, 2, 3]
    assert good(url, "get", "dims", "z", "size") == 8
    assert good(url, "get", "view", "main", "axes.1.name") == "z"
    assert good(url, "get", "scene", "main", "layers") == ["layer-0", "layer-1"]
    assert good(url, "get", "layer", "layer-0", "name") == "nuclei"
    assert good(url, "get", "layer", "nuclei", "dtype") == "uint16"
    assert good(url, "get", "status", "main", "renderer")
    camera = good(url, "get", "camera", "main", "pose")
    assert good(url, "get", "camera", "main", "zoom") == camera["zoom"] > 0
    for args in (("layer", "nobody", "opacity"), ("layer", "layer-0", "opacities"), ("dims", "q", "index"),
                 ("view", "other", "step"), ("wheel", "main", "x"), ("view", "main", "axes.9"),
                 ("view", "main", "canvas..size")):
        refused(url, "get.unknown", "get", *args)


def changes(url):
    assert good(url, "set", "dims", "z", "index", "5") == 5
    assert good(url, "get", "dims", "z", "index") == 5
    assert good(url, "set", "dims", "z", "step", "-1") == 4
    assert good(url, "set", "dims", "z", "index", "500") == 7, "clamped"
    assert good(url, "set", "layer", "layer-0", "opacity", "0.5") == 0.5
    assert good(url, "get", "layer", "layer-0", "opacity") == 0.5
    assert good(url, "set", "layer", "membranes", "colormap", "viridis") == "viridis", "a name, and text"
    assert good(url, "set", "layer", "membranes", "contrast_limits", "[100, 900]") == [100, 900]
    assert good(url, "set", "layer", "layer-1", "name", "two words") == "two words"
    assert good(url, "set", "view", "main", "ndisplay", "3") == 3
    moved = good(url, "set", "camera", "main", "zoom", '{"factor": 0.5, "anchor_px": [0, 0]}')
    assert moved["factor"] == 0.5
    pose = {"rev": 1, "ndisplay": 3, "center": [1, 2, 3], "zoom": 2, "quat": [1, 0, 0, 0], "fov": 30}
    assert good(url, "set", "view", "main", "pose", json.dumps(pose)) == pose
    assert good(url, "get", "camera", "main", "center") == [1, 2, 3]
    refused(url, "state.invalid", "set", "view", "main", "pose", "{}")
    refused(url, "state.error", "set", "layer", "layer-0", "opacity", "much")
    refused(url, "state.error", "set", "layer", "nobody", "opacity", "1")
    refused(url, "state.invalid", "set", "nothing", "main", "at", "all")


def calls(url):
    limits = good(url, "call", "napari.layer.auto_contrast", "layer_id=layer-0")["contrast_limits"]
    assert limits == good(url, "get", "layer", "layer-0", "contrast_limits")
    assert good(url, "call", "napari.layer.move", "layer_id=layer-0", "index=1") == {}
    assert good(url, "get", "scene", "main", "layers") == ["layer-1", "layer-0"]
    assert good(url, "call", "napari.pixel.request_keyframe") is None
    refused(url, "command.not_found", "call", "napari.nothing")
    refused(url, "command.invalid", "call", "napari.layer.move", "layer_id=layer-0", "index=top")
    refused(url, "command.invalid", "call", "fs.listdir", "only=zarr")


def round_trip(url, folder):
    """What `get` prints, `serve --scene` takes, and then `get` prints it again."""
    printed = ctl(url, "get")
    assert printed.returncode == 0, printed
    scene = json.loads(printed.stdout)
    assert scene["oriel_scene"] == 1 and scene["dims"]["ndisplay"] == 3, scene
    assert [layer["name"] for layer in scene["layers"]] == ["two words", "nuclei"], scene
    path = folder / "scene.json"
    path.write_text(printed.stdout)
    with oriel.Server("--scene", path) as server:
        again = good(server.ready["http"], "get")
    assert again == scene, f"{again}\nis not\n{scene}"


class Watch:
    def __init__(self, url):
        self.process = subprocess.Popen([oriel.BINARY, "ctl", url, "watch"], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def until(self, kind, test=lambda payload: True):
        for line in self.process.stdout:
            frame = json.loads(line)
            if frame["type"] == kind and test(frame["payload"]):
                return frame
        raise AssertionError(f"no {kind} came")

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        for line in self.process.stdout:
            json.loads(line)
        said = self.process.stderr.read()
        return self.process.wait(timeout=20), said


def watching(url):
    for number in (signal.SIGINT, signal.SIGTERM):
        watch = Watch(url)
        assert json.loads(watch.process.stdout.readline())["type"] == "session.welcome"
        watch.until("notify.camera")
        good(url, "set", "layer", "layer-0", "gamma", "1.5" if number == signal.SIGINT else "0.5")
        watch.until("notify.layers", lambda p: "gamma" in p.get("controls", {}) and len(p["controls"]) == 1)
        assert watch.end(number) == (0, "")
    watch = Watch(url)
    watch.until("session.welcome")
    watch.process.stdout.close()  # `| head -1`
    good(url, "set", "layer", "layer-0", "gamma", "1")
    watch.process.wait(timeout=20)
    assert watch.process.returncode == 0 and watch.process.stderr.read() == ""
    watch.process.stderr.close()


def usage():
    url = "http://127.0.0.1:1/"
    done = ctl("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: oriel ctl"), done
    bad(2, "wants the URL")
    bad(2, "after the URL", url)
    bad(2, 'unknown command "gte"', url, "gte")
    bad(2, "get wants nothing, or SCOPE TARGET KEY", url, "get", "view", "main")
    bad(2, "set wants SCOPE TARGET KEY VALUE", url, "set", "view", "main", "ndisplay")
    bad(2, "watch wants nothing", url, "watch", "all")
    bad(2, "wants KEY=VALUE", url, "call", "fs.listdir", "/data")
    bad(2, "unknown option --tokne", "--tokne", "x", url, "get")
    bad(2, "--timeout wants a value", "--timeout")
    bad(2, "wants seconds", "--timeout", "soon", url, "get")
    bad(2, "is no token", "--token", "a\nb", url, "get")
    bad(2, "wants http://", "127.0.0.1:8081", "get")


def nobody_there(folder):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        refused(f"http://127.0.0.1:{taken.getsockname()[1]}/?token=secret", "connect", "get")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        began = time.monotonic()
        url = f"ws://127.0.0.1:{deaf.getsockname()[1]}/"
        bad(1, "timeout: ", "--timeout", "0.5", url, "get")
        assert time.monotonic() - began < 5
    bin_folder = folder / "alone" / "bin"
    bin_folder.mkdir(parents=True)
    shutil.copy(oriel.BINARY, bin_folder / "oriel")
    done = subprocess.run([bin_folder / "oriel", "ctl", "http://h/", "get"], capture_output=True, text=True)
    assert done.returncode == 1 and "libexec/oriel/oriel-ctl: No such file" in done.stderr, done


def tokens(data, folder):
    with oriel.Server(data, "--set", 'access.tokens=["editor:ed1t0r-secret", "viewer:v1ewer-secret"]') as server:
        url = server.ready["http"].partition("?")[0]
        for args in ((url, "get"), (f"{url}?token=wrong-secret", "get"), ("--token", "wrong-secret", url, "get")):
            line = bad(1, "unauthorized: ", *args)
            assert "wrong-secret" not in line, line
        assert good(f"{url}?token=v1ewer-secret", "get", "layer", "layer-0", "opacity") == 1
        assert good("--token=ed1t0r-secret", f"{url}?token=wrong-secret", "set", "layer", "layer-0", "opacity", "0.5") == 0.5
        bad(1, "state.forbidden: ", "--token", "v1ewer-secret", url, "set", "layer", "layer-0", "opacity", "1")
        assert good("--token", "v1ewer-secret", url, "get", "layer", "layer-0", "opacity") == 0.5
        keep, none = folder / "token", folder / "none"
        keep.write_text("ed1t0r-secret\r\nnot this line\n")
        none.write_text("")
        opacity = ("set", "layer", "layer-0", "opacity")
        assert good("--token-file", str(keep), url, *opacity, "0.25") == 0.25
        assert good(f"--token-file={keep}", "--token", "wrong-secret", f"{url}?token=wrong-secret", *opacity, "0.75") == 0.75
        bad(2, f"--token-file {none}: is empty", "--token-file", str(none), url, "get")
        bad(2, f"--token-file {folder}: Is a directory", "--token-file", str(folder), url, "get")
        bad(2, "none at all: No such file", "--token-file", "none at all", url, "get")
        for source, args in (("ed1t0r-secret", (url,)), ("wrong-secret", (f"{url}?token=ed1t0r-secret",)),
                             ("wrong-secret", ("--token", "ed1t0r-secret", url))):
            done = with_token(source, *args, *opacity, "0.5")
            assert done.returncode == 0 and done.stderr == "" and done.stdout == "0.5\n", (args, done)
        assert with_token("", "--token-file", "-", url, "get", stdin="v1ewer-secret").returncode == 0
        for wrong in ("", "wrong-secret"):
            done = with_token(wrong, url, "get")
            assert done.returncode == 1 and "unauthorized" in done.stderr, done
        done = with_token("two\nlines", url, "get")
        assert done.returncode == 2 and "ORIEL_TOKEN: is no token" in done.stderr, done
        bad(1, "command.forbidden: ", "--token", "v1ewer-secret", url, "call", "napari.layer.remove", "layer_id=layer-0")


with tempfile.TemporaryDirectory(prefix="oriel-ctl-") as name:
    folder = pathlib.Path(name)
    usage()
    nobody_there(folder)
    data = folder / "cells.ome.zarr"
    done = oriel.run("demo", data, "--size", "tiny")
    assert done.returncode == 0, done.stderr
    with oriel.Server(data, "--prefix", "/s/abc") as server:
        url = server.ready["http"]
        values(url)
        assert good(server.ready["state"], "get", "view", "main", "ndisplay") == 2
        refused(url + "elsewhere/", "connect", "get")
        changes(url)
        calls(url)
        round_trip(url, folder)
        watching(url)
        watch = Watch(url)
        watch.until("notify.scene")
        assert server.stop() == 0
        status, said = watch.end()
        assert status == 1 and said.startswith(f"oriel: {url}: shutdown: ") and said.count("\n") == 1, said
    tokens(data, folder)
