# SPDX-License-Identifier: BSD-3-Clause
"""Runs the oriel binary for a test: a server on free ports, pictures by `oriel render`."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import av
import numpy as np

SOURCE = pathlib.Path(os.environ["ORIEL_SOURCE_DIR"])
BINARY = os.environ["ORIEL_BINARY"]
EXAMPLE = SOURCE / "examples" / "colin27.ome.zarr"


class Server:
    """`oriel serve` on free loopback ports, for a with statement."""

    COMMAND = "serve"

    def __init__(self, *args, cwd=None):
        self.folder = tempfile.TemporaryDirectory(prefix="oriel-e2e-")
        ready = pathlib.Path(self.folder.name, "ready.json")
        self.log = pathlib.Path(self.folder.name, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, self.COMMAND, *map(str, args), "--port", "0", "--ready-file", str(ready)],
                stdout=subprocess.PIPE, stderr=log, cwd=cwd)
        deadline = time.monotonic() + 60
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"oriel {self.COMMAND} {args} did not come up:\n{self.text()}")
            time.sleep(0.02)
        self.ready = json.loads(ready.read_text())

    def text(self):
        return self.log.read_text(errors="replace")

    def __enter__(self):
        return self

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __exit__(self, kind, value, trace):
        try:
            status = self.stop()
            if kind is None:
                assert status == 0, f"exit status {status}:\n{self.text()}"
            else:
                print("--- server log ---", self.text(), sep="\n")
        finally:
            self.folder.cleanup()


def run(*args, **options):
    """The finished process of one command."""
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=120, **options)


def read_png(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def render(scene, size):
    """RGB rows of `oriel render` of a scene (a dict as in a scene file)."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "scene.json")
        path.write_text(json.dumps(scene))
        out = pathlib.Path(folder, "out.png")
        done = run("render", "--scene", path, "--size", f"{size[0]}x{size[1]}", "-o", out)
        assert done.returncode == 0, done.stderr
        return read_png(out)


def psnr(a, b):
    assert a.shape == b.shape, f"{a.shape} against {b.shape}"
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def data_folder():
    folder = os.environ.get("ORIEL_TEST_DATA")
    return pathlib.Path(folder) if folder else None
