# SPDX-License-Identifier: BSD-3-Clause
"""`oriel new`: what it refuses, in which words; what it prints can be run; a module that needs a symbol which nobody
has is not linked."""

import os
import shlex

from author import Author, place

REFUSALS = [
    (["encodr", "my_codec"], 2, 'there is no kind "encodr", did you mean encoder?'),
    (["picture", "my_codec"], 2, "it is one of encoder, capture, transport, scene, source"),
    (["encoder"], 2, "wants a KIND and a NAME"),
    (["encoder", "a", "b"], 2, "wants a KIND and a NAME"),
    (["encoder", "My-Codec"], 2, '"My-Codec" cannot be a name'),
    (["encoder", "../codec"], 2, '"../codec" cannot be a name'),
    (["encoder", "7bit"], 2, '"7bit" cannot be a name'),
    (["encoder", "test"], 2, '"test" cannot be a name'),
    (["encoder", "x" * 41], 2, "at most 40"),
    (["encoder", "codec", "--id", "codec"], 2, '"codec" cannot be an id'),
    (["encoder", "codec", "--id", "org..lab/codec"], 2, "cannot be an id"),
    (["encoder", "codec", "--id", "org.lab/co/dec"], 2, "cannot be an id"),
    (["encoder", "codec", "--id", 'org.lab/"codec'], 2, "cannot be an id"),
    (["encoder", "codec", "--vendor", 'A "B" C'], 2, "--vendor"),
    (["encoder", "codec", "--vendor", ""], 2, "--vendor"),
    (["source", "codec", "--cpp"], 2, "for encoders only"),
    (["encoder", "codec", "--mak"], 2, "did you mean --make?"),
    (["encoder", "taken"], 1, "taken: is there already"),
]


def check_refusals(author):
    (author.desk / "taken").mkdir()
    for args, status, words in REFUSALS:
        done = author.try_run("oriel", "new", *args)
        assert done.returncode == status and words in done.stderr, (args, done.returncode, done.stderr)
    assert os.listdir(author.desk) == ["taken"] and not os.listdir(author.desk / "taken")
    assert "usage: oriel new" in author.run("oriel", "new", "--help")


def check_vendor(author):
    """Without --vendor it is git's; without git's, what says that it is to be filled in."""
    if not place.tool("git", "the name of the vendor out of git"):
        return
    author.environment["GIT_CONFIG_GLOBAL"] = str(author.desk / "gitconfig")
    author.environment["GIT_CONFIG_NOSYSTEM"] = "1"
    author.run("oriel", "new", "encoder", "nobody")
    assert '"Your name"' in (author.desk / "nobody" / "nobody.c").read_text()
    (author.desk / "gitconfig").write_text("[user]\n    name = Grace Ünlü\n")
    author.run("oriel", "new", "encoder", "somebody")
    text = (author.desk / "somebody" / "somebody.c").read_text()
    assert '"Grace Ünlü"' in text and '"org.example/somebody"' in text


def check_printed(author, make):
    """The three commands that it prints; the last is a server, of which only the configuration is asked for."""
    name = "made" if make else "built"
    said = author.run("oriel", "new", "encoder", name, *(["--make"] if make else []))
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert len(commands) == 3, said
    author.run("sh", "-ec", commands[0])
    assert " 0 failed" in author.run("sh", "-ec", commands[1])
    serve = shlex.split(commands[2])
    assert serve[:2] == ["oriel", "serve"] and serve[-1] == "DATA", serve
    found = author.run("oriel", "modules", *serve[2:-1])
    line = next(line for line in found.splitlines() if f"org.example/{name}" in line)
    print(f"  {line}")


def check_undefined(author):
    wrong = author.desk / "wrong.c"
    wrong.write_text("int missing(void);\nint call(void);\nint call(void)\n{\n    return missing();\n}\n")
    build = f"cc {wrong} -o {author.desk}/wrong.so $(pkg-config --cflags --libs oriel-sdk)"
    done = author.try_run("sh", "-c", build)
    assert done.returncode != 0 and "missing" in done.stderr, "a module with an undefined symbol was linked"


with Author() as author:
    check_refusals(author)
    check_vendor(author)
    check_printed(author, make=False)
    if place.tool("make", "what is printed for --make"):
        check_printed(author, make=True)
    check_undefined(author)
