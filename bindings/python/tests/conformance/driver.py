"""Drives the Python client for the conformance kit: commands come as JSON lines on standard input, answers
and what an application would see go as JSON lines to standard output (`tests/conformance/driver.schema.json`)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lines import failure, file_line, item_line, room_line, state_line

import parlour

CAN = [
    "quic",
    "websocket",
    "any",
    "kept",
    "focused",
    "threads",
    "files",
    "search",
    "typing",
    "notify",
    "presence",
    "network_changed",
    "reconnect",
]
BYTES_MAX = 256 * 1024 * 1024

Line = dict[str, Any]


def say(line: Line) -> None:
    """A line of standard output, whole at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Shown:
    """A timeline that is open, and told whole after it has changed."""

    def __init__(self, room: str, root: int, timeline: parlour.Timeline) -> None:
        self.room, self.root, self.timeline = room, root, timeline
        self.task = asyncio.create_task(self.follow())

    async def follow(self) -> None:
        self.tell()
        async for _ in self.timeline:
            # Changes that come together are one for whoever looks at the list.
            await self.timeline.settle()
            self.tell()

    def tell(self) -> None:
        items = [item_line(one) for one in self.timeline.items]
        say({"report": "timeline", "room": self.room, "root": self.root, "items": items})

    async def shut(self) -> None:
        self.task.cancel()
        await self.timeline.aclose()


