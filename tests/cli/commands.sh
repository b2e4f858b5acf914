#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The command line of `oriel` itself and of `oriel modules`: what is printed where, and the exit status.
# usage: commands.sh ORIEL MODULE_DIR
set -u
oriel=$1 modules=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_CACHE_HOME=$work/cache HOME=$work
wrong=0

# expect STATUS STREAM TEXT ARGUMENTS…: the status, and the text on that stream alone.
expect() {
    local status=$1 stream=$2 text=$3
    shift 3
    "$oriel" "$@" >out 2>err </dev/null
    local got=$?
    if [ $got -ne "$status" ] || ! grep -qF -- "$text" "$stream"; then
        echo "oriel $*: status $got, not $status, or no \"$text\" on std$stream:"
        cat out err
        wrong=1
    fi
    # What went wrong is one line.
    if [ "$status" -ne 0 ] && { [ "$(wc -l <err)" -ne 1 ] || [ -s out ]; }; then
        echo "oriel $*: not one line on stderr alone:"
        cat out err
        wrong=1
    fi
}

expect 0 out 'usage: oriel COMMAND' --help
expect 0 out 'module ABI 1.0' --version
expect 2 err 'oriel: wants a command'
expect 2 err 'oriel: unknown command "modlues", did you mean modules?' modlues
expect 2 err 'modules: unknown option --jason, did you mean --json?' modules --jason
expect 2 err 'modules: takes no "extra"' modules extra
expect 2 err '--set wants a value' modules --set
expect 2 err 'wants key=value' modules --set stream.fps
expect 2 err '--json takes no value' modules --json=yes
for command in serve modules info export render bench demo; do
    expect 0 out "usage: oriel $command" "$command" --help
    expect 0 out '--print-config' "$command" --help
done

# Configuration: every mistake is one line with its place.
printf '{\n  // a comment\n  "stream": {\n    "fsp": 30\n  }\n}\n' >oriel.json
expect 2 err 'oriel: oriel.json:4: stream.fsp: unknown key, did you mean stream.fps?' modules --config oriel.json
expect 2 err 'oriel: none.json: No such file or directory' modules --config none.json
expect 2 err 'unknown preset "latancy", did you mean latency?' modules --preset latancy
expect 2 err 'modules.path: /nonexistent: No such file or directory' modules --set modules.path=/nonexistent
ORIEL_CONFIG=oriel.json expect 2 err 'oriel.json:4: stream.fsp' modules
NAPARI_CUDA_WIDTH=wide expect 2 err 'NAPARI_CUDA_WIDTH: canvas.width: wants an integer' modules

echo '{"stream": {"fps": 25}, "canvas": {"width": 640}}' >good.json
expect 0 out 'stream.fps = 25  # good.json:1' modules --config good.json --print-config
expect 0 out 'stream.fps = 24  # --set' modules --config good.json --set stream.fps=24 --print-config
expect 0 out 'stream.bitrate = 10000000  # preset latency' modules --preset=latency --print-config
expect 0 out 'modules.encoder = ["encode/nvenc","encode/x264","encode/openh264",' modules --preset=lossless --print-config
NAPARI_CUDA_ENCODE_FPS=20 expect 0 out 'stream.fps = 20  # NAPARI_CUDA_ENCODE_FPS' modules --config good.json \
    --print-config
expect 0 out '"https://json-schema.org/draft/2020-12/schema"' modules --print-schema

# What is no module is listed with its reason, and costs nothing else.
mkdir more
echo 'not a module' >more/encode-text.so
expect 0 out 'is no shared object (not an ELF file)' modules --set modules.path=more
expect 0 out 'encode/text' modules --set modules.path=more --set modules.encoder=encode/text
expect 0 out 'Named in the configuration, but not usable' modules --set modules.encoder=encode/none

# Data that are none, wherever they were named.
expect 1 err 'more: no image that Oriel can open: not a Zarr store' info more
expect 1 err 'gone.zarr: No such file or directory' serve --port 0 --set data.open=gone.zarr
expect 1 err 'gone.zarr: No such file or directory' serve --port 0 --set data.open=gone.zarr --default-data more
expect 1 err 'other.zarr: No such file or directory' serve --port 0 --set data.open=gone.zarr other.zarr

"$oriel" modules --json --set modules.path=more --set modules.encoder=encode/none --set modules.still= \
    --set modules.capture= --set modules.scene= --set modules.transport= --set modules.source= >list.json
python3 - list.json more/encode-text.so "$modules" <<'PYTHON' || wrong=1
import glob, json, os, sys
found = json.load(open(sys.argv[1]))
entries = found["modules"]
text = [m for m in entries if m["file"] == os.path.realpath(sys.argv[2])]
assert len(text) == 1 and text[0]["result"] == "refused" and "not an ELF" in text[0]["reason"], text
assert [m["id"] for m in found["missing"]] == ["encode/none"], found["missing"]
built = {os.path.realpath(f) for f in glob.glob(sys.argv[3] + "/*.so")}
assert built and built <= {m["file"] for m in entries}, "a module is not listed"
for m in entries:
    if m["file"] not in built:
        continue
    assert m["result"] == "usable" and m["reason"] is None, m["reason"]
    assert m["abi"].startswith("1.") and m["version"] and m["license"] and m["kind"], m
    if m["kind"] == "encoder":
        assert m["formats"] and m["codecs"], m
    for option in m["options"]:
        assert option["help"] and option["type"] in ("bool", "int", "float", "string", "enum"), option
print(f"{len(built)} modules, all usable")
PYTHON

# Without names every encoder has its turn, and one that does not work here is no error.
expect 0 out 'encode/null' bench pan --frames 2 --size 160x120
[ -f "$modules/encode-avcodec.so" ] && expect 0 out 'encode/avcodec     left out: modules.encoder: none works: encode/avcodec: none is no encoder of this FFmpeg' \
    bench pan --frames 2 --size 160x120 --set encode/avcodec.encoder=none
# Presets speak of options that their modules have.
for preset in latency quality lossless; do
    "$oriel" modules --preset $preset --print-config --json >preset.json
    "$oriel" modules --json >list.json
    python3 - preset.json list.json $preset <<'PYTHON' || wrong=1
import json, sys
values, modules = (json.load(open(name)) for name in sys.argv[1:3])
options = {m["id"]: {o["name"] for o in m["options"]} for m in modules["modules"] if m["result"] == "usable"}
for key, value in values.items():
    if value["origin"] == "preset " + sys.argv[3] and "/" in key:
        module, option = key.rsplit(".", 1)
        assert module not in options or option in options[module], key
PYTHON
done
exit $wrong
