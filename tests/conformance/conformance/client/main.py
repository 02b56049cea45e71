"""The command line for clients: `python3 -m conformance --client COMMAND`."""

import argparse
import asyncio
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from .. import contract, script
from ..schema import Schema
from . import rules, table
from .run import Run

SCHEMA = Path(__file__).resolve().parents[2] / "client.schema.json"
CARRIERS = ("websocket", "quic", "webtransport")
AT_ONCE = 4


def arguments(words):
    parser = argparse.ArgumentParser(prog="conformance", description="Checks a Parlour client.")
    parser.add_argument("--client", metavar="COMMAND", help="starts a driver of the client")
    parser.add_argument("--rules", action="store_true", help="only says which rules are shown by which scripts")
    parser.add_argument("--carrier", choices=[*CARRIERS, "all"], default="all", help="those that the driver can")
    parser.add_argument("--profile", action="append", choices=script.PROFILES)
    parser.add_argument("--script", action="append", default=[], metavar="NAME", help="such as core/resume")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="scripts played at the same time")
    parser.add_argument(
        "--patience", type=float, default=1, metavar="N", help="wait N times as long, on a machine that is busy"
    )
    parser.add_argument("--proto", type=Path, default=contract.PROTO, help="the folder of the .proto files")
    parser.add_argument("--known", type=Path, metavar="FILE", help="lines `script: why`; these may fail")
    parser.add_argument("--table", type=Path, action="append", default=[], metavar="FILE",
                        help="puts the results into a table in Markdown; may be repeated")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each script and carrier")
    return parser.parse_args(words)


async def play_all(scripts, carriers, words, chosen, told):
    the_contract = contract.Contract(chosen.proto)
    turns = asyncio.Semaphore(chosen.at_once)

    async def play(one, carrier):
        async with turns:
            outcome = await Run(one, carrier, words, the_contract, chosen.patience).play()
        told(outcome)
        return outcome

    return await asyncio.gather(*(
        play(one, carrier) for one in sorted(scripts, key=lambda one: -one.waits_ms) for carrier in carriers
        if carrier in one.head.get("carriers", CARRIERS)
    ))


def main(words) -> int:
    from ..__main__ import failure, known_of

    chosen = arguments(words)
    try:
        scripts = script.find(chosen.profile or script.PROFILES, chosen.script, rules.CLIENT_SCRIPTS, Schema(SCHEMA))
        everything = script.find(script.PROFILES, [], rules.CLIENT_SCRIPTS, Schema(SCHEMA))
        the_rules = rules.read()
        by_rule = rules.covered(the_rules, everything)
    except script.Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    if chosen.rules:
        print(rules.listing(the_rules, by_rule))
        return 0
    known = known_of(chosen.known)

    def told(outcome):
        if chosen.json:
            line = {**asdict(outcome), "passed": outcome.passed}
            del line["transcript"]
            print(json.dumps(line, default=str), flush=True)
        elif outcome.line and outcome.script not in known:
            print(failure(outcome), flush=True)

    command = shlex.split(chosen.client)
    carriers = CARRIERS if chosen.carrier == "all" else [chosen.carrier]
    name, can = asyncio.run(introduced(command, chosen.patience))
    outcomes = asyncio.run(play_all(
        scripts, [one for one in carriers if one in can], command, chosen, told,
    ))
    return summary(chosen, name, scripts, outcomes, known)


async def introduced(command, patience):
    """What the driver calls its client, and what that can."""
    from .driver import Driver

    driver = await Driver.start(command, patience)
    await driver.end()
    return driver.hello["name"], driver.hello["can"]


def summary(chosen, name, scripts, outcomes, known) -> int:
    out = sys.stderr if chosen.json else sys.stdout
    for carrier in dict.fromkeys(outcome.carrier for outcome in outcomes):
        of = [outcome for outcome in outcomes if outcome.carrier == carrier]
        for file in chosen.table:
            table.update(file, f"{name}, {carrier}", table.groups(of, scripts))
        failed = [outcome for outcome in of if outcome.line and outcome.script not in known]
        skipped = sum(bool(outcome.skipped) for outcome in of)
        excused = sum(bool(outcome.line) for outcome in of) - len(failed)
        passed = sum(outcome.passed for outcome in of)
        more = f", {excused} known to fail" if excused else ""
        print(f"{name} over {carrier}: {passed} passed, {len(failed)} failed, {skipped} skipped{more}", file=out)
    for script_name, why in sorted({(one.script, one.skipped) for one in outcomes if one.skipped}):
        print(f"skipped {script_name}: {why}", file=out)
    print(f"{len(scripts)} scripts, {sum(len(one.steps) for one in scripts)} steps", file=out)
    return 1 if any(one.line and one.script not in known for one in outcomes) else 0
