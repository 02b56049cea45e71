"""Native QUIC, with aioquic: lanes are streams, close codes are application error codes."""

import asyncio
import hashlib
import socket
import ssl

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated, DatagramFrameReceived, StopSendingReceived, StreamDataReceived, StreamReset,
)
from cryptography.hazmat.primitives.serialization import Encoding

from . import Connection, Lane


class Protocol(QuicConnectionProtocol):
    """Hands every event to the connection that is set as `sink`."""

    sink = None

    def quic_event_received(self, event):
        if self.sink is not None:
            self.sink.happened(event)


async def handshake(target, alpn: str) -> Protocol:
    """A QUIC connection whose certificate was checked."""
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=[alpn], max_datagram_frame_size=65_536,
        server_name=target.quic_host, verify_mode=ssl.CERT_NONE if target.unverified else None,
    )
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.quic_host, target.quic_port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = found[0]
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Protocol(QuicConnection(configuration=configuration)), family=family,
        local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0),
    )
    protocol.connect(address)
    try:
        async with asyncio.timeout(10):
            await protocol.wait_connected()
    except ConnectionError as wrong:
        raise ConnectionError("the handshake failed") from wrong
    certificate = protocol._quic.tls._peer_certificate.public_bytes(Encoding.DER)
    if target.pins and hashlib.sha256(certificate).hexdigest() not in target.pins:
        protocol.close()
        raise ConnectionError("the server's certificate has another hash")
    return protocol


class Quic(Connection):
    """One connection over native QUIC."""

    ALPN = "parlour/1"

    def __init__(self, protocol):
        super().__init__()
        self.protocol = protocol
        self.quic = protocol._quic
        self.lanes = {}
        protocol.sink = self

    @classmethod
    async def connect(cls, target, origin=None):
        # Only browsers say where a page comes from.
        return cls(await handshake(target, cls.ALPN))

    async def open(self, uni: bool = False) -> Lane:
        stream = self.quic.get_next_available_stream_id(is_unidirectional=uni)
        # The number is taken with the first byte; an empty write keeps others from taking it.
        self.quic.send_stream_data(stream, b"")
        self.lanes[stream] = Lane(self, stream)
        return self.lanes[stream]

    def write(self, lane, data, end):
        if lane.stop_code is None:
            self.quic.send_stream_data(lane.key, data, end)
            self.protocol.transmit()

    def reset(self, lane, code):
        self.quic.reset_stream(lane.key, self.lane_code(code))
        self.protocol.transmit()

    def stop(self, lane, code):
        self.quic.stop_stream(lane.key, self.lane_code(code))
        self.protocol.transmit()

    def lane_code(self, code: int) -> int:
        return code

    def read_lane_code(self, code: int) -> int:
        return code

    def datagram(self, data):
        self.quic.send_datagram_frame(data)
        self.protocol.transmit()

    async def close(self, code, reason=""):
        self.protocol.close(code, reason)
        self.over(None, "closed by us")
        await asyncio.sleep(0)
        self._put_away()

    async def abandon(self):
        await self.close(0)

    def _put_away(self):
        # The UDP socket isn't needed once the close is out.
        self.protocol.sink = None
        if self.protocol._timer is not None:
            self.protocol._timer.cancel()
        self.protocol._transport.close()

    def happened(self, event):
        if isinstance(event, StreamDataReceived):
            self.stream(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, StreamReset):
            self.lane(event.stream_id).was_reset(self.read_lane_code(event.error_code))
        elif isinstance(event, StopSendingReceived):
            self.lane(event.stream_id).was_stopped(self.read_lane_code(event.error_code))
        elif isinstance(event, DatagramFrameReceived):
            self.datagrams.put_nowait(event.data)
        elif isinstance(event, ConnectionTerminated):
            # Codes of the application come without a frame type.
            code = event.error_code if event.frame_type is None else None
            self.over(code, event.reason_phrase)

    def lane(self, stream: int) -> Lane:
        if stream not in self.lanes:
            self.lanes[stream] = Lane(self, stream)
            self.incoming.put_nowait(self.lanes[stream])
        return self.lanes[stream]

    def stream(self, stream: int, data: bytes, end: bool):
        self.lane(stream).received(data, end)
