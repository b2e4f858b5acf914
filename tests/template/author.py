# SPDX-License-Identifier: BSD-3-Clause
"""Somebody who writes a module: a clean folder, an installed Oriel with its SDK, and nothing of the source tree."""

import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["ORIEL_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE / "tests" / "package"))
import place  # noqa: E402

oriel = place.oriel
ID, VENDOR = "org.lab-7.imaging/{}", "Ann O'Example"
STRICT = "-Wall -Wextra -Wpedantic -Werror"
MOST_CMAKE, MOST_LINES = 20, 150


class Author:
    """For a with statement: `prefix` has host, modules and SDK; `desk` is where things are written."""

    def __enter__(self):
        self.folder = place.folder()
        top = pathlib.Path(self.folder.name)
        self.prefix, self.desk = top / "prefix", top / "desk"
        self.desk.mkdir()
        place.install(self.prefix)
        self.binary = place.use(self.prefix)
        # Nothing tells where the source tree is, nor where what was built lies.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}
        self.environment["PATH"] = f"{self.prefix / 'bin'}:{os.environ['PATH']}"
        self.environment["PKG_CONFIG_PATH"] = str(next(self.prefix.glob("lib/**/pkgconfig")))
        return self

    def __exit__(self, *what):
        self.folder.cleanup()

    def try_run(self, *args):
        return subprocess.run([*map(str, args)], capture_output=True, text=True, timeout=240, cwd=self.desk,
                              env=self.environment)

    def run(self, *args):
        done = self.try_run(*args)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def new(self, kind, name, *options):
        """A module of that kind is begun; the folder, and what was printed."""
        said = self.run("oriel", "new", kind, name, "--vendor", VENDOR, "--id", ID.format(name), *options)
        return self.desk / name, said

    def build(self, folder, make=False):
        """Warnings are errors. The module."""
        if make:
            self.run("make", "-C", folder, f"CFLAGS=-O2 {STRICT}", f"CXXFLAGS=-O2 -std=c++17 {STRICT}")
            return folder / f"{folder.name}.so"
        work = folder / "build"
        self.run("cmake", "-S", folder, "-B", work, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                 f"-DCMAKE_C_FLAGS={STRICT}", f"-DCMAKE_CXX_FLAGS={STRICT}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        self.run("cmake", "--build", work)
        for command in json.loads((work / "compile_commands.json").read_text()):
            assert str(SOURCE) not in command["command"], command
        return work / f"{folder.name}.so"

    def look_at(self, folder, name, kind):
        """What was written: short, laid out as Oriel's own sources, with the names that were asked for."""
        sources = [path for path in folder.iterdir() if path.suffix in (".c", ".cpp", ".h")]
        text = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
        for left in (f"my_{kind}", "Your name", "org.example"):
            assert left not in text, f"{left} is left in {folder}"
        assert f'"{ID.format(name)}"' in text and f'"{VENDOR}"' in text
        main = [path for path in sources if path.suffix != ".h"]
        assert [path.stem for path in main] == [name], sources
        count = sum(len(path.read_text().splitlines()) for path in sources)
        assert count <= MOST_LINES, f"{folder}: {count} lines"
        assert main[0].suffix != ".c" or "    .size = sizeof(" in text, f"{main[0]}: a table without names"
        cmake = folder / "CMakeLists.txt"
        assert not cmake.exists() or len(cmake.read_text().splitlines()) <= MOST_CMAKE
        layout = place.tool("clang-format", "the layout of the template")
        if layout:
            # A name or an id of another length may break a line elsewhere.
            of = SOURCE / "sdk" / "template" / (kind if main[0].suffix == ".c" else f"{kind}-cpp")
            self.run(layout, f"--style=file:{SOURCE / '.clang-format'}", "--dry-run", "--Werror",
                     *(path for path in of.iterdir() if path.suffix in (".c", ".cpp", ".h")))

    def check(self, module, *options):
        """`oriel check` finds nothing."""
        report = json.loads(self.run("oriel", "check", module, "--json", *options))
        assert report["failed"] == 0 and report["passed"] > 10, report
        skipped = [test["name"] for test in report["tests"] if test["result"] == "skip"]
        print(f"  {report['module']}: {report['passed']} passed, left out: {', '.join(skipped) or 'nothing'}")

    def ctest(self, module):
        self.run("ctest", "--test-dir", module.parent, "--no-tests=error", "--output-on-failure")

    def config(self, module, kind, **more):
        """A configuration file whose one line about modules names it."""
        path = self.desk / f"{module.stem}.json"
        wanted = {"path": [str(module.parent)], kind: [ID.format(module.stem)]}
        path.write_text(json.dumps({"modules": wanted, **more}))
        return path


def needs(program, *args):
    """Without it the whole test is left out."""
    if not place.tool(program, "this test") or subprocess.run([program, *args], capture_output=True).returncode != 0:
        print("skip ", program, *args)
        sys.exit(77)
