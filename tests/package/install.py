# SPDX-License-Identifier: BSD-3-Clause
"""`cmake --install` into a clean prefix, and what is there used: in place, moved, and by a service manager."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import place


def listing(top):
    return {path.relative_to(top).as_posix() for path in pathlib.Path(top).rglob("*") if not path.is_dir()}


def check_modules(prefix):
    found = place.modules(place.use(prefix))
    built = {path.name for path in (place.BUILD / "modules").glob("*.so")}
    files = [pathlib.Path(module["file"]) for module in found.values()]
    assert {file.name for file in files} == built and len(built) > 5, (files, built)
    for file in files:
        assert file.is_relative_to(prefix), f"{file} is not from {prefix}"


def check_moved(top):
    first, second = top / "first", top / "other place" / "second"
    place.install(first)
    check_modules(first)
    place.check_server(first)
    second.parent.mkdir()
    first.rename(second)
    check_modules(second)
    place.check_server(second)
    return second


def check_components(top):
    parts = {}
    for component in ("host", "modules", "modules-gpl", "sdk"):
        prefix = top / component
        place.install(prefix, "--component", component)
        parts[component] = listing(prefix)
    assert "bin/oriel" in parts["host"] and "etc/oriel/oriel.json" in parts["host"]
    assert "share/oriel/web/index.html" in parts["host"]
    assert "include/oriel/encoder.h" in parts["sdk"]
    assert any(name.endswith("/oriel-sdk-config.cmake") for name in parts["sdk"])
    assert not any(name.endswith(".so") or "/bin/" in name for name in parts["sdk"])
    assert all(name.endswith(".so") for name in parts["modules"])
    names = [name for part in parts.values() for name in part]
    assert len(names) == len(set(names)), "a file is in two components"
    place.install(top / "whole")
    assert listing(top / "whole") == set(names)


def check_units(top):
    """Where the program will be is what the units say, whatever folder they are put together in."""
    stage = top / "stage"
    place.install("/usr", DESTDIR=str(stage))
    assert (stage / "etc" / "oriel" / "oriel.json").is_file() and not (stage / "usr" / "etc").exists()
    units = stage / "usr" / "lib" / "systemd" / "system"
    assert {unit.name for unit in units.iterdir()} == {"oriel.service", "oriel@.service"}
    for name, instance in (("oriel.service", "oriel"), ("oriel@.service", "%i")):
        text = (units / name).read_text()
        assert not re.search("@[a-z]+@", text), text
        assert f"ExecStart=/usr/bin/oriel serve --config /etc/oriel/{instance}.json " in text, text
        assert f"StateDirectory=oriel/{instance}\n" in text, text
    binary = place.use(top / "whole")
    place.run(binary, "serve", "--config", top / "whole" / "etc" / "oriel" / "oriel.json", "--print-config")
    analyze = place.tool("systemd-analyze", "units verified")
    if analyze:
        for unit in (top / "whole" / "lib" / "systemd" / "system").iterdir():
            done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
            assert done.returncode == 0 and not done.stderr, done.stderr


def check_manager(top, address):
    """A service manager hears when the server is ready, and when it ends."""
    binary = place.use(top / "whole")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(60)
        name = "@" + address[1:] if address[0] == "\0" else address
        server = subprocess.Popen([binary, "serve", "--port", "0"], stdout=subprocess.PIPE,
                                  env={**os.environ, "NOTIFY_SOCKET": name})
        try:
            assert manager.recv(512) == b"READY=1"
            assert server.stdout.readline().startswith(b"oriel: ready http://127.0.0.1:")
            server.send_signal(signal.SIGTERM)
            assert manager.recv(512) == b"STOPPING=1"
            assert server.wait(60) == 0
        finally:
            server.kill()
            server.wait()


with place.folder() as name:
    top = pathlib.Path(name)
    check_moved(top)
    check_components(top)
    check_units(top)
    check_manager(top, str(top / "notify"))
    check_manager(top, f"\0oriel-test-{os.getpid()}")
