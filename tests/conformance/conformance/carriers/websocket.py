"""The carrier for browsers without WebTransport: a WebSocket with a mux of its own."""

import asyncio
import ssl

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from . import Connection, Lane, Refused
from .mux import Malformed, Mux

OPEN_WITHIN_S = 5
# RFC 6455 section 7.4.1.
TOO_LARGE = 1009


class WebSocket(Connection):
    """One connection over a WebSocket."""

    def __init__(self, socket, mux=None):
        super().__init__()
        self.socket = socket
        self.mux = mux or Mux()
        self.lanes = {}
        self.room = asyncio.Event()
        self.wake = asyncio.Event()
        self.said_close = None
        self.malformed = ""
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._send())]

    @classmethod
    async def connect(cls, target, origin=None):
        context = None
        if target.http_tls:
            context = ssl.create_default_context()
            if target.insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        scheme = "wss" if target.http_tls else "ws"
        try:
            socket = await connect(
                f"{scheme}://{target.http}{target.websocket_path}", origin=origin,
                compression=None, max_size=65_552, ping_interval=None, ssl=context, proxy=None,
            )
        except InvalidStatus as answer:
            raise Refused(answer.response.status_code) from answer
        return cls(socket)

    async def open(self, uni: bool = False) -> Lane:
        if uni:
            raise NotImplementedError("a client's lanes over WebSocket go both ways")
        async with asyncio.timeout(OPEN_WITHIN_S):
            while not self.mux.may_open():
                self.room.clear()
                await self.room.wait()
        key = self.mux.open()
        self.lanes[key] = Lane(self, key)
        return self.lanes[key]

    def write(self, lane, data, end):
        self.mux.write(lane.key, data, end)
        self.wake.set()

    def reset(self, lane, code):
        self.mux.reset(lane.key, code)
        self.wake.set()

    def stop(self, lane, code):
        self.mux.stop(lane.key, code)
        self.wake.set()

    def datagram(self, data):
        self.mux.datagram(data)
        self.wake.set()

    def consumed(self, lane, count):
        self.mux.consumed(lane.key, count)
        self.wake.set()

    def starved(self, lane):
        self.mux.starved(lane.key)
        self.wake.set()

    def message(self, data):
        """Sends a message as it is, past the mux: bytes, or text, which the protocol doesn't have."""
        self.mux.outgoing.append(data)
        self.wake.set()

    async def close(self, code, reason=""):
        self.mux.close(code, reason)
        self.wake.set()
        await asyncio.sleep(0)
        while self.mux.outgoing and not self.closed.done():
            await asyncio.sleep(0.001)
        await self.socket.close(1000)
        await self.abandon()

    async def abandon(self):
        for task in self.tasks:
            task.cancel()
        self.socket.transport.abort()
        self.over(None, "given up")

    async def _read(self):
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    raise Malformed("a message that isn't binary")
                self.mux.received(message)
                self._happened()
                self.wake.set()
        except Malformed as wrong:
            self.malformed = str(wrong)
            self.over(None, f"the other side broke section 50: {wrong}")
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == TOO_LARGE:
                self.malformed = "a message of more than 65,552 bytes"
        ended = self.socket.close_code
        code, reason = self.said_close or (None, f"WebSocket closed: {ended}")
        # 1006 is no word of the server's: TCP broke off behind its CLOSE.
        if self.said_close and ended not in (1000, 1006):
            code, reason = None, f"the other side closed the WebSocket with {ended}, not 1000"
        self.over(code, reason)

    def _happened(self):
        while self.mux.events:
            what, *rest = self.mux.events.popleft()
            if what == "opened":
                self.lanes[rest[0]] = Lane(self, rest[0])
                self.incoming.put_nowait(self.lanes[rest[0]])
            elif what == "data":
                self.lanes[rest[0]].received(rest[1], rest[2])
            elif what == "reset":
                self.lanes[rest[0]].was_reset(rest[1])
            elif what == "stop":
                self.lanes[rest[0]].was_stopped(rest[1])
            elif what == "datagram":
                self.datagrams.put_nowait(rest[0])
            elif what == "lanes":
                self.room.set()
            elif what == "close":
                self.said_close = (rest[0], rest[1])

    async def _send(self):
        try:
            while True:
                await self.wake.wait()
                self.wake.clear()
                while self.mux.outgoing:
                    await self.socket.send(self.mux.outgoing[0])
                    self.mux.outgoing.popleft()
        except ConnectionClosed:
            pass
