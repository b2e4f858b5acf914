# SPDX-License-Identifier: BSD-3-Clause
"""Manual pages: one for each command, with all its options; every key; nothing that a formatter warns of."""

import gzip
import json
import os
import pathlib
import re
import subprocess

import place

PAGES = place.BUILD / "packaging" / "man"
BINARY = place.BUILD / "bin" / "oriel"


def text(page):
    """As it is read, without the marks of roff."""
    source = gzip.decompress(page.read_bytes()).decode()
    return source, re.sub(r"\\:|\\&", "", re.sub(r"\\f[BRI]", "", source)).replace("\\-", "-").replace("\\e", "\\")


def check_formatted(top, page):
    plain = pathlib.Path(top, page.stem)
    plain.write_text(text(page)[0])
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    for command in (["mandoc", "-Tlint", "-W", "warning", plain],
                    ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", plain]):
        if place.tool(command[0], f"{page.name} formatted"):
            done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment)
            said = done.stderr + (done.stdout if command[0] == "mandoc" else "")
            assert done.returncode == 0 and not said, f"{page.name}: {said}"


def check_commands():
    commands = list(place.commands(BINARY))
    assert len(commands) > 5
    main = text(PAGES / "oriel.1.gz")[1]
    for command in commands:
        page = text(PAGES / f"oriel-{command}.1.gz")[1]
        help_text = place.run(BINARY, command, "--help")
        for option in re.findall(r"^  (--?[a-z-]+)", help_text, re.MULTILINE):
            assert f"\n{option}" in page, f"{option} is not in oriel-{command}(1)"
        for option in place.options(help_text):
            assert option in page, f"{option} is not in oriel-{command}(1)"
        assert f"oriel-{command} (1)" in main, f"oriel(1) does not name oriel-{command}"


def keys(schema, before=""):
    for name, value in schema["properties"].items():
        if "properties" in value:
            yield from keys(value, f"{before}{name}.")
        else:
            yield before + name


def check_configuration():
    page = text(PAGES / "oriel-config.5.gz")[1]
    for key in keys(json.loads(place.run(BINARY, "modules", "--print-schema"))):
        assert f"\n{key} (" in page, f"{key} is not in oriel-config(5)"
    for module in place.modules(BINARY).values():
        assert f".SS {module['id']}\n" in page, f"{module['id']} is not in oriel-config(5)"
        for option in module["options"]:
            assert f"\n{option['name']} (" in page, f"{option['name']} of {module['id']} is not in oriel-config(5)"


with place.folder() as top:
    check_commands()
    check_configuration()
    for page in sorted(PAGES.glob("*.gz")):
        check_formatted(top, page)
