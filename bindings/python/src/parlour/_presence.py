"""Who is there, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ._ffi import parlour_ffi as ffi
from ._lists import ObservableList, Opening
from ._records import moment
from .errors import call


class Availability(Enum):
    """Whether somebody is there."""

    UNKNOWN = "unknown"
    OFFLINE = "offline"
    ONLINE = "online"
    IDLE = "idle"
    DO_NOT_DISTURB = "do_not_disturb"


@dataclass(frozen=True)
class Status:
    """What a user says of themselves."""

    #: At most 100 bytes.
    text: str
    #: An emoji or ``:name:``; empty for none.
    emoji: str = ""
    #: When it is over.
    expires_at: datetime | None = None

    @classmethod
    def _of(cls, raw: ffi.Status) -> Status:
        ms = raw.expires_at_ms
        return cls(raw.text, raw.emoji, None if ms is None else moment(ms))


@dataclass(frozen=True)
class UserPresence:
    """What others see of somebody's presence."""

    user: str
    availability: Availability
    status: Status | None
    #: Of somebody who isn't there: about when they were.
    last_seen: datetime | None

    @classmethod
    def _of(cls, raw: ffi.UserPresence) -> UserPresence:
        seen = raw.last_seen_ms
        return cls(
            raw.user,
            Availability[raw.availability.name],
            None if raw.status is None else Status._of(raw.status),
            None if seen is None else moment(seen),
        )


class PresenceList(ObservableList[UserPresence]):
    """Users who are watched, in the order they were named, and the changes of that list."""

    def __init__(self, handle: ffi.PresenceList) -> None:
        super().__init__(handle, ffi.PresenceDiff, UserPresence._of)

    def of(self, user: str) -> UserPresence | None:
        """The presence of one of them."""
        return next((one for one in self.items if one.user == user), None)


class Presence:
    """What this device says of the user, whom they watch, and what they have set. Until the device
    says something it doesn't count: programs aren't shown as somebody who is there."""

    def __init__(self, handle: ffi.Presence) -> None:
        self._handle = handle

    async def set_active(self) -> None:
        """The user does something with the app. To be called at every touch."""
        await call(self._handle.set_activity(ffi.Activity.ACTIVE))

    async def set_idle(self) -> None:
        """The app is shown, and the user does nothing with it."""
        await call(self._handle.set_activity(ffi.Activity.IDLE))

    async def set_background(self) -> None:
        """The app isn't shown any more. Lists of presence rest until it is."""
        await call(self._handle.set_activity(ffi.Activity.BACKGROUND))

    async def set_invisible(self) -> None:
        """The user doesn't want to be counted here, but hears of others."""
        await call(self._handle.set_activity(ffi.Activity.INVISIBLE))

    async def set_status(self, text: str, *, emoji: str = "", until: datetime | None = None) -> None:
        """Says something of the user, in place of what was said before."""
        await call(self._handle.set_status(ffi.Status(text=text, emoji=emoji, expires_at_ms=_ms(until))))

    async def clear_status(self) -> None:
        """Says nothing of the user any more."""
        await self.set_status("")

    async def set_do_not_disturb(self, until: datetime | None) -> None:
        """The user doesn't want to be disturbed until then; none for no longer."""
        await call(self._handle.set_do_not_disturb(_ms(until)))

    def watch(self, users: Iterable[str]) -> Opening[PresenceList]:
        """Watches users, by id, until the list is closed: to be awaited, or used with ``async with``."""
        ids = list(users)

        async def open_it() -> PresenceList:
            return PresenceList(await call(self._handle.watch(ids)))

        return Opening(open_it)


def _ms(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)
