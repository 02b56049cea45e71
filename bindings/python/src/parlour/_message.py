"""Messages, with what can be done about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Union

from ._ffi import parlour_ffi as ffi
from ._records import (
    Attachment,
    LinkPreview,
    Notice,
    Reaction,
    Sent,
    ThreadSummary,
    milliseconds,
    moment,
)
from .errors import NotSent, Refused, call

if TYPE_CHECKING:
    from ._room import Room, Thread

#: What :meth:`Message.read` takes into memory unless told otherwise.
BYTES_MAX = 16 * 1024 * 1024


class Message:
    """A message as it was when its timeline showed it; a later state comes as another one."""

    __slots__ = ("_handle", "_info")

    def __init__(self, handle: ffi.Message, info: ffi.MessageInfo) -> None:
        self._handle = handle
        self._info = info

    def __repr__(self) -> str:
        # The text is the user's: never in a log.
        return f"<Message {self.seq} of {len(self.text)} characters, {self.delivery}>"

    # What it is.

    @property
    def room_id(self) -> str:
        """The id of its room."""
        return self._info.room

    @property
    def seq(self) -> int | None:
        """Its number in the room's log; none while it waits in the outbox."""
        return self._info.seq

    @property
    def sender(self) -> str | None:
        """The id of who wrote it."""
        return self._info.sender

    @property
    def at(self) -> datetime:
        """When the server took it, or when it was written if that hasn't happened."""
        return moment(self._info.at_ms)

    @property
    def expires_at(self) -> datetime | None:
        """When it is deleted by itself."""
        ms = self._info.expires_at_ms
        return None if ms is None else moment(ms)

    @property
    def text(self) -> str:
        """The text of the newest edit; empty when it is deleted."""
        return self._info.text

    @property
    def attachments(self) -> list[Attachment]:
        """What it carries."""
        return [Attachment._of(raw) for raw in self._info.attachments]

    @property
    def is_edited(self) -> bool:
        """Whether the text is another than at first."""
        return self._info.is_edited

    @property
    def is_deleted(self) -> bool:
        """Whether it is deleted."""
        return self._info.is_deleted

    @property
    def is_pinned(self) -> bool:
        """Whether it is pinned."""
        return self._info.is_pinned

    @property
    def mentions(self) -> list[str]:
        """Ids of the users it mentions."""
        return list(self._info.mentions)

    @property
    def mentions_everyone(self) -> bool:
        """Whether it mentions everyone in the room."""
        return self._info.mentions_everyone

    @property
    def reply_to(self) -> int | None:
        """The message it replies to, by its number in the log."""
        return self._info.reply_to

    @property
    def thread_root(self) -> int | None:
        """The message whose thread it belongs to."""
        return self._info.thread_root

    @property
    def thread(self) -> ThreadSummary | None:
        """What stands under it, where anything does."""
        raw = self._info.thread
        return None if raw is None else ThreadSummary._of(raw)

    @property
    def reactions(self) -> list[Reaction]:
        """What people put to it."""
        return [Reaction(raw.emoji, tuple(raw.users)) for raw in self._info.reactions]

    @property
    def link_previews(self) -> list[LinkPreview]:
        """What the pages say of themselves that its links lead to; not to be believed."""
        previews = self._info.link_previews
        return [LinkPreview(p.url, p.title, p.description, p.site_name) for p in previews]

    @property
    def client_ref(self) -> str | None:
        """The sender's own id for it."""
        return self._info.client_ref

    @property
    def pending_ref(self) -> str | None:
        """The client's own id of a change of it that is pending."""
        return self._info.pending_ref

    @property
    def delivery(self) -> str:
        """How far it, or a pending change of it, got: ``sent``, ``queued``, ``sending`` or ``failed``."""
        kinds = ffi.Delivery
        names = {kinds.SENT: "sent", kinds.QUEUED: "queued", kinds.SENDING: "sending"}
        return names.get(type(self._info.delivery), "failed")

    @property
    def refusal(self) -> Refused | None:
        """Of one that failed: what the server refused, if it did."""
        raw: Any = getattr(self._info.delivery, "refusal", None)
        return None if raw is None else Refused(raw)

    # What can be done about it.

    async def edit(self, text: str) -> Sent | None:
        """Gives the user's own message another text. One that was never sent is changed in the
        outbox, which answers with nothing."""
        sent = await call(self._handle.edit(text))
        return None if sent is None else Sent._of(sent)

    async def delete(self) -> None:
        """Deletes it. One that waits in the outbox is taken out of it."""
        await call(self._handle.delete())

    async def reply(self, text: str, *, attachments: Sequence[Attachment] = ()) -> Sent:
        """Replies to it, in its thread if it stands in one."""
        return Sent._of(await call(self._handle.reply(draft(text, attachments=attachments))))

    async def react(self, emoji: str) -> None:
        """Puts an emoji, or ``:name:``, to it."""
        await call(self._handle.react(emoji))

    async def unreact(self, emoji: str) -> None:
        """Takes the user's emoji off it."""
        await call(self._handle.unreact(emoji))

    async def pin(self) -> None:
        """Pins it for everyone in the room."""
        await call(self._handle.pin())

    async def unpin(self) -> None:
        """Takes its pin off, whoever pinned it."""
        await call(self._handle.unpin())

    async def forward(self, to: Room) -> Sent:
        """Sends what it says and carries to another room, under the user's own name."""
        return Sent._of(await call(self._handle.forward(to._handle)))

    async def delete_after(self, wait: float) -> None:
        """Deletes it in so many seconds: for the user it is gone at once, and ``discard`` brings it back
        until then. Others see it as long."""
        await call(self._handle.delete_after(milliseconds(wait)))

    async def retry(self) -> None:
        """Sends it, or a pending change of it, again after it failed."""
        await call(self._handle.retry())

    async def discard(self) -> None:
        """Takes it, or a pending change of it, out of the outbox."""
        await call(self._handle.discard())

    def open_thread(self) -> Thread:
        """The thread it stands in, or the one under it."""
        from ._room import Thread

        handle = self._handle.open_thread()
        if handle is None:
            raise NotSent("the message isn't in the log yet")
        return Thread(handle)

    async def save(self, path: str | os.PathLike[str], attachment: int = 0) -> None:
        """Writes one of its attachments to a file. Cut off, the next one goes on where it was."""
        await call(self._handle.save(attachment, os.fspath(path)))

    async def read(self, attachment: int = 0, *, bytes_max: int = BYTES_MAX) -> bytes:
        """All bytes of one of its attachments, if they are no more than that."""
        return await call(self._handle.read(attachment, bytes_max))


#: One line of a timeline.
Item = Union[Message, Notice]


def item(raw: Any) -> Item:
    """One line of a timeline, of what the library below has."""
    if isinstance(raw, ffi.Item.MESSAGE_ITEM):
        return Message(raw.message, raw.info)
    return Notice._of(raw.notice)


def draft(
    text: str,
    *,
    attachments: Sequence[Attachment] = (),
    mentions: Sequence[str] = (),
    mentions_everyone: bool = False,
    reply_to: int | None = None,
    thread_root: int | None = None,
) -> ffi.Draft:
    """What is to be sent."""
    return ffi.Draft(
        text=text,
        attachments=[attachment._told() for attachment in attachments],
        mentions=list(mentions),
        mentions_everyone=mentions_everyone,
        reply_to=reply_to,
        thread_root=thread_root,
    )
