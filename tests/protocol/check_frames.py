# SPDX-License-Identifier: BSD-3-Clause
"""Checks what a server sent against docs/protocol/schemas and the rules of frame_rules.py.

  check_frames.py FOLDER [--complete]

FOLDER has the logs of servers run with debug.frame_dir: *.ndjson, a line for each frame:
{"class":"classic"|"oriel","peer":"…","frame":{…}}. With --complete every schema of a frame that the
server may send must have been met. Says what is wrong as FILE:LINE: TYPE PATH: WHAT; exit status 1 then."""

import argparse
import collections
import json
import multiprocessing
import pathlib
import sys

import jsonschema

import frame_rules

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol" / "schemas"
# What differs between frames that are otherwise the same; checked by itself then.
VOLATILE = ("session", "frame_id", "timestamp", "seq", "delta_token", "intent_id")
MOST_SHOWN = 50


def place(error):
    return "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)


def leaves(error):
    """The errors that say most: of alternatives, those of the one that was meant."""
    if not error.context:
        return [error]
    branches = collections.defaultdict(list)
    for inner in error.context:
        branches[inner.schema_path[0]].append(inner)

    def distance(errors):
        wrong_kind = sum(e.validator in ("const", "type", "enum") and len(e.path) <= 1 for e in errors)
        return (wrong_kind, len(errors))

    best = min(branches.values(), key=distance)
    return [leaf for inner in best for leaf in leaves(inner)]


def describe(error):
    message = error.message
    return message if len(message) <= 300 else f"{message[:140]} … {message[-140:]}"


class Schemas:
    """The schemas of one folder, and who gets which."""

    def __init__(self, folder=SCHEMAS):
        self.documents = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
        self.index = self.documents.pop("index.json")
        self.base = folder.as_uri() + "/"
        store = {self.base + name: document for name, document in self.documents.items()}
        self.validators = {}
        for name, document in self.documents.items():
            resolver = jsonschema.RefResolver(self.base + name, document, store=store)
            self.validators[name] = jsonschema.Draft202012Validator(document, resolver=resolver)
        common = self.validators["common.json"]
        self.fields = {key: common.evolve(schema=self.documents["common.json"]["$defs"][key])
                       for key in VOLATILE}
        self.accepted = set()
        self.used = set()

    def name(self, direction, kind, frame):
        """The schema's file; ValueError says why there is none."""
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise ValueError("no frame with a type")
        known = self.index[direction].get(frame["type"])
        if not known:
            raise ValueError(f"nobody knows the type {frame['type']}")
        if kind not in known:
            raise ValueError(f"{frame['type']} is not for {kind} clients")
        return known[kind]

    def errors(self, direction, kind, frame):
        """[(path, what)] of a frame by itself; `kind`: class of the client, "classic" or "oriel"."""
        try:
            name = self.name(direction, kind, frame)
        except ValueError as error:
            return [("$.type", str(error))]
        self.used.add(name)
        # Most frames are others' with another session and time.
        key = (name, json.dumps({k: v if k not in VOLATILE else None for k, v in frame.items()}))
        if direction == "server" and key in self.accepted and frame["type"] != "session.welcome":
            if all(self.fields[k].is_valid(frame[k]) for k in VOLATILE if k in frame):
                return []
        found = [(place(leaf), describe(leaf)) for error in self.validators[name].iter_errors(frame)
                 for leaf in leaves(error)]
        if not found and direction == "server":
            found = list(frame_rules.frame_rules(kind, frame))
        if not found and len(key[1]) < 20000:
            self.accepted.add(key)
        return found


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def unique_pairs(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a key twice: {max(names, key=names.count)}")
    return dict(pairs)


def parse(text):
    """JSON as it stands in RFC 8259, without Python's liberties; ValueError."""
    return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_pairs)


class Log:
    """One server's frames."""

    def __init__(self, schemas, source):
        self.schemas, self.source = schemas, source
        self.sessions = collections.defaultdict(frame_rules.Session)
        self.lines = 0
        self.found = []

    def complain(self, kind, path, what):
        self.found.append(f"{self.source}:{self.lines}: {kind} {path}: {what}")

    def take(self, text):
        self.lines += 1
        try:
            line = parse(text)
        except ValueError as error:
            self.complain("?", "$", error)
            return
        if not isinstance(line, dict) or set(line) != {"class", "peer", "frame"} or \
                line["class"] not in ("classic", "oriel"):
            self.complain("?", "$", "not a line of class, peer and frame")
            return
        kind, frame = line["class"], line["frame"]
        name = frame.get("type", "?") if isinstance(frame, dict) else "?"
        errors = self.schemas.errors("server", kind, frame)
        wrong = False
        for path, what in errors:
            self.complain(name, path, what)
            wrong = True
        if not isinstance(frame, dict) or "session" not in frame:
            return
        try:
            for path, what in self.sessions[frame["session"]].take(kind, frame):
                self.complain(name, path, what)
        except (KeyError, TypeError, AttributeError):
            if not wrong: # else it is told already
                raise


worker = None # the schemas of this process


def begin_worker():
    global worker
    worker = Schemas()


def check_file(path):
    log = Log(worker, path.name)
    with open(path, encoding="utf-8", newline="\n") as lines:
        for text in lines:
            if text.endswith("\n"): # a server that was killed leaves half a line
                log.take(text)
    return log.lines, log.found, worker.used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--complete", action="store_true")
    args = parser.parse_args()
    files = sorted(args.folder.glob("*.ndjson"), key=lambda path: -path.stat().st_size)
    lines, found, used = 0, [], set()
    with multiprocessing.Pool(initializer=begin_worker) as pool:
        for count, wrong, names in pool.imap_unordered(check_file, files, chunksize=1):
            lines += count
            found += wrong
            used |= names
    for text in found[:MOST_SHOWN]:
        print(text)
    if len(found) > MOST_SHOWN:
        print(f"… and {len(found) - MOST_SHOWN} more")
    wanted = {name for known in Schemas().index["server"].values() for name in known.values()}
    missing = sorted(wanted - used)
    if missing:
        print(f"never sent: {', '.join(name.removesuffix('.json') for name in missing)}")
    print(f"{lines} frames of {len(files)} servers, {len(found)} errors, {len(wanted) - len(missing)} of "
          f"{len(wanted)} schemas met")
    if not lines and not args.complete:
        print("skipped: no test of this run has a server or a control room")
        return 77
    return 1 if found or (args.complete and missing) else 0


if __name__ == "__main__":
    sys.exit(main())