class Driver:
    """The client under test, and what is kept for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.caches = 0
        self.client: parlour.Client | None = None
        self.shown: dict[tuple[str, int], Shown] = {}
        self.uploaded: dict[str, parlour.Attachment] = {}
        self.wanted: dict[int, asyncio.Future[str | None]] = {}
        self.asked = 0
        self.background: set[asyncio.Task[None]] = set()
        # Nobody answers there: for a client that shall come over WebSocket.
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind(("127.0.0.1", 0))

    # Tokens: whoever plays the script has them.

    async def token(self, fresh: bool) -> str | None:
        self.asked += 1
        number = self.asked
        self.wanted[number] = asyncio.get_running_loop().create_future()
        say({"report": "token", "number": number, "fresh": fresh})
        return await self.wanted[number]

    def give(self, said: Line) -> None:
        wanted = self.wanted.pop(said["to"], None)
        if wanted is not None and not wanted.done():
            wanted.set_result(said.get("token"))

    # Beginning and end.

    async def connect(self, command: Line) -> Line:
        carrier = command["carrier"]
        host, port = self.silent.getsockname()
        socket_url = command["url"].replace("http", "ws", 1) + "/parlour/v1/ws"
        self.client = await parlour.connect(
            f"{host}:{port}" if carrier == "websocket" else command["quic"],
            token=self.token,
            certificate=command["certificate"],
            websocket=None if carrier == "quic" else socket_url,
            cache=self.cache(command.get("cache") == "kept"),
            focused=command.get("focus") == "focused",
            agent="conformance",
            wait=False,
        )
        for watching in (self.states, self.synced, self.rooms):
            self.begin(watching(self.client))
        return {}

    def cache(self, kept: bool) -> Path:
        if not kept or self.caches == 0:
            self.caches += 1
        return self.folder / f"cache-{self.caches}"

    async def close(self, command: Line) -> Line:
        for shown in self.shown.values():
            await shown.shut()
        self.shown.clear()
        client, self.client = self.client, None
        if client is not None:
            await client.disconnect()
        return {}

    def begin(self, work: Awaitable[None]) -> None:
        async def until_the_client_ends() -> None:
            with contextlib.suppress(parlour.errors.Closed):
                await work

        task = asyncio.create_task(until_the_client_ends())
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    # What an application looks at.

    async def states(self, client: parlour.Client) -> None:
        async for state in client.states():
            say(state_line(state))

    async def synced(self, client: parlour.Client) -> None:
        await client.synced()
        say({"report": "synced"})

    async def rooms(self, client: parlour.Client) -> None:
        rooms = await client.rooms()
        say({"report": "rooms", "rooms": [room_line(one) for one in rooms.items]})
        async for _ in rooms:
            await rooms.settle()
            say({"report": "rooms", "rooms": [room_line(one) for one in rooms.items]})

    async def news(self, stream: parlour.EventStream[parlour.Notification]) -> None:
        async for one in stream:
            say({"report": "news", "room": one.room.id, "seq": one.seq})

    async def notify(self, command: Line) -> Line:
        self.begin(self.news(await self.of().notifications()))
        return {}

    async def open(self, command: Line) -> Line:
        room, root = self.room(command), command.get("root", 0)
        timeline = await (room.thread(root).timeline() if root else room.timeline())
        await self.shut(command)
        self.shown[(room.id, root)] = Shown(room.id, root, timeline)
        return {}

    async def shut(self, command: Line) -> Line:
        shown = self.shown.pop((command["room"], command.get("root", 0)), None)
        if shown is not None:
            await shown.shut()
        return {}

    async def older(self, command: Line) -> Line:
        shown = self.shown[(command["room"], command.get("root", 0))]
        return {"more": await shown.timeline.load_older(command["limit"])}

    async def search(self, command: Line) -> Line:
        hits = [hit async for hit in self.of().search(command["text"])]
        return {"hits": [item_line(hit.message) for hit in hits]}

    # What an application does.

    async def send(self, command: Line) -> Line:
        sent = await self.room(command).send(
            command["text"],
            attachments=[self.uploaded[file["hash"]] for file in command.get("files", [])],
            mentions=command.get("mentions", []),
            mentions_everyone=command.get("everyone", False),
            reply_to=command.get("reply_to"),
            thread_root=command.get("root"),
        )
        return {"seq": sent.seq}

    async def edit(self, command: Line) -> Line:
        return {"seq": (await self.room(command).edit(command["seq"], command["text"])).seq}

    async def delete(self, command: Line) -> Line:
        return {"seq": (await self.room(command).delete(command["seq"])).seq}

    async def react(self, command: Line) -> Line:
        room = self.room(command)
        await (room.unreact if command.get("off") else room.react)(command["seq"], command["emoji"])
        return {}

    async def pin(self, command: Line) -> Line:
        room = self.room(command)
        await (room.unpin if command.get("off") else room.pin)(command["seq"])
        return {}

    async def read(self, command: Line) -> Line:
        await self.room(command).mark_read(command["seq"])
        return {}

    async def unread(self, command: Line) -> Line:
        await self.room(command).mark_unread(command["seq"])
        return {}

    async def typing(self, command: Line) -> Line:
        self.room(command).typing(command["active"])
        return {}

    async def presence(self, command: Line) -> Line:
        presence = self.of().presence
        does = {"active": presence.set_active, "idle": presence.set_idle}
        does |= {"background": presence.set_background, "invisible": presence.set_invisible}
        await does[command["activity"]]()
        return {}

    async def retry(self, command: Line) -> Line:
        await self.unsent(command["ref"]).retry()
        return {}

    async def discard(self, command: Line) -> Line:
        await self.unsent(command["ref"]).discard()
        return {}

    def unsent(self, ref: str) -> parlour.Message:
        messages = [one for shown in self.shown.values() for one in shown.timeline.messages]
        return next(one for one in messages if (one.pending_ref or one.client_ref) == ref)

    async def open_direct(self, command: Line) -> Line:
        return {"room": (await self.of().open_direct(command["subject"])).id}

    async def create_group(self, command: Line) -> Line:
        room = await self.of().create_group(command["name"], *command.get("subjects", []))
        return {"room": room.id}

    async def upload(self, command: Line) -> Line:
        content = base64.b64decode(command["bytes"])
        file = await self.of().upload(
            content, name=command["name"], media_type=command.get("media_type")
        )
        line = file_line(file)
        self.uploaded[line["hash"]] = file
        return {"file": line}

    async def download(self, command: Line) -> Line:
        shown = (one for one in self.shown.values() if one.room == command["room"])
        messages = [one for timeline in shown for one in timeline.timeline.messages]
        message = next(one for one in messages if one.seq == command["seq"])
        hashes = [file_line(file)["hash"] for file in message.attachments]
        content = await message.read(hashes.index(command["hash"]), bytes_max=BYTES_MAX)
        return {"bytes": base64.b64encode(content).decode()}

    async def network_changed(self, command: Line) -> Line:
        self.of().network_changed()
        return {}

    async def reconnect(self, command: Line) -> Line:
        self.of().reconnect()
        return {}

    def of(self) -> parlour.Client:
        if self.client is None:
            raise parlour.errors.Closed("closed")
        return self.client

    def room(self, command: Line) -> parlour.Room:
        return self.of().room(command["room"])


class Commands:
    """Commands that are under way, each answered once."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.running: dict[int, asyncio.Task[None]] = {}

    def take(self, said: Line) -> None:
        if "to" in said:
            self.driver.give(said)
        elif said["do"] == "cancel":
            self.cancel(said)
        else:
            does: Callable[[Line], Awaitable[Line]] = getattr(self.driver, said["do"])
            self.running[said["id"]] = asyncio.create_task(self.answer(said["id"], does(said)))

    async def answer(self, number: int, doing: Awaitable[Line]) -> None:
        try:
            say({"id": number, "ok": await doing})
        except asyncio.CancelledError:
            say({"id": number, "error": {"kind": "cancelled"}})
        except (parlour.ParlourError, LookupError, StopIteration) as error:
            say({"id": number, "error": failure(error)})
        finally:
            self.running.pop(number, None)

    def cancel(self, said: Line) -> None:
        task = self.running.get(said["command"])
        if task is not None:
            task.cancel()
        say({"id": said["id"], "ok": {}})


async def main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**30)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    say({"report": "driver", "name": "Python", "can": CAN})
    with tempfile.TemporaryDirectory(prefix="parlour-driver-") as folder:
        commands = Commands(Driver(Path(folder)))
        while line := await lines.readline():
            commands.take(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
