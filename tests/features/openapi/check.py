"""Holds a server against its own OpenAPI description: schemathesis makes up requests from it, and no
answer may be an error of the server's, or another one than is described.

usage: check.py PROGRAM SECONDS [SEED]
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import uuid
import time
from pathlib import Path

CONFIG = """
listen = "127.0.0.1:0"
data = "data"
[http]
listen = "127.0.0.1:0"
[limits]
calls_per_second_per_user = 100000.0
calls_burst_per_user = 100000
calls_per_second_per_device = 100000.0
calls_burst_per_device = 100000
"""
SCOPES = "admin:directory admin:audit admin:sessions events:publish"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
    "unsupported_method",
]
# So many methods have to be reached behind their first checks, or the run proves little.
SUCCEEDED_MIN = 45


def client_ref():
    number = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 80) - 1
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(uuid.UUID(int=number))


def call(http, token, method, body):
    request = urllib.request.Request(
        f"http://{http}/parlour/v1/rpc/{method}?plain",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def furnish(http, ada, bob):
    """A room with two people and a few messages."""
    call(http, bob, "SettingsService.GetSettings", {})
    members = [{"subject": "bob"}]
    group = {"clientRef": client_ref(), "name": "a room", "members": members}
    room = call(http, ada, "RoomService.CreateGroup", group)["room"]["id"]
    for number in range(10):
        body = {"text": f"message {number}"}
        call(http, ada, "MessageService.Send", {"room": room, "clientRef": client_ref(), "body": body})
    users = call(http, ada, "UserService.GetUsers", {"subjects": ["bob"]})["users"]
    return room, users[0]["id"]


def main(program, seconds, seed="1"):
    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "parlour.toml")
        config.write_text(CONFIG, encoding="utf-8")
        base = [program, "--config", str(config)]
        log = Path(folder, "log")
        with open(log, "wb") as file:
            server = subprocess.Popen(base + ["serve"], stdout=subprocess.PIPE, stderr=file, text=True)
        try:
            ready = server.stdout.readline()
            http = re.search(r"http ([^ ,]+)", ready).group(1)

            def token(sub, *more):
                words = base + ["token", "--org", "demo", "--sub", sub, *more]
                return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

            ada, bob = token("ada", "--scope", SCOPES), token("bob")
            room, user = furnish(http, ada, bob)
            counts = Path(folder, "counts.json")
            environment = os.environ | {
                "PARLOUR_ROOM": room,
                "PARLOUR_USER": user,
                "PARLOUR_COUNTS": str(counts),
                "PYTHONPATH": str(here),
                "SCHEMATHESIS_HOOKS": "hooks",
            }
            words = [
                str(Path(sys.executable).parent / "schemathesis"),
                "run",
                f"http://{http}/parlour/v1/openapi.json",
                f"--header=Authorization: Bearer {ada}",
                f"--checks={','.join(CHECKS)}",
                "--phases=coverage,fuzzing",
                f"--max-time={seconds}",
                f"--seed={seed}",
                "--continue-on-failure",
                # Two threads at once trip over the recursion bound of Python's own compiler.
                "--workers=1",
                "--warnings=off",
            ]
            outcome = subprocess.run(words, cwd=folder, env=environment, check=False)
            return judge(outcome.returncode, counts, server, log)
        finally:
            server.kill()
            server.wait()


def judge(code, counts, server, log):
    if server.poll() is not None:
        print("the server has ended")
        return 1
    text = log.read_text(encoding="utf-8", errors="replace")
    if "panicked" in text:
        print("the server panicked:\n", text[text.index("panicked") - 200 :][:2000])
        return 1
    by_method = json.loads(counts.read_text(encoding="utf-8"))
    done = {path for path, seen in by_method.items() if "200" in seen}
    calls = sum(sum(seen.values()) for seen in by_method.values())
    print(f"{calls} calls, {len(done)} of {len(by_method)} methods answered 200 at least once")
    print("never:", ", ".join(sorted(path.rsplit("/", 1)[1] for path in set(by_method) - done)))
    if code == 0 and len(done) < SUCCEEDED_MIN:
        print(f"fewer than {SUCCEEDED_MIN} methods were reached behind their first checks")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
