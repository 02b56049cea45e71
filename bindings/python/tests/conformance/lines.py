"""What the driver tells of rooms, timelines and errors, as the kit wants it."""

from __future__ import annotations

from typing import Any

import parlour
from parlour import errors

Line = dict[str, Any]

MESSAGE = 10

#: Words of the kit's for what the client says in its own.
WORDS = {"Damaged": "damaged", "TooLarge": "too-large"}


def failure(error: Exception) -> Line:
    """Why something failed."""
    if isinstance(error, errors.Refused):
        return refusal(error)
    if isinstance(error, errors.Offline):
        return {"kind": "offline"}
    return {"kind": WORDS.get(str(error), type(error).__name__)}


def refusal(error: errors.Refused) -> Line:
    """What the server refused."""
    line: Line = {
        "kind": "refused",
        "reason": error.reason or f"REASON_{error.reason_number}",
        "class": error.class_name or "UNKNOWN",
        "retry": error.retry,
    }
    if error.retry_after:
        line["retry_after_ms"] = round(error.retry_after * 1000)
    return line


def state_line(state: parlour.State) -> Line:
    """Where the client stands."""
    line: Line = {"report": "state", "state": state.name}
    if state.code_name:
        line["code"] = state.code_name
    if state.detail:
        line["why"] = state.detail
    return line


def room_line(room: parlour.RoomInfo) -> Line:
    """A room on one line."""
    return {
        "room": room.id,
        "name": room.name,
        "unread": room.unread,
        "mentions": room.mentions,
        "thread_unread": room.thread_unread,
        "last_seq": room.last_seq,
        "typing": list(room.typing),
    }


def item_line(item: parlour.Item) -> Line:
    """A line of a timeline."""
    if isinstance(item, parlour.Notice):
        line: Line = {"kind": item.kind_number, "seq": item.seq}
        return line if item.sender is None else {**line, "sender": item.sender}
    line = {
        "kind": MESSAGE,
        "text": item.text,
        "edited": item.is_edited,
        "deleted": item.is_deleted,
        "pinned": item.is_pinned,
        "reactions": [{"emoji": one.emoji, "users": list(one.users)} for one in item.reactions],
        "mentions": item.mentions,
        "delivery": item.delivery,
        "files": [file_line(file) for file in item.attachments],
    }
    more = {
        "seq": item.seq,
        "reply_to": item.reply_to,
        "root": item.thread_root,
        "replies": None if item.thread is None else item.thread.replies,
        "sender": item.sender,
        "ref": item.client_ref,
        "error": None if item.delivery != "failed" else failed(item),
    }
    return line | {name: value for name, value in more.items() if value is not None}


def failed(message: parlour.Message) -> Line:
    """Why a message wasn't sent."""
    return {"kind": "lost"} if message.refusal is None else refusal(message.refusal)


def file_line(file: parlour.Attachment) -> Line:
    """A file, as ``upload`` answers it and timelines show it."""
    return {
        "hash": file.hash.hex(),
        "size": file.size,
        "name": file.name,
        "media_type": file.media_type,
    }
