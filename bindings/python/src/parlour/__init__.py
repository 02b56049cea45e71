"""Parlour for Python: connect, send, receive, and stay in step through bad networks.

    import parlour

    async with parlour.connect("chat.example:4433", token="...") as client:
        room = await client.open_direct("bob")
        await room.send("Hello")
        async with room.timeline() as timeline:
            async for message in timeline.arrivals():
                print(message.text)
"""

from . import errors
from ._client import Client, Event, Hit, Notification, connect
from ._lists import Diff, EventStream, Insert, ObservableList, Opening, Remove, Reset, Update
from ._logs import LogForwarding, forward_logs
from ._message import Item, Message
from ._presence import Availability, Presence, PresenceList, Status, UserPresence
from ._records import (
    Attachment,
    LinkPreview,
    Notice,
    Reaction,
    RoomInfo,
    Sent,
    State,
    ThreadSummary,
    User,
)
from ._room import FollowedThread, Room, RoomList, Thread, Timeline
from ._tokens import TokenProvider
from .errors import ParlourError, Refused

__all__ = [
    "Attachment",
    "Availability",
    "Client",
    "Diff",
    "Event",
    "EventStream",
    "FollowedThread",
    "Hit",
    "Insert",
    "Item",
    "LinkPreview",
    "LogForwarding",
    "Message",
    "Notice",
    "Notification",
    "ObservableList",
    "Opening",
    "ParlourError",
    "Presence",
    "PresenceList",
    "Reaction",
    "Refused",
    "Remove",
    "Reset",
    "Room",
    "RoomInfo",
    "RoomList",
    "Sent",
    "State",
    "Status",
    "Thread",
    "ThreadSummary",
    "Timeline",
    "TokenProvider",
    "Update",
    "User",
    "UserPresence",
    "connect",
    "errors",
    "forward_logs",
]
