# SPDX-License-Identifier: BSD-3-Clause
"""Tokens: what is open without one, in how many ways it can be given, and where it never appears."""

import asyncio
import json
import stat
import pathlib
import urllib.error
import urllib.parse
import urllib.request

import websockets

import oriel

EDITOR, VIEWER = "change-it-7f3a", "look-at-it-51c0"


def status(url, header=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {header}"} if header else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        if refusal.code == 401:
            assert refusal.headers["WWW-Authenticate"] == "Bearer", refusal.headers
        return refusal.code


async def upgrade(url, header=None):
    """101, or the status of the refusal."""
    try:
        async with websockets.connect(url, extra_headers={"Authorization": f"Bearer {header}"} if header else {},
                                      max_size=None):
            return 101
    except websockets.InvalidStatusCode as refusal:
        return refusal.status_code


async def hello(url, auth=None, header=None):
    """The connection and the first frame."""
    state = await websockets.connect(url, extra_headers={"Authorization": f"Bearer {header}"} if header else {},
                                     max_size=None)
    payload = {"protocols": [2], "client": {"name": "test", "version": "1", "platform": "-"},
               "features": {"notify.scene": True, "notify.layers": True, "notify.stream": True, "oriel": True},
               "resume_tokens": {"notify.scene": None, "notify.layers": None, "notify.stream": None}}
    if auth:
        payload["auth"] = {"type": "token", "token": auth}
    await state.send(json.dumps({"type": "session.hello", "version": 2, "frame_id": "h", "timestamp": 1.0,
                                 "payload": payload}))
    return state, json.loads(await state.recv())


async def role(url, **how):
    state, first = await hello(url, **how)
    await state.close()
    payload = first["payload"]
    return payload["features"]["oriel"]["role"] if first["type"] == "session.welcome" else payload["code"]


def without_query(url):
    return url.partition("?")[0]


async def check_state(server):
    url = without_query(server.ready["state"])
    assert await role(url) == "unauthorized"
    assert await role(url, auth="change-it-7f3b") == "unauthorized"
    assert await role(url, auth=EDITOR) == "editor"
    assert await role(url, header=VIEWER) == "viewer"
    assert await role(f"{url}?token={VIEWER}") == "viewer"
    assert await role(f"{url}?token={VIEWER}", auth=EDITOR) == "editor"
    assert await role(server.ready["state"]) == "editor"


async def check_pixel(server):
    url = without_query(server.ready["pixel"])
    assert await upgrade(url) == 401
    assert await upgrade(f"{url}?token=wrong-token") == 401
    assert await upgrade(f"{url}?token={VIEWER}") == 101
    assert await upgrade(url, header=VIEWER) == 101
    assert await upgrade(server.ready["pixel"]) == 101
    state, welcome = await hello(without_query(server.ready["state"]), auth=VIEWER)
    session, ticket = welcome["session"], welcome["payload"]["features"]["oriel"]["pixel_ticket"]
    assert ticket not in session
    assert await upgrade(f"{url}?ext=1&session={session}") == 401, "the name of a session is no secret"
    assert await upgrade(f"{url}?ext=1&ticket={ticket}") == 101
    assert await upgrade(f"{url}?ext=1&session={session}&ticket={ticket}") == 101
    for wrong in ("0" * 32, ticket[:-1], ticket + "0", session, ""):
        assert await upgrade(f"{url}?ext=1&session={session}&ticket={wrong}") in (401, 403), wrong
    await state.close()
    for _ in range(100):
        if (answer := await upgrade(f"{url}?ext=1&session={session}&ticket={ticket}")) != 101:
            break
        await asyncio.sleep(0.05)
    assert answer == 403, "the session has ended, its ticket goes on opening doors"
    return ticket


def check_http(server):
    for url in (server.ready["http"], server.ready["metrics"]):
        bare = without_query(url)
        for path in ("metrics", "metrics.json"):
            assert status(bare + path) == 401
            assert status(f"{bare}{path}?token=wrong-token") == 401
            assert status(f"{bare}{path}?token={VIEWER}") == 200
            assert status(bare + path, header=EDITOR) == 200
        assert status(bare + "healthz") == 200 and status(bare + "readyz") == 200
    bare = without_query(server.ready["http"])
    for path in ("", "js/main.js", "api/colormaps.json"):
        assert status(bare + path) == 200, path


async def ask(port, path, host, **headers):
    """The status of an upgrade with headers as a browser writes them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


async def check_origins(server, prefix):
    """A page of another site can drive nothing, and every way to the page itself works."""
    port = urllib.parse.urlsplit(server.ready["state"]).port
    own, tunnel = f"127.0.0.1:{port}", "localhost:9000"
    rows = [(own, f"http://{own}", 101), (f"localhost:{port}", f"http://localhost:{port}", 101),
            (f"[::1]:{port}", f"http://[::1]:{port}", 101),
            (tunnel, f"http://{tunnel}", 101),
            ("lab.example", "https://lab.example", 101),  # a proxy that passes Host
            ("lab.example", "https://lab.example:8443", 101),  # one that passes the name alone
            ("lab.example:8443", "https://LAB.example:8443", 101),
            ("10.1.2.3:8081", "http://10.1.2.3:8081", 101),
            (own, "https://friend.example", 101),  # configured
            (own, "https://friend.example:444", 403), (own, "http://friend.example", 403),
            (own, "https://evil.example", 403), (own, "null", 403), (own, "http://localhost.evil.example", 403),
            (own, "http://127.0.0.1@evil.example", 403), (own, "http://127.0.0.1.evil.example", 403),
            (own, "https://lab.example", 403),
            (f"evil.example:{port}", f"http://evil.example:{port}", 403)]  # DNS rebinding
    for path in ("/state", "/pixel"):
        for host, origin, expected in rows:
            answer = await ask(port, prefix + path, host, Origin=origin)
            assert answer == expected, (path, host, origin, answer)
        assert await ask(port, prefix + path, own) == 101, "programs say no origin"
        behind = {"Origin": "https://lab.example", "X_Forwarded_Host": "lab.example"}
        assert await ask(port, prefix + path, own, **behind) == 101, "a proxy that rewrites Host"
    state, welcome = await hello(server.ready["state"])
    ticket = welcome["payload"]["features"]["oriel"]["pixel_ticket"]
    assert await ask(port, f"{prefix}/pixel?ticket={ticket}", own, Origin="https://evil.example") == 101
    await state.close()


async def check_origins_with_tokens(server):
    """A token that counts may come from everywhere."""
    port = urllib.parse.urlsplit(server.ready["state"]).port
    for path in ("/state", "/pixel"):
        assert await ask(port, path, "h", Origin="https://evil.example") == 403, path
        assert await ask(port, f"{path}?token=wrong-token", "h", Origin="https://evil.example") == 403, path
        assert await ask(port, f"{path}?token={VIEWER}", "h", Origin="https://evil.example") == 101, path
        assert await ask(port, path, "h", Origin="https://evil.example", Authorization=f"Bearer {VIEWER}") == 101, path


def check_secrecy(server, ticket):
    for name in ("http", "state", "pixel", "metrics"):
        assert server.ready[name].endswith(f"/?token={EDITOR}"), server.ready
    mode = stat.S_IMODE(pathlib.Path(server.folder.name, "ready.json").stat().st_mode)
    assert mode & 0o077 == 0, oct(mode)
    text = server.text()
    for token in (EDITOR, VIEWER, "wrong-token", "change-it-7f3b", ticket):
        assert token not in text, f"the log tells {token}"


TOKENS = f"access.tokens=viewer:{VIEWER},editor:{EDITOR}"
with oriel.Server(oriel.EXAMPLE, "--set", TOKENS, "--set", "log.level=trace") as it:
    asyncio.run(check_state(it))
    ticket = asyncio.run(check_pixel(it))
    check_http(it)
    check_secrecy(it, ticket)
config = oriel.run("serve", "--set", TOKENS, "--print-config")
assert config.returncode == 0 and EDITOR not in config.stdout and VIEWER not in config.stdout, config.stdout

with oriel.Server(oriel.EXAMPLE, "--set", TOKENS, "--set", "access.anonymous=viewer") as it:
    assert "?" not in it.ready["http"], it.ready
    assert asyncio.run(role(it.ready["state"])) == "viewer"
    assert asyncio.run(role(it.ready["state"], auth=EDITOR)) == "editor"
    assert asyncio.run(upgrade(it.ready["pixel"])) == 101
    asyncio.run(check_origins_with_tokens(it))
    assert status(it.ready["metrics"] + "metrics") == 200

ORIGINS = "access.origins=https://friend.example,https://other.example"
for prefix in ("", "/s/abc"):
    with oriel.Server(oriel.EXAMPLE, "--set", ORIGINS, "--prefix", prefix) as it:
        asyncio.run(check_origins(it, prefix))

refused = oriel.run("serve", "--set", "access.origins=friend.example", "--port", "0")
assert refused.returncode != 0 and "access.origins" in refused.stderr and "friend.example" in refused.stderr, refused.stderr
refused = oriel.run("serve", "--set", "access.tokens=editor:short", "--port", "0")
assert refused.returncode != 0 and "short" not in refused.stderr and "access.tokens" in refused.stderr, refused.stderr
print("access: state, pixel, http, pages of other sites, and no token in the log")
