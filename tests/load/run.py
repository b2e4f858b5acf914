# SPDX-License-Identifier: BSD-3-Clause
"""A server with data of its own making, and oriel-load on it: run.py ORIEL-LOAD [options of oriel-load].

The long run of docs/results: run.py build/release/tests/oriel-load --json FILE
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
os.environ.setdefault("ORIEL_SOURCE_DIR", str(pathlib.Path(__file__).resolve().parents[2]))
load = pathlib.Path(sys.argv[1]).resolve()
os.environ.setdefault("ORIEL_BINARY", str(load.parent.parent / "bin" / "oriel"))

import oriel  # noqa: E402 — reads the environment

# Tens of thousands of frames, of kinds that other tests send as well, and a log costs time.
os.environ.pop("ORIEL_DEBUG_FRAME_DIR", None)

with tempfile.TemporaryDirectory() as folder:
    data = pathlib.Path(folder, "cells.ome.zarr")
    done = oriel.run("demo", data, "--size", "tiny")
    assert done.returncode == 0, done.stderr
    with oriel.Server(data) as server:
        ready = pathlib.Path(server.folder.name, "ready.json")
        status = subprocess.run([load, "--ready", ready, *sys.argv[2:]]).returncode
        assert status == 0, f"oriel-load: exit status {status}"
