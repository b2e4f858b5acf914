# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages: what they say, what is in them, and a server run from them unpacked."""

import os
import pathlib
import re
import subprocess
import sys

import place

NAMES = ("oriel", "oriel-modules-gpl", "oriel-sdk")


def make(top):
    out = top / "packages"
    place.run(pathlib.Path(place.CMAKE).with_name("cpack"), "-G", "DEB", "-B", out, cwd=place.BUILD)
    files = {file.name.split("_")[0]: file for file in out.glob("*.deb")}
    assert set(files) == set(NAMES), files
    return files


def field(file, name):
    return place.run("dpkg-deb", "-f", file, name).strip()


def depends(file):
    return {re.split("[ (]", item)[0] for item in field(file, "Depends").split(", ") if item}


def check_control(top, files):
    version = re.search(r"\(([^)]+)\)", (place.SOURCE / "packaging/debian/changelog").read_text())[1]
    for name, file in files.items():
        assert field(file, "Package") == name
        assert field(file, "Version") == version, "the changelog is of another version"
        lines = field(file, "Description").splitlines()
        assert len(lines) > 1 and len(lines[0]) < 80, lines
        assert len({field(other, "Description").splitlines()[0] for other in files.values()}) == len(NAMES)
    # What tools see, and what the server loads by name.
    assert {"libc6", "libegl1"} <= depends(files["oriel"]), depends(files["oriel"])
    assert any(name.startswith("libwebsockets") for name in depends(files["oriel"]))
    # Who does not take the GPL modules gets none of their libraries.
    gpl = {name for name in depends(files["oriel-modules-gpl"]) if re.match("libx264|libavcodec", name)}
    assert gpl and not gpl & depends(files["oriel"])
    assert "oriel" in depends(files["oriel-modules-gpl"])
    assert not depends(files["oriel-sdk"])
    assert field(files["oriel"], "Provides") == "oriel-module-abi-1 (= 1.0)"
    control = top / "control"
    place.run("dpkg-deb", "-e", files["oriel"], control)
    assert (control / "conffiles").read_text() == "/etc/oriel/oriel.json\n"
    for script in ("postinst", "prerm", "postrm"):
        place.run("sh", "-n", control / script)
        assert os.access(control / script, os.X_OK)


def check_contents(top, files):
    triplet = place.run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    owner = {}
    for name, file in files.items():
        root = top / "apart" / name
        root.mkdir(parents=True)
        place.run("dpkg-deb", "-x", file, root)
        for path in root.rglob("*"):
            if path.is_file():
                inside = path.relative_to(root).as_posix()
                assert inside not in owner, f"{inside} is in {name} and in {owner[inside]}"
                owner[inside] = name
        for needed in ("copyright", "changelog.gz"):
            assert owner.get(f"usr/share/doc/{name}/{needed}") == name
    modules = f"usr/lib/{triplet}/oriel/modules/"
    for inside, name in {"etc/oriel/oriel.json": "oriel", "usr/bin/oriel": "oriel",
                         "usr/libexec/oriel/oriel-ctl": "oriel", "usr/share/oriel/web/index.html": "oriel",
                         "usr/lib/systemd/system/oriel.service": "oriel",
                         "usr/lib/systemd/system/oriel@.service": "oriel",
                         "usr/share/man/man1/oriel-serve.1.gz": "oriel",
                         "usr/share/man/man5/oriel-config.5.gz": "oriel",
                         "usr/share/bash-completion/completions/oriel": "oriel",
                         "usr/share/zsh/vendor-completions/_oriel": "oriel",
                         modules + "encode-openh264.so": "oriel",
                         modules + "encode-x264.so": "oriel-modules-gpl",
                         "usr/include/oriel/module.h": "oriel-sdk"}.items():
        assert owner.get(inside) == name, f"{inside} is in {owner.get(inside)}, not in {name}"
    outside = [inside for inside in owner if not re.match("usr/(?!local|etc|var)|etc/oriel/", inside)]
    assert not outside, outside
    assert all(inside.startswith(modules) for inside in owner if inside.endswith(".so"))


def check_run(top, files):
    root = top / "root"
    for file in files.values():
        place.run("dpkg-deb", "-x", file, root)
    found = place.modules(place.use(root / "usr"))
    assert {"encode/openh264", "encode/x264", "source/zarr"} <= set(found), found.keys()
    assert all(pathlib.Path(module["file"]).is_relative_to(root) for module in found.values())
    place.check_server(root / "usr")


def check_lintian(files):
    lintian = place.tool("lintian", "opinion of lintian")
    if not lintian:
        return
    # A build folder for another prefix has no folder of its own for each architecture.
    quiet = ["--suppress-tags", "pkg-config-multi-arch-wrong-dir,pkg-config-unavailable-for-cross-compilation"]
    done = subprocess.run([lintian, "--allow-root", "--fail-on", "error,warning", *quiet, *files.values()],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


if not all(place.tool(name, "packages") for name in ("dpkg-deb", "dpkg-shlibdeps", "dpkg-architecture")):
    sys.exit(77)
with place.folder() as name:
    top = pathlib.Path(name).resolve()
    packages = make(top)
    check_control(top, packages)
    check_contents(top, packages)
    check_run(top, packages)
    check_lintian(packages)
