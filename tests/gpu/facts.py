#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What this machine is: printed, and written as JSON. Exit status 1 without a GPU that CUDA knows.

    facts.py ORIEL OUT.json"""

import ctypes
import ctypes.util
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

NVJPEG = [folder + f"libnvjpeg.so.{version}" for folder in ("", "/usr/local/cuda/lib64/",
                                                            "/usr/local/cuda/targets/x86_64-linux/lib/")
          for version in (13, 12, 11)]


def said(*command):
    """The output of a program, "" where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def cuda():
    """Version of the driver's CUDA and the devices; a text where there is none."""
    try:
        lib = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver: libcuda.so.1 is not here"
    version, number = ctypes.c_int(), ctypes.c_int()
    status = lib.cuInit(0)
    if status or lib.cuDeviceGetCount(ctypes.byref(number)) or not number.value:
        return f"libcuda.so.1 is here, but no device (cuInit: {status})"
    lib.cuDriverGetVersion(ctypes.byref(version))
    devices = []
    for i in range(number.value):
        device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(128), ctypes.c_size_t()
        major, minor = ctypes.c_int(), ctypes.c_int()
        lib.cuDeviceGet(ctypes.byref(device), i)
        lib.cuDeviceGetName(name, 128, device)
        lib.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        lib.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
        lib.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
        devices.append({"name": name.value.decode(), "memory_gib": round(memory.value / 2**30, 1),
                        "capability": f"{major.value}.{minor.value}"})
    return {"version": f"{version.value // 1000}.{version.value % 1000 // 10}", "devices": devices}


def nvjpeg():
    for path in NVJPEG:
        try:
            lib = ctypes.CDLL(path)
        except OSError:
            continue
        value, parts = ctypes.c_int(), []
        for part in range(3):
            lib.nvjpegGetProperty(part, ctypes.byref(value))
            parts.append(str(value.value))
        return f"{path} {'.'.join(parts)}"
    return "none"


def renders(oriel):
    """What Oriel draws with, of `oriel render --stats`."""
    with tempfile.TemporaryDirectory() as folder:
        picture, stats = pathlib.Path(folder, "a.npy"), pathlib.Path(folder, "stats")
        np.save(picture, np.arange(4096, dtype=np.uint16).reshape(64, 64))
        done = subprocess.run([oriel, "render", picture, "-o", os.path.join(folder, "a.png"), "--stats", stats],
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            return {"renderer": f"none: {done.stderr.strip()}"}
        return {key: value for key, value in json.loads(stats.read_text()).items() if isinstance(value, str)}


def modules(oriel):
    text = said(oriel, "modules", "--json")
    listed = json.loads(text)["modules"] if text else []
    return {m["id"]: m.get("reason") or m["result"] for m in listed if m["kind"] in ("encoder", "capture")}


def main():
    oriel, out = sys.argv[1:]
    found = cuda()
    facts = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}
    cpu = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    facts["cpu"] = cpu[1] if cpu else platform.machine()
    facts["cores"] = len(os.sched_getaffinity(0))
    facts["kernel"] = platform.release()
    facts["oriel"] = said(oriel, "--version")
    facts["commit"] = said("git", "rev-parse", "--short=10", "HEAD")
    facts["cuda"] = found
    if isinstance(found, dict):
        driver = said("nvidia-smi", "--query-gpu=name,driver_version,pstate,clocks.sm,clocks.mem,power.draw",
                      "--format=csv,noheader")
        facts["nvidia_smi"] = driver or "not here"
        facts["nvjpeg"] = nvjpeg()
        sanitizer = shutil.which("compute-sanitizer", path=os.environ["PATH"] + ":/usr/local/cuda/bin")
        facts["compute_sanitizer"] = (said(sanitizer, "--version").splitlines() or [""])[-1] if sanitizer else "none"
        facts.update(renders(oriel))
        facts["modules"] = modules(oriel)
    pathlib.Path(out).write_text(json.dumps(facts, indent=1) + "\n")
    for key, value in facts.items():
        print(f"   {key}: {json.dumps(value) if isinstance(value, (dict, list)) else value}")
    return 0 if isinstance(found, dict) else 1


sys.exit(main())
