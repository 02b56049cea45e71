"""The mock as scripts use it: what it does next, and what it has seen."""

import asyncio
import base64
import re
import time
from collections import deque
from pathlib import Path

from ..carriers.served import WT_PATH, Listener
from .answers import gained
from .session import Session
from .world import MARKER_MOVED, World, now_ms

PROTOCOL = Path(__file__).resolve().parents[4] / "PROTOCOL.md"
ROW = re.compile(r"^\| \d+ \| `([A-Z_]+)` \| ([A-Z_]+) \| (.+?) \|$", re.M)
RETRIES = {
    "never": "NEVER", "at once": "SAME", "after `retry_after_ms`": "AFTER_DELAY", "on a new connection": "RECONNECT",
    "with a new token": "AFTER_REAUTH", "after reading the log": "AFTER_RESYNC",
}


def registry() -> dict:
    """Class and retry of each reason, as PROTOCOL.md has them."""
    rows = ROW.findall(PROTOCOL.read_text(encoding="utf-8"))
    return {reason: (of_class, RETRIES[retry]) for reason, of_class, retry in rows if retry in RETRIES}


class Mock:
    """A server for one script."""

    def __init__(self, contract):
        self.world = World(contract)
        self.contract = contract
        self.methods = {}
        for method in contract.methods.values():
            method.short = method.name.rpartition(".")[2]
            self.methods[method.number] = method
        self.reasons = registry()
        self.listener = Listener(self._accept)
        self.sessions = []
        self.hellos = []
        self.calls = []
        self.datagrams = []
        self.pings = []
        self.greetings = deque()
        self.rules = []
        self.broken = []
        self.silent = False
        self.quiet = False
        self.grease = False
        self.current = None
        self.happened = asyncio.Event()

    async def start(self):
        await self.listener.start()

    async def stop(self):
        for session in self.sessions:
            await session.connection.abandon()
            for task in session.tasks:
                task.cancel()
        await self.listener.stop()

    async def _accept(self, connection, carrier):
        session = Session(self, connection, carrier)
        self.sessions.append(session)
        try:
            await session.serve()
        finally:
            self.happened.set()

    @property
    def live(self):
        """The newest connection that was welcomed and still is there."""
        return next((one for one in reversed(self.sessions) if one.is_live), None)

    def offer(self, carriers):
        """Which carriers the document of endpoints names."""
        self.listener.document = {"websocket": {"path": "/parlour/v1/ws"}}
        if "webtransport" in carriers:
            self.listener.document["webtransport"] = {
                "port": self.listener.udp_port, "path": WT_PATH,
                "certificate_hashes": [base64.b64encode(self.listener.certificate_hash).decode()],
            }

    # What sessions tell.

    def broke(self, what: str):
        self.broken.append(what)
        self.happened.set()

    def greeted(self, session, shown: dict) -> dict:
        """A hello has come: how it is answered."""
        ends = [one.ended_at for one in self.sessions if one is not session and one.ended_at]
        now = time.monotonic()
        self.hellos.append({
            "session": session, "shown": {**shown, "carrier": session.carrier}, "at": now, "taken": False,
            "since_end_ms": (now - max(ends)) * 1000 if ends else None,
        })
        self.happened.set()
        return self.greetings.popleft() if self.greetings else {}

    def heard(self, call):
        self.calls.append(call)
        self.happened.set()

    def cancelled(self, session, number: int):
        for call in self.calls:
            if call.session is session and call.number == number:
                call.cancelled = True
                session.in_flight.pop(number, None)
        self.happened.set()

    def pinged(self, _session, ping):
        self.pings.append({"bytes": len(ping.padding), "at": time.monotonic(), "taken": False})
        self.happened.set()

    def datagram(self, shown: dict):
        self.datagrams.append(shown)
        self.happened.set()

    def then(self, call) -> dict:
        """What a script wants done with a call, if it does."""
        for rule in self.rules:
            if rule["method"] == call.method and rule["times"] != 0:
                rule["times"] -= 1
                return rule["then"]
        return {}

    def error(self, error: dict) -> dict:
        """An Error, with class and retry from the registry unless a script says otherwise."""
        reason = error["reason"]
        out = {"message": "as the script says", **error}
        if isinstance(reason, str):
            of_class, retry = self.reasons.get(reason, ("INTERNAL", "NEVER"))
            out["reason"] = f"ERROR_REASON_{reason}"
        else:
            of_class, retry = "INTERNAL", "NEVER"
        out["class"] = "ERROR_CLASS_" + error.get("class", of_class)
        out["retry"] = "RETRY_" + error.get("retry", retry)
        if "retry_after_ms" in out:
            out["retry_after_ms"] = str(out["retry_after_ms"])
        return out

    # What changes in the world, and who hears it.

    def found(self, name: str, kind: int, members, told: bool = True):
        """A new room, which the served user gains."""
        room = self.world.add_room(name, kind, members)
        body = self.contract.make("parlour.room.v1.RoomCreated", kind=kind, members=list(members))
        self.world.append(room, 1, body.SerializeToString(), members[0])
        self.own(*gained(self.world, room), told=told)
        return room

    def own(self, kind: int, body: bytes, told: bool = True):
        """An event of the user's own log."""
        event = self.world.append_own(kind, body)
        if told and not self.quiet:
            self.tell_own([event])
        return event

    def mark(self, room, place: int, set_at: int):
        room.marker, room.marker_set_at, room.marker_at_ms = place, set_at, now_ms()
        body = self.contract.make("parlour.marker.v1.MarkerMoved", room=room.id, marker=self.world.marker(room))
        self.own(MARKER_MOVED, body.SerializeToString())

    def tell_own(self, events):
        frame = self.contract.make("EventFrame", user_events={"events": list(events)})
        self._everywhere(lambda _: frame)

    def tell(self, room, events):
        """Tells a room's events to all connections, or that there are some, by what each of them wants."""
        if self.quiet:
            return
        whole = self.contract.make("EventFrame", room_events={"room": room.id, "events": list(events)})
        pulse = self.contract.make("EventFrame", pulse=self.world.pulse(room, events))
        self._everywhere(lambda one: pulse if (
            one.focused and room.id not in one.subscribed or room.id in one.behind
        ) else whole)

    def _everywhere(self, frame_for):
        for session in self.sessions:
            if session.is_live:
                session.tell_frame(frame_for(session).SerializeToString())
