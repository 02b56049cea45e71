"""Steps about what section 50 has for browsers alone: HTTP, and WebSocket messages past the mux."""

import asyncio
import base64
import http.client
import json

from . import Failed, step


@step
async def http_(run, it):
    """Makes a request to the server's HTTP port."""
    status, body = await asyncio.to_thread(fetch, run.target, it["path"], run.resolve(it.get("headers", {})))
    if status != it["status"]:
        raise Failed(f"status {it['status']}", f"{status}: {body[:200]!r}")
    if "match" in it:
        run.match(it["match"], json.loads(body))
    run.saw({"status": status})


def fetch(target, path: str, headers: dict):
    kind = http.client.HTTPSConnection if target.http_tls else http.client.HTTPConnection
    connection = kind(target.http, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, b"" if answer.status == 101 else answer.read()
    finally:
        connection.close()


@step
async def message(run, it):
    """Sends a WebSocket message as it is."""
    if "text" in it:
        data = it["text"]
    elif "hex" in it:
        data = bytes.fromhex(it["hex"])
    else:
        data = base64.b64decode(run.resolve(it["bytes"]))
    run.peer(it).connection.message(data)


@step
async def unread(run, it):
    """From here on the event lane isn't read, or is again."""
    events = run.peer(it).reads_events
    events.clear() if it["from"] else events.set()
