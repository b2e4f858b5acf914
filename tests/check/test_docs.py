# SPDX-License-Identifier: BSD-3-Clause
"""docs/check.md has every test with what it wants; --write puts them there."""
import json
import os
import sys

import check

BEGIN, END = "<!-- tests: begin -->\n", "<!-- tests: end -->\n"


def table():
    rows = json.loads(check.run("--list", "--json").stdout)
    text = "| test | of | what it wants |\n| --- | --- | --- |\n"
    return text + "".join(f"| `{row['name']}` | {row['kinds']} | {row['wants']} |\n"
                          for row in rows)


def main():
    path = os.path.join(check.SOURCE, "docs/check.md")
    with open(path, encoding="utf-8") as file:
        page = file.read()
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + table() + END + tail
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(wanted)
        return 0
    if page != wanted:
        print("docs/check.md tells other tests than `oriel check --list`; "
              "tests/check/test_docs.py --write brings it up to date")
        return 1
    print("ok")
    return 0


sys.exit(main())
