"""The client: one user on one device."""

from __future__ import annotations

import atexit
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import _waking  # noqa: F401  (before the first call)
from ._ffi import parlour_ffi as ffi
from ._lists import EventStream, Opening
from ._message import Item, Message, item
from ._presence import Presence
from ._records import Attachment, State, User, moment
from ._room import FollowedThread, Room, RoomList
from ._tokens import Serving, TokenProvider
from .errors import call

#: How long a program that ends waits for its clients to take their leave.
_EXIT_WITHIN_MS = 2000

# Rust's threads must be gone before the interpreter is: one that calls back later would abort it.
atexit.register(ffi.shutdown, _EXIT_WITHIN_MS)


@dataclass(frozen=True)
class Event:
    """Something that happened in a room."""

    room: Room
    #: Its number in the room's log.
    seq: int
    #: Who caused it, by id.
    sender: str | None
    #: The number of its kind in the protocol.
    kind: int
    #: The message that it changes, by its number in the log.
    target_seq: int | None
    #: What a timeline shows of it; nothing where it only changes an earlier message.
    item: Item | None


@dataclass(frozen=True)
class Notification:
    """A message that the user wants to be told of."""

    room: Room
    #: Its number in the room's log.
    seq: int
    #: The message whose thread it belongs to.
    thread_root: int | None
    #: Who wrote it, by id.
    sender: str | None
    at: datetime
    text: str


@dataclass(frozen=True)
class Hit:
    """A message that is as searched for."""

    room: Room
    message: Message
    #: Where in its text the words are, as slices.
    highlights: tuple[slice, ...]


class Client:
    """One user on one device; see :func:`connect`."""

    def __init__(self, handle: ffi.Client, serving: Serving | None = None) -> None:
        self._handle = handle
        self._serving = serving

    def __repr__(self) -> str:
        return f"<Client {self.state.name}>"

    # Standing.

    @property
    def state(self) -> State:
        """Where the client stands now."""
        return State._of(self._handle.state())

    def states(self) -> AsyncIterator[State]:
        """Where the client stands, now and whenever that changes. Ends with the client."""
        return aiter(EventStream(self._handle.states(), State._of))

    @property
    def me(self) -> str | None:
        """The user's id; none before the first connection ever."""
        return self._handle.me()

    async def synced(self) -> None:
        """Waits until everything that happened while the client was away is known."""
        await call(self._handle.synced())

    def network_changed(self) -> None:
        """The device has another network."""
        self._handle.network_changed()

    async def entered_background(self) -> None:
        """The app isn't shown any more: the user doesn't count as present at this device, and once this returns
        what the client knows, the outbox among it, is in the cache's file."""
        await call(self._handle.entered_background())

    async def entered_foreground(self) -> None:
        """The app is shown again: the user is present, and a connection that sleep may have killed is tried at
        once, or made."""
        await call(self._handle.entered_foreground())

    def reconnect(self) -> None:
        """Connects again after it stopped, or at once while offline, with a fresh token."""
        self._handle.reconnect()

    async def disconnect(self) -> None:
        """Ends the client. What waits in the outbox is kept in its cache."""
        await call(self._handle.disconnect())
        if self._serving is not None:
            self._serving.end()

    aclose = disconnect

    # Rooms.

    def room(self, id: str) -> Room:
        """A room by its id. Nothing is asked of the server."""
        from .errors import RAW, translated

        try:
            return Room(self._handle.room(id))
        except RAW as error:
            raise translated(error) from None

    def rooms(self) -> Opening[RoomList]:
        """The rooms, the one with the newest event first: to be awaited, or used with ``async with``."""

        async def open_it() -> RoomList:
            return RoomList(await call(self._handle.rooms()))

        return Opening(open_it)

    async def open_direct(self, with_: str) -> Room:
        """The direct room with somebody, by id or subject; made if it isn't there yet."""
        return Room(await call(self._handle.open_direct(with_)))

    async def create_group(self, name: str, *members: str) -> Room:
        """A new group with these members, by id or subject, and the user."""
        return Room(await call(self._handle.create_group(name, list(members))))

    async def threads(self, *, unread_only: bool = False) -> list[FollowedThread]:
        """The threads that the user follows, the one with the newest reply first."""
        raw = await call(self._handle.threads(unread_only))
        return [FollowedThread._of(one) for one in raw]

    async def mark_all_read(self) -> None:
        """Everything in every room and followed thread is read, as far as the client knows of it. Rooms wait
        for a connection where there is none; what this waits for are the threads."""
        await call(self._handle.mark_all_read())

    # People.

    def known_user(self, id: str) -> User | None:
        """What was said of a user last, without asking: in this run or, from the cache, in one before. To
        draw a screen with before there is a connection; ``users`` then says it anew."""
        from .errors import RAW, translated

        try:
            known = self._handle.known_user(id)
        except RAW as error:
            raise translated(error) from None
        return User._of(known) if known else None

    async def users(self, ids: Iterable[str]) -> dict[str, User]:
        """Users of the organization by their ids. Unknown ones are left out."""
        raw = await call(self._handle.users(list(ids)))
        return {one.id: User._of(one) for one in raw}

    async def user(self, subject: str) -> User | None:
        """A user by the subject of their tokens."""
        raw = await call(self._handle.users_by_subject([subject]))
        return User._of(raw[0]) if raw else None

    def user_changes(self) -> AsyncIterator[User]:
        """Users of whom this client knew something and who have another name, picture or anything
        else now. Those whose presence is watched come at once, others when they are asked for
        again. Ends with the client."""
        return aiter(EventStream(self._handle.user_changes(), User._of))

    @property
    def presence(self) -> Presence:
        """Who is there, and what they say of themselves."""
        return Presence(self._handle.presence())

    # Messages and files.

    async def search(
        self,
        typed: str,
        *,
        sender: Sequence[str] = (),
        rooms: Sequence[Room] = (),
        by_relevance: bool = False,
        page_size: int | None = None,
    ) -> AsyncIterator[Hit]:
        """Messages that are as searched for, in all rooms that the user is in, such as
        ``lunch from:@ann has:link``: the newest first, read page by page."""
        what = ffi.Search(
            typed=typed,
            _from=list(sender),
            rooms=[room.id for room in rooms],
            by_relevance=by_relevance,
            page_size=page_size,
        )
        found = await call(self._handle.search(what))
        while hits := await call(found.next_page()):
            for raw in hits:
                yield self._hit(raw)

    def _hit(self, raw: Any) -> Hit:
        message = Message(raw.item.message, raw.item.info)
        text = message.text.encode()
        ends = [len(text[:at].decode()) for at in raw.highlights]
        parts = (slice(*pair) for pair in zip(ends[::2], ends[1::2]))
        return Hit(self.room(raw.room), message, tuple(parts))

    def events(self) -> Opening[EventStream[Event]]:
        """What happens in every room while connected, in each room's order, without repetition: for
        programs. To be awaited, or used with ``async with``."""

        async def open_it() -> EventStream[Event]:
            return EventStream(await call(self._handle.events()), self._event)

        return Opening(open_it)

    def notifications(self) -> Opening[EventStream[Notification]]:
        """Messages that the user wants to be told of, from now on: what levels, mutes, keywords and
        do-not-disturb leave. One that isn't taken in time makes place for newer ones. To be awaited, or used
        with ``async with``."""

        async def open_it() -> EventStream[Notification]:
            return EventStream(await call(self._handle.notifications()), self._notification)

        return Opening(open_it)

    def _notification(self, raw: Any) -> Notification:
        room = self.room(raw.room)
        return Notification(room, raw.seq, raw.thread_root, raw.sender, moment(raw.at_ms), raw.text)

    def _event(self, raw: Any) -> Event:
        shown = None if raw.item is None else item(raw.item)
        return Event(self.room(raw.room), raw.seq, raw.sender, raw.kind, raw.target_seq, shown)

    async def upload(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        media_type: str | None = None,
        description: str = "",
    ) -> Attachment:
        """Uploads a file by its path, or bytes, to be sent with a message. One that is cut off or
        cancelled goes on where it was when it is uploaded again."""
        what = ffi.FileSource(
            path=None if isinstance(source, bytes) else os.fspath(source),
            content=source if isinstance(source, bytes) else None,
            name=name,
            media_type=media_type,
            description=description,
        )
        return Attachment._of(await call(self._handle.upload(what).run()))


