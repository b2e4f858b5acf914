# SPDX-License-Identifier: BSD-3-Clause
"""Each broken module fails the tests of its rule, for the right reason, and no others."""
import concurrent.futures
import os
import re
import sys

import check


def source_data(folder):
    """What fixtures/source.c reads: a head of 16 bytes, then bytes."""
    path = os.path.join(folder, "small.chk")
    width, height = 48, 40
    with open(path, "wb") as file:
        file.write(b"CHECKSET" + width.to_bytes(4, "little") + height.to_bytes(4, "little"))
        file.write(bytes((x * 3 + y * 7) % 251 for y in range(height) for x in range(width)))
    return path


def judge(kind, way, wanted, sentence, arguments):
    path = os.path.join(check.FIXTURES, f"{kind}-{way}.so")
    status, report = check.report(path, *arguments)
    failed = check.failures(report)
    if not wanted:
        return [f"{name}: {text}" for name, text in failed.items()] + \
            ([f"status {status}"] if status else [])
    wrong = [f"also fails {name}: {text}" for name, text in failed.items()
             if not re.fullmatch(wanted, name)]
    if not any(re.fullmatch(wanted, name) and sentence in text for name, text in failed.items()):
        wrong.append(f"no test of {wanted} says \"{sentence}\", but {failed}")
    if status != 1:
        wrong.append(f"status {status}")
    return wrong


def main():
    manifest, kind = sys.argv[1:3]
    rows = []
    with open(manifest, encoding="utf-8") as file:
        for line in file:
            row = line.rstrip("\n").split("\t")
            if row[0] == kind:
                rows.append((*row[:4], row[4].split()))
    only = sys.argv[3:]
    rows = [row for row in rows if not only or row[1] in only]
    if kind == "source":
        data = ["--data", source_data(check.FIXTURES)]
        rows = [(*row[:4], row[4] + data) for row in rows]
    if kind == "cuda":
        check.standin()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        for row, wrong in zip(rows, pool.map(lambda row: judge(*row), rows)):
            print(f"{'WRONG' if wrong else 'right'}  {row[0]}-{row[1]}", *wrong, sep="\n    "
                  if wrong else "")
            bad += bool(wrong)
    print(f"{len(rows)} fixtures, {bad} not as expected")
    return 1 if bad or not rows else 0


sys.exit(main())
