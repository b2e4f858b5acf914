# SPDX-License-Identifier: BSD-3-Clause
"""A module that is built with the installed SDK, dropped into each folder that modules are found in, named in
a configuration file, and used."""

import asyncio
import json
import os
import pathlib
import shutil
import subprocess

import place
import peer

ID = "org.example/my_encoder"


def build(top, prefix, home):
    """The template that comes with the SDK; installed it is in the user's folder."""
    source = prefix / "share" / "oriel" / "template" / "encoder"
    work = top / "my_encoder"
    place.run(place.CMAKE, "-S", source, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}")
    place.run(place.CMAKE, "--build", work)
    place.run(place.CMAKE, "--install", work, "--prefix", home / ".local")
    made = home / ".local" / "lib" / "oriel" / "modules" / "my_encoder.so"
    assert made.is_file(), "the SDK's install rule put it elsewhere"
    return made


def check_found(binary, config, expected, *around, **environment):
    text = place.run(*around, binary, "modules", "--json", "--config", config, env={**os.environ, **environment})
    found = {module["id"]: module for module in json.loads(text)["modules"] if module["result"] == "usable"}
    assert ID in found, f"{expected} is not found: {sorted(found)}"
    assert found[ID]["file"] == str(expected), f"{found[ID]['file']}, not {expected}"
    assert found[ID]["wanted"]


async def check_used(config):
    with place.oriel.Server(place.EXAMPLE, "--config", config) as server:
        viewer = await peer.Client(server).join()
        await peer.until(lambda: viewer.pictures and viewer.encoders, "a picture")
        assert viewer.encoders == [ID], viewer.encoders
        await viewer.leave()


def check_system(top, binary, config, made):
    """/usr/local and /usr, in a namespace of our own, where they are other folders."""
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        place.skipped("modules in /usr", "no mount namespace can be made here")
        return
    for below, over in (("oriel/modules", "/usr/local/lib"), ("some-linux-gnu/oriel/modules", "/usr/local/lib"),
                        ("oriel/modules", "/usr/lib/python3")):
        system = top / "system"
        (system / below).mkdir(parents=True)
        shutil.copy(made, system / below / "dropped.so")
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        check_found(binary, config, pathlib.Path(over, below, "dropped.so"),
                    *unshare, "sh", "-c", script, "sh", system, over)
        shutil.rmtree(system)


with place.folder() as name:
    top = pathlib.Path(name).resolve()
    home, prefix = top / "home", top / "prefix"
    place.install(prefix)
    binary = place.use(prefix)
    config = top / "oriel.json"
    config.write_text(json.dumps({"modules": {"encoder": [ID]}, ID: {"invert": True}}))

    made = build(top, prefix, home)
    check_found(binary, config, made)
    asyncio.run(check_used(config))

    dropped = top / "dropped.so"
    made.rename(dropped)
    built_in = pathlib.Path(place.modules(binary)["scene/napari"]["file"]).parent / "dropped.so"
    shutil.copy(dropped, built_in)
    check_found(binary, config, built_in)
    asyncio.run(check_used(config))
    built_in.unlink()

    check_system(top, binary, config, dropped)

    named = [top / name for name in ("one", "two")]
    for place_of in named:
        place_of.mkdir()
    shutil.copy(dropped, named[1])
    path = f"{named[0]}:{named[1]}"
    check_found(binary, config, named[1] / "dropped.so", ORIEL_MODULE_PATH=path)

    # The configuration comes first, and the same file in two folders is no harm.
    shutil.copy(dropped, named[0])
    config.write_text(json.dumps({"modules": {"encoder": [ID], "path": [str(named[0])]}}))
    check_found(binary, config, named[0] / "dropped.so", ORIEL_MODULE_PATH=str(named[1]))
    asyncio.run(check_used(config))
