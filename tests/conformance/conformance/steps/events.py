"""Steps about what is told: expect_event, no_event, and datagrams out."""

import asyncio
import base64

from ..carriers import Closed
from ..patterns import fits
from . import WITHIN_MS, Failed, step

SELECTORS = ("event", "kind", "room")


def selected(run, it, event) -> bool:
    """Whether an event is of the sort that a step is about."""
    if event["event"] != it.get("event", "room"):
        return False
    kind = event.get("header", {}).get("kind") or event.get("kind")
    if "kind" in it and kind != it["kind"]:
        return False
    if it.get("among") and not fits(it["match"], event, run.variables):
        return False
    return "room" not in it or event.get("room") == run.resolve(it["room"])


def take(run, it, peer):
    """The first event of that sort that no step has taken yet; earlier ones of others wait on."""
    for index, event in enumerate(peer.events):
        if selected(run, it, event):
            return peer.events.pop(index)
    return None


@step
async def expect_event(run, it):
    """The next event of that sort is as `match` says."""
    peer = run.peer(it)
    until = asyncio.get_running_loop().time() + it.get("within_ms", WITHIN_MS) / 1000
    while (event := take(run, it, peer)) is None:
        if peer.wrong is not None:
            raise Failed("events", repr(peer.wrong)) from peer.wrong
        peer.happened.clear()
        left = until - asyncio.get_running_loop().time()
        if left <= 0 or peer.connection.closed.done():
            wanted = {key: it[key] for key in SELECTORS if key in it}
            raise Failed({**wanted, **it.get("match", {})}, nothing(peer))
        try:
            async with asyncio.timeout(min(left, 0.5)):
                await peer.happened.wait()
        except TimeoutError:
            pass
    run.match(it.get("match", {}), event)
    run.saw(event)


def nothing(peer):
    if peer.connection.closed.done():
        return peer.connection.closed.result()
    return {"nothing, while these waited": [(e["event"], e.get("header")) for e in peer.events][-8:]}


@step
async def no_event(run, it):
    """Nothing of that sort comes for `for_ms`, and nothing did."""
    peer = run.peer(it)
    await asyncio.sleep(it.get("for_ms", 300) / 1000)
    if peer.connection.closed.done():
        raise Closed(*peer.connection.closed.result().args)
    for event in peer.events:
        if selected(run, it, event):
            try:
                run.match(it.get("match", {}), event)
            except Failed:
                continue
            raise Failed("no such event", event)
    run.saw("no such event")


@step
async def forget_events(run, it):
    """What has come up to now isn't looked at any more."""
    run.peer(it).events.clear()


@step
async def datagram(run, it):
    """Sends a datagram: an Ephemeral, or bytes in hex."""
    peer = run.peer(it)
    if "hex" in it:
        data = bytes.fromhex(it["hex"])
    else:
        value = run.resolve(it["ephemeral"])
        if isinstance(value.get("body"), dict):
            body = run.contract.encode(run.contract.events[value["kind"]], value["body"])
            value = {**value, "body": base64.b64encode(body).decode()}
        data = run.contract.encode("Ephemeral", value)
    for _ in range(it.get("times", 1)):
        peer.connection.datagram(data)
