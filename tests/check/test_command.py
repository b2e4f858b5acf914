# SPDX-License-Identifier: BSD-3-Clause
"""The command line of `oriel check`, and files that are no modules."""
import json
import os
import sys
import tempfile

import check

GOOD = os.path.join(check.FIXTURES, "encoder-good.so")
BAD = os.path.join(check.FIXTURES, "encoder-revision.so")


def lines(done):
    return [line for line in done.stdout.splitlines() if line]


def text_and_status():
    done = check.run(GOOD)
    assert done.returncode == 0, done
    rows = lines(done)
    assert all(row[:6] in ("ok    ", "FAIL  ", "skip  ") for row in rows[:-1]), rows
    assert [row for row in rows if row.startswith("skip")] == \
        ["skip  encoder.cuda: it takes no frames in CUDA memory"], rows
    assert rows[-1] == f"{len(rows) - 2} passed, 0 failed, 1 skipped", rows[-1]
    done = check.run(BAD, "--include", "encoder")
    assert done.returncode == 1, done
    failed = [row for row in lines(done) if row.startswith("FAIL  ")]
    assert len(failed) == 1 and failed[0].startswith("FAIL  encoder.stamps: "), failed


def json_report():
    status, report = check.report(BAD)
    assert status == 1 and report["module"] == "encoder-revision.so", report
    assert report["path"] == os.path.realpath(BAD)
    counts = {"ok": 0, "fail": 0, "skip": 0}
    for test in report["tests"]:
        assert set(test) == {"name", "kind", "result", "seconds", "text"}, test
        assert test["kind"] == ("encoder" if test["name"].split(".")[0] in ("encoder", "options")
                                else ""), test
        assert test["seconds"] >= 0 and (test["text"] or test["result"] == "ok"), test
        counts[test["result"]] += 1
    assert (report["passed"], report["failed"], report["skipped"]) == tuple(counts.values())
    assert counts["fail"] == 1, counts


def lists():
    everything = json.loads(check.run("--list", "--json").stdout)
    names = [test["name"] for test in everything]
    assert len(names) == len(set(names)) > 60, names
    assert all(test["wants"].endswith(".") for test in everything)
    assert [line.split()[0] for line in lines(check.run("--list"))] == names
    of_encoder = json.loads(check.run(GOOD, "--list", "--json").stdout)
    groups = {test["name"].split(".")[0] for test in of_encoder}
    assert groups == {"file", "entry", "life", "options", "encoder"}, groups
    some = json.loads(check.run("--list", "--json", "--include", "^source").stdout)
    assert some and all(test["name"].startswith("source.") for test in some)


def include():
    done = check.run(GOOD, "--include", "^(file|entry)\\.")
    assert {line.split()[1].split(".")[0].rstrip(":") for line in lines(done)[:-1]} == \
        {"file", "entry"}, done.stdout
    # A gate that fails is told though it was not asked for.
    broken = check.run(os.path.join(check.FIXTURES, "encoder-magic.so"), "--include", "encoder")
    assert broken.returncode == 1 and "FAIL  entry.sane" in broken.stdout, broken


def in_process():
    done = check.run(GOOD, "--in-process")
    assert done.returncode == 0 and " 0 failed" in lines(done)[-1], done
    done = check.run(BAD, "--in-process", "--include", "encoder.(stamps|times)")
    assert done.returncode == 1 and "FAIL  encoder.stamps" in done.stdout, done


def seeds():
    crash = os.path.join(check.FIXTURES, "encoder-option_crash.so")
    _, report = check.report(crash, "--include", "fuzz", "--seed", "1")
    text = check.failures(report)["encoder.fuzz"]
    seed = text.split("--seed ")[1].split(")")[0]
    _, report = check.report(crash, "--include", "fuzz", "--seed", seed)
    assert check.failures(report)["encoder.fuzz"] == text, report # the first round of that seed


def usage():
    for arguments, said in (
            ([], "wants a module's file"),
            (["/nowhere/x.so"], "/nowhere/x.so: No such file or directory"),
            ([GOOD, GOOD], "takes one file"),
            ([GOOD, "--include", "("], "is no regular expression"),
            ([GOOD, "--seed", "x"], "--seed wants a number"),
            ([GOOD, "--patience", "0"], "--patience wants 1 to 1000"),
            ([GOOD, "--data", "/nowhere/y"], "--data /nowhere/y"),
            ([GOOD, "--incldue", "x"], "did you mean --include?")):
        done = check.run(*arguments)
        assert done.returncode == 2 and said in done.stderr, (arguments, done)
    done = check.run(GOOD, "--set", "speed=1", "--include", "encoder.runs")
    assert done.returncode == 1 and "--set speed=1: the module has no such option" in done.stdout
    done = check.run(GOOD, "--set", "quality=7", "--include", "encoder")
    assert done.returncode == 0, done
    assert "oriel check MODULE.so" in check.run("--help").stdout


def no_modules():
    with tempfile.TemporaryDirectory() as folder:
        with open(GOOD, "rb") as file:
            good = file.read()
        for name, content, said in (
                ("empty.so", b"", "is empty"),
                ("text.so", b"#!/bin/sh\n", "is no shared object (not an ELF file)"),
                ("other.so", good[:18] + b"\xf3\x00" + good[20:], "is built for another machine"),
                ("half.so", good[:len(good) // 2], "")):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            status, report = check.report(path)
            failed = check.failures(report)
            assert status == 1 and failed, report
            assert any(said in text for text in failed.values()), (name, failed)
            assert all(test.startswith("file.") for test in failed), (name, failed)


def main():
    for test in (text_and_status, json_report, lists, include, in_process, seeds, usage,
                 no_modules):
        test()
        print(f"ok  {test.__name__}")
    return 0


sys.exit(main())
