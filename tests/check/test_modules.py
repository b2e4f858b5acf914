# SPDX-License-Identifier: BSD-3-Clause
"""Every module of this build passes; what this machine cannot do is skipped with its reason."""
import concurrent.futures
import glob
import os
import sys

import check

DATA = {"source-npy": "tests/data/npy/c_u2.npy", "source-zarr": "tests/data/cyx.ome.zarr"}
SETTINGS = {"encode-remote": ["--set", "module=encode/raw", "--set", "codec=raw"]}


def judge(path):
    name = os.path.basename(path)[:-3]
    arguments = ["--seed", "1", "--patience", "3", *SETTINGS.get(name, [])]  # not alone on the machine
    if name in DATA:
        arguments += ["--data", os.path.join(check.SOURCE, DATA[name])]
    status, report = check.report(path, *arguments)
    return name, status, report


def main():
    paths = sorted(glob.glob(os.path.join(check.MODULES, "*.so")))
    if len(sys.argv) > 1:
        paths = [path for path in paths if os.path.basename(path)[:-3] in sys.argv[1:]]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, status, report in pool.map(judge, paths):
            seconds = sum(test["seconds"] for test in report["tests"])
            print(f"{name}: {report['passed']} passed, {report['failed']} failed, "
                  f"{report['skipped']} skipped, {seconds:.1f} s")
            for test in report["tests"]:
                if test["result"] != "ok":
                    print(f"    {test['result']}  {test['name']}: {test['text']}")
            failed = check.failures(report)
            # Something of its kind has to have run, whatever this machine lacks.
            if failed or status != bool(failed) or report["passed"] < 10:
                print(f"    WRONG: status {status}")
                bad += 1
    return 1 if bad or not paths else 0


sys.exit(main())
