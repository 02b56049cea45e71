"""WebTransport over HTTP/3, with aioquic's HTTP/3 for the session and streams read by hand.

aioquic takes what comes back on a client's bidirectional WebTransport stream for HTTP frames, so only
the streams of HTTP/3 itself (session, control, QPACK) are given to it.
"""

import asyncio
import struct

from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.connection import stream_is_client_initiated, stream_is_unidirectional
from aioquic.quic.events import (
    ConnectionTerminated, DatagramFrameReceived, StopSendingReceived, StreamDataReceived, StreamReset,
)

from . import Refused
from .quic import Quic

# draft-ietf-webtrans-http3: where the codes of streams begin in HTTP/3's, the types of streams, and
# the capsule that ends a session.
CODES_BEGIN = 0x52E4A40FA8DB
BIDIRECTIONAL, UNIDIRECTIONAL = 0x41, 0x54
CLOSE_SESSION = 0x2843


class WebTransport(Quic):
    """One session on a QUIC connection of its own."""

    ALPN = "h3"

    def __init__(self, protocol):
        super().__init__(protocol)
        self.http = H3Connection(self.quic, enable_webtransport=True)
        self.accepted = asyncio.get_running_loop().create_future()
        self.capsules = b""
        self.beginnings = {}
        self.http_streams = set()
        self.session = None

    @classmethod
    async def connect(cls, target, origin=None):
        connection = await super().connect(target)
        await connection._begin(target, [(b"origin", origin.encode())] if origin else [])
        return connection

    async def _begin(self, target, more):
        self.session = self.quic.get_next_available_stream_id()
        self.http.send_headers(self.session, [
            (b":method", b"CONNECT"), (b":protocol", b"webtransport"), (b":scheme", b"https"),
            (b":authority", target.quic.encode()), (b":path", target.webtransport_path.encode()),
            (b"sec-webtransport-http3-draft02", b"1"), *more,
        ])
        self.protocol.transmit()
        async with asyncio.timeout(10):
            status = await self.accepted
        if status != b"200":
            await super().close(0x100)
            raise Refused(int(status))

    async def open(self, uni: bool = False):
        lane = await super().open(uni)
        kind = UNIDIRECTIONAL if uni else BIDIRECTIONAL
        self.quic.send_stream_data(lane.key, encode_uint_var(kind) + encode_uint_var(self.session))
        return lane

    def lane_code(self, code):
        return CODES_BEGIN + code + code // 0x1E

    def read_lane_code(self, code):
        offset = code - CODES_BEGIN
        return offset - offset // 0x1F if offset >= 0 else code

    def datagram(self, data):
        super().datagram(encode_uint_var(self.session // 4) + data)

    @staticmethod
    def closing(code: int, reason: str) -> bytes:
        """The capsule that ends a session."""
        body = struct.pack(">I", code) + reason.encode()
        return encode_uint_var(CLOSE_SESSION) + encode_uint_var(len(body)) + body

    async def close(self, code, reason=""):
        if not self.closed.done():
            self.http.send_data(self.session, self.closing(code, reason), end_stream=True)
            self.protocol.transmit()
            # The server ends the session's stream, and with it the connection, once it has read this.
            await asyncio.wait({self.closed}, timeout=0.3)
        await super().close(0x100)

    async def abandon(self):
        await super().close(0x100)

    def happened(self, event):
        if isinstance(event, StreamDataReceived) and event.stream_id in self.lanes:
            self.stream(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, StreamDataReceived):
            self._other_stream(event)
        elif isinstance(event, (StreamReset, StopSendingReceived)):
            # What is done to a stream of HTTP/3 itself as the session ends says nothing more: the
            # capsule, or QUIC's own close, has the code.
            if event.stream_id in self.lanes:
                super().happened(event)
        elif isinstance(event, DatagramFrameReceived):
            number, begin = read_varint(event.data)
            if number == self.session // 4:
                self.datagrams.put_nowait(event.data[begin:])
        elif isinstance(event, ConnectionTerminated):
            self.over(None, f"QUIC closed with {event.error_code:#x} {event.reason_phrase}")

    def _other_stream(self, event):
        """A stream of the server's whose kind isn't known yet, or one of HTTP/3 itself."""
        stream, ours = event.stream_id, stream_is_client_initiated(event.stream_id)
        if ours or not stream_is_unidirectional(stream) or stream in self.http_streams:
            self._http(event)
            return
        begun = self.beginnings.pop(stream, b"") + event.data
        kind = read_varint(begun)
        session = kind and read_varint(begun, kind[1])
        if kind and kind[0] != UNIDIRECTIONAL:
            self.http_streams.add(stream)
            event.data = begun
            self._http(event)
        elif session:
            self.stream(stream, begun[session[1] :], event.end_stream)
        else:
            self.beginnings[stream] = begun

    def _http(self, event):
        for happened in self.http.handle_event(event):
            if isinstance(happened, HeadersReceived) and not self.accepted.done():
                self.accepted.set_result(dict(happened.headers).get(b":status"))
            elif isinstance(happened, DataReceived):
                self._capsule(happened.data)
                if happened.stream_ended:
                    self.over(0, "the session's stream ended without a code")

    def _capsule(self, data: bytes):
        self.capsules += data
        while True:
            kind = read_varint(self.capsules)
            length = kind and read_varint(self.capsules, kind[1])
            if not length or len(self.capsules) < length[1] + length[0]:
                return
            body = self.capsules[length[1] : length[1] + length[0]]
            self.capsules = self.capsules[length[1] + length[0] :]
            if kind[0] == CLOSE_SESSION:
                self.over(struct.unpack(">I", body[:4])[0], body[4:].decode())


def read_varint(data: bytes, begin: int = 0):
    """QUIC's variable-length integer (RFC 9000 section 16) and where it ends; None without all of it."""
    if len(data) <= begin or len(data) < begin + (1 << (data[begin] >> 6)):
        return None
    size = 1 << (data[begin] >> 6)
    number = int.from_bytes(data[begin : begin + size], "big") & (1 << 8 * size - 2) - 1
    return number, begin + size
