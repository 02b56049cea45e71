"""A client of the protocol on one connection: frames, hello, calls, bulk lanes, events.

This is the part to copy when writing a client in another language. It decides nothing that a script
may want to do wrong.
"""

import asyncio
import base64

from .carriers import Closed, LaneOver, varint

EVENT_LANE = 1


class Unexpected(Exception):
    """The server did something that the protocol doesn't have."""


class Peer:
    """One connection and what came on it."""

    def __init__(self, contract, connection):
        self.contract = contract
        self.connection = connection
        self.lanes = {}
        self.frames = asyncio.Queue()
        self.answers = {}
        self.events = []
        self.last = {}
        self.happened = asyncio.Event()
        self.next_call = 1
        self.goodbye = None
        self.wrong = None
        self.reads_events = asyncio.Event()
        self.reads_events.set()
        self.tasks = []

    async def start(self):
        """Opens the control lane; what comes on lanes of the server is read from here on."""
        self.lanes["control"] = await self.connection.open()
        self._task(self._read_control())
        self._task(self._read_incoming())
        self._task(self._read_datagrams())

    def _task(self, work):
        self.tasks.append(asyncio.create_task(self._guard(work)))

    async def _guard(self, work):
        try:
            await work
        except (Closed, LaneOver):
            pass
        except Exception as wrong:  # Shown by whichever step waits next.
            self.wrong = wrong
            self.happened.set()

    def stop(self):
        for task in self.tasks:
            task.cancel()

    # Frames out.

    def send_frame(self, lane: str, message: bytes, end: bool = False):
        self.lanes[lane].write(framed(message), end)

    def control(self, frame: dict):
        self.send_frame("control", self.contract.encode("ClientFrame", frame))

    def call(self, method: int, body: bytes, chain: int = 0, number=None) -> asyncio.Future:
        """Makes a call; the future has its Reply."""
        if number is None:
            number = self.next_call
            self.next_call += 1
        frame = self.contract.message("ClientFrame")
        frame.call.id, frame.call.method, frame.call.body = number, method, body
        frame.call.chain = chain
        answer = asyncio.get_running_loop().create_future()
        answer.number = number
        self.answers.setdefault(number, []).append(answer)
        self.send_frame("control", frame.SerializeToString())
        return answer

    async def bulk(self, method: int, body: bytes):
        """Makes a bulk call; yields BulkItems up to `end` or `error`."""
        lane = await self.connection.open()
        lane.write(framed(self.contract.encode("LaneOpen", {"kind": "LANE_KIND_BULK"})))
        call = self.contract.message("BulkCall")
        call.method, call.body = method, body
        lane.write(framed(call.SerializeToString()), end=True)
        while True:
            item = self.contract.parse("BulkItem", await lane.frame())
            yield item
            if item.WhichOneof("item") in ("end", "error"):
                await self._ends(lane)
                return

    async def _ends(self, lane):
        try:
            rest = await lane.chunk()
        except LaneOver as over:
            if over.code is None and not over.rest:
                return
            raise Unexpected(f"behind the last item: {over}") from over
        raise Unexpected(f"behind the last item: {rest[:16].hex()}")

    # Frames in.

    async def _read_control(self):
        lane = self.lanes["control"]
        while True:
            frame = self.contract.parse("ServerFrame", await lane.frame())
            what = frame.WhichOneof("frame")
            if what == "reply" and self.answers.get(frame.reply.id):
                answer = self.answers[frame.reply.id].pop(0)
                if not answer.done():
                    answer.set_result(frame.reply)
                continue
            if what == "goodbye":
                self.goodbye = frame.goodbye
            self.frames.put_nowait(frame)

    async def _read_incoming(self):
        while True:
            lane = await self.connection.incoming.get()
            self._task(self._read_event_lane(lane))

    async def _read_event_lane(self, lane):
        opened = self.contract.parse("LaneOpen", await lane.frame())
        if opened.kind != EVENT_LANE:
            raise Unexpected(f"a lane of the server's of kind {opened.kind}")
        while True:
            self._told(self.contract.parse("EventFrame", await lane.frame()))
            await self.reads_events.wait()

    async def _read_datagrams(self):
        while True:
            data = await self.connection.datagrams.get()
            self._ephemeral(self.contract.parse("Ephemeral", data))

    def _told(self, frame):
        """Takes a frame of the event lane apart: where one frame ends and the next begins means nothing."""
        what = frame.WhichOneof("frame")
        if what == "room_events":
            for event in frame.room_events.events:
                self._event("room", event, frame.room_events.room)
        elif what == "user_events":
            for event in frame.user_events.events:
                self._event("user", event, b"")
        elif what == "ephemeral":
            self._ephemeral(frame.ephemeral)
        elif what is not None:
            self._keep({"event": what, **self.contract.show(getattr(frame, what))})

    def _event(self, log: str, event, room: bytes):
        # Events come at least once: a repetition is passed over.
        if event.header.seq <= self.last.get((log, room), 0):
            return
        self.last[log, room] = event.header.seq
        shown = {"event": log, **self.contract.show(event)}
        if room:
            shown["room"] = as_base64(room)
        self._keep(shown)

    def _ephemeral(self, ephemeral):
        self._keep({"event": "ephemeral", **self.contract.show(ephemeral)})

    def _keep(self, event):
        self.events.append(event)
        self.happened.set()

    # Waiting.

    async def next_frame(self):
        """The next frame of the control lane that isn't the answer to a call."""
        return await self.until_closed(self.frames.get())

    async def until_closed(self, work):
        """The result of `work`. What came before a close is still seen; then Closed is raised."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait(
                {task, self.connection.closed}, return_when=asyncio.FIRST_COMPLETED
            )
            if not task.done():
                # The carrier's end may overtake the task that reads the last frames.
                await asyncio.wait({task}, timeout=0.05)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        task.cancel()
        raise self.connection.closed.result()


def framed(message: bytes) -> bytes:
    """A message with its length before it."""
    return varint(len(message)) + message


def as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
