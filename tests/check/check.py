# SPDX-License-Identifier: BSD-3-Clause
"""Runs `oriel check` and reads what it says."""
import json
import os
import subprocess

ORIEL = os.environ["ORIEL_BINARY"]
SOURCE = os.environ["ORIEL_SOURCE_DIR"]
MODULES = os.environ["ORIEL_MODULE_PATH"]
FIXTURES = os.environ["ORIEL_CHECK_FIXTURES"]


def standin():
    """Whether libcuda is the tests' own here; says so where it is to be and is not."""
    folder = os.environ.get("LD_LIBRARY_PATH", "")
    if not folder.endswith("tests/standin"):
        return False
    if not os.path.exists(os.path.join(folder, "libcuda.so.1")):
        print("skipped: the stand-ins for NVIDIA's libraries are not in this build")
        raise SystemExit(77)
    return True


def run(*arguments, timeout=500):
    return subprocess.run([ORIEL, "check", *arguments], capture_output=True, timeout=timeout,
                          text=True, errors="replace")


def report(*arguments):
    """The exit status and the JSON of a run."""
    done = run(*arguments, "--json")
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"check {arguments}: no JSON, status {done.returncode}: "
                         f"{done.stdout[-500:]} {done.stderr[-500:]}")


def failures(json_report):
    return {test["name"]: test["text"] for test in json_report["tests"]
            if test["result"] == "fail"}
