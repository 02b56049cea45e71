"""The server's side of the carriers, for a mock: WebSocket with the document that leads to it, QUIC and WebTransport.

`Listener` hands every connection that comes to `accept`, which gets it and the carrier's name.
"""

import asyncio
import contextlib
import datetime
import hashlib
import http
import json
import socket
import tempfile
from pathlib import Path

from aioquic.asyncio import serve as serve_quic
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DatagramReceived, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.asyncio.server import serve as serve_websocket
from websockets.datastructures import Headers
from websockets.http11 import Response

from . import Lane
from .mux import ServerMux
from .quic import Protocol, Quic
from .websocket import WebSocket
from .webtransport import WebTransport

HOST = "127.0.0.1"
ENDPOINTS, WS_PATH, WT_PATH = "/parlour/v1/endpoints", "/parlour/v1/ws", "/parlour/v1/wt"


class ServedWebSocket(WebSocket):
    """A client's WebSocket."""

    CONTROL = 0

    def __init__(self, connection):
        super().__init__(connection, ServerMux())

    def open_events(self) -> Lane:
        key = self.mux.open()
        self.lanes[key] = Lane(self, key)
        return self.lanes[key]

    def welcomed(self):
        self.mux.welcomed()
        self.wake.set()


class ServedQuic(Quic):
    """A client's QUIC connection."""

    CONTROL = 0

    def open_events(self) -> Lane:
        stream = self.quic.get_next_available_stream_id(is_unidirectional=True)
        self.lanes[stream] = Lane(self, stream)
        return self.lanes[stream]

    def welcomed(self):
        """Leave for more lanes is the transport's matter here."""

    async def abandon(self):
        """Breaks off with an error of the transport's, which says nothing of the application."""
        self.quic.close(error_code=1, frame_type=0)
        self.protocol.transmit()
        self.over(None, "broken off")
        self._put_away()

    def _put_away(self):
        # The socket is the listener's.
        self.protocol.sink = None


class ServedWebTransport(ServedQuic):
    """A client's WebTransport session, with aioquic's HTTP/3 for the streams."""

    CONTROL = 4
    lane_code = WebTransport.lane_code
    read_lane_code = WebTransport.read_lane_code
    _capsule = WebTransport._capsule

    def __init__(self, protocol, accept):
        super().__init__(protocol)
        self.http = H3Connection(self.quic, enable_webtransport=True)
        self.accept = accept
        self.capsules = b""
        self.session = None

    def open_events(self) -> Lane:
        stream = self.http.create_webtransport_stream(self.session, is_unidirectional=True)
        self.lanes[stream] = Lane(self, stream)
        return self.lanes[stream]

    def datagram(self, data):
        self.http.send_datagram(self.session, data)
        self.protocol.transmit()

    async def close(self, code, reason=""):
        self.http.send_data(self.session, WebTransport.closing(code, reason), end_stream=True)
        self.protocol.transmit()
        await asyncio.sleep(0.2)
        await super().close(0x100)

    def happened(self, event):
        super_of = super().happened
        if isinstance(event, ConnectionTerminated):
            self.over(None, f"QUIC closed with {event.error_code:#x} {event.reason_phrase}")
        elif getattr(event, "stream_id", None) in self.lanes and not hasattr(event, "data"):
            super_of(event)
        for seen in self.http.handle_event(event):
            self._seen(seen)

    def _seen(self, seen):
        if isinstance(seen, HeadersReceived) and self.session is None:
            headers = dict(seen.headers)
            good = headers.get(b":protocol") == b"webtransport" and headers.get(b":path") == WT_PATH.encode()
            self.http.send_headers(seen.stream_id, [
                (b":status", b"200" if good else b"404"), (b"sec-webtransport-http3-draft", b"draft02"),
            ], end_stream=not good)
            if good:
                self.session = seen.stream_id
                self.accept(self)
            self.protocol.transmit()
        elif isinstance(seen, WebTransportStreamDataReceived):
            self.stream(seen.stream_id, seen.data, seen.stream_ended)
        elif isinstance(seen, DatagramReceived):
            self.datagrams.put_nowait(seen.data)
        elif hasattr(seen, "data"):
            self._capsule(seen.data)
            if seen.stream_ended:
                self.over(0, "the session's stream ended without a code")


class Incoming(Protocol):
    """A QUIC connection whose ALPN isn't known yet."""

    accept = None

    def quic_event_received(self, event):
        if self.sink is None and isinstance(event, ProtocolNegotiated):
            if event.alpn_protocol == "h3":
                ServedWebTransport(self, lambda one: self.accept(one, "webtransport"))
            else:
                self.accept(ServedQuic(self), "quic")
        super().quic_event_received(event)


class Listener:
    """Listens on free ports of this machine. What is in `deaf` isn't answered."""

    def __init__(self, accept):
        self.accept = accept
        self.deaf = set()
        self.http_port = self.udp_port = 0
        self.certificate_hash = b""
        self.servers = []
        self.document = {}

    async def start(self):
        server = await serve_websocket(
            self._websocket, HOST, 0, compression=None, max_size=65_552, ping_interval=None,
            process_request=self._request, close_timeout=0.3,
        )
        self.http_port = server.sockets[0].getsockname()[1]
        configuration = QuicConfiguration(
            is_client=False, alpn_protocols=["parlour/1", "h3"], max_datagram_frame_size=65_536, idle_timeout=30,
        )
        self.certificate_hash = certify(configuration)
        self.udp_port = free_udp_port()
        quic = await serve_quic(HOST, self.udp_port, configuration=configuration, create_protocol=self._incoming)
        self.servers = [server, quic]
        self.document = {"websocket": {"path": WS_PATH}}

    def _incoming(self, *words, **more):
        protocol = Incoming(*words, **more)
        protocol.accept = self._accepted
        if self.deaf & {"quic", "webtransport"}:
            protocol.datagram_received = lambda *_: None
        return protocol

    def _accepted(self, connection, name):
        asyncio.ensure_future(self.accept(connection, name))

    async def _websocket(self, connection):
        await self.accept(ServedWebSocket(connection), "websocket")

    def _request(self, _connection, request):
        if request.path == ENDPOINTS:
            body = json.dumps(self.document).encode()
            return Response(200, "OK", Headers({
                "Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close",
            }), body)
        if request.path != WS_PATH or "websocket" in self.deaf:
            status = http.HTTPStatus.SERVICE_UNAVAILABLE if request.path == WS_PATH else http.HTTPStatus.NOT_FOUND
            return _connection.respond(status, "")
        return None

    async def stop(self):
        for server in self.servers:
            # aioquic can't close a connection that never had a path.
            with contextlib.suppress(IndexError):
                server.close()
        await asyncio.sleep(0)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


def certify(configuration: QuicConfiguration) -> bytes:
    """Gives the server a certificate of its own, which browsers take by its hash. Returns that."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).add_extension(names, False)
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=10))
        .sign(key, hashes.SHA256())
    )
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        configuration.load_cert_chain(*files)
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
