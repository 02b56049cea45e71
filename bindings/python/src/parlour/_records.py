"""Plain values that the package hands out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ._ffi import parlour_ffi as ffi


def moment(ms: int) -> datetime:
    """A time of the protocol."""
    return datetime.fromtimestamp(ms / 1000, timezone.utc)


def milliseconds(seconds: float) -> int:
    """A time to wait as Rust takes it; none that is less than nothing."""
    return max(0, round(seconds * 1000))


@dataclass(frozen=True)
class Sent:
    """Something that is in its room's log."""

    #: Its number there.
    seq: int
    #: When the server took it.
    at: datetime

    @classmethod
    def _of(cls, raw: ffi.Sent) -> Sent:
        return cls(raw.seq, moment(raw.at_ms))


@dataclass(frozen=True)
class User:
    """A person or program."""

    id: str
    #: The token's ``sub``.
    subject: str
    name: str
    is_program: bool
    is_deactivated: bool

    @classmethod
    def _of(cls, raw: ffi.User) -> User:
        return cls(raw.id, raw.subject, raw.name, raw.is_program, raw.is_deactivated)


@dataclass(frozen=True)
class Reaction:
    """An emoji that people put to a message."""

    #: The emoji, or ``:name:``.
    emoji: str
    #: Who put it there.
    users: tuple[str, ...]


@dataclass(frozen=True)
class ThreadSummary:
    """The thread under a message."""

    replies: int
    last_seq: int
    last_at: datetime

    @classmethod
    def _of(cls, raw: ffi.ThreadSummary) -> ThreadSummary:
        return cls(raw.replies, raw.last_seq, moment(raw.last_at_ms))


@dataclass(frozen=True)
class LinkPreview:
    """What a page says of itself that a message leads to. It isn't to be believed."""

    url: str
    title: str
    description: str
    site_name: str


@dataclass(frozen=True)
class Attachment:
    """A file of a message, or one that was uploaded and can be sent."""

    #: The SHA-256 of its bytes.
    hash: bytes
    size: int
    #: What it is called, without a path; empty for what has no name.
    name: str
    media_type: str
    #: In pixels; 0 where there is nothing to see, or nobody knows.
    width: int
    height: int
    #: Seconds of sound or video; 0 where nobody knows.
    duration: float
    has_preview: bool
    #: What it shows, for those who can't see it.
    description: str
    is_voice: bool
    waveform: bytes = b""

    @classmethod
    def _of(cls, raw: ffi.Attachment) -> Attachment:
        return cls(
            hash=raw.hash,
            size=raw.size,
            name=raw.name,
            media_type=raw.media_type,
            width=raw.width,
            height=raw.height,
            duration=raw.duration_ms / 1000,
            has_preview=raw.has_preview,
            description=raw.description,
            is_voice=raw.is_voice,
            waveform=raw.waveform,
        )

    def _told(self) -> ffi.Attachment:
        return ffi.Attachment(
            hash=self.hash,
            size=self.size,
            name=self.name,
            media_type=self.media_type,
            width=self.width,
            height=self.height,
            duration_ms=round(self.duration * 1000),
            waveform=self.waveform,
            has_preview=self.has_preview,
            description=self.description,
            is_voice=self.is_voice,
        )


@dataclass(frozen=True)
class Notice:
    """Something that happened in a room and isn't a message."""

    seq: int
    at: datetime
    sender: str | None
    #: The kind of the event as the protocol names it, such as ``MembersAdded``.
    kind: str
    #: The number of its kind in the protocol.
    kind_number: int

    @classmethod
    def _of(cls, raw: ffi.Notice) -> Notice:
        return cls(raw.seq, moment(raw.at_ms), raw.sender, raw.kind, raw.kind_number)


@dataclass(frozen=True)
class RoomInfo:
    """A room on one line."""

    id: str
    name: str
    is_direct: bool
    is_of_directory: bool
    #: Of a direct room: the other user.
    peer: str | None
    member_count: int
    topic: str
    is_archived: bool
    last_seq: int
    last_at: datetime
    unread: int
    #: Of those, the ones that mention the user or everyone.
    mentions: int
    thread_unread: int
    #: Everything up to here is read.
    read_seq: int
    typing: tuple[str, ...]

    @classmethod
    def _of(cls, raw: ffi.RoomInfo) -> RoomInfo:
        return cls(
            id=raw.id,
            name=raw.name,
            is_direct=raw.is_direct,
            is_of_directory=raw.is_of_directory,
            peer=raw.peer,
            member_count=raw.member_count,
            topic=raw.topic,
            is_archived=raw.is_archived,
            last_seq=raw.last_seq,
            last_at=moment(raw.last_at_ms),
            unread=raw.unread,
            mentions=raw.mentions,
            thread_unread=raw.thread_unread,
            read_seq=raw.read_seq,
            typing=tuple(raw.typing),
        )


@dataclass(frozen=True)
class State:
    """Where a client stands."""

    #: ``connecting``, ``live``, ``offline``, ``stopped`` or ``closed``.
    name: str
    #: While offline: when the next attempt comes.
    retry_at: datetime | None = None
    #: While offline or stopped: the close code that it comes from, where it comes from one.
    code: int | None = None
    #: When stopped: why, for people.
    detail: str = ""

    @property
    def code_name(self) -> str:
        """What the close code is called, such as ``TOKEN_EXPIRED``; empty without one."""
        return "" if self.code is None else ffi.close_code_name(self.code)

    @property
    def is_live(self) -> bool:
        """Whether it is connected."""
        return self.name == "live"

    @classmethod
    def _of(cls, raw: Any) -> State:
        if isinstance(raw, ffi.State.OFFLINE):
            return cls("offline", retry_at=moment(raw.retry_at_ms), code=raw.code)
        if isinstance(raw, ffi.State.STOPPED):
            return cls("stopped", detail=raw.detail, code=raw.code)
        if isinstance(raw, ffi.State.LIVE):
            return cls("live")
        return cls("connecting" if isinstance(raw, ffi.State.CONNECTING) else "closed")
