"""Steps about calls: call, answer, cancel, and bulk calls."""

import asyncio

from ..carriers import LaneOver
from . import Failed, step


def named(run, name: str):
    """A method by its full name; `#1999` is a number without a method."""
    if name in run.contract.methods:
        return run.contract.methods[name]
    raise Failed("a method of the contract", name)


@step
async def call(run, it):
    """Makes a call and holds its answer against `reply` or `error`; with `later`, an `answer` does so."""
    peer = run.peer(it)
    if isinstance(it["method"], int):
        method, number, body = None, it["method"], b""
    else:
        method = named(run, it["method"])
        number = method.number
        body = run.contract.encode(method.request, run.resolve(it.get("request", {})))
    if "body_hex" in it:
        body = bytes.fromhex(it["body_hex"])
    answer = peer.call(number, body, it.get("chain", 0), it.get("id"))
    if "later" in it:
        run.answers.setdefault((it["on"], it["later"]), []).append((answer, method))
        return
    await answered(run, it, answer, method)


@step
async def answer(run, it):
    """Waits for the answer to the first call that was made with `later` under that name."""
    await answered(run, it, *waiting(run, it["on"], it["to"]).pop(0))


def waiting(run, on: str, name: str):
    """The calls under a name that weren't answered yet, in their order."""
    calls = run.answers.get((on, name))
    if not calls:
        raise Failed("a call that was made with later", name)
    return calls


async def answered(run, it, future, method):
    peer = run.peer(it)

    async def arrives():
        return await future

    expected = {"error": it["error"]} if "error" in it else it.get("reply", {})
    reply = await run.within(it, peer.until_closed(arrives()), expected)
    what = reply.WhichOneof("result")
    # An answer without fields is an empty body.
    if what == "error":
        shown = run.contract.show(reply.error)
    else:
        shown = run.contract.decode(method.response, reply.body) if method else {"bytes": len(reply.body)}
    judge(run, it, what == "error", shown)


def judge(run, it, is_error: bool, shown):
    """Holds an answer against `reply` or `error` of a step."""
    if is_error and shown["reason"] == f"ERROR_REASON_{it.get('or_error')}":
        shown = {}
    elif "error" in it:
        if not is_error:
            raise Failed(f"the error {it['error']}", shown)
        pattern = it["error"]
        if isinstance(pattern, str):
            pattern = {"reason": f"ERROR_REASON_{pattern}"}
        run.match(pattern, shown)
    elif is_error:
        raise Failed(it.get("reply", "an answer"), {"error": shown})
    else:
        run.match(it.get("reply", {}), shown)
    if "or_error" in it:
        # Which of the two it is may differ from run to run.
        run.saw("answered")
        return
    run.saw({"error": shown} if is_error else shown)


@step
async def cancel(run, it):
    """Says that the answer to a call isn't wanted any more."""
    future, _ = waiting(run, it["on"], it["call"])[0]
    run.peer(it).control({"cancel": {"id": str(future.number)}})


@step
async def bulk(run, it):
    """Makes a bulk call. `merged` is held against all items laid together, `items` against each."""
    peer = run.peer(it)
    if isinstance(it["method"], int):
        number, body, response = it["method"], b"", None
    else:
        method = named(run, it["method"])
        number, response = method.number, method.response
        body = run.contract.encode(method.request, run.resolve(it.get("request", {})))
    work = collect(run, peer, number, body, response)
    if "later" in it:
        run.answers.setdefault((it["on"], it["later"]), []).append(asyncio.ensure_future(work))
        return
    await all_items(run, it, work)


@step
async def bulk_answer(run, it):
    """Waits for the items of a bulk call that was made with `later`."""
    await all_items(run, it, waiting(run, it["on"], it["to"]).pop(0))


async def all_items(run, it, work):
    items, error = await run.within(it, run.peer(it).until_closed(work), "items, then the end")
    if "error" in it or error is not None:
        judge(run, it, error is not None, error if error is not None else {"items": items})
        return
    merged = {}
    for item in items:
        merged = laid_together(merged, item)
    if "items" in it:
        run.match(it["items"], items)
    if "merged" in it:
        run.match(it["merged"], merged)
    run.saw(merged)


async def collect(run, peer, number, body, response):
    items = []
    try:
        async for item in peer.bulk(number, body):
            what = item.WhichOneof("item")
            if what == "error":
                return items, run.contract.show(item.error)
            # An item without fields has an empty body.
            if what == "body":
                items.append(run.contract.decode(response, item.body))
    except LaneOver as over:
        raise Failed("items, then the end", f"{len(items)} items, then {over!r}") from over
    return items, None


def laid_together(one, more):
    """Lists one behind the other, objects field by field, else the later one."""
    if isinstance(one, list) and isinstance(more, list):
        return one + more
    if isinstance(one, dict) and isinstance(more, dict):
        out = dict(one)
        for key, value in more.items():
            out[key] = laid_together(one[key], value) if key in one else value
        return out
    return more
