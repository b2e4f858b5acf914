# SPDX-License-Identifier: BSD-3-Clause
"""What a command takes, its help names; what its help names, completion offers. (The manual: man.py.)"""

import pathlib
import re

import place

BINARY = place.BUILD / "bin" / "oriel"
# Where the options of a command are read, other than in host/cli/<command>.c.
ELSEWHERE = {"ab": ["ab/main.c", "ab/record.c"], "ctl": ["ctl/main.c"]}
NOT_FOR_PEOPLE = {"bench": {"--first-packet"}, "serve": {"--default-data"}}


def taken(command):
    """From the sources, so that an option which nobody tells of is found."""
    for name in ELSEWHERE.get(command, [f"host/cli/{command}.c"]):
        source = pathlib.Path(place.SOURCE, name).read_text()
        for option in re.findall(r'\{\.name = "([a-z-]+)",\s*\.(?:text|on|key) =', source):
            yield f"--{option}" if len(option) > 1 else f"-{option}"
        yield from re.findall(r'\(arg(?:v\[i\])?, "(--?[a-z-]+)"', source)


def offered(*words):
    return {line.split("\t")[0] for line in place.run(BINARY, "complete", "oriel", *words).splitlines()}


with place.folder():
    total = 0
    for command in place.commands(BINARY):
        named = place.options(place.run(BINARY, command, "--help"))
        wanted = set(taken(command)) - NOT_FOR_PEOPLE.get(command, set()) - {"-h"}
        assert wanted <= named, f"oriel {command} --help does not name {wanted - named}"
        assert named <= offered(command, "-"), f"completion lacks {named - offered(command, '-')} of {command}"
        total += len(wanted)
    assert total > 40, f"only {total} options were found: are they read in another way now?"
    named = place.options(place.run(BINARY, "ab", "record", "--help")) if "ab" in offered("") else set()
    assert named - {"--config", "--preset", "--set", "--print-config", "--print-schema", "--json"} <= offered("ab", "-")
