# SPDX-License-Identifier: BSD-3-Clause
"""Modules that were built with the frozen SDK 1.0 are accepted by the host of now, keep the contract, and work together
in a server; one of a later minor is refused with both numbers, unless it says that this host will do.

  old_modules.py FOLDER   (with old/ and future/)"""

import asyncio
import json
import pathlib
import socket
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name) for name in ("e2e", "template")]
import oriel  # noqa: E402
from pictures import H264, decode_h264, parse, complete_picture  # noqa: E402

OLD, FUTURE = (pathlib.Path(sys.argv[1], name) for name in ("old", "future"))
KINDS = ("encoder", "capture", "transport", "scene", "source")
BOTH = ["--set", f'modules.path=["{OLD}", "{FUTURE}"]']


def graymap(folder):
    path = pathlib.Path(folder, "ramp.pgm")
    path.write_bytes(b"P5 256 256 255\n" + bytes(range(256)) * 256)
    return path


def check_accepted(kinds):
    found = {module["id"]: module for module in
             json.loads(oriel.run("modules", "--json", *BOTH).stdout)["modules"]}
    for kind in kinds:
        module = found[f"org.example/old_{kind}"]
        assert module["result"] == "usable" and module["kind"] == kind, module
    strict = next(module for module in found.values() if "future-strict" in module["file"])
    assert strict["result"] == "refused", strict
    assert "needs module ABI 1.7 or newer, this host has 1.0" in strict["reason"], strict
    assert found["org.example/future-tolerant"]["result"] == "usable", found
    print(f"  {strict['reason']}")


def check_contract(kinds, data):
    runs = [(OLD / f"old_{kind}.so", ["--data", data] if kind == "source" else []) for kind in kinds]
    # A host of a minor that is later still has something else where this module has a service.
    runs.append((FUTURE / "future-tolerant.so", ["--include", "encoder.(packets|first_key|drain|minimal_host)"]))
    for file, more in runs:
        done = oriel.run("check", file, *more)
        assert done.returncode == 0, done.stdout
        print(f"  {file.name}: {done.stdout.splitlines()[-1]}")


def check_together(kinds, data):
    wanted = [word for kind in kinds for word in ("--set", f'modules.{kind}=["org.example/old_{kind}"]')]
    with oriel.Server(data, *BOTH, *wanted, "--set", "org.example/old_transport.tcp_port=0") as server:
        if "transport" in kinds:
            message = over_tcp(server)
            assert message[20] == H264
            picture = parse(message)
        else:
            picture = asyncio.run(complete_picture(server, "h264"))
        rows = decode_h264(picture[4])
        assert rows[0].max() > 200 and rows[0].min() < 50, "there is no ramp in the picture"
        for kind in ("encoder", "capture", "scene"):
            assert f"org.example/old_{kind}" in server.text(), server.text()


def over_tcp(server):
    """The first picture that shows everything."""
    port = int(server.ready["pixel"].rsplit(":", 1)[1].strip("/"))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(b"/pixel?ext=1&codecs=h264\n")
        file = line.makefile("rb")
        while True:
            head = file.read(5)
            message = file.read(int.from_bytes(head[:4], "big"))
            if parse(message)[3]:
                return message


with tempfile.TemporaryDirectory() as folder:
    there = [kind for kind in KINDS if (OLD / f"old_{kind}.so").exists()]
    for kind in set(KINDS) - set(there):
        assert kind == "transport", f"old_{kind}.so was not built"
        print("skip  old_transport: libevent is not installed")
    check_accepted(there)
    check_contract(there, graymap(folder))
    check_together(there, graymap(folder))
