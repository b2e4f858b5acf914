# SPDX-License-Identifier: BSD-3-Clause
"""The template of a scene: slices are as scene/napari draws them, and a server streams them; what is wrong with a
shader is said in the compiler's words."""

from author import ID, Author, oriel
from pictures import picture

NAME = "my_painter"


def render(config, out, *more):
    done = oriel.run("render", oriel.EXAMPLE, "--config", config, "--size", "320x240", "-o", out, *more)
    assert done.returncode == 0, done.stderr
    return oriel.read_png(out), done.stderr


with Author() as author:
    folder, _ = author.new("scene", NAME)
    author.look_at(folder, NAME, "scene")
    module = author.build(folder)
    author.check(module)
    author.ctest(module)
    config = author.config(module, "scene")
    got, log = render(config, author.desk / "mine.png")
    assert ID.format(NAME) in log, log
    want, _ = render(config, author.desk / "napari.png", "--set", "modules.scene=scene/napari")
    assert want.max() > 100, "there is nothing to see"
    assert oriel.psnr(got, want) > 40, oriel.psnr(got, want)
    with oriel.Server(oriel.EXAMPLE, "--config", config) as server:
        _, _, _, _, data = picture(server, "jpeg")
        assert len(data) > 5000, len(data)
        assert ID.format(NAME) in server.text()
    text = (folder / f"{NAME}.c").read_text()
    (folder / f"{NAME}.c").write_text(text.replace("gl_Position", "gl_Positron"))
    done = author.try_run("oriel", "check", author.build(folder))
    assert done.returncode == 1 and "gl_Positron" in done.stdout, done.stdout
