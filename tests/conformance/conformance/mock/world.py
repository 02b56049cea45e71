"""What the mock knows: users, rooms with their logs, the user's own log, files. One user is served, `ann`."""

import hashlib
import os
import time

COUNTABLE, EDITED, DELETED, PURGED = 10, 11, 12, 76
ERASED = 2
EVERYONE = 1
GAINED, LOST, MENTIONED, MARKER_MOVED = 101, 102, 110, 120
ME = "ann"


def id_of(what: str, name: str) -> bytes:
    """The same sixteen bytes for the same name."""
    data = bytearray(hashlib.sha256(f"{what}:{name}".encode()).digest()[:16])
    data[6] = data[6] & 0x0F | 0x80
    data[8] = data[8] & 0x3F | 0x80
    return bytes(data)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Room:
    """A room and its log. `marker` is the served user's."""

    def __init__(self, name: str, kind: int, members):
        self.id = id_of("room", name)
        self.name = name
        self.kind = kind
        self.members = list(members)
        self.log = []
        self.marker = 0
        self.marker_set_at = 0
        self.marker_at_ms = 0
        self.followed = {}

    @property
    def head(self):
        return self.log[-1].header if self.log else None

    @property
    def seq(self) -> int:
        return len(self.log)

    def event(self, seq: int):
        return self.log[seq - 1] if 0 < seq <= len(self.log) else None

    def thread(self, root: int):
        return [event for event in self.log if event.header.kind == COUNTABLE and event.header.thread_root_seq == root]

    def about(self, targets, after: int):
        """Events behind a place that amend some of these."""
        return [
            event for event in self.log[after:] if event.header.kind != COUNTABLE
            and (event.header.target_seq in targets or set(event.header.target_seqs) & targets)
        ]


class World:
    """All of it. `told` is called with what is to be heard by whoever is connected."""

    def __init__(self, contract):
        self.contract = contract
        self.rooms = {}
        self.names = {}
        self.me = id_of("user", ME)
        self.subjects = {self.me: ME}
        self.incarnation = os.urandom(16)
        self.user_log = []
        self.user_log_begins = 0
        self.sent = {}
        self.blobs = {}
        self.uploads = {}
        self.clock_ms = 0
        self.watermark_ms = now_ms()

    def user(self, name: str) -> bytes:
        self.subjects[id_of("user", name)] = name
        return id_of("user", name)

    def add_room(self, name: str, kind: int, members):
        room = Room(name, kind, members)
        self.rooms[room.id] = room
        return room

    def tick(self) -> int:
        """The server's time, which never stands still."""
        self.clock_ms = max(self.clock_ms + 1, now_ms())
        return self.clock_ms

    def append(self, room, kind: int, body: bytes, sender: bytes, **header):
        """The next event of a room's log, with its counters."""
        before = room.head
        event = self.contract.message("Event")
        event.body = body
        it = event.header
        it.seq, it.kind, it.sender, it.at_ms = room.seq + 1, kind, sender, self.tick()
        for name, value in header.items():
            if isinstance(value, list):
                getattr(it, name).extend(value)
            else:
                setattr(it, name, value)
        counts = kind == COUNTABLE and not it.thread_root_seq
        it.msg_no = (before.msg_no if before else 0) + counts
        it.bcast_no = (before.bcast_no if before else 0) + (counts and it.flags & EVERYONE)
        it.del_no = (before.del_no if before else 0) + self._deletes(kind, it)
        if kind == COUNTABLE and it.thread_root_seq:
            it.thread_no = len(room.thread(it.thread_root_seq)) + 1
        room.log.append(event)
        if kind in (DELETED, PURGED):
            for seq in [it.target_seq, *it.target_seqs]:
                self._erase(room, seq)
        if sender == self.me and counts:
            room.marker, room.marker_at_ms = it.seq, it.at_ms
        return event

    @staticmethod
    def _deletes(kind, header) -> int:
        return len(header.target_seqs) if kind == PURGED else int(kind == DELETED)

    @staticmethod
    def _erase(room, seq: int):
        event = room.event(seq)
        if event is not None:
            event.header.flags |= ERASED
            event.body = b""

    def append_own(self, kind: int, body: bytes):
        """The next event of the served user's own log."""
        event = self.contract.message("Event")
        event.body = body
        event.header.seq, event.header.kind = len(self.user_log) + 1, kind
        event.header.at_ms = self.tick()
        self.user_log.append(event)
        return event

    # As messages.

    def room_message(self, room):
        message = self.contract.message("parlour.room.v1.Room")
        message.id, message.kind, message.member_count = room.id, room.kind, len(room.members)
        if room.kind == 1:
            message.peer = next((one for one in room.members if one != self.me), self.me)
        else:
            message.name = room.name
            message.creator = room.members[0]
        return message

    def pulse(self, room, events=()):
        """The room's head, and which of these events the served user wrote last."""
        message = self.contract.message("RoomPulse")
        message.room, message.seq = room.id, room.seq
        if room.head:
            message.msg_no, message.bcast_no = room.head.msg_no, room.head.bcast_no
            message.del_no = room.head.del_no
        for event in events:
            if event.header.sender == self.me and event.header.kind == COUNTABLE and not event.header.thread_root_seq:
                message.own_seq, message.own_msg_no = event.header.seq, event.header.msg_no
        return message

    def digest(self, room):
        message = self.contract.message("parlour.sync.v1.RoomDigest")
        message.room.CopyFrom(self.room_message(room))
        message.seq = room.seq
        if room.head:
            message.at_ms, message.msg_no = room.head.at_ms, room.head.msg_no
            message.bcast_no, message.del_no = room.head.bcast_no, room.head.del_no
        message.marker.CopyFrom(self.marker(room))
        message.unread.CopyFrom(self.unread(room))
        for root, seq in room.followed.items():
            message.threads.append(self.followed(room, root, seq))
        return message

    def marker(self, room):
        message = self.contract.message("parlour.marker.v1.Marker")
        message.seq, message.set_at_seq, message.at_ms = room.marker, room.marker_set_at, room.marker_at_ms
        event = room.event(room.marker)
        if event is not None:
            message.msg_no, message.bcast_no = event.header.msg_no, event.header.bcast_no
        return message

    def unread(self, room):
        message = self.contract.message("parlour.marker.v1.Unread")
        for event in room.log[room.marker:]:
            header = event.header
            if header.kind == COUNTABLE and not header.thread_root_seq and not header.flags & ERASED:
                message.messages += 1
                message.mentions += int(self.me in header.mentions or bool(header.flags & EVERYONE))
        return message

    def thread(self, room, root: int):
        replies = room.thread(root)
        message = self.contract.message("parlour.thread.v1.Thread")
        message.root_seq, message.thread_no, message.changed_seq = root, len(replies), room.seq
        message.deleted = sum(bool(reply.header.flags & ERASED) for reply in replies)
        if replies:
            message.last_seq, message.last_at_ms = replies[-1].header.seq, replies[-1].header.at_ms
            message.repliers.extend(sorted({reply.header.sender for reply in replies}))
        return message

    def followed(self, room, root: int, seq: int):
        message = self.contract.message("parlour.thread.v1.FollowedThread")
        message.room = room.id
        message.thread.CopyFrom(self.thread(room, root))
        message.marker.seq = seq
        unread = [reply for reply in room.thread(root) if reply.header.seq > seq and reply.header.sender != self.me]
        message.unread.messages = len(unread)
        return message
