"""For scripts: the same without ``await``. Each object belongs to the thread that made it.

    import parlour.sync

    with parlour.sync.connect("chat.example:4433", token="...") as client:
        client.open_direct("bob").send("The backup is done.")

The client goes on between the calls; only what is iterated over waits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from . import _client, _message, _room
from ._records import Attachment, RoomInfo, Sent, State, User

T = TypeVar("T")


async def _coroutine(work: Awaitable[T]) -> T:
    return await work


class _Loop:
    """The loop that everything of one client waits in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __call__(self, work: Awaitable[T], within: float | None = None) -> T:
        answer: Coroutine[Any, Any, T] = _coroutine(work)
        return self._loop.run_until_complete(asyncio.wait_for(answer, within))

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


class Message:
    """A message as it was when it was read."""

    def __init__(self, message: _message.Message, loop: _Loop) -> None:
        #: What it is: text, sender, reactions and so on.
        self.info = message
        self._loop = loop

    @property
    def text(self) -> str:
        """Its text."""
        return self.info.text

    @property
    def seq(self) -> int | None:
        """Its number in the room's log."""
        return self.info.seq

    @property
    def sender(self) -> str | None:
        """The id of who wrote it."""
        return self.info.sender

    def reply(self, text: str) -> Sent:
        """Replies to it."""
        return self._loop(self.info.reply(text))

    def react(self, emoji: str) -> None:
        """Puts an emoji to it."""
        self._loop(self.info.react(emoji))

    def edit(self, text: str) -> Sent | None:
        """Gives it another text."""
        return self._loop(self.info.edit(text))

    def delete(self) -> None:
        """Deletes it."""
        self._loop(self.info.delete())

    def save(self, path: str | os.PathLike[str], attachment: int = 0) -> None:
        """Writes one of its attachments to a file."""
        self._loop(self.info.save(path, attachment))


class Room:
    """A room."""

    def __init__(self, room: _room.Room, loop: _Loop) -> None:
        self._room = room
        self._loop = loop

    @property
    def id(self) -> str:
        """Its id."""
        return self._room.id

    def info(self) -> RoomInfo | None:
        """The room on one line."""
        return self._loop(self._room.info())

    def send(
        self,
        text: str = "",
        *,
        attachments: Sequence[Attachment] = (),
        mentions: Sequence[str] = (),
        reply_to: int | None = None,
    ) -> Sent:
        """Sends a message and waits until the server has it on its disk."""
        sending = self._room.send(
            text, attachments=attachments, mentions=mentions, reply_to=reply_to
        )
        return self._loop(sending)

    def history(self, count: int = 50) -> list[Message]:
        """The last messages, oldest first, at most so many: those that have come to this client by now."""
        return [Message(message, self._loop) for message in self._loop(self._history(count))]

    async def _history(self, count: int) -> list[_message.Message]:
        async with self._room.timeline() as timeline:
            more = True
            while more and len(timeline.messages) < count:
                more = await timeline.load_older(count)
                await timeline.settle()
            return timeline.messages[-count:]

    def arrivals(self, within: float | None = None) -> Iterator[Message]:
        """Messages as they arrive; ends when none has come for so many seconds."""
        timeline = self._loop(self._room.timeline())
        arrivals = timeline.arrivals()
        try:
            while True:
                yield Message(self._loop(anext(arrivals), within), self._loop)
        except (StopAsyncIteration, asyncio.TimeoutError):
            return
        finally:
            self._loop(timeline.aclose())

    def mark_read(self, seq: int) -> None:
        """Everything up to ``seq`` is read."""
        self._loop(self._room.mark_read(seq))

    def members(self) -> list[User]:
        """Everyone in the room."""
        return self._loop(self._room.members())


class Client:
    """One user on one device; see :func:`connect`."""

    def __init__(self, client: _client.Client, loop: _Loop) -> None:
        self._client = client
        self._loop = loop

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disconnect()

    @property
    def me(self) -> str | None:
        """The user's id."""
        return self._client.me

    @property
    def state(self) -> State:
        """Where the client stands now."""
        return self._client.state

    def disconnect(self) -> None:
        """Ends the client."""
        self._loop(self._client.disconnect())
        self._loop.close()

    def room(self, id: str) -> Room:
        """A room by its id."""
        return Room(self._client.room(id), self._loop)

    def rooms(self) -> list[RoomInfo]:
        """The rooms, the one with the newest event first."""

        async def read() -> list[RoomInfo]:
            await self._client.synced()
            async with self._client.rooms() as rooms:
                return list(rooms.items)

        return self._loop(read())

    def open_direct(self, with_: str) -> Room:
        """The direct room with somebody, by id or subject."""
        return Room(self._loop(self._client.open_direct(with_)), self._loop)

    def create_group(self, name: str, *members: str) -> Room:
        """A new group with these members and the user."""
        return Room(self._loop(self._client.create_group(name, *members)), self._loop)

    def user(self, subject: str) -> User | None:
        """A user by the subject of their tokens."""
        return self._loop(self._client.user(subject))

    def search(self, typed: str, *, limit: int = 50) -> list[Message]:
        """The newest messages that are as searched for, at most so many."""

        async def read() -> list[Message]:
            found = []
            async for hit in self._client.search(typed):
                found.append(Message(hit.message, self._loop))
                if len(found) == limit:
                    break
            return found

        return self._loop(read())

    def upload(
        self, source: str | os.PathLike[str] | bytes, *, name: str | None = None
    ) -> Attachment:
        """Uploads a file by its path, or bytes, to be sent with a message."""
        return self._loop(self._client.upload(source, name=name))


def connect(address: str, **options: Any) -> Client:
    """A client, connected; the options are those of :func:`parlour.connect`."""
    loop = _Loop()
    return Client(loop(_client.connect(address, **options)), loop)
