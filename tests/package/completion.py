# SPDX-License-Identifier: BSD-3-Clause
"""Completion in bash, zsh and fish, through the files that are installed for them."""

import json
import os
import pathlib
import re
import subprocess
import time

import place

BASH = r"""
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_oriel
printf '%s\n' "${COMPREPLY[@]}"
"""
# What zsh's own functions would show.
ZSH = r"""
_describe() {
    local match
    for match in "${(@P)4}"; do
        match=${${match//\\:/$'\1'}%%:*}
        print -r -- ${match//$'\1'/:}
    done
}
_files() { print -l "$PREFIX"*(N) }
compset() { PREFIX=${PREFIX#*=} }
words=(${(z)2}); [[ $2 == *' ' ]] && words+=('')
CURRENT=$#words PREFIX=$words[-1]
. $1
"""


def lines(command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return [line for line in done.stdout.split("\n") if line]


def bash(files, line):
    return lines(["bash", "--norc", "-c", BASH, "bash", files / "share/bash-completion/completions/oriel", line])


def zsh(files, line):
    return lines(["zsh", "-f", "-c", ZSH, "zsh", files / "share/zsh/site-functions/_oriel", line])


def fish(files, line):
    script = 'source $argv[1]; complete -C "$argv[2]"'
    found = lines(["fish", "--no-config", "-c", script, files / "share/fish/vendor_completions.d/oriel.fish", line])
    return [text.split("\t")[0] for text in found]


def values(shell, before, words):
    """bash replaces what comes after the last = alone; the others the whole word."""
    return {word if shell is bash else before + word for word in words}


def check(shell, prefix, modules):
    commands = re.findall(r"^  ([a-z]+) ", place.run(prefix / "bin" / "oriel", "--help"), re.MULTILINE)
    assert set(shell(prefix, "oriel ")) == set(commands), f"{shell.__name__}: {shell(prefix, 'oriel ')}"
    assert shell(prefix, "oriel mod") == ["modules"]
    for command in "check", "ab":
        assert place.options(place.run(prefix / "bin" / "oriel", command, "--help")) == set(
            shell(prefix, f"oriel {command} -")), command
    assert {"--port", "--pixel-port", "--prefix", "--preset"} <= set(shell(prefix, "oriel serve --p"))
    assert shell(prefix, "oriel serve DATA --scene x --metrics") == ["--metrics-port"]
    assert shell(prefix, "oriel ctl URL wa") == ["watch"]
    assert set(shell(prefix, "oriel serve --preset ")) == {"latency", "balanced", "quality", "lossless"}
    assert shell(prefix, "oriel serve --set stream.pref") == ["stream.prefer="]
    assert set(shell(prefix, "oriel serve --set stream.prefer=")) == values(
        shell, "stream.prefer=", {"bandwidth", "latency", "order"})
    encoders = {name for name, module in modules.items() if module["kind"] == "encoder"}
    assert len(encoders) > 2
    assert set(shell(prefix, "oriel serve --set modules.encoder=")) == values(shell, "modules.encoder=", encoders)
    assert set(shell(prefix, "oriel bench --encoder ")) == encoders
    assert "encode/null.fail" not in shell(prefix, "oriel serve --set encode/")
    for name in encoders & {"encode/jpeg"}:
        options = {f"{name}.{option['name']}=" for option in modules[name]["options"]}
        assert set(shell(prefix, f"oriel serve --set {name}.")) == options
    here = pathlib.Path(os.environ["HOME"], "some-scene.json")
    here.touch()
    (here.parent / "some-data.ome.zarr").mkdir(exist_ok=True)
    found = shell(prefix, f"oriel serve --scene {here.parent}/some-sc")
    assert found == [str(here)], found
    found = shell(prefix, f"oriel serve {here.parent}/some-d")
    assert [name.rstrip("/") for name in found] == [f"{here.parent}/some-data.ome.zarr"], found
    assert not shell(prefix, "oriel modules nothing-like-it")
    assert not shell(prefix, "oriel no-such-command ")


def check_typed(prefix):
    """bash itself, at a terminal: what Tab makes of a line."""
    import pty
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="$ ", INPUTRC="/dev/null")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    text = f". {prefix}/share/bash-completion/completions/oriel\n"
    for typed in ("oriel modu\t --set stream.pref\tord\t --print-co\t 2>/dev/null | grep stream.prefer\n", "exit\n"):
        text += typed
    os.write(terminal, text.encode())
    out = b""
    try:
        while chunk := os.read(terminal, 4096):
            out += chunk
    except OSError:  # the shell has ended
        pass
    os.waitpid(pid, 0)
    assert re.search(rb'stream\.prefer = "?order"? +# --set', out), out.decode(errors="replace")


with place.folder() as name:
    prefix = pathlib.Path(name, "prefix")
    place.install(prefix)
    os.environ["PATH"] = f"{prefix / 'bin'}:{os.environ['PATH']}"
    modules = place.modules(prefix / "bin" / "oriel")
    for shell in (bash, zsh, fish):
        if place.tool(shell.__name__, f"completion in {shell.__name__}"):
            check(shell, prefix, modules)
    check_typed(prefix)

    wrong_usage = subprocess.run(["oriel", "complete"], capture_output=True, text=True)
    assert (wrong_usage.returncode, wrong_usage.stdout) == (2, ""), wrong_usage

    # A wrong configuration, and no answer at all, complete nothing and say nothing.
    wrong = pathlib.Path(name, "wrong.json")
    wrong.write_text("{")
    assert not bash(prefix, f"oriel serve --config {wrong} --set stream.")
    begin = time.monotonic()
    bash(prefix, "oriel serve --set ")
    assert time.monotonic() - begin < 2, "nobody waits that long at a prompt"
