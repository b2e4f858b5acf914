# SPDX-License-Identifier: BSD-3-Clause
"""The template of a source: `oriel info` and `oriel export` give what is in a file, a server shows it, and what is
wrong with a file is said."""

import json

import numpy as np

from author import Author, oriel
from pictures import picture, split_i420

NAME = "my_reader"


def write(path, values, comment=""):
    most = 255 if values.dtype == np.uint8 else 4095
    head = f"P5\n{comment}{values.shape[1]} {values.shape[0]}\n{most}\n"
    path.write_bytes(head.encode() + values.astype(values.dtype.newbyteorder(">")).tobytes())
    return path


def check_values(config, desk):
    random = np.random.default_rng(7)
    for number, (dtype, most, comment) in enumerate([(np.uint8, 256, "# a comment\n"), (np.uint16, 4096, "")]):
        values = random.integers(0, most, (301, 517), dtype)
        path = write(desk / f"{number}.pgm", values, comment)
        info = json.loads(oriel.run("info", path, "--json", "--config", config).stdout)
        assert info["levels"][0]["shape"] == [301, 517] and info["dtype"] == values.dtype.name, info
        out = desk / f"{number}.npy"
        done = oriel.run("export", path, "--region", "5:280,100:517", "-o", out, "--config", config)
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(np.load(out), values[5:280, 100:517])


def check_wrong(config, desk):
    whole = (desk / "0.pgm").read_bytes()
    for name, data, words in [("short", whole[:-1], "is shorter than its header says"),
                              ("head", whole[:9], "its header is broken"),
                              ("colour", b"P6" + whole[2:], "is no binary graymap"),
                              ("zero", b"P5 0 7 255\n", "its header is broken"),
                              ("huge", b"P5 99999999999999999999 7 255\n", "its header is broken")]:
        path = desk / f"{name}.pgm"
        path.write_bytes(data)
        done = oriel.run("info", path, "--config", config)
        assert done.returncode == 1 and f"{name}.pgm: {words}" in done.stderr, done.stderr


def check_stream(config, desk):
    values = np.zeros((480, 640), np.uint8)
    values[:, 320:] = 255
    path = write(desk / "half.pgm", values)
    with oriel.Server(path, "--config", config, "--set", "modules.encoder=encode/raw") as server:
        width, height, _, _, data = picture(server, "raw")
    row = split_i420(data, width, height)[0][height // 2]
    assert row[width // 2 - width // 8] < 5 and row[width // 2 + width // 8] > 250, row


with Author() as author:
    folder, _ = author.new("source", NAME)
    author.look_at(folder, NAME, "source")
    module = author.build(folder)
    config = author.config(module, "source")
    check_values(config, author.desk)
    author.check(module, "--data", author.desk / "0.pgm")
    author.ctest(module)
    check_wrong(config, author.desk)
    check_stream(config, author.desk)
