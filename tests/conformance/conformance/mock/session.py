"""One connection of the client: its frames are held against the rules that need no script, and answered."""

import asyncio
import os
import time

from ..carriers import Closed, LaneOver, varint
from . import blobs
from .answers import BULK, CONTROL, Refused
from .frames import Broke, Call, bounded_frame
from .world import now_ms

CONTROL_FRAME_MAX, BULK_FRAME_MAX, BLOB_FRAME_MAX = 64 * 1024, 1024 * 1024, 4 * 1024
CALLS_MAX, BULK_LANES_MAX = 256, 16
TOKEN_BYTES_MAX = 8 * 1024
# Field 1000, which no message has.
UNKNOWN_FIELD = bytes.fromhex("c03e01")
LIMITS = {
    "control_frame_bytes_max": 65536, "bulk_frame_bytes_max": 1048576, "body_bytes_max": 61440,
    "text_bytes_max": 16384, "mentions_max": 100, "calls_in_flight_max": 256, "bulk_lanes_max": 16,
    "subscriptions_max": 1000, "group_members_max": 10000,
}
WRITES = ("Send", "Edit", "Delete", "React", "Unreact", "Pin", "Unpin", "Vote", "ClosePoll")
BODIES = {"Send": "parlour.message.v1.MessagePosted", "Edit": "parlour.message.v1.MessageEdited"}


