"""Steps of the server about its rooms and logs, and about what is told of them."""

import base64
import os

from ...steps import Failed
from ...mock.world import LOST
from ..steps import step
from .connections import live

KINDS_OF_ROOMS = {"direct": 1, "group": 2}


@step
async def room(run, it):
    """The server has a room, whose id is the variable of its name; `messages` of ben's stand in it."""
    world, kind = run.mock.world, KINDS_OF_ROOMS[it.get("kind", "group")]
    members = [world.user(name) for name in it.get("members", ["ben", "ann"])]
    made = run.mock.found(it["name"], kind, members, told=it.get("told", False))
    for number in range(1, it.get("messages", 0) + 1):
        append(run, made, {"text": f"Message {number}"})
    made.marker = min(it.get("read_to", 1), made.seq)
    run.variables[it["name"]] = base64.b64encode(made.id).decode()


def append(run, into, it):
    """One event, as a step says."""
    world = run.mock.world
    kind = it.get("kind", 10)
    if "body_hex" in it:
        body = bytes.fromhex(it["body_hex"])
    else:
        value = {"text": it["text"]} if "text" in it else run.resolve(it.get("body", {}))
        body = run.contract.encode(run.contract.events[kind], value) if kind in run.contract.events else b""
    header = {}
    for name, value in run.resolve(it.get("header", {})).items():
        bytes_of = name in ("client_ref", "mentions", "attachments")
        header[name] = decoded(value) if bytes_of else value
    sender = b"" if it.get("by") == "" else world.user(it.get("by", "ben"))
    event = world.append(into, kind, body, sender, **header)
    if header.get("thread_root_seq") and it.get("follow"):
        into.followed.setdefault(header["thread_root_seq"], 0)
    return event


def decoded(value):
    return [base64.b64decode(one) for one in value] if isinstance(value, list) else base64.b64decode(value)


@step
async def post(run, it):
    """Something happens in a room, so many `times`: it is committed, and told unless `told` is false."""
    into = run.room(it)
    events = []
    for count in range(1, it.get("times", 1) + 1):
        run.variables["i"] = count
        text = run.resolve(it["text"]) if "text" in it else None
        events.append(append(run, into, {**it, **({"text": text} if text is not None else {})}))
    if "as" in it:
        run.variables[it["as"]] = events[-1].header.seq
    if it.get("told", True):
        run.mock.tell(into, events)


@step
async def tell(run, it):
    """Events of a room's log are told, whether they were before or not: each in its frame, or all `together`."""
    into = run.room(it)
    events = [into.event(seq) for seq in run.resolve(it["seqs"])]
    for some in [events] if it.get("together") else [[one] for one in events]:
        run.mock.tell(into, some)


@step
async def pulse(run, it):
    """The server tells where a room's log ends."""
    into = run.room(it)
    frame = run.contract.make("EventFrame", pulse=run.mock.world.pulse(into, into.log))
    live(run).tell_frame(frame.SerializeToString())


@step
async def gap(run, it):
    """The connection fell behind: events of the room are left out until the client subscribes."""
    session, into = live(run), run.room(it)
    session.behind.add(into.id)
    frame = run.contract.make("EventFrame", gap={"rooms": [run.mock.world.pulse(into)]})
    session.tell_frame(frame.SerializeToString())


@step
async def heads(run, it):
    """The once-a-minute heads of rooms with changes, and of the user's own log."""
    rooms = [run.mock.world.pulse(run.room({"room": one})) for one in it.get("rooms", [])]
    value = {"rooms": rooms, "user_seq": len(run.mock.world.user_log)}
    live(run).tell_frame(run.contract.make("EventFrame", heads=value).SerializeToString())


@step
async def event_frame(run, it):
    """A frame on the event lane: an EventFrame, or bytes in hex as they are."""
    session = live(run)
    if "hex" in it:
        session.raw(session.events, bytes.fromhex(it["hex"]))
    else:
        session.tell_frame(run.contract.encode("EventFrame", run.resolve(it["value"])))


@step
async def own(run, it):
    """An event of the user's own log, told unless `told` is false."""
    if "body_hex" in it:
        body = bytes.fromhex(it["body_hex"])
    else:
        body = run.contract.encode(run.contract.events[it["kind"]], run.resolve(it.get("body", {})))
    run.mock.own(it["kind"], body, told=it.get("told", True))


@step
async def tell_own(run, it):
    """Events of the user's own log are told, whether they were before or not."""
    log = run.mock.world.user_log
    for seq in it["seqs"]:
        if not 0 < seq <= len(log):
            raise Failed("an event of the user's own log", seq)
        run.mock.tell_own([log[seq - 1]])


@step
async def lose_room(run, it):
    """The user isn't in the room any more."""
    into = run.room(it)
    body = run.contract.make("parlour.room.v1.RoomLost", room=into.id, seq=into.seq)
    del run.mock.world.rooms[into.id]
    run.mock.own(LOST, body.SerializeToString(), told=it.get("told", True))


@step
async def mark(run, it):
    """Another device of the user's moves the marker."""
    run.mock.mark(run.room(it), it["seq"], it.get("set_at", 0))


@step
async def follow(run, it):
    """The user follows a thread, read up to `seq`."""
    run.room(it).followed[it["root"]] = it.get("seq", 0)


@step
async def restored(run, it):
    """The server was restored from a backup: it has another incarnation, and the named rooms' logs end at `seqs`."""
    world = run.mock.world
    world.incarnation = os.urandom(16)
    for name, seq in it.get("seqs", {}).items():
        del world.rooms[base64.b64decode(run.variables[name])].log[seq:]
    world.user_log.clear()


@step
async def forget_own_log(run, _it):
    """What stands in the user's own log is too old to be had: a sync from before is a reset."""
    run.mock.world.user_log_begins = len(run.mock.world.user_log) + 1
    run.mock.world.append_own(131, b"")
