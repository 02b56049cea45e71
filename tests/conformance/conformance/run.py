"""Plays one script over one carrier, and says where it didn't go as written."""

import asyncio
import os
import shlex
import time
from dataclasses import dataclass, field

from .carriers import Closed
from .patterns import Mismatch, match
from .steps import KINDS, WITHIN_MS, Failed
from .transcript import Transcript
from .values import Unknown, resolve

RUN = os.urandom(4).hex()


@dataclass
class Target:
    """Where the server is and how it is trusted."""

    quic: str = ""
    http: str = ""
    http_tls: bool = False
    pins: frozenset = frozenset()
    insecure: bool = False
    token_command: str = ""
    websocket_path: str = "/parlour/v1/ws"
    webtransport_path: str = "/parlour/v1/wt"

    @property
    def unverified(self) -> bool:
        """The certificate's issuer isn't looked at: its hash is, or nothing."""
        return self.insecure or bool(self.pins)

    @property
    def quic_host(self) -> str:
        return self.quic.rpartition(":")[0].strip("[]")

    @property
    def quic_port(self) -> int:
        return int(self.quic.rpartition(":")[2])

    def host_of(self, carrier: str) -> str:
        """The host as the server is told it."""
        return (self.http if carrier == "websocket" else self.quic).rpartition(":")[0]

    def lacks(self, script) -> str:
        """Why a script can't be played against this target; empty if it can."""
        for need in script.head.get("needs", []):
            if "{" + need + "}" not in self.token_command:
                return f"--token-command has no {{{need}}}"
        return ""


@dataclass
class Outcome:
    """How a script went over a carrier."""

    script: str
    carrier: str
    steps: int = 0
    seconds: float = 0.0
    skipped: str = ""
    line: int = 0
    step: str = ""
    expected: object = None
    came: object = None
    transcript: list = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.line and not self.skipped


class Run:
    """The state of a script that is being played."""

    def __init__(self, script, carrier_name, carrier, target, contract):
        self.script = script
        self.carrier_name = carrier_name
        self.carrier = carrier
        self.target = target
        self.contract = contract
        self.org = f"conf-{RUN}-{script.name.replace('/', '-')}-{carrier_name}"
        self.variables = {"org": self.org, "host": target.host_of(carrier_name)}
        self.peers = {}
        self.every_peer = []
        self.answers = {}
        self.tokens = {}
        self.numbers = 0
        self.transcript = Transcript(self.variables)
        self.now = (0, "")

    async def play(self) -> Outcome:
        outcome = Outcome(self.script.name, self.carrier_name)
        began = time.monotonic()
        try:
            for line, it in self.script.steps:
                self.now = (line, it["do"])
                await self._step(it, outcome)
                if outcome.line:
                    break
                outcome.steps += 1
        finally:
            await self._put_away()
        outcome.seconds = time.monotonic() - began
        outcome.transcript = self.transcript.lines
        return outcome

    async def _step(self, it, outcome):
        try:
            await KINDS[it["do"]](self, it)
            return
        except Failed as failed:
            expected, came = failed.expected, failed.came
        except Closed as closed:
            code = self.contract.close_name(closed.code) if closed.code is not None else "no code"
            expected, came = "a connection that lives", f"closed: {code} {closed.reason!r}"
        except (Unknown, KeyError, ValueError) as wrong:
            expected, came = "a script that can be played", repr(wrong)
        except (OSError, TimeoutError, NotImplementedError) as wrong:
            expected, came = "a connection", repr(wrong)
        outcome.line, outcome.step = self.now
        outcome.expected, outcome.came = expected, came

    async def _put_away(self):
        for waiting in self.answers.values():
            for one in waiting:
                if isinstance(one, asyncio.Task):
                    one.cancel()
        for peer in self.every_peer:
            peer.stop()
            if not peer.connection.closed.done():
                await peer.connection.close(self.contract.close_code("CLIENT_DONE"))
            await peer.connection.abandon()

    # What steps use.

    def peer(self, it):
        if it["on"] not in self.peers:
            raise Failed("a connection of that name", it["on"])
        return self.peers[it["on"]]

    def resolve(self, value):
        return resolve(value, self.variables, self.contract)

    def match(self, pattern, came):
        try:
            match(pattern, came, self.variables)
        except Mismatch as wrong:
            raise Failed(f"{wrong.path or 'all'}: {wrong.expected!r}", f"{wrong.came!r} in {came!r}") from wrong

    def saw(self, what):
        self.transcript.add(*self.now, what)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    async def within(self, it, work, expected):
        """The result of `work`, in time."""
        limit = it.get("within_ms", WITHIN_MS)
        try:
            async with asyncio.timeout(limit / 1000):
                return await work
        except TimeoutError:
            raise Failed(expected, f"nothing within {limit} ms") from None

    async def token(self, user: str, options: dict, fresh: bool = False) -> str:
        """A token for a user of the script's organization, by the command that was given."""
        ttl, scope = options.get("ttl", "1h"), options.get("scope", "")
        org = options.get("org", "")
        key = (user, org, ttl, scope)
        if key not in self.tokens or fresh and "ttl" in options:
            words = [
                word.format(sub=user, org=self.org + org, ttl=ttl, scope=scope)
                for word in shlex.split(self.target.token_command)
            ]
            process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
            printed, _ = await process.communicate()
            if process.returncode:
                raise Failed("a token", f"{words[0]} ended with {process.returncode}")
            self.tokens[key] = printed.decode().strip()
        return self.tokens[key]
