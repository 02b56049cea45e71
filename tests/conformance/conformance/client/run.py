"""Plays one script for clients over one carrier."""

import asyncio
import base64
import time

from ..carriers import Closed
from ..mock.server import Mock
from ..mock.world import id_of
from ..patterns import Mismatch, match
from ..run import Outcome
from ..steps import WITHIN_MS, Failed
from ..values import Unknown, resolve
from .driver import Driver, Gone
from .steps import KINDS

USERS = ("ann", "ben", "cem", "eve")


class Run:
    """The state of a script that is being played."""

    def __init__(self, script, carrier: str, words, contract, patience: float = 1):
        self.script, self.carrier, self.words, self.contract = script, carrier, words, contract
        self.patience = patience
        self.mock = Mock(contract)
        self.driver = None
        self.variables = {name: text_of(id_of("user", name)) for name in USERS}
        self.answers = {}
        self.tokens = []
        self.tokens_given = 0
        self.marks = {}
        self.now = (0, "")

    async def play(self) -> Outcome:
        outcome = Outcome(self.script.name, self.carrier)
        began = time.monotonic()
        try:
            await self.mock.start()
            self.mock.offer({self.carrier})
            self.driver = await Driver.start(self.words, self.patience)
            self.driver.on_token = self._token
            if why := self._lacks():
                outcome.skipped = why
                return outcome
            await self._steps(outcome)
        except Gone as gone:
            outcome.line, outcome.step = self.now[0] or 1, self.now[1]
            outcome.expected, outcome.came = "a driver that runs", str(gone)
        finally:
            if self.driver is not None:
                await self.driver.end()
            await self.mock.stop()
            outcome.seconds = time.monotonic() - began
        return outcome

    def _lacks(self) -> str:
        """What the script needs and the driver hasn't."""
        can = self.driver.hello["can"]
        wanted = [*self.script.head.get("needs", []), self.carrier]
        return ", ".join(f"the driver can't {one}" for one in wanted if one not in can)

    async def _steps(self, outcome):
        for line, it in self.script.steps:
            self.now = (line, it["do"])
            try:
                await KINDS[it["do"]](self, it)
                if self.mock.broken:
                    raise Failed("a client that keeps the protocol", "; ".join(self.mock.broken))
            except (Failed, Gone, Closed, Unknown, KeyError, ValueError, OSError) as wrong:
                outcome.line, outcome.step = self.now
                outcome.expected, outcome.came = self._told(wrong)
                return
            outcome.steps += 1

    def _told(self, wrong):
        if self.mock.broken:
            return "a client that keeps the protocol", "; ".join(self.mock.broken)
        if isinstance(wrong, Failed):
            return wrong.expected, wrong.came
        if isinstance(wrong, Gone):
            return "a driver that runs", str(wrong)
        return "a script that can be played", repr(wrong)

    def _token(self, asked: dict):
        """The driver wants a token: the next one that a step named, or one of the usual ones."""
        wanted = self.tokens.pop(0) if self.tokens else {}
        # The application keeps a token until it won't do any more.
        self.tokens_given += 1 if asked.get("fresh") or not self.tokens_given else 0
        if wanted.get("none"):
            self.driver.tell({"to": asked["number"]})
        elif "hold" not in wanted:
            self.driver.tell({"to": asked["number"], "token": wanted.get("token", f"token-{self.tokens_given}")})
        self.mock.happened.set()

    # What steps use.

    def resolve(self, value):
        return resolve(value, self.variables, self.contract)

    def match(self, pattern, came):
        try:
            match(pattern, came, self.variables)
        except Mismatch as wrong:
            raise Failed(f"{wrong.path or 'all'}: {wrong.expected!r}", f"{wrong.came!r} in {came!r}") from wrong

    def room(self, it):
        """The mock's room that a step names."""
        field = base64.b64decode(self.resolve(it["room"]))
        if field not in self.mock.world.rooms:
            raise Failed("a room of the script", it["room"])
        return self.mock.world.rooms[field]

    async def until(self, look, it, expected):
        """What `look` finds, in time; it is asked again whenever something has happened on either side."""
        limit = it.get("within_ms", WITHIN_MS) * self.patience
        ends = time.monotonic() + limit / 1000
        while True:
            if self.driver.wrong is not None:
                raise Gone(self.driver.wrong)
            if self.mock.broken:
                raise Failed("a client that keeps the protocol", "; ".join(self.mock.broken))
            found = look()
            if found is not None:
                return found
            left = ends - time.monotonic()
            if left <= 0:
                raise Failed(expected() if callable(expected) else expected, f"nothing within {limit:.0f} ms")
            self.mock.happened.clear()
            self.driver.happened.clear()
            waits = [asyncio.ensure_future(one.happened.wait()) for one in (self.mock, self.driver)]
            await asyncio.wait(waits, timeout=min(left, 0.25), return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()