class Session:
    """The server's side of one connection."""

    def __init__(self, mock, connection, carrier: str):
        self.mock, self.connection, self.carrier = mock, connection, carrier
        self.contract = mock.world.contract
        self.control = None
        self.events = None
        self.hello = None
        self.welcomed = asyncio.Event()
        self.in_flight = {}
        self.bulk_open = 0
        self.broken = {}
        self.focused = False
        self.subscribed, self.behind = set(), set()
        self.tasks = []
        self.said_goodbye_at = None
        self.ended_at = None

    @property
    def is_live(self) -> bool:
        return self.welcomed.is_set() and not self.connection.closed.done()

    async def serve(self):
        """Until the connection is over."""
        self._task(self._read_lanes())
        self._task(self._read_datagrams())
        await asyncio.shield(self.connection.closed)
        if malformed := getattr(self.connection, "malformed", ""):
            self.mock.broke(f"the client broke section 50: {malformed}")
        self.ended_at = self.said_goodbye_at or time.monotonic()
        for task in self.tasks:
            task.cancel()

    def _task(self, work):
        self.tasks.append(asyncio.create_task(self._guard(work)))

    async def _guard(self, work):
        try:
            await work
        except (Closed, LaneOver):
            pass
        except Broke as broke:
            self.mock.broke(str(broke))
        except Exception as wrong:  # Shown as the script's failure.
            self.mock.broke(f"the mock stumbled: {wrong!r}")

    # What comes.

    async def _read_lanes(self):
        while True:
            lane = await self.connection.incoming.get()
            self._task(self._read_control(lane) if lane.key == self.connection.CONTROL else self._read_lane(lane))

    async def _read_datagrams(self):
        while True:
            data = await self.connection.datagrams.get()
            if len(data) > 1000:
                raise Broke(f"a datagram of {len(data)} bytes")
            self.mock.datagram(self.contract.show(self.contract.parse("Ephemeral", data)))

    async def _read_control(self, lane):
        self.control = lane
        try:
            while True:
                frame = self.contract.parse("ClientFrame", await bounded_frame(lane, CONTROL_FRAME_MAX))
                await self._frame(frame)
        except LaneOver as over:
            if not self.connection.closed.done():
                self.mock.broke(f"the client ends its control lane: {over}")

    async def _frame(self, frame):
        what = frame.WhichOneof("frame")
        if what == "hello":
            if self.hello is not None:
                raise Broke("a second hello")
            await self._hello(frame.hello)
        elif self.hello is None and what != "sign_in":
            raise Broke(f"{what} before the hello")
        elif what == "ping":
            self.mock.pinged(self, frame.ping)
            self.say({"pong": {"nonce": str(frame.ping.nonce)}})
        elif what == "call":
            await self._call(frame.call)
        elif what == "cancel":
            self.mock.cancelled(self, frame.cancel.id)
        else:
            raise Broke(f"a frame of kind {what}")

    async def _hello(self, hello):
        self.hello = hello
        self.focused = hello.delivery == 2
        if len(hello.device) != 16:
            raise Broke(f"a hello with a device of {len(hello.device)} bytes")
        if not hello.token or len(hello.token.encode()) > TOKEN_BYTES_MAX:
            raise Broke(f"a hello with a token of {len(hello.token)} bytes")
        if not hello.min_rev <= 1 <= hello.max_rev:
            raise Broke("a hello without revision 1")
        await self._greet(self.mock.greeted(self, self.contract.show(hello)))

    async def _greet(self, how: dict):
        await asyncio.sleep(how.get("after_ms", 0) / 1000)
        if how.get("silent"):
            return
        if how.get("drop"):
            await drop(self.connection)
        elif "goodbye" in how:
            await self.bye(how["goodbye"])
        elif "close" in how:
            await self.close(how["close"])
        elif "hex" in how:
            self.raw(self.control, bytes.fromhex(how["hex"]))
        else:
            await self.welcome(how)

    async def welcome(self, how: dict):
        """Welcomes the client, with fields of the script's over the usual ones."""
        world = self.mock.world
        welcome = self.contract.build("Welcome", {"rev": 1, "limits": LIMITS, "name": "Ann", **how.get("welcome", {})})
        for name, value in {
            "session": os.urandom(16), "user": world.me, "org": b"\1" * 16, "resume": os.urandom(16),
            "incarnation": world.incarnation, "server_time_ms": world.tick(), "auth_expires_ms": now_ms() + 3600_000,
        }.items():
            if not getattr(welcome, name):
                setattr(welcome, name, value)
        if how.get("early"):
            self._open_events()
            self.tell_frame(self.contract.build("EventFrame", how["early"]).SerializeToString())
            await asyncio.sleep(0.2)
        frame = self.contract.message("ServerFrame")
        frame.welcome.CopyFrom(welcome)
        if self.mock.grease:
            frame.welcome.MergeFromString(UNKNOWN_FIELD)
        self.raw(self.control, self.framed(frame.SerializeToString()))
        self.connection.welcomed()
        if self.events is None:
            self._open_events()
        self.welcomed.set()

    def _open_events(self):
        self.events = self.connection.open_events()
        self.raw(self.events, self.framed(self.contract.encode("LaneOpen", {"kind": "LANE_KIND_EVENT"})))

    # Calls.

    async def _call(self, frame):
        if frame.id in self.in_flight:
            raise Broke(f"call {frame.id} twice in flight")
        method = self.mock.methods.get(frame.method)
        if method is None or method.bulk:
            raise Broke(f"method {frame.method} on the control lane")
        call = self._seen(method, frame.body, frame.id, frame.chain)
        self.in_flight[frame.id] = call
        if len(self.in_flight) > CALLS_MAX:
            raise Broke(f"{len(self.in_flight)} calls in flight")
        then = self.mock.then(call)
        if self._is_behind_broken(call):
            self.refuse(call, {"reason": "CHAIN_BROKEN"})
        elif "after_ms" in then:
            self._task(self._do(call, then))
        else:
            # In the order in which calls come: what is refused breaks the chain for the one behind it.
            await self._do(call, then)

    def _seen(self, method, body: bytes, number=0, chain=0) -> Call:
        message = self.contract.parse(method.request, body)
        shown = self.contract.show(message)
        if method.short in BODIES:
            shown["body"] = self.contract.decode(BODIES[method.short], message.body)
        call = Call(self, method.short, shown, message, number, chain)
        call.response = method.response
        self.mock.heard(call)
        return call

    def _is_behind_broken(self, call) -> bool:
        return (
            call.chain > 0 and call.method in WRITES
            and call.chain <= self.broken.get(call.message.room, 0)
        )

    async def _do(self, call, then: dict):
        if "after_ms" in then:
            await asyncio.sleep(then["after_ms"] / 1000)
        if then.get("drop") == "before":
            await drop(self.connection)
        elif then.get("hold"):
            pass
        elif "error" in then:
            self.refuse(call, then["error"])
        elif "reply" in then:
            self.reply(call, self.contract.encode(call.response, then["reply"]))
        else:
            await self.perform(call, then)

    async def perform(self, call, then: dict):
        """Does what a server does for the call, and answers unless the answer gets lost."""
        self.mock.current, self.mock.quiet = self, bool(then.get("untold"))
        try:
            answer = CONTROL.get(call.method, lambda *_: {})(self.mock, call.message)
        except Refused as refused:
            self.refuse(call, {"reason": refused.reason})
            return
        finally:
            self.mock.quiet = False
        if then.get("drop") == "after":
            await drop(self.connection)
        elif not then.get("lose"):
            self.reply(call, self.contract.make(call.response, **answer).SerializeToString())

    def reply(self, call, body: bytes):
        self.in_flight.pop(call.number, None)
        frame = self.contract.message("ServerFrame")
        frame.reply.id, frame.reply.body = call.number, body
        self.raw(self.control, self.framed(frame.SerializeToString()))

    def refuse(self, call, error: dict):
        self.in_flight.pop(call.number, None)
        if call.chain and call.method in WRITES:
            self.broken[call.message.room] = max(call.chain, self.broken.get(call.message.room, 0))
        self.say({"reply": {"id": str(call.number), "error": self.mock.error(error)}})

    # Bulk and blob lanes.

    async def _read_lane(self, lane):
        opened = self.contract.parse("LaneOpen", await bounded_frame(lane, BLOB_FRAME_MAX))
        if opened.kind == 3:
            await blobs.serve(self, lane)
            return
        if opened.kind != 2:
            raise Broke(f"a lane of kind {opened.kind}")
        self.bulk_open += 1
        try:
            if self.bulk_open > BULK_LANES_MAX:
                raise Broke(f"{self.bulk_open} bulk lanes at once")
            await self._bulk(lane)
        finally:
            self.bulk_open -= 1

    async def _bulk(self, lane):
        frame = self.contract.parse("BulkCall", await bounded_frame(lane, BULK_FRAME_MAX))
        method = self.mock.methods.get(frame.method)
        if method is None or not method.bulk:
            raise Broke(f"method {frame.method} on a bulk lane")
        call = self._seen(method, frame.body)
        call.lane = lane
        then = self.mock.then(call)
        await self.welcomed.wait()
        await asyncio.sleep(then.get("after_ms", 0) / 1000)
        if then.get("drop"):
            await drop(self.connection)
        elif "error" in then:
            self._item(lane, {"error": self.mock.error(then["error"])}, end=True)
        elif not then.get("hold"):
            self.answer_bulk(call, then)
            # Whether the client gives the lane up is seen only while somebody reads it.
        await self._watch(call)

    async def _watch(self, call):
        try:
            await call.lane.chunk()
        except LaneOver as over:
            call.cancelled = over.code is not None
            if call.lane.stop_code is None and over.code is None:
                while call.lane.stop_code is None:
                    await call.lane.wait()
            call.cancelled = True
            self.mock.happened.set()

    def answer_bulk(self, call, then: dict):
        """Items and the end; `cut_after` some of them the lane ends without one."""
        self.mock.current = self
        items = then.get("items")
        try:
            answer = BULK.get(call.method, lambda *_: [])(self.mock, call.message) if items is None else items
        except Refused as refused:
            self._item(call.lane, {"error": self.mock.error({"reason": refused.reason})}, end=True)
            return
        cut = then.get("cut_after")
        for item in answer if cut is None else answer[:cut]:
            message = self.contract.build(call.response, item) if items is not None else (
                self.contract.make(call.response, **item))
            frame = self.contract.message("BulkItem")
            frame.body = message.SerializeToString()
            self.raw(call.lane, self.framed(frame.SerializeToString()))
        if cut is None:
            self._item(call.lane, {"end": {}}, end=True)
        elif then.get("reset"):
            call.lane.reset(0)
        else:
            self.raw(call.lane, b"", end=True)

    def _item(self, lane, item: dict, end: bool):
        self.raw(lane, self.framed(self.contract.encode("BulkItem", item)), end)

    # What goes.

    def framed(self, message: bytes) -> bytes:
        """A message with its length before it, and a field that nobody knows if a script wants that."""
        message += UNKNOWN_FIELD if self.mock.grease else b""
        return varint(len(message)) + message

    def say(self, frame: dict):
        self.raw(self.control, self.framed(self.contract.encode("ServerFrame", frame)))

    def tell_frame(self, frame: bytes):
        self.raw(self.events, self.framed(frame))

    def raw(self, lane, data: bytes, end: bool = False):
        if not self.mock.silent and not self.connection.closed.done():
            lane.write(data, end)

    async def bye(self, goodbye: dict):
        """A Goodbye and the close behind it."""
        code = goodbye["code"]
        # From here on the client knows.
        self.said_goodbye_at = time.monotonic()
        number = self.contract.close_code(code)
        frame = self.contract.message("ServerFrame")
        frame.goodbye.code = number
        frame.goodbye.retry_after_ms = goodbye.get("retry_after_ms", 0)
        frame.goodbye.message = goodbye.get("message", "")
        self.raw(self.control, self.framed(frame.SerializeToString()))
        await asyncio.sleep(0.05)
        await self.close(code)

    async def close(self, code):
        if not self.connection.closed.done():
            await self.connection.close(self.contract.close_code(code))


async def drop(connection):
    """The connection breaks off without a word."""
    if not connection.closed.done():
        await connection.abandon()
