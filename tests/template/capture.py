# SPDX-License-Identifier: BSD-3-Clause
"""The template of a capture module: what it captures is what capture/gl does, to a level."""

import numpy as np

from author import Author, oriel
from pictures import picture, split_i420

NAME = "my_grabber"


def samples(config, *more):
    with oriel.Server(oriel.EXAMPLE, "--config", config, "--set", "modules.encoder=encode/raw", *more) as server:
        width, height, _, _, data = picture(server, "raw")
        return split_i420(data, width, height), server.text()


with Author() as author:
    folder, _ = author.new("capture", NAME)
    author.look_at(folder, NAME, "capture")
    module = author.build(folder)
    author.check(module)
    author.ctest(module)
    config = author.config(module, "capture")
    got, log = samples(config)
    assert "org.lab-7.imaging/my_grabber" in log, log
    want, log = samples(config, "--set", "modules.capture=capture/gl")
    assert "capture/gl" in log, log
    assert want[0].max() > 100, "there is nothing to see"
    for a, b in zip(got, want):
        assert np.abs(a.astype(int) - b).max() <= 1, np.abs(a.astype(int) - b).max()
