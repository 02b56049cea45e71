"""What the benchmark `languages` has this client do: python figures.py ADDRESS SHA256 TOKEN WHAT COUNT"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import parlour


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


async def nanoseconds(count: int, call: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter_ns()
    for _ in range(count):
        await call()
    return (time.perf_counter_ns() - begin) / count


async def first_room(client: parlour.Client) -> parlour.Room:
    async with client.rooms() as rooms:
        return client.room((await rooms.until(lambda rooms: len(rooms) > 0))[0].id)


async def calls(client: parlour.Client, count: int) -> None:
    """Each answered by Rust at once, by the client's task, and by the server."""
    room = await first_room(client)
    begin = time.perf_counter_ns()
    for _ in range(count):
        _ = client.state
    plain = (time.perf_counter_ns() - begin) / count
    asked = await nanoseconds(count // 10, room.info)
    sent = await nanoseconds(count // 100, lambda: room.send("x" * 200))
    say(plain=plain, asked=asked, sent=sent)


async def events(client: parlour.Client, seconds: int) -> None:
    """Counts messages, and says how many there were each second."""
    count = 0

    async def tell() -> None:
        for _ in range(seconds):
            await asyncio.sleep(1)
            say(events=count)

    async with client.events() as stream:
        telling = asyncio.create_task(tell())
        say(ready=True)

        async def hear() -> None:
            nonlocal count
            async for _ in stream:
                count += 1

        hearing = asyncio.create_task(hear())
        await telling
        hearing.cancel()


async def main(address: str, certificate: str, token: str, what: str, count: str) -> None:
    def connect() -> parlour.Opening[parlour.Client]:
        return parlour.connect(address, certificate=certificate, token=token)

    if what == "connects":
        # Said ten times, so that memory can be looked at meanwhile.
        for number in range(1, int(count) + 1):
            await (await connect()).disconnect()
            if number % (int(count) // 10) == 0:
                say(connects=number)
        return
    async with connect() as client:
        await (calls if what == "calls" else events)(client, int(count))


asyncio.run(main(*sys.argv[1:]))
