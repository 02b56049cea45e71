"""Steps about connections: connect, hello, expect_close, disconnect; and wait and let."""

import asyncio
import base64
import os

from ..carriers import Closed, Refused
from ..peer import Peer
from . import KINDS, Failed, step

CONNECT_WITHIN_S = 15


@step
async def connect(run, it):
    """Opens a connection and says hello, unless `hello` is false."""
    if it.get("hello") is not False and "token" not in it.get("hello", {}):
        # Before the handshake: from there on the hello has 5 seconds.
        await run.token(it.get("user", it["on"]), it.get("token", {}), fresh=True)
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            connection = await run.carrier.connect(run.target, run.resolve(it.get("origin")))
    except Refused as answer:
        if answer.status != it.get("refused"):
            raise Failed("a connection", f"status {answer.status}") from answer
        run.saw({"refused": answer.status})
        return
    if "refused" in it:
        await connection.abandon()
        raise Failed(f"status {it['refused']}", "a connection")
    peer = Peer(run.contract, connection)
    await peer.start()
    run.peers[it["on"]] = peer
    run.every_peer.append(peer)
    if it.get("hello") is False:
        run.saw("connected")
        return
    await hello(run, it)


@step
async def hello(run, it):
    """Says hello on a connection that is there, and waits for the answer unless `expect` is false."""
    peer = run.peer(it)
    # The device is kept under the connection's name, as an installation keeps it.
    device = run.variables.setdefault(
        f"device_{it['on']}", base64.b64encode(os.urandom(16)).decode()
    )
    frame = {
        "min_rev": 1, "max_rev": 1, "device": device, "agent": "conformance",
        "delivery": "DELIVERY_ALL", **run.resolve(it.get("hello", {})),
    }
    if "token" not in frame:
        frame["token"] = await run.token(it.get("user", it["on"]), it.get("token", {}))
    peer.control({"hello": frame})
    if it.get("expect") is False:
        return
    await welcomed(run, it)


@step
async def welcomed(run, it):
    """Waits for the answer to a hello."""
    peer = run.peer(it)
    expected = it.get("expect", {"welcome": {}})
    frame = await run.within(it, peer.next_frame(), expected)
    shown = run.contract.show(frame)
    if "code" in expected:
        run.match({"goodbye": {"code": f"CLOSE_CODE_{expected['code']}"}}, shown)
        await closes(run, it, peer, expected["code"])
        return
    run.match(expected, shown)
    if "welcome" in shown:
        run.variables[f"user_{it['on']}"] = shown["welcome"].get("user")
        run.variables["incarnation"] = shown["welcome"].get("incarnation")
    run.saw(shown)


@step
async def expect_close(run, it):
    """The connection is closed by the server with `code`; a Goodbye says the same where it still can."""
    peer = run.peer(it)
    await closes(run, it, peer, it["code"])
    if "goodbye" in it:
        said = run.contract.show(peer.goodbye) if peer.goodbye else None
        if it["goodbye"] is False and said is not None:
            raise Failed("no goodbye", said)
        if it["goodbye"] is not False:
            expected = {"code": f"CLOSE_CODE_{it['code']}"} if it["goodbye"] is True else it["goodbye"]
            run.match(expected, said)


@step
async def gone(run, it):
    """The connection breaks off, without a code."""
    peer = run.peer(it)
    closed = await run.within(it, over(peer), "the connection's end")
    if closed.code is not None:
        raise Failed("no code", closed)
    run.saw("gone")


async def over(peer):
    """How the connection ended, once it has."""
    return await asyncio.shield(peer.connection.closed)


async def closes(run, it, peer, code):
    closed = await run.within(it, over(peer), f"a close with {code}")
    came = run.contract.close_name(closed.code) if closed.code is not None else None
    codes = code if isinstance(code, list) else [code]
    if closed.code not in [run.contract.close_code(one) for one in codes]:
        raise Failed(f"a close with {code}", f"{came} {closed.reason!r}")
    # The last frames may be read a moment after the carrier's end.
    await asyncio.sleep(0.02)
    run.saw({"closed": came})


@step
async def disconnect(run, it):
    """The client closes the connection."""
    peer = run.peer(it)
    await peer.connection.close(run.contract.close_code(it.get("code", "CLIENT_DONE")))
    peer.stop()
    run.saw("disconnected")


@step
async def wait(run, it):
    await asyncio.sleep(it["ms"] / 1000)


@step
async def let(run, it):
    """Sets variables."""
    for name, value in it["set"].items():
        run.variables[name] = run.resolve(value)


@step
async def repeat(run, it):
    """Plays steps so many times; the variable `i` counts from 1. `until_closed` needs a close meanwhile."""
    seen = len(run.transcript.lines)
    try:
        for count in range(1, it["times"] + 1):
            run.variables["i"] = count
            for inner in it["steps"]:
                await KINDS[inner["do"]](run, inner)
    except Closed:
        if "until_closed" not in it:
            raise
    if "until_closed" in it:
        # At which turn it was closed isn't the same twice.
        del run.transcript.lines[seen:]
        if not run.peers[it["until_closed"]].connection.closed.done():
            raise Failed("a close", f"none after {it['times']} times")


@step
async def token(run, it):
    """Gets a token and keeps it as a variable."""
    run.variables[it["as"]] = await run.token(it["user"], it, fresh=True)


@step
async def still_open(run, it):
    """The connection lives: a ping is answered."""
    peer = run.peer(it)
    nonce = run.number()
    peer.control({"ping": {"nonce": str(nonce)}})
    frame = await run.within(it, peer.next_frame(), "a pong")
    if frame.WhichOneof("frame") == "goodbye":
        raise await run.within(it, over(peer), "the close behind a goodbye")
    run.match({"pong": {"nonce": nonce}}, run.contract.show(frame))
    run.saw("still open")
