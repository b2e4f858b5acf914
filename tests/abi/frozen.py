# SPDX-License-Identifier: BSD-3-Clause
"""The headers only append to those of a released SDK: what both lay out, and what they call things, is printed by one
program that is compiled with each, and compared; abidiff compares the types, where it is installed. That each rule is
seen to be broken is tried on copies that break it.

  frozen.py CC LIVE_INCLUDE FROZEN_FOLDER"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from headers import Headers

CC, LIVE, FROZEN = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
# What a minor is there to change.
MOVING = ("ORIEL_ABI_MINOR", "ORIEL_TARGET_MINOR")


class Broken(Exception):
    """The headers do not only append."""


def compiled(source, include, out, *options):
    done = subprocess.run([CC, "-std=c17", "-g", "-O0", f"-I{include}", "-o", out, source, *options],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(next(line for line in done.stderr.splitlines() if "error:" in line))
    return out


def program(old, path):
    """A C program that prints the layout of all that the old headers declare."""
    lines = [f'#include "{name}"' for name in old.files]
    lines += ["#include <stdio.h>", "int main(void)", "{", '    printf("{");']
    for struct, members in old.structs.items():
        lines.append(f'    printf("\\"{struct}\\": [%zu, 0],", sizeof(struct {struct}));')
        lines += [f'    printf("\\"{struct}.{name}\\": [%zu, %zu],", offsetof(struct {struct}, {name}), '
                  f"sizeof(((struct {struct} *)0)->{name}));" for name in members]
    lines += [f'    printf("\\"{name}\\": [%lld, 0],", (long long)({name}));' for name in old.constants
              if name not in MOVING]
    lines += [f'    printf("\\"{name}\\": [\\"%s\\", 0],", {name});' for name in old.texts]
    lines += ['    printf("\\"\\": [0, 0]}");', "    return 0;", "}"]
    path.write_text("\n".join(lines) + "\n")
    return path


def library(old, path):
    """A C library whose functions take every struct, so that its debug information has all types."""
    lines = [f'#include "{name}"' for name in old.files]
    lines += [f"void use_{struct}(struct {struct} *it);\nvoid use_{struct}(struct {struct} *it)\n{{\n    (void)it;\n}}"
              for struct in old.structs]
    path.write_text("\n".join(lines) + "\n")
    return path


def compare_layout(old, include, work):
    source = program(old, work / "layout.c")
    tables = [json.loads(subprocess.run([compiled(source, folder, work / f"layout-{i}")], capture_output=True,
                                        text=True, check=True).stdout)
              for i, folder in enumerate((old.folder, include))]
    new = Headers(include)
    for name, before in tables[0].items():
        after = tables[1][name]
        grows = name in old.structs and old.sized(name)
        if after != before and not (grows and after[0] > before[0]):
            raise Broken(f"{name} was {before}, is {after}")
    for struct, members in old.structs.items():
        if new.structs[struct][:len(members)] != members:
            raise Broken(f"{struct}: its members do not begin as they did")
        if len(new.structs[struct]) > len(members) and tables[1][struct][0] == tables[0][struct][0]:
            raise Broken(f"{struct}: a member was put where there was padding")
    if new.structs.keys() - old.structs.keys() or any(len(new.structs[name]) > len(members)
                                                      for name, members in old.structs.items()):
        if minor(include) <= minor(old.folder):
            raise Broken("something was appended, and ORIEL_ABI_MINOR is as it was")
    return f"{len(old.structs)} structs, {len(tables[0]) - 1} numbers and names"


def minor(include):
    text = (include / "oriel" / "abi.h").read_text()
    return int(text.split("#define ORIEL_ABI_MINOR ")[1].split("u")[0])


def compare_types(old, include, work):
    source = library(old, work / "types.c")
    pair = [compiled(source, folder, work / f"types-{i}.so", "-shared", "-fPIC")
            for i, folder in enumerate((old.folder, include))]
    done = subprocess.run(["abidiff", *pair], capture_output=True, text=True)
    if done.returncode & 3:
        raise AssertionError(done.stderr)
    for word in ("data member deletion", "data member change", "offset changed", "incompatible", "type changed"):
        if word in done.stdout:
            raise Broken(done.stdout)
    return "types as they were" if done.returncode == 0 else "types appended to"


BREAKS = {
    "a member that is gone": ("transport.h", "    uint32_t secure;   /* 1: TLS */\n", ""),
    "a member in the middle": ("encoder.h", "    uint32_t qp_q8; ", "    uint64_t extra;\n    uint32_t qp_q8; "),
    "members that changed places": ("source.h", "    uint32_t size;\n    uint32_t level;\n    uint64_t origin",
                                    "    uint32_t level;\n    uint32_t size;\n    uint64_t origin"),
    "a wider member": ("scene.h", "    uint32_t visible;", "    uint64_t visible;"),
    "a longer frozen struct": ("frame.h", "    uint64_t outstanding;", "    uint64_t more;\n    uint64_t outstanding;"),
    "another number": ("abi.h", "ORIEL_IO = -5", "ORIEL_IO = -9"),
    "another code": ("encoder.h", "ORIEL_FOURCC('R', 'A', 'W', ' ')", "ORIEL_FOURCC('R', 'A', 'W', '1')"),
    "another name": ("source.h", '"oriel.source/1"', '"oriel.source/2"'),
    "an appended member without a new minor": ("host_loop.h", "                          void *data);\n};",
                                               "                          void *data);\n    void *more;\n};"),
}
TYPE_BREAKS = {
    "another parameter": ("source.h", "(*read)(void *self, struct oriel_read *read)",
                          "(*read)(void *self, struct oriel_config *read)"),
    "another sign": ("frame.h", "    int64_t pts_ns;", "    uint64_t pts_ns;"),
}


def check_broken(old, compare, breaks, work):
    for what, (name, before, after) in breaks.items():
        copy = work / "broken"
        shutil.copytree(old.folder / "oriel", copy / "oriel")
        path = copy / "oriel" / name
        text = path.read_text()
        assert before in text, f"{name} has no {before!r}"
        path.write_text(text.replace(before, after))
        try:
            compare(old, copy, work)
        except Broken as found:
            print(f"  {what}: {str(found).strip().splitlines()[0]}")
        else:
            raise AssertionError(f"{what} is not noticed")
        shutil.rmtree(copy)


with tempfile.TemporaryDirectory() as folder:
    work, old = pathlib.Path(folder), Headers(FROZEN)
    print(compare_layout(old, LIVE, work))
    check_broken(old, compare_layout, BREAKS, work)
    if shutil.which("abidiff"):
        print("abidiff:", compare_types(old, LIVE, work))
        check_broken(old, compare_types, TYPE_BREAKS, work)
    else:
        print("skip  types: abidiff is not installed (package abigail-tools)")
