"""Steps about lanes and the bytes on them: open, frame, raw, finish, reset, stop, and what comes back."""

import base64

from ..carriers import LaneOver
from . import Failed, step


def lane_of(run, it):
    peer = run.peer(it)
    name = it.get("lane", "control")
    if name not in peer.lanes:
        raise Failed("a lane of that name", name)
    return peer.lanes[name]


@step
async def open_(run, it):
    """Opens a lane; with `kind` it says LaneOpen."""
    peer = run.peer(it)
    peer.lanes[it["lane"]] = await peer.connection.open(uni=it.get("uni", False))
    if "kind" in it:
        peer.send_frame(it["lane"], run.contract.encode("LaneOpen", {"kind": it["kind"]}))


@step
async def frame(run, it):
    """Sends a message with its length before it."""
    message = run.contract.encode(it["message"], run.resolve(it["value"]))
    lane_of(run, it)
    run.peer(it).send_frame(it.get("lane", "control"), message, it.get("end", False))


@step
async def raw(run, it):
    """Sends bytes as they are: `hex`, or `bytes` in base64."""
    if "hex" in it:
        data = bytes.fromhex(it["hex"])
    else:
        data = base64.b64decode(run.resolve(it["bytes"]))
    lane_of(run, it).write(data, it.get("end", False))


@step
async def finish(run, it):
    """Ends the client's side of a lane."""
    lane_of(run, it).write(b"", True)


@step
async def reset(run, it):
    """Gives up the client's side of a lane."""
    lane_of(run, it).reset(run.contract.close_code(it.get("code", 0)))


@step
async def stop(run, it):
    """Wants no more of what the server sends on a lane."""
    lane_of(run, it).stop(run.contract.close_code(it.get("code", 0)))


@step
async def expect_frame(run, it):
    """The next frame of a lane. On control, answers to calls of `call` aren't among them."""
    peer = run.peer(it)
    lane = lane_of(run, it)
    expected = it.get("match", {})
    if it.get("lane", "control") == "control":
        message = await run.within(it, peer.next_frame(), expected)
    else:
        try:
            data = await run.within(it, peer.until_closed(lane.frame()), expected)
        except LaneOver as over:
            raise Failed(expected, ended(run, over)) from over
        message = run.contract.parse(it["message"], data)
    shown = run.contract.show(message)
    run.match(expected, shown)
    run.saw(shown)


@step
async def expect_bytes(run, it):
    """The lane's raw bytes up to its end, or as many as `bytes` has."""
    peer, lane = run.peer(it), lane_of(run, it)
    expected = base64.b64decode(run.resolve(it["bytes"]))
    came = bytearray()
    end = it.get("end", True)

    async def read():
        while end or len(came) < len(expected):
            came.extend(await lane.chunk())

    try:
        await run.within(it, peer.until_closed(read()), f"{len(expected)} bytes")
    except LaneOver as over:
        if over.code is not None or not end:
            raise Failed(f"{len(expected)} bytes", f"{len(came)} bytes, then {ended(run, over)}") from over
    if came != expected:
        raise Failed(f"{len(expected)} bytes", f"{len(came)} bytes that are others")
    run.saw(f"{len(came)} bytes")


@step
async def expect_reset(run, it):
    """The server gives the lane up with that code: it resets its side, or wants no more of the client's."""
    over = await end_of(run, it)
    lane = lane_of(run, it)
    code = over.code if over.code is not None else lane.stop_code
    came = run.contract.close_name(code) if code is not None else ended(run, over)
    if code != run.contract.close_code(it["code"]):
        raise Failed(f"a reset with {it['code']}", came)
    run.saw({"reset": came})


@step
async def expect_end(run, it):
    """The lane ends, with nothing before its end."""
    over = await end_of(run, it)
    if over.code is not None or over.rest:
        raise Failed("the lane's end", ended(run, over))
    run.saw("end")


async def end_of(run, it) -> LaneOver:
    peer, lane = run.peer(it), lane_of(run, it)
    try:
        came = await run.within(it, peer.until_closed(lane.chunk()), "the lane's end")
    except LaneOver as over:
        return over
    raise Failed("the lane's end", came[:64].hex())


def ended(run, over: LaneOver):
    if over.code is not None:
        return f"a reset with {run.contract.close_name(over.code)}"
    return f"the lane's end after {over.rest.hex()}" if over.rest else "the lane's end"
