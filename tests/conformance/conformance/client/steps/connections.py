"""Steps of the server about connections: how hellos are answered, closes, silence."""

import asyncio
import time

from ...steps import Failed
from ..steps import step


def live(run):
    session = run.mock.live
    if session is None:
        raise Failed("a connection that lives", "there is none")
    return session


@step
async def greet(run, it):
    """How the next hello, or `times` of them, is answered: a goodbye, a close, silence, a drop, other fields."""
    how = run.resolve({key: value for key, value in it.items() if key not in ("do", "note", "times")})
    for _ in range(it.get("times", 1)):
        run.mock.greetings.append(how)


@step
async def expect_hello(run, it):
    """The next hello is as `match` says; `after_ms` bounds the time since the last connection's end."""
    def look():
        return next((one for one in run.mock.hellos if not one["taken"]), None)
    hello = await run.until(look, it, "a hello")
    hello["taken"] = True
    run.match(it.get("match", {}), hello["shown"])
    if "after_ms" in it:
        least, most = it["after_ms"]
        since = hello["since_end_ms"]
        if since is None or least is not None and since < least or most is not None and since > most:
            raise Failed(f"a hello {it['after_ms']} ms after the end", since)


@step
async def no_hello(run, it):
    """The client doesn't connect for `for_ms`."""
    await asyncio.sleep(it.get("for_ms", 1000) / 1000)
    if any(not one["taken"] for one in run.mock.hellos):
        raise Failed("no hello", [one["shown"] for one in run.mock.hellos if not one["taken"]])


@step
async def forget_hellos(run, it):
    """Hellos up to now aren't looked at any more; `at_most` bounds how many there were in all."""
    for one in run.mock.hellos:
        one["taken"] = True
    if "at_most" in it and len(run.mock.hellos) > it["at_most"]:
        raise Failed(f"at most {it['at_most']} hellos", len(run.mock.hellos))


@step
async def goodbye(run, it):
    """The server says goodbye and closes the connection."""
    await live(run).bye(it)


@step
async def close(run, it):
    """The server closes the connection without a goodbye."""
    await live(run).close(it["code"])


@step
async def drop(run, _it):
    """The connection breaks off without a word."""
    await live(run).connection.abandon()


@step
async def expect_end(run, it):
    """The client has closed its connection with `code`, or one of several."""
    def look():
        ended = [one for one in run.mock.sessions if one.connection.closed.done() and not hasattr(one, "looked_at")]
        return ended[0] if ended else None
    session = await run.until(look, it, "the connection's end")
    session.looked_at = True
    came = session.connection.closed.result()
    name = run.contract.close_name(came.code) if came.code is not None else None
    codes = it["code"] if isinstance(it["code"], list) else [it["code"]]
    if name not in codes:
        raise Failed(f"a close with {it['code']}", f"{name} {came.reason!r}")


@step
async def forget_ends(run, _it):
    """Connections that have ended up to now aren't looked at any more."""
    for one in run.mock.sessions:
        if one.connection.closed.done():
            one.looked_at = True


@step
async def still_open(run, _it):
    """The connection that lives is the only one, and lives."""
    live(run)


@step
async def silence(run, it):
    """The server says nothing more on any connection, or speaks again."""
    run.mock.silent = it.get("on", True)


@step
async def deaf(run, it):
    """The server doesn't answer on these carriers."""
    run.mock.listener.deaf = set(it["carriers"])


@step
async def offer(run, it):
    """The document of endpoints names these carriers."""
    run.mock.offer(set(it["carriers"]))


@step
async def expect_ping(run, it):
    """The client sends a Ping; `bytes` bounds its padding."""
    ping = await run.until(lambda: next((one for one in run.mock.pings if not one["taken"]), None), it, "a ping")
    ping["taken"] = True
    least, most = it.get("bytes", [None, None])
    if least is not None and ping["bytes"] < least or most is not None and ping["bytes"] > most:
        raise Failed(f"a ping with {it['bytes']} bytes of padding", ping["bytes"])


@step
async def forget_pings(run, _it):
    """Pings up to now aren't looked at any more."""
    for ping in run.mock.pings:
        ping["taken"] = True


@step
async def control_frame(run, it):
    """A frame on the control lane: a ServerFrame, or bytes in hex as they are."""
    session = live(run)
    if "hex" in it:
        session.raw(session.control, bytes.fromhex(it["hex"]))
    else:
        session.say(run.resolve(it["value"]))


@step
async def reauth(run, it):
    """The server asks for a newer token, which is due in `in_ms`."""
    deadline = time.time_ns() // 1_000_000 + it.get("in_ms", 5000)
    live(run).say({"reauth_required": {"deadline_ms": str(deadline)}})


@step
async def grease(run, _it):
    """From here on every frame of the server's has a field that nobody knows."""
    run.mock.grease = True


@step
async def message(run, it):
    """A WebSocket message of the server's past its mux: bytes in hex, or text, which the protocol doesn't have."""
    live(run).connection.message(bytes.fromhex(it["hex"]) if "hex" in it else it["text"])
