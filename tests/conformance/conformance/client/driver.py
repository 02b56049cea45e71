"""The client under test: a program that takes commands and tells what an application would see, as JSON lines."""

import asyncio
import base64
import contextlib
import json
import re
import time
import uuid
from pathlib import Path

from ..schema import Schema

SCHEMA = Path(__file__).resolve().parents[2] / "driver.schema.json"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IDS = ("room", "user", "ref", "mentions", "sender")
LINE_MAX = 64 * 1024 * 1024
STARTS_WITHIN_S = 20
ENDS_WITHIN_S = 5


class Gone(Exception):
    """The driver has ended, or says what isn't in its protocol."""


class Driver:
    """A running driver. What it reports is kept, with its time."""

    def __init__(self, process):
        self.process = process
        self.hello = None
        self.reports = []
        self.answers = {}
        self.happened = asyncio.Event()
        self.numbers = 0
        self.tokens_asked = []
        self.wrong = None
        self.complaints = b""
        self.schema = Schema(SCHEMA)
        self.on_token = None
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_complaints())]

    @classmethod
    async def start(cls, words, patience: float = 1):
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=LINE_MAX,
        )
        driver = cls(process)
        try:
            async with asyncio.timeout(STARTS_WITHIN_S * patience):
                while driver.hello is None:
                    await driver.news()
        except TimeoutError:
            await driver.end()
            raise Gone("the driver says nothing") from None
        return driver

    async def news(self):
        """Until something new is there."""
        if self.wrong is not None:
            raise Gone(self.wrong)
        self.happened.clear()
        await self.happened.wait()
        if self.wrong is not None:
            raise Gone(self.wrong)

    async def _read(self):
        async for line in self.process.stdout:
            try:
                said = json.loads(line)
                self._said(said)
            except (ValueError, KeyError) as wrong:
                self.wrong = f"a line that isn't in the protocol of drivers: {line[:300]!r} ({wrong!r})"
            self.happened.set()
        await self.process.wait()
        if self.wrong is None:
            said = self.complaints[-2000:].decode(errors="replace")
            self.wrong = f"the driver ended with {self.process.returncode}: {said}"
        self.happened.set()

    async def _read_complaints(self):
        async for line in self.process.stderr:
            self.complaints += line

    def _said(self, said: dict):
        kind = "answer" if "id" in said else said.get("report")
        wrong = self.schema.problems(said, kind) if kind in self.schema.whole["$defs"] else [f"no report {kind!r}"]
        if wrong:
            raise ValueError("; ".join(wrong))
        came = in_base64(said)
        if kind == "driver":
            self.hello = said
        elif kind == "answer":
            answer = self.answers.get(said["id"])
            if answer is not None and not answer.done():
                answer.set_result(came)
        elif kind == "token":
            self.tokens_asked.append(said)
            self.on_token(said)
        self.reports.append({**came, "at": time.monotonic()})

    def ask(self, command: dict) -> asyncio.Future:
        """Gives a command; the future has its answer."""
        self.numbers += 1
        line = {"id": self.numbers, **in_uuids(command)}
        wrong = self.schema.problems(line, "command") or self.schema.problems(line, f"do_{line['do']}")
        if wrong:
            raise ValueError(f"a command that isn't one: {'; '.join(wrong)}")
        answer = asyncio.get_running_loop().create_future()
        answer.number = self.numbers
        self.answers[self.numbers] = answer
        self.tell(line)
        return answer

    def tell(self, line: dict):
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    def newest(self, report: str, **which):
        """The newest report of a sort, such as the list of rooms as it is."""
        for one in reversed(self.reports):
            if one.get("report") == report and all(one.get(key) == value for key, value in which.items()):
                return one
        return None

    async def end(self):
        """Ends it: it does so by itself when its input ends."""
        self.process.stdin.close()
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self.process.wait()
        except TimeoutError:
            # It may have ended in this very moment.
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        for task in self.tasks:
            task.cancel()


def in_uuids(command: dict) -> dict:
    """Scripts have ids in base64, drivers as UUIDs."""
    return {name: as_uuid(value) if name in IDS else value for name, value in command.items()}


def as_uuid(value):
    if isinstance(value, list):
        return [as_uuid(one) for one in value]
    return str(uuid.UUID(bytes=base64.b64decode(value)))


def in_base64(value):
    """The other way round, wherever one stands."""
    if isinstance(value, dict):
        return {name: in_base64(one) for name, one in value.items()}
    if isinstance(value, list):
        return [in_base64(one) for one in value]
    if isinstance(value, str) and UUID.fullmatch(value):
        return base64.b64encode(uuid.UUID(value).bytes).decode()
    return value
