# SPDX-License-Identifier: BSD-3-Clause
"""A clean home, and an Oriel that is installed somewhere: what the tests of packages have in common."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

SOURCE = pathlib.Path(os.environ["ORIEL_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["ORIEL_BUILD_DIR"])
CMAKE = os.environ["ORIEL_CMAKE"]

sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
import oriel  # noqa: E402

EXAMPLE = SOURCE / "examples" / "colin27.ome.zarr"
# What a test is run with would hide that something is not found without.
for name in ("ORIEL_MODULE_PATH", "ORIEL_BINARY", "XDG_CACHE_HOME", "ORIEL_CONFIG"):
    os.environ.pop(name, None)


def folder():
    """A temporary folder, which is also the home."""
    made = tempfile.TemporaryDirectory(prefix="oriel-package-")
    home = pathlib.Path(made.name, "home")
    home.mkdir()
    os.environ["HOME"] = str(home)
    return made


def run(*args, **options):
    done = subprocess.run([*map(str, args)], capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(prefix, *args, **environment):
    run(CMAKE, "--install", BUILD, "--prefix", prefix, *args, env={**os.environ, **environment})


def use(prefix):
    """Servers are started from there."""
    oriel.BINARY = str(pathlib.Path(prefix, "bin", "oriel"))
    return pathlib.Path(oriel.BINARY)


def modules(binary, *args):
    """What `oriel modules` finds, by id; nothing is refused."""
    found = json.loads(run(binary, "modules", "--json", *args))["modules"]
    assert all(module["result"] == "usable" for module in found), found
    return {module["id"]: module for module in found}


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def check_server(prefix):
    """The server that lies there works, with the page that lies there, all of it."""
    binary = use(prefix)
    page = pathlib.Path(prefix, "share", "oriel", "web")
    files = [path for path in page.rglob("*") if path.is_file()]
    assert len(files) == len([path for path in (SOURCE / "web").rglob("*") if path.is_file()]) > 10
    with oriel.Server(EXAMPLE) as server:
        http = server.ready["http"]
        assert fetch(http) == (page / "index.html").read_bytes()
        for path in files:
            assert fetch(http + path.relative_to(page).as_posix()) == path.read_bytes(), path
        scene = json.loads(run(binary, "ctl", http, "get"))
        assert scene["layers"][0]["source"]["uri"].endswith("colin27.ome.zarr"), scene
    picture = pathlib.Path(os.environ["HOME"], "picture.png")
    run(binary, "render", EXAMPLE, "--size", "64x48", "-o", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    check_ab(prefix)


def check_ab(prefix):
    """The program that is not in bin finds the modules that lie there, from its own place."""
    binary = pathlib.Path(prefix, "bin", "oriel")
    if not pathlib.Path(prefix, "libexec", "oriel", "oriel-ab").is_file():
        skipped("oriel ab", "it is not built here")
        return
    work = pathlib.Path(os.environ["HOME"], "ab")
    work.mkdir(exist_ok=True)
    run(binary, "ab", "record", EXAMPLE, "--frames", 3, "--size", "64x48", "-o", work / "still.orec")
    plan = work / "plan.json"
    plan.write_text(json.dumps({"recordings": ["still.orec"], "rates": [60], "repeats": 1, "warm_up": 0,
                                "arms": {"jpeg": {"module": "encode/jpeg", "rate_option": "quality"}}}))
    run(binary, "ab", plan, "-o", work / "report")
    cell = json.loads((work / "report" / "results.json").read_text())["results"][0]
    assert cell["frames"] == 3 and "error" not in cell, cell


def commands(binary):
    """All that are there: some are programs of their own, which are built where their libraries are."""
    for command in re.findall(r"^  ([a-z]+) ", run(binary, "--help"), re.MULTILINE):
        if subprocess.run([binary, command, "--help"], capture_output=True).returncode == 0:
            yield command
        else:
            skipped(f"oriel {command}", "its program is not built here")


def options(help_text):
    """Every option that a help text names, wherever it does."""
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*[a-z]|-[a-z]\b)", help_text))


def skipped(what, why):
    print(f"skip  {what}: {why}")


def tool(name, what):
    """The path of a program; where it is missing that is said."""
    path = shutil.which(name)
    if not path:
        skipped(what, f"{name} is not installed")
    return path
