"""The command line: `python3 -m conformance`."""

import argparse
import asyncio
import json
import sys
import urllib.request
from dataclasses import asdict
from pathlib import Path

from . import contract, script
from .carriers.quic import Quic
from .carriers.websocket import WebSocket
from .carriers.webtransport import WebTransport
from .client.main import main as client_main
from .run import Outcome, Run, Target

CARRIERS = {"quic": Quic, "webtransport": WebTransport, "websocket": WebSocket}
AT_ONCE = 6
SHOWN_MAX = 900


def arguments(words):
    parser = argparse.ArgumentParser(prog="conformance", description="Checks a Parlour server.")
    parser.add_argument("--carrier", choices=[*CARRIERS, "all"], default="all")
    parser.add_argument("--quic", metavar="HOST:PORT", help="UDP: native QUIC and WebTransport")
    parser.add_argument("--http", metavar="HOST:PORT", help="TCP: WebSocket and the endpoints document")
    parser.add_argument("--http-tls", action="store_true", help="HTTP is behind TLS")
    parser.add_argument("--pin", action="append", default=[], metavar="SHA256", help="of the certificate, in hex")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    parser.add_argument(
        "--token-command", required=True, metavar="CMD",
        help="prints a token; has {sub} and {org}, and {ttl} (3s, 1h) and {scope} if it can",
    )
    parser.add_argument("--profile", action="append", choices=script.PROFILES)
    parser.add_argument("--script", action="append", default=[], metavar="NAME", help="such as core/hello")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="scripts played at the same time")
    parser.add_argument("--proto", type=Path, default=contract.PROTO, help="the folder of the .proto files")
    parser.add_argument(
        "--known", type=Path, metavar="FILE",
        help="lines `script: why`; these may fail, which is said and no failure of the whole",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each script and carrier")
    parser.add_argument("--transcripts", type=Path, metavar="FOLDER", help="writes what was seen there")
    chosen = parser.parse_args(words)
    carriers = list(CARRIERS) if chosen.carrier == "all" else [chosen.carrier]
    if not chosen.quic and set(carriers) & {"quic", "webtransport"}:
        parser.error("--quic is needed for these carriers")
    if not chosen.http and set(carriers) & {"websocket", "webtransport"}:
        parser.error("--http is needed for these carriers")
    return chosen, carriers


def target_of(chosen) -> Target:
    """Where to connect; the paths are those that the server's own document says."""
    target = Target(
        quic=chosen.quic or "", http=chosen.http or "", http_tls=chosen.http_tls,
        pins=frozenset(pin.lower().replace(":", "") for pin in chosen.pin),
        insecure=chosen.insecure, token_command=chosen.token_command,
    )
    if chosen.http:
        scheme = "https" if chosen.http_tls else "http"
        with urllib.request.urlopen(f"{scheme}://{chosen.http}/parlour/v1/endpoints", timeout=10) as answer:
            document = json.load(answer)
        target.websocket_path = document["websocket"]["path"]
        target.webtransport_path = document["webtransport"]["path"]
    return target


async def play_all(scripts, carriers, target, the_contract, at_once, told):
    """Every script over every carrier, some at the same time: each has an organization of its own."""
    turns = asyncio.Semaphore(at_once)

    async def play(one, name):
        if why := target.lacks(one):
            outcome = Outcome(one.name, name, skipped=why)
        else:
            async with turns:
                outcome = await Run(one, name, CARRIERS[name], target, the_contract).play()
        told(outcome)
        return outcome

    return await asyncio.gather(*(
        play(one, name) for one in sorted(scripts, key=lambda one: -one.waits_ms) for name in carriers
        if name in one.head.get("carriers", CARRIERS)
    ))


def differences(outcomes):
    """Scripts that passed over several carriers and saw different things: name, carriers, first difference."""
    by_script = {}
    for outcome in outcomes:
        if outcome.passed:
            by_script.setdefault(outcome.script, []).append(outcome)
    for name, group in by_script.items():
        first = group[0]
        for other in group[1:]:
            if other.transcript != first.transcript:
                pairs = zip(first.transcript, other.transcript)
                yield name, first.carrier, other.carrier, next(
                    ((one, two) for one, two in pairs if one != two), ("more steps", "fewer steps")
                )


def failure(outcome) -> str:
    return (
        f"FAILED {outcome.script} over {outcome.carrier}, line {outcome.line} ({outcome.step})\n"
        f"  expected: {short(outcome.expected)}\n  came:     {short(outcome.came)}"
    )


def short(value) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}... ({len(text)} characters)"


def main(words=None) -> int:
    words = sys.argv[1:] if words is None else words
    if "--client" in words or "--rules" in words:
        return client_main(words)
    chosen, carriers = arguments(words)
    try:
        scripts = script.find(chosen.profile or script.PROFILES, chosen.script)
    except script.Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    if not scripts:
        print("no such script", file=sys.stderr)
        return 2

    known = known_of(chosen.known)

    def told(outcome):
        if chosen.json:
            line = {**asdict(outcome), "passed": outcome.passed}
            del line["transcript"]
            print(json.dumps(line, default=str), flush=True)
        elif outcome.line and outcome.script not in known:
            print(failure(outcome), flush=True)

    try:
        target = target_of(chosen)
    except (OSError, ValueError, KeyError) as wrong:
        print(f"the server doesn't say where to connect: {wrong!r}", file=sys.stderr)
        return 2
    outcomes = asyncio.run(play_all(
        scripts, carriers, target, contract.Contract(chosen.proto), chosen.at_once, told
    ))
    return summary(scripts, carriers, outcomes, chosen, known)


def known_of(file) -> dict:
    """Scripts that are known to fail, and why."""
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def summary(scripts, carriers, outcomes, chosen, known) -> int:
    differ = list(differences(outcomes))
    for name, one, two, (here, there) in differ:
        print(f"DIFFERS {name}: {one} saw {short(here)}\n  {two} saw {short(there)}", file=sys.stderr)
    if chosen.transcripts:
        chosen.transcripts.mkdir(parents=True, exist_ok=True)
        for outcome in outcomes:
            file = chosen.transcripts / f"{outcome.script.replace('/', '-')}.{outcome.carrier}.jsonl"
            file.write_text("".join(json.dumps(line) + "\n" for line in outcome.transcript))
    out = sys.stderr if chosen.json else sys.stdout
    for name in carriers:
        of = [outcome for outcome in outcomes if outcome.carrier == name]
        passed = sum(outcome.passed for outcome in of)
        skipped = sum(bool(outcome.skipped) for outcome in of)
        excused = sum(bool(outcome.line) and outcome.script in known for outcome in of)
        failed = len(of) - passed - skipped - excused
        more = f", {excused} known to fail" if excused else ""
        print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped{more}", file=out)
    for why in sorted({(o.script, o.skipped) for o in outcomes if o.skipped}):
        print(f"skipped {why[0]}: {why[1]}", file=out)
    for name in sorted({o.script for o in outcomes if o.line and o.script in known}):
        print(f"known to fail {name}: {known[name]}", file=out)
    steps = sum(len(one.steps) for one in scripts)
    same = f", {len(differ)} differ between carriers" if len(carriers) > 1 else ""
    print(f"{len(scripts)} scripts, {steps} steps{same}", file=out)
    failed = any(outcome.line and outcome.script not in known for outcome in outcomes)
    return 1 if differ or failed else 0


if __name__ == "__main__":
    sys.exit(main())
