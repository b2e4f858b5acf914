# SPDX-License-Identifier: BSD-3-Clause
"""encode/avcodec against the contract with each codec that it offers, not only with the first: what differs from
library to library. (Not what create() and destroy() cost: libx265 3.5 loses memory of its own with each instance.)"""
import concurrent.futures
import os
import sys

os.environ.setdefault("ORIEL_CHECK_FIXTURES", "")
sys.path.insert(0, os.path.join(os.environ["ORIEL_SOURCE_DIR"], "tests", "check"))
import check  # noqa: E402

CASES = [("h264", "auto"), ("hevc", "auto"), ("av1", "auto"), ("av1", "libsvtav1"), ("vp9", "auto"), ("vp8", "auto"),
         ("jpeg", "auto")]
TESTS = "^encoder[.](first_key|key_flag|request_key|packets|drain|reconfigure|destroy_early)$"


def judge(case):
    codec, encoder = case
    return case, *check.report(os.path.join(check.MODULES, "encode-avcodec.so"), "--set", f"codec={codec}",
                               "--set", f"encoder={encoder}", "--patience", "4", "--include", TESTS)


def main():
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (codec, encoder), status, report in pool.map(judge, CASES):
            texts = [test["text"] for test in report["tests"] if test["result"] != "ok"]
            if any("is no encoder of this FFmpeg" in text or "no encoder for" in text for text in texts):
                print(f"skip  {codec} by {encoder}: {texts[0]}")
                continue
            print(f"{codec} by {encoder}: {report['passed']} passed", *texts, sep="\n    ")
            bad += status != 0 or report["passed"] < 7
    return 1 if bad else 0


sys.exit(main())