def connect(
    address: str,
    *,
    token: str | TokenProvider | None = None,
    certificate: str | None = None,
    roots: str | None = None,
    websocket: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    agent: str | None = None,
    focused: bool = False,
    wait: bool = True,
) -> Opening[Client]:
    """A client, connected: to be awaited, or used with ``async with``, which disconnects it.

    :param address: the server's ``host:port``, over UDP
    :param token: the user's token, or a program's key, or a function that gets a token: tokens run out, and it
        is asked for a newer one while the connection goes on; without any the login kept beside the cache
    :param certificate: for development, the SHA-256 of the certificate to believe, in hexadecimal
    :param roots: certificates of authorities to believe, as PEM, instead of the system's
    :param websocket: where to open a WebSocket when QUIC doesn't get through
    :param cache: an SQLite file for what the client knows and what waits to be sent
    :param agent: name and version of the application, for the server's logs
    :param focused: whole events only of rooms whose timeline is open, and of the others what changed
    :param wait: whether to wait for the connection; else it is made when it can be
    """

    async def open_it() -> Client:
        serving = Serving(token) if callable(token) else None
        options = ffi.Options(
            address=address,
            token=None if callable(token) else token,
            token_source=None if serving is None else serving.source,
            focused=focused,
            websocket=websocket,
            cache=None if cache is None else os.fspath(cache),
            trust=_trust(certificate, roots),
            agent=agent,
        )
        try:
            return Client(await call((ffi.connect if wait else ffi.start)(options)), serving)
        except BaseException:
            if serving is not None:
                serving.end()
            raise

    return Opening(open_it)


def _trust(certificate: str | None, roots: str | None) -> Any:
    if certificate is not None:
        return ffi.Trust.CERTIFICATE_SHA256(certificate)
    return None if roots is None else ffi.Trust.ROOTS(roots)
