# SPDX-License-Identifier: BSD-3-Clause
"""The template of a transport: a client without websockets gets the scene and its pictures, says what it has shown, and
is heard; who talks nonsense is shown the door, and nobody else notices."""

import json
import socket
import struct
import time

from author import ID, Author, needs, oriel
from pictures import H264, decode_h264, parse

NAME = "my_line"
TEXT, BINARY = 1, 2
HELLO = {
    "type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
    "payload": {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
                "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
                "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}}


class Line:
    """One connection."""

    def __init__(self, server, wish):
        port = int(server.ready["pixel"].rsplit(":", 1)[1].strip("/"))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(wish.encode() + b"\n")

    def say(self, message):
        data = json.dumps(message).encode()
        self.socket.sendall(struct.pack("!IB", len(data), TEXT) + data)

    def hear(self):
        """(kind, data); None at the end."""
        head = self.file.read(5)
        if len(head) < 5:
            return None
        length, kind = struct.unpack("!IB", head)
        return kind, self.file.read(length)


def check_state(server):
    line = Line(server, "/state")
    line.say(HELLO)
    kind, data = line.hear()
    welcome = json.loads(data)
    assert kind == TEXT and welcome["type"] == "session.welcome", welcome
    types = set()
    while not {"notify.scene", "notify.layers", "notify.stream"} <= types:
        types.add(json.loads(line.hear()[1])["type"])
    return line, welcome["session"]


def update(line, session, number, z):
    line.say({"type": "state.update", "version": 2, "session": session, "frame_id": f"f{number}",
              "intent_id": f"f{number}", "timestamp": 1.0,
              "payload": {"scope": "dims", "target": "z", "key": "index", "value": z}})


def check_pictures(server, state, session):
    """Each picture that is drawn when the slice moves comes, whole."""
    line = Line(server, "/pixel?ext=1&codecs=h264")
    seen = 0
    for number in range(20):
        kind, data = line.hear()
        width, height, codec, _, stream = parse(data)
        assert kind == BINARY and codec == H264, (kind, codec)
        if number == 0:
            planes = decode_h264(stream)
            assert planes[0].shape == (height, width)
        seen += 1
        line.say({"type": "shown", "seq": struct.unpack_from("!I", data)[0]})
        update(state, session, number, 40 + number)
    print(f"  {seen} pictures of {width} x {height}")
    return line


def check_nonsense(server):
    for wish, more in (("GET / HTTP/1.1", b""), ("/nowhere", b""), ("x" * 10000, b""),
                       ("/state", b"\xff\xff\xff\xff\x01")):
        line = Line(server, wish)
        try:
            line.socket.sendall(more)
            assert line.hear() is None, wish
        except ConnectionError:
            pass


needs("pkg-config", "--exists", "libevent_pthreads")
with Author() as author:
    folder, _ = author.new("transport", NAME)
    author.look_at(folder, NAME, "transport", 260)
    module = author.build(folder)
    author.check(module)
    author.ctest(module)
    config = author.config(module, "transport", **{ID.format(NAME): {"tcp_port": 0}})
    with oriel.Server(oriel.EXAMPLE, "--config", config) as server:
        state, session = check_state(server)
        pixel = check_pictures(server, state, session)
        check_nonsense(server)
        update(state, session, 99, 12)
        assert pixel.hear(), "the others' nonsense has ended this connection"
        began = time.monotonic()
    assert time.monotonic() - began < 10
    # Beside the one that is there anyway.
    both = json.loads(config.read_text())
    both["modules"]["transport"] = ["transport/websocket", ID.format(NAME)]
    config.write_text(json.dumps(both))
    with oriel.Server(oriel.EXAMPLE, "--config", config) as server:
        assert server.ready["http"].startswith("http://127.0.0.1:")
