"""A program may end at any moment, with events in flight, and doesn't abort. PARLOUR_RUNS says how
often each form is tried: 50 in the long form."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import People

RUNS = int(os.environ.get("PARLOUR_RUNS", "3"))

# Both hear what both write as fast as they can. What is left open at the end is left open on purpose.
TALK = """
import asyncio, contextlib, logging, sys, threading
import parlour

address, certificate, ada_token, bob_token = sys.argv[1:]
kept = []

# What it says is taken until the end, too, in a thread of its own.
logging.basicConfig(handlers=[logging.NullHandler()])
parlour.forward_logs(level=logging.DEBUG)

async def talk(begun):
    ada = await parlour.connect(address, certificate=certificate, token=ada_token)
    bob = await parlour.connect(address, certificate=certificate, token=bob_token)
    room = await ada.open_direct("bob")
    heard = await bob.room(room.id).timeline()
    kept.extend([ada, bob, heard])

    async def listen():
        async for change in heard:
            begun()

    async def write():
        while True:
            await room.queue("again")

    await asyncio.gather(listen(), write())
"""

AT_THE_END_OF_ITS_LOOP = """
async def main():
    begun = asyncio.Event()
    talking = asyncio.create_task(talk(begun.set))
    await begun.wait()

asyncio.run(main())
"""

WITH_A_LOOP_THAT_STILL_RUNS = """
begun = threading.Event()

def in_background():
    # It hears that the clients are gone, or is cancelled.
    with contextlib.suppress(parlour.errors.Closed, asyncio.CancelledError):
        asyncio.run(talk(begun.set))

threading.Thread(target=in_background, daemon=True).start()
begun.wait()
"""

BY_AN_ERROR = """
async def main():
    begun = asyncio.Event()
    talking = asyncio.create_task(talk(begun.set))
    await begun.wait()
    sys.exit(7)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("ending", "code"),
    [(AT_THE_END_OF_ITS_LOOP, 0), (WITH_A_LOOP_THAT_STILL_RUNS, 0), (BY_AN_ERROR, 7)],
    ids=["loop-ended", "loop-running", "error"],
)
def test_a_program_ends_with_events_in_flight_and_without_abort(
    people: People, ending: str, code: int
) -> None:
    tokens = [people.server.token(who, people.organization) for who in ("ada", "bob")]
    words = [people.server.address, people.server.certificate, *tokens]
    for _ in range(RUNS):
        ended = subprocess.run(
            [sys.executable, "-c", TALK + ending, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == code, ended.stderr
        assert ended.stderr == ""
