# SPDX-License-Identifier: BSD-3-Clause
"""Tokens: what is open without one, in how many ways it can be given, and where it never appears."""

import asyncio
import json
import stat
import pathlib
import urllib.error
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
    session = welcome["session"]
    assert await upgrade(f"{url}?ext=1&session={session}") == 101
    assert await upgrade(f"{url}?ext=1&session=00000000-0000-4000-8000-000000000000") == 403
    await state.close()
    for _ in range(100):
        if (answer := await upgrade(f"{url}?ext=1&session={session}")) != 101:
            break
        await asyncio.sleep(0.05)
    assert answer == 403, "the session has ended, its name goes on opening doors"


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


def check_secrecy(server):
    for name in ("http", "state", "pixel", "metrics"):
        assert server.ready[name].endswith(f"/?token={EDITOR}"), server.ready
    mode = stat.S_IMODE(pathlib.Path(server.folder.name, "ready.json").stat().st_mode)
    assert mode & 0o077 == 0, oct(mode)
    text = server.text()
    for token in (EDITOR, VIEWER, "wrong-token", "change-it-7f3b"):
        assert token not in text, f"the log tells {token}"


TOKENS = f"access.tokens=viewer:{VIEWER},editor:{EDITOR}"
with oriel.Server(oriel.EXAMPLE, "--set", TOKENS, "--set", "log.level=trace") as it:
    asyncio.run(check_state(it))
    asyncio.run(check_pixel(it))
    check_http(it)
    check_secrecy(it)
config = oriel.run("serve", "--set", TOKENS, "--print-config")
assert config.returncode == 0 and EDITOR not in config.stdout and VIEWER not in config.stdout, config.stdout

with oriel.Server(oriel.EXAMPLE, "--set", TOKENS, "--set", "access.anonymous=viewer") as it:
    assert "?" not in it.ready["http"], it.ready
    assert asyncio.run(role(it.ready["state"])) == "viewer"
    assert asyncio.run(role(it.ready["state"], auth=EDITOR)) == "editor"
    assert asyncio.run(upgrade(it.ready["pixel"])) == 101
    assert status(it.ready["metrics"] + "metrics") == 200

refused = oriel.run("serve", "--set", "access.tokens=editor:short", "--port", "0")
assert refused.returncode != 0 and "short" not in refused.stderr and "access.tokens" in refused.stderr, refused.stderr
print("access: state, pixel, http, and no token in the log")
