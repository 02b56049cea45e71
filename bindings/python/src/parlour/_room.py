"""Rooms, their timelines and threads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ._ffi import parlour_ffi as ffi
from ._lists import Insert, ObservableList, Opening, Reset, Update
from ._message import Item, Message, draft, item
from ._records import Attachment, RoomInfo, Sent, ThreadSummary, User, milliseconds
from .errors import call


class Timeline(ObservableList[Item]):
    """The messages of a room, or of a thread with its root, oldest first: :attr:`items`, and an
    asynchronous iterator over the changes. What the user has sent stands at the end until the log
    has it."""

    def __init__(self, handle: ffi.Timeline) -> None:
        self._handle = handle
        self._last: int | None = handle.opened_at()
        self._fresh: list[Message] = []
        super().__init__(handle, ffi.TimelineDiff, item)

    @property
    def messages(self) -> list[Message]:
        """Those of the items that are messages."""
        return [one for one in self.items if isinstance(one, Message)]

    async def load_older(self, limit: int = 50) -> bool:
        """Adds a page before the first item; its items come as changes. ``False`` when nothing comes
        before."""
        return await call(self._handle.load_older(limit))

    async def arrivals(self) -> AsyncIterator[Message]:
        """Messages as they arrive at the end, each once it is in the log: neither changes of older
        ones nor what is loaded from before. Where the client knew nothing of the room when it was opened,
        what is read first is its history."""
        # One that wasn't taken by whoever asked before.
        while self._fresh:
            yield self._fresh.pop(0)
        async for change in self:
            if isinstance(change, (Insert, Update)):
                added = [change.item]
            else:
                added = change.items if isinstance(change, Reset) else []
            self._fresh += self._arrived(added)
            while self._fresh:
                yield self._fresh.pop(0)

    def _arrived(self, added: list[Item]) -> list[Message]:
        """Those of the items that stand behind everything that was known before."""
        seqs = [one.seq or 0 for one in added]
        if self._last is None:
            # Nothing was known of the room: what comes first is its history.
            self._last = max(seqs, default=0)
            return []
        before, self._last = self._last, max([self._last, *seqs])
        messages = [one for one in added if isinstance(one, Message)]
        return [one for one in messages if (one.seq or 0) > before]


class Thread:
    """The thread under a message, be it an empty one."""

    def __init__(self, handle: ffi.Thread) -> None:
        self._handle = handle

    @property
    def room_id(self) -> str:
        """The id of its room."""
        return self._handle.room()

    @property
    def root_seq(self) -> int:
        """The message it stands under, by its number in the log."""
        return self._handle.root_seq()

    async def send(self, text: str, *, attachments: Sequence[Attachment] = ()) -> Sent:
        """Replies, and waits until the server has it on its disk."""
        return Sent._of(await call(self._handle.send(draft(text, attachments=attachments))))

    def timeline(self) -> Opening[Timeline]:
        """The root and the replies: to be awaited, or used with ``async with``."""

        async def open_it() -> Timeline:
            return Timeline(await call(self._handle.timeline()))

        return Opening(open_it)

    async def follow(self) -> None:
        """Follows it from now on. Whoever replies or is mentioned follows by that."""
        await call(self._handle.follow())

    async def unfollow(self) -> None:
        """Follows it no longer."""
        await call(self._handle.unfollow())

    async def mark_read(self, seq: int) -> None:
        """Everything up to the reply at ``seq`` is read. Never moves the marker back."""
        await call(self._handle.mark_read(seq))


@dataclass(frozen=True)
class FollowedThread:
    """A thread that the user follows, as it was when it was asked for."""

    thread: Thread
    summary: ThreadSummary
    #: Who replied last, the last one first.
    repliers: tuple[str, ...]
    unread: int
    mentions: int

    @classmethod
    def _of(cls, raw: ffi.FollowedThread) -> FollowedThread:
        summary = ThreadSummary._of(raw.summary)
        return cls(Thread(raw.thread), summary, tuple(raw.repliers), raw.unread, raw.mentions)


class Room:
    """A room."""

    def __init__(self, handle: ffi.Room) -> None:
        self._handle = handle

    def __repr__(self) -> str:
        return f"<Room {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Room) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        """Its id."""
        return self._handle.id()

    async def info(self) -> RoomInfo | None:
        """The room on one line; none when the user isn't in it, or it isn't known yet."""
        raw = await call(self._handle.info())
        return None if raw is None else RoomInfo._of(raw)

    # Sending.

    async def send(
        self,
        text: str = "",
        *,
        attachments: Sequence[Attachment] = (),
        mentions: Sequence[str] = (),
        mentions_everyone: bool = False,
        reply_to: int | None = None,
        thread_root: int | None = None,
    ) -> Sent:
        """Sends a message, in a thread with ``thread_root``, and waits until the server has it on its disk.
        It is written down first: cancelling doesn't take it back."""
        whole = draft(
            text,
            attachments=attachments,
            mentions=mentions,
            mentions_everyone=mentions_everyone,
            reply_to=reply_to,
            thread_root=thread_root,
        )
        return Sent._of(await call(self._handle.send(whole)))

    async def queue(
        self, text: str, *, attachments: Sequence[Attachment] = (), wait: float = 0
    ) -> str:
        """Writes a message down and returns its own id, the ``client_ref`` it has in timelines; it is
        sent when its turn comes. With ``wait`` it is kept back for so many seconds, during which
        ``discard`` of its message takes it back; what is sent meanwhile doesn't wait for it."""
        said = draft(text, attachments=attachments)
        return await call(self._handle.queue_after(said, milliseconds(wait)))

    async def edit(self, seq: int, text: str) -> Sent:
        """Gives the user's own message at ``seq`` another text."""
        return Sent._of(await call(self._handle.edit(seq, text)))

    async def delete(self, seq: int) -> Sent:
        """Deletes the message at ``seq``."""
        return Sent._of(await call(self._handle.delete(seq)))

    async def react(self, seq: int, emoji: str) -> None:
        """Puts an emoji, or ``:name:``, to the message at ``seq``."""
        await call(self._handle.react(seq, emoji))

    async def unreact(self, seq: int, emoji: str) -> None:
        """Takes the user's emoji off the message at ``seq``."""
        await call(self._handle.unreact(seq, emoji))

    async def pin(self, seq: int) -> None:
        """Pins the message at ``seq`` for everyone in the room."""
        await call(self._handle.pin(seq))

    async def unpin(self, seq: int) -> None:
        """Takes the pin off the message at ``seq``, whoever pinned it."""
        await call(self._handle.unpin(seq))

    def typing(self, active: bool = True) -> None:
        """The user is typing, or has stopped. To be called at every key: what need not be sent isn't."""
        self._handle.typing(active)

    # Reading.

    def timeline(self) -> Opening[Timeline]:
        """The room's messages: to be awaited, or used with ``async with``."""

        async def open_it() -> Timeline:
            return Timeline(await call(self._handle.timeline()))

        return Opening(open_it)

    def thread(self, root_seq: int) -> Thread:
        """The thread under the message at ``root_seq``."""
        return Thread(self._handle.thread(root_seq))

    async def download_history(self) -> None:
        """Writes the room's whole history into the cache. Cancelled, the next one goes on there."""
        await call(self._handle.download_history())

    async def mark_read(self, seq: int) -> None:
        """Everything up to ``seq`` is read. Never moves the marker back."""
        await call(self._handle.mark_read(seq))

    async def mark_unread(self, seq: int) -> None:
        """``seq`` and everything after it is unread."""
        await call(self._handle.mark_unread(seq))

    # Members.

    async def members(self) -> list[User]:
        """Everyone in the room."""
        return [User._of(raw) for raw in await call(self._handle.members())]

    async def add_members(self, *members: str) -> None:
        """Adds members to a group, by id or subject."""
        await call(self._handle.add_members(list(members)))

    async def remove_member(self, user: str) -> None:
        """Removes a member from a group, by id."""
        await call(self._handle.remove_member(user))

    async def leave(self) -> None:
        """Leaves a group."""
        await call(self._handle.leave())

    async def rename(self, name: str) -> None:
        """Gives a group another name."""
        await call(self._handle.rename(name))


class RoomList(ObservableList[RoomInfo]):
    """The user's rooms, the one with the newest event first, and the changes of that list."""

    def __init__(self, handle: ffi.RoomList) -> None:
        super().__init__(handle, ffi.RoomListDiff, RoomInfo._of)
