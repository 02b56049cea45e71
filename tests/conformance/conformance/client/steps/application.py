"""Steps of the application: what it asks of the client, and what it sees."""

import asyncio
import time

from ...patterns import fits
from ...steps import Failed
from . import step

@step
async def connect(run, it):
    """Starts the client and waits until it stands at `state`: live, unless it is said; false doesn't wait."""
    pin = run.mock.listener.certificate_hash.hex()
    command = {
        "do": "connect", "url": f"http://localhost:{run.mock.listener.http_port}",
        "quic": f"127.0.0.1:{run.mock.listener.udp_port}", "certificate": pin,
        "carrier": it.get("carrier", run.carrier), **it.get("with", {}),
    }
    mark(run)
    await answered_as(run, it, run.driver.ask(command), {"ok": {}})
    if it.get("state") is not False:
        await sees(run, {**it, "state": it.get("state", "live")})
        if it.get("state", "live") == "live" and it.get("synced", True):
            await sees(run, {"synced": True})


def mark(run):
    """What is looked for later has come after this."""
    run.marks["from"] = len(run.driver.reports)


@step
async def ask(run, it):
    """Gives the driver a command; its answer is as `ok` or `error`. With `later` an `answered` looks at it."""
    answer = run.driver.ask(run.resolve(it["command"]))
    if "later" in it:
        run.answers[it["later"]] = answer
        return
    expected = {"error": it["error"]} if "error" in it else {"ok": it.get("ok", {})}
    await answered_as(run, it, answer, expected)


@step
async def answered(run, it):
    """The command that was given with `later` under that name is answered."""
    expected = {"error": it["error"]} if "error" in it else {"ok": it.get("ok", {})}
    await answered_as(run, it, run.answers[it["to"]], expected)


@step
async def unanswered(run, it):
    """It isn't answered for `for_ms`."""
    await asyncio.sleep(it.get("for_ms", 300) / 1000)
    answer = run.answers[it["to"]]
    if answer.done():
        raise Failed("no answer yet", answer.result())


@step
async def give_up(run, it):
    """The application gives up a command that was given with `later`."""
    run.driver.ask({"do": "cancel", "command": run.answers[it["call"]].number})


async def answered_as(run, it, answer, expected):
    came = await run.until(lambda: answer.result() if answer.done() else None, it, expected)
    pattern = expected
    if "error" in expected:
        if "error" not in came:
            raise Failed(expected, came)
        if isinstance(expected["error"], str):
            pattern = {"error": {"reason": expected["error"]}}
    elif "error" in came:
        raise Failed(expected, came)
    run.match(pattern, came)


# What is seen.

def wanted(run, it):
    """Which reports a step is about, and what in them is looked at."""
    if "rooms" in it:
        return {"report": "rooms"}, "rooms", it["rooms"]
    if "timeline" in it:
        which = {"report": "timeline", "room": run.resolve(it["room"]), "root": it.get("root", 0)}
        return which, "items", it["timeline"]
    if "at_start" in it:
        which = {"report": "timeline", "room": run.resolve(it["room"]), "root": it.get("root", 0)}
        return which, "at_start", it["at_start"]
    if "news" in it:
        return {"report": "news"}, "all", it["news"]
    if "synced" in it:
        return {"report": "synced"}, None, {}
    state = it["state"]
    return {"report": "state"}, None, {"state": state} if isinstance(state, str) else state


def about(which, report) -> bool:
    return all(report.get(key) == value for key, value in which.items())


@step
async def sees(run, it):
    """The application sees it: the newest list is so, or a state like that has come since the last one looked for."""
    which, field, pattern = wanted(run, it)

    def look():
        if field is None:
            return seen_state(run, which, pattern)
        shown = shown_now(run, which, field)
        return [shown] if shown is not None and fits(pattern, shown, run.variables) else None

    def expected():
        if field is None:
            recent = [one for one in run.driver.reports[run.marks.get("from", 0):] if about(which, one)]
            raise Failed(pattern, plain(recent[-8:]))
        run.match(pattern, shown_now(run, which, field))
        return pattern

    found = await run.until(look, it, expected)
    run.match(pattern, found if field is None else found[0])


def shown_now(run, which, field):
    """The list as it is; of news all that has come."""
    if field == "all":
        return [one for one in run.driver.reports[run.marks.get("from", 0):] if about(which, one)]
    newest = run.driver.newest(**which)
    return newest.get(field) if newest else None


def seen_state(run, which, pattern):
    """States come and go: each is found once, in their order."""
    key = which["report"]
    begin = run.marks.get(key, 0) if key != "synced" else 0
    begin = max(begin, run.marks.get("from", 0))
    for index in range(begin, len(run.driver.reports)):
        report = run.driver.reports[index]
        if about(which, report) and fits(pattern, report, run.variables):
            run.marks[key] = index + 1
            return report
    return None


@step
async def stays(run, it):
    """It is so and stays so for `for_ms`."""
    which, field, pattern = wanted(run, it)
    began = len(run.driver.reports)
    await asyncio.sleep(it.get("for_ms", 300) / 1000)
    run.match(pattern, shown_now(run, which, field) if field else run.driver.newest(**which))
    if field == "all":
        return
    for report in run.driver.reports[began:]:
        if about(which, report):
            run.match(pattern, report.get(field) if field else report)


@step
async def never_saw(run, it):
    """Nothing like it was shown since the client was started."""
    which, field, pattern = wanted(run, it)
    for report in run.driver.reports[run.marks.get("from", 0):]:
        if about(which, report) and fits(pattern, report.get(field) if field else report, run.variables):
            raise Failed("not that", plain([report]))


@step
async def tokens(run, it):
    """What the application has when it is asked for a token: tokens, null for none, "hold" for no answer."""
    run.tokens = [
        {"none": True} if one is None else {"hold": True} if one == "hold" else {"token": one} for one in it["next"]
    ]


@step
async def asked_for_token(run, it):
    """The client has asked for a token so many times in all; `fresh` for the last."""
    def look():
        asked = run.driver.tokens_asked
        if len(asked) < it.get("times", 1):
            return None
        return asked if "fresh" not in it or asked[-1]["fresh"] == it["fresh"] else None
    asked = await run.until(look, it, lambda: f"{it}, where it was asked {run.driver.tokens_asked}")
    if it.get("exactly") and len(asked) != it["times"]:
        raise Failed(f"a token asked for {it['times']} times", len(asked))


@step
async def rejoin(run, it):
    """Ends the client and starts it again, with what it has kept unless `with` says otherwise."""
    await answered_as(run, it, run.driver.ask({"do": "close"}), {"ok": {}})
    for one in run.mock.sessions:
        if not one.connection.closed.done():
            await run.until(lambda one=one: True if one.connection.closed.done() else None, it, "the connection's end")
    await connect(run, {**it, "with": {"cache": "kept", **it.get("with", {})}})


def plain(reports):
    now = time.monotonic()
    return [{**one, "at": f"{round((now - one['at']) * 1000)} ms ago"} for one in reports]
