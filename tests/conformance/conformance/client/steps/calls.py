"""Steps of the server about calls: what it does with the next ones, and what has come."""

import asyncio
import base64
import hashlib

from ...patterns import fits
from ...steps import Failed
from ..steps import step
from .connections import live


@step
async def when(run, it):
    """The next call of the method, or `times` of them (-1 for all), isn't answered as usual but as `then` says."""
    methods = {one.short for one in run.mock.methods.values()} | {"upload", "download"}
    if it["method"] not in methods:
        raise Failed("a method of the contract", it["method"])
    run.mock.rules.append({"method": it["method"], "times": it.get("times", 1), "then": run.resolve(it["then"])})


@step
async def as_usual(run, it):
    """Calls of the method are answered as usual again."""
    run.mock.rules = [rule for rule in run.mock.rules if rule["method"] != it["method"]]


@step
async def expect_call(run, it):
    """The next call of the method that no step has taken is as `match` says; with `among`, the next that is so."""
    def look():
        for call in run.mock.calls:
            if call.method == it["method"] and not call.taken:
                if not it.get("among") or fits(it.get("match", {}), shown(call), run.variables):
                    return call
        return None

    def expected():
        return {"method": it["method"], **it.get("match", {}), "heard": [one.method for one in run.mock.calls][-12:]}
    call = await run.until(look, it, expected)
    call.taken = True
    run.match(it.get("match", {}), shown(call))
    if "as" in it:
        run.answers[f"call {it['as']}"] = call


def shown(call):
    return {**call.shown, "chain": call.chain} if call.chain else call.shown


@step
async def no_call(run, it):
    """No other call of the method comes for `for_ms`, nor did one."""
    await asyncio.sleep(it.get("for_ms", 500) / 1000)
    for call in run.mock.calls:
        if call.method == it["method"] and not call.taken and fits(it.get("match", {}), shown(call), run.variables):
            raise Failed(f"no call of {it['method']}", shown(call))


@step
async def forget_calls(run, it):
    """Calls up to now, of the method if it is said, aren't looked at any more."""
    for call in run.mock.calls:
        if it.get("method", call.method) == call.method:
            call.taken = True


@step
async def answer(run, it):
    """Answers a call that was held: with `reply`, `error`, `items`, or as usual."""
    call = run.answers[f"call {it['to']}"]
    if call.lane is not None:
        then = run.resolve({key: it[key] for key in ("items", "cut_after", "reset") if key in it})
        if "error" in it:
            call.session._item(call.lane, {"error": run.mock.error(it["error"])}, end=True)
        else:
            call.session.answer_bulk(call, then)
    elif "error" in it:
        call.session.refuse(call, it["error"])
    elif "reply" in it:
        call.session.reply(call, run.contract.encode(call.response, run.resolve(it["reply"])))
    else:
        await call.session.perform(call, {})


@step
async def expect_cancelled(run, it):
    """The client says that it doesn't want the answer to a held call any more, or gives its lane up."""
    call = run.answers[f"call {it['call']}"]
    await run.until(lambda: True if call.cancelled else None, it, "the call given up")


@step
async def expect_gap(run, it):
    """Two calls came so far apart: from the first to the second at least and at most so many milliseconds."""
    first, second = (run.answers[f"call {name}"] for name in it["between"])
    apart = (second.at - first.at) * 1000
    least, most = it["apart_ms"]
    if apart < least or most is not None and apart > most:
        raise Failed(f"calls {it['apart_ms']} ms apart", round(apart))


@step
async def expect_datagram(run, it):
    """A datagram comes that is as `match` says."""
    def look():
        return next((one for one in run.mock.datagrams if fits(it.get("match", {}), one, run.variables)), None)
    found = await run.until(look, it, lambda: {"a datagram": it.get("match"), "came": run.mock.datagrams[-5:]})
    run.mock.datagrams.remove(found)
    run.match(it.get("match", {}), found)


@step
async def no_datagram(run, it):
    """No datagram comes for `for_ms` but those that were looked at."""
    await asyncio.sleep(it.get("for_ms", 500) / 1000)
    if run.mock.datagrams:
        raise Failed("no datagram", run.mock.datagrams)


@step
async def file(run, it):
    """The server has a file of these bytes."""
    data = base64.b64decode(run.resolve(it["bytes"]))
    run.mock.world.blobs[hashlib.sha256(data).digest()] = data


@step
async def datagram(run, it):
    """The server sends a datagram: an Ephemeral, or bytes in hex."""
    session = live(run)
    if "hex" in it:
        data = bytes.fromhex(it["hex"])
    else:
        value = run.resolve(it["ephemeral"])
        if isinstance(value.get("body"), dict):
            body = run.contract.encode(run.contract.events[value["kind"]], value["body"])
            value = {**value, "body": base64.b64encode(body).decode()}
        data = run.contract.encode("Ephemeral", value)
    session.connection.datagram(data)
