# SPDX-License-Identifier: BSD-3-Clause
"""What the SDK's headers declare, as far as other modules and hosts see it. They are plain enough for this: one
declaration a statement, no nested structs, no bit-fields."""

import re


class Headers:
    """structs: {name: [member, …]}; constants: names of enumerators and of macros that are a value; texts: names of
    macros that are a string."""

    def __init__(self, folder):
        self.folder = folder
        self.files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("oriel/*.h"))
        self.structs, self.constants, self.texts = {}, [], []
        assert len(self.files) > 10, f"{folder}: there are no headers"
        for name in self.files:
            self.read((folder / name).read_text())

    def read(self, text):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, flags=re.S | re.M):
            self.structs[name] = [member(part) for part in body.split(";") if part.strip()]
        for body in re.findall(r"^enum \{(.*?)\};", text, flags=re.S | re.M):
            self.constants += re.findall(r"\b(ORIEL_\w+)(?=\s*(?:=|,|$))", body, flags=re.M)
        text = text.replace("\\\n", " ")
        for name, value in re.findall(r"^#define (ORIEL_\w+) (.+)$", text, flags=re.M):
            if re.match(r'"', value):
                self.texts.append(name)
            elif name not in ("ORIEL_EXPORT", "ORIEL_EXTERN_C_"):
                self.constants.append(name)

    def sized(self, name):
        """Members may be appended to it."""
        return "size" in self.structs[name]


def member(declaration):
    found = re.search(r"\(\*(\w+)\)\s*\(|(\w+)(?:\[\w+\])?\s*$", declaration.strip(), flags=re.S)
    assert found, f"what is declared here? {declaration}"
    return found.group(1) or found.group(2)
