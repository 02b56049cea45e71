"""How the mock answers calls where a script says nothing else. Any other method is answered with nothing in it."""

from .world import COUNTABLE, DELETED, EDITED, EVERYONE, GAINED

CONTROL, BULK = {}, {}
PAGE = 50


class Refused(Exception):
    """The call is answered with an error of this reason."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def control(name):
    return lambda function: CONTROL.setdefault(name, function)


def bulk(name):
    return lambda function: BULK.setdefault(name, function)


def room_of(world, field: bytes):
    if field not in world.rooms:
        raise Refused("ROOM_NOT_FOUND")
    return world.rooms[field]


# What is written.

def write(mock, request, kind: int, body: bytes, **header):
    """An event by the served user, once for its ref: answered and told."""
    world, room = mock.world, room_of(mock.world, request.room)
    known = world.sent.get((room.id, request.client_ref))
    if known is None:
        event = world.append(room, kind, body, world.me, client_ref=request.client_ref, **header)
        known = world.sent[room.id, request.client_ref] = (event.header.seq, event.header.at_ms)
        mock.tell(room, [event])
        return {"seq": known[0], "at_ms": known[1]}
    return {"seq": known[0], "at_ms": known[1], "deduplicated": True}


def target_of(mock, request):
    event = room_of(mock.world, request.room).event(request.target_seq)
    if event is None or event.header.kind != COUNTABLE:
        raise Refused("MESSAGE_NOT_FOUND")
    return {"target_seq": request.target_seq, "thread_root_seq": event.header.thread_root_seq}


@control("Send")
def send(mock, request):
    return write(
        mock, request, COUNTABLE, request.body, mentions=list(request.mentions),
        flags=EVERYONE if request.mention_everyone else 0, target_seq=request.reply_to_seq,
        thread_root_seq=request.thread_root_seq, attachments=list(request.attachments),
    )


@control("Edit")
def edit(mock, request):
    return write(mock, request, EDITED, request.body, **target_of(mock, request))


@control("Delete")
def delete(mock, request):
    return write(mock, request, DELETED, b"", **target_of(mock, request))


def amend(kind: int, message: str, *fields):
    def answer(mock, request):
        value = {field: getattr(request, field) for field in fields}
        return write(mock, request, kind, mock.world.contract.encode(message, value), **target_of(mock, request))
    return answer


CONTROL["React"] = amend(20, "parlour.reaction.v1.ReactionAdded", "emoji")
CONTROL["Unreact"] = amend(21, "parlour.reaction.v1.ReactionWithdrawn", "emoji")
CONTROL["Pin"] = amend(22, "parlour.pin.v1.MessagePinned")
CONTROL["Unpin"] = amend(23, "parlour.pin.v1.MessageUnpinned")


# Rooms and users.

@control("GetRoom")
def get_room(mock, request):
    room = room_of(mock.world, request.room)
    return {"room": mock.world.room_message(room), "as_of_seq": room.seq}


@control("OpenDirect")
def open_direct(mock, request):
    world = mock.world
    with_whom = getattr(request, "with")
    other = with_whom.id or world.user(with_whom.subject)
    for room in world.rooms.values():
        if room.kind == 1 and other in room.members:
            return {"room": world.room_message(room)}
    return {"room": world.room_message(mock.found(f"direct-{other.hex()}", 1, [world.me, other])), "created": True}


@control("CreateGroup")
def create_group(mock, request):
    world = mock.world
    if request.client_ref in world.names:
        return {"room": world.room_message(world.names[request.client_ref])}
    members = [one.id or world.user(one.subject) for one in request.members]
    room = mock.found(request.name, 2, [world.me, *members])
    world.names[request.client_ref] = room
    return {"room": world.room_message(room)}


@control("ListMembers")
def list_members(mock, request):
    room = room_of(mock.world, request.room)
    return {"members": users(mock.world, room.members), "as_of_seq": room.seq}


@control("GetUsers")
def get_users(mock, request):
    wanted = [*request.users, *(mock.world.user(subject) for subject in request.subjects)]
    return {"users": users(mock.world, wanted), "looked_at": len(wanted)}


@control("ListBlocked")
def list_blocked(mock, _request):
    return {"as_of_seq": len(mock.world.user_log)}


def users(world, ids):
    names = [(one, world.subjects[one]) for one in ids if one in world.subjects]
    return [world.contract.make("parlour.user.v1.User", id=one, subject=name, name=name.title()) for one, name in names]


# Reading state.

@control("MarkRead")
def mark_read(mock, request):
    room = room_of(mock.world, request.room)
    place = min(request.seq, room.seq)
    if place > room.marker:
        mock.mark(room, place, 0)
    return marked(mock, room)


@control("MarkUnread")
def mark_unread(mock, request):
    room = room_of(mock.world, request.room)
    mock.mark(room, max(request.seq - 1, 0), room.seq)
    return marked(mock, room)


def marked(mock, room):
    return {"marker": mock.world.marker(room), "unread": mock.world.unread(room), "head": mock.world.pulse(room)}


@control("ListThreads")
def list_threads(mock, _request):
    rooms = mock.world.rooms.values()
    return {"threads": [
        mock.world.followed(room, root, seq) for room in rooms for root, seq in room.followed.items()
    ]}


@control("Subscribe")
def subscribe(mock, request):
    mock.current.subscribed |= set(request.add)
    mock.current.subscribed -= set(request.remove)
    mock.current.behind -= set(request.add)
    return {"heads": [mock.world.pulse(mock.world.rooms[one]) for one in request.add if one in mock.world.rooms]}


# Bulk lanes: lists of items.

@bulk("Sync")
def sync(mock, request):
    world = mock.world
    known = request.incarnation == world.incarnation and request.user_seq >= world.user_log_begins
    delta = {"as_of_seq": len(world.user_log)}
    if known:
        delta["events"] = world.user_log[request.user_seq:]
    else:
        delta["reset"] = True
    since = request.watermark_ms if known else 0
    rooms = sorted(world.rooms.values(), key=lambda room: -room.log[-1].header.at_ms)
    changed = [world.digest(room) for room in rooms if room.log[-1].header.at_ms >= since]
    first = request.first or 20
    world.watermark_ms = world.tick()
    items = [{"user": delta}, {"digests": {"rooms": changed[:first]}}]
    items += [{"digests": {"rooms": changed[at:at + 100]}} for at in range(first, len(changed), 100)]
    return [*items, {"done": {"watermark_ms": world.watermark_ms, "room_count": len(rooms)}}]


@bulk("ReadLog")
def read_log(mock, request):
    room = room_of(mock.world, request.room)
    begin = max(request.from_seq, 1)
    end = min(request.to_seq or room.seq, room.seq)
    if request.limit:
        end = min(end, begin + request.limit - 1)
    events = room.log[begin - 1:end]
    return [{"events": events[at:at + 100], "as_of_seq": room.seq} for at in range(0, max(len(events), 1), 100)]


@bulk("ReadTimeline")
def read_timeline(mock, request):
    world, room = mock.world, room_of(mock.world, request.room)
    end = min((request.before_seq or room.seq + 1) - 1, room.seq)
    begin = max(end - (request.limit or PAGE), 0)
    events = room.log[begin:end]
    seqs = {event.header.seq for event in events}
    roots = sorted({event.header.thread_root_seq for event in room.log} & seqs)
    return [{
        "events": events, "amendments": room.about(seqs, end), "as_of_seq": room.seq, "at_start": begin == 0,
        "threads": [world.thread(room, root) for root in roots],
    }]


@bulk("ReadThread")
def read_thread(mock, request):
    world, room = mock.world, room_of(mock.world, request.room)
    before = [one for one in room.thread(request.root_seq) if one.header.seq < (request.before_seq or room.seq + 1)]
    limit = request.limit or PAGE
    page, at_start = before[-limit:], len(before) <= limit
    if at_start:
        page = [room.event(request.root_seq), *page]
    seqs = {event.header.seq for event in page}
    return [{
        "events": page, "amendments": room.about(seqs, 0), "as_of_seq": room.seq, "at_start": at_start,
        "thread": world.thread(room, request.root_seq),
    }]


@bulk("SearchMessages")
def search(mock, request):
    found = []
    for room in mock.world.rooms.values():
        for event in room.log:
            if event.header.kind == COUNTABLE and request.text.encode() in event.body:
                found.append({"room": room.id, "message": event, "indexed_seq": room.seq})
    return [{"hits": found}]


# Used by the mock itself.

def gained(world, room):
    return GAINED, world.contract.make(
        "parlour.room.v1.RoomGained", room=world.room_message(room), seq=room.seq,
    ).SerializeToString()
