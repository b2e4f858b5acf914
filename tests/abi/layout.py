# SPDX-License-Identifier: BSD-3-Clause
"""layout.inc has every member of every struct of the SDK: usage: layout.py INCLUDE_FOLDER LAYOUT_INC"""

import pathlib
import re
import sys

from headers import Headers

headers = Headers(pathlib.Path(sys.argv[1]))
text = pathlib.Path(sys.argv[2]).read_text()
sizes = re.findall(r"^SIZE\((\w+), ", text, flags=re.M)
places = re.findall(r"^AT\((\w+), (\w+), ", text, flags=re.M)
missing = [name for name in headers.structs if name not in sizes]
missing += [f"{name}.{member}" for name, members in headers.structs.items() for member in members
            if (name, member) not in places]
assert not missing, f"layout.inc says nothing about {', '.join(missing)}"
assert len(sizes) == len(set(sizes)) and len(places) == len(set(places)), "layout.inc says something twice"
frozen = re.findall(r"^/\* Frozen\. \*/\nSIZE\((\w+)", text, flags=re.M)
assert sorted(frozen) == sorted(name for name in headers.structs if not headers.sized(name)), sorted(frozen)
print(f"{len(sizes)} structs with {len(places)} members")
