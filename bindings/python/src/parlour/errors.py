"""What can go wrong. Branch on the class, then on ``Refused.reason``; never on a text."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from ._ffi import parlour_ffi as ffi

T = TypeVar("T")


class ParlourError(Exception):
    """Anything that goes wrong here."""

    #: Whether the same call may succeed later.
    retryable: bool = False


class ConnectError(ParlourError):
    """A client couldn't be started or connected."""


class InvalidOption(ConnectError, ValueError):
    """An address, a certificate or a cache that is of no use."""


class Unreachable(ConnectError):
    """No connection could be made in time."""

    retryable = True


class Untrusted(ConnectError):
    """Somebody answered whose certificate isn't believed."""


class Unauthorized(ConnectError):
    """The server refused the token."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        #: The close code.
        self.code = code


class Knocking(ConnectError):
    """Somebody has to let the user in first: connect again later, with the same cache."""

    retryable = True


class Stopped(ConnectError):
    """The client won't connect by itself again."""


@dataclass(frozen=True)
class Violation:
    """One wrong field of a call."""

    field: str
    problem: str


class Refused(ParlourError):
    """The server refused it."""

    def __init__(self, refusal: ffi.Refusal) -> None:
        super().__init__(refusal.reason or f"reason {refusal.reason_number}")
        #: The reason, such as ``USER_NOT_FOUND``; empty for one this version doesn't know.
        self.reason: str = refusal.reason
        #: Its number in the registry.
        self.reason_number: int = refusal.reason_number
        #: Its class, such as ``NOT_FOUND``.
        self.class_name: str = refusal.class_name
        #: For logs, in English.
        self.explanation: str = refusal.explanation
        self.violations = [Violation(one.field, one.problem) for one in refusal.violations]
        #: Whether, and after what, the same call may succeed: ``NEVER``, ``SAME``, ``AFTER_DELAY``,
        #: ``RECONNECT``, ``AFTER_REAUTH`` or ``AFTER_RESYNC``.
        self.retry: str = refusal.retry.name
        self.retryable = refusal.retry in (ffi.Retry.SAME, ffi.Retry.AFTER_DELAY)
        #: Seconds to wait before the same call may succeed.
        self.retry_after: float = refusal.retry_after_ms / 1000


class Closed(ParlourError):
    """The client is gone. What was queued is kept in its cache."""


class Offline(ParlourError):
    """It isn't in the cache, and there is no connection."""

    retryable = True


class Interrupted(ParlourError):
    """It was cut off."""

    retryable = True


class InvalidMessage(ParlourError, ValueError):
    """A text that is empty or too long, or too much of something."""


class InvalidId(ParlourError, ValueError):
    """What was given as an id isn't one."""


class NotSent(ParlourError):
    """The message isn't in its room's log yet, so that it can't be changed there."""


class Discarded(ParlourError):
    """It was taken out of the outbox."""


class RoomLost(ParlourError):
    """The user is no longer in the room."""


class OutboxFull(ParlourError):
    """The outbox holds as much as it may."""

    retryable = True


class NotDurable(ParlourError):
    """It couldn't be written down; it is sent all the same while the client runs."""


class FileFailed(ParlourError):
    """A file can't be read or written, is empty, too large, damaged, or not there."""


class InvalidSearch(ParlourError, ValueError):
    """What was typed can't be searched for, or names somebody or a room that isn't there."""


class TooMany(ParlourError):
    """More calls wait, or more users are watched, than the client holds."""


class Bug(ParlourError):
    """A bug in the client, or an answer that the protocol doesn't have."""


_PLAIN: dict[str, type[ParlourError]] = {
    "Address": InvalidOption,
    "WebSocketUrl": InvalidOption,
    "NoToken": InvalidOption,
    "Trust": InvalidOption,
    "Cache": InvalidOption,
    "Login": InvalidOption,
    "Unreachable": Unreachable,
    "Untrusted": Untrusted,
    "Knocking": Knocking,
    "Stopped": Stopped,
    "Closed": Closed,
    "Offline": Offline,
    "Interrupted": Interrupted,
    "Text": InvalidMessage,
    "Attachments": InvalidMessage,
    "Mentions": InvalidMessage,
    "Event": InvalidMessage,
    "Full": OutboxFull,
    "NotSent": NotSent,
    "NotDurable": NotDurable,
    "Discarded": Discarded,
    "RoomLost": RoomLost,
    "NotAnId": InvalidId,
    "File": FileFailed,
    "Empty": FileFailed,
    "Damaged": FileFailed,
    "NotThere": FileFailed,
    "Typed": InvalidSearch,
    "NoSuchUser": InvalidSearch,
    "NoSuchRoom": InvalidSearch,
    "TooMany": TooMany,
    "TooManyCalls": TooMany,
    "TooLarge": TooMany,
}

#: What the library below raises.
RAW: tuple[type[Exception], ...] = (
    ffi.ConnectError,
    ffi.CallError,
    ffi.QueueError,
    ffi.HistoryError,
    ffi.SearchError,
    ffi.TransferError,
    ffi.WatchError,
    ffi.InternalError,
)


def translated(error: Exception) -> ParlourError:
    """The error as this package raises it."""
    raw: Any = error
    variant = type(error).__qualname__.rsplit(".", 1)[-1]
    if variant == "Call":
        return translated(raw.error)
    if variant == "Unauthorized":
        return Unauthorized(f"the token is refused, close code {raw.code:#x}", raw.code)
    if (refusal := getattr(error, "refusal", None)) is not None:
        return Refused(refusal)
    detail = getattr(error, "detail", None) or getattr(error, "name", None)
    return _PLAIN.get(variant, Bug)(detail or variant)


async def call(answer: Awaitable[T]) -> T:
    """Awaits it, with errors of this package."""
    try:
        return await answer
    except RAW as error:
        raise translated(error) from None
