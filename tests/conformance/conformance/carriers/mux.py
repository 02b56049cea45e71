"""Lanes over the messages of a WebSocket, as PROTOCOL.md section 50 has it. Holds no socket.

Feed it the messages that came (`received`), and send what `outgoing` gives. `Mux` is a client's end, `ServerMux` a
server's.
"""

from collections import deque

from . import split_varint, varint

DATA, END, RESET, STOP, CREDIT, LANES, DATAGRAM, CLOSE = range(8)
CLIENT_CREDIT = 32 * 1024
SERVER_CREDIT = 256 * 1024
PIECE = 16 * 1024


class Malformed(Exception):
    """The other side has sent what section 50 doesn't allow."""


class Sending:
    """One direction of a lane: what waits, and how much may still go."""

    def __init__(self, credit):
        self.waiting = bytearray()
        self.sent = 0
        self.credit = credit
        self.ending = False
        self.over = False


class Receiving:
    """The other direction: how much has come, how much was read, how much may come."""

    def __init__(self, leave):
        self.came = 0
        self.read = 0
        self.leave = leave
        self.over = False


class Mux:
    """A client's end. Outputs: messages in `outgoing`, what happened in `events`."""

    def __init__(self):
        self.gives = SERVER_CREDIT
        self.outgoing = deque()
        self.events = deque()
        self.lanes_max = 2
        self.next_lane = 0
        self.sending = {}
        self.receiving = {}
        self.server_lanes = 0

    # What the client wants.

    def may_open(self) -> bool:
        return self.next_lane // 2 < self.lanes_max

    def open(self) -> int:
        lane = self.next_lane
        self.next_lane += 2
        self.sending[lane] = Sending(CLIENT_CREDIT)
        self.receiving[lane] = Receiving(self.gives)
        return lane

    def write(self, lane: int, data: bytes, end: bool):
        half = self.sending[lane]
        if half.over or half.ending:
            return
        half.waiting += data
        half.ending = end
        self._flush()

    def reset(self, lane: int, code: int):
        half = self.sending.get(lane)
        if half is not None and not half.over:
            half.over = True
            half.waiting.clear()
            self._send(RESET, varint(lane) + varint(code))

    def stop(self, lane: int, code: int):
        if not self.receiving[lane].over:
            self._send(STOP, varint(lane) + varint(code))

    def datagram(self, data: bytes):
        self._send(DATAGRAM, data)

    def close(self, code: int, reason: str):
        self._send(CLOSE, varint(code) + reason.encode())

    def consumed(self, lane: int, count: int):
        """Bytes were read: as many again may come once half of the leave is used."""
        half = self.receiving[lane]
        half.read += count
        if not half.over and half.leave - half.read <= self.gives // 2:
            half.leave = half.read + self.gives
            self._send(CREDIT, varint(lane) + varint(half.leave))

    def starved(self, lane: int):
        """A frame is larger than the leave: more has to come before any of it is read."""
        half = self.receiving[lane]
        if not half.over and half.leave - half.came <= self.gives // 2:
            half.leave = half.came + self.gives
            self._send(CREDIT, varint(lane) + varint(half.leave))

    def _send(self, kind: int, rest: bytes):
        self.outgoing.append(bytes([kind]) + rest)

    def _flush(self):
        # Control is the lowest number, so it goes first; the others take turns by pieces.
        busy = True
        while busy:
            busy = False
            for lane, half in self.sending.items():
                busy = self._piece(lane, half) or busy

    def _piece(self, lane: int, half: Sending) -> bool:
        if half.over:
            return False
        count = min(len(half.waiting), half.credit - half.sent, PIECE)
        last = half.ending and count == len(half.waiting)
        if count == 0 and not last:
            return False
        piece = bytes(half.waiting[:count])
        del half.waiting[:count]
        half.sent += count
        half.over = last
        self._send(END if last else DATA, varint(lane) + piece)
        return True

    # What the other side says.

    def received(self, message: bytes):
        if not message:
            raise Malformed("an empty message")
        kind, at = message[0], 1
        if kind in (DATA, END):
            lane, at = self._number(message, at)
            self._data(lane, message[at:], kind == END)
        elif kind in (RESET, STOP):
            lane, at = self._number(message, at)
            code, at = self._number(message, at)
            self._ended(message, at)
            (self._was_reset if kind == RESET else self._was_stopped)(lane, code)
        elif kind == CREDIT:
            lane, at = self._number(message, at)
            total, at = self._number(message, at)
            self._ended(message, at)
            if lane in self.sending:
                self.sending[lane].credit = max(self.sending[lane].credit, total)
                self._flush()
        elif kind == LANES:
            count, at = self._number(message, at)
            self._ended(message, at)
            self._allowed(count)
        elif kind == DATAGRAM:
            self.events.append(("datagram", message[1:]))
        elif kind == CLOSE:
            code, at = self._number(message, at)
            self.events.append(("close", code, message[at:].decode()))

    def _number(self, message, at):
        found = split_varint(message, at)
        if found is None or varint(found[0]) != message[at : found[1]]:
            raise Malformed(f"a number that isn't one in {message[:16].hex()}")
        return found

    def _ended(self, message, at):
        if at != len(message):
            raise Malformed(f"more than belongs into {message[:16].hex()}")

    def _allowed(self, count: int):
        self.lanes_max = max(self.lanes_max, count)
        self.events.append(("lanes",))

    def _half(self, lane: int) -> Receiving:
        if lane % 2 == 0:
            if lane not in self.receiving:
                raise Malformed(f"a lane {lane} that wasn't opened")
            return self.receiving[lane]
        while self.server_lanes <= lane // 2:
            opened = 2 * self.server_lanes + 1
            self.server_lanes += 1
            self.receiving[opened] = Receiving(self.gives)
            self.events.append(("opened", opened))
        return self.receiving[lane]

    def _data(self, lane: int, data: bytes, end: bool):
        half = self._half(lane)
        if half.over:
            raise Malformed(f"words on lane {lane} after its end")
        half.came += len(data)
        if half.came > half.leave:
            raise Malformed(f"{half.came} bytes on lane {lane}, where {half.leave} may come")
        half.over = end
        self.events.append(("data", lane, data, end))

    def _was_reset(self, lane: int, code: int):
        self._half(lane).over = True
        self.events.append(("reset", lane, code))

    def _was_stopped(self, lane: int, code: int):
        self.events.append(("stop", lane, code))
        self.reset(lane, code)


class ServerMux(Mux):
    """A server's end. It is stricter than a server need be: whoever is checked with it keeps all of section 50."""

    def __init__(self):
        super().__init__()
        self.gives = CLIENT_CREDIT
        self.next_lane = 1
        self.client_lanes = 0
        self.opened_more = False
        self.datagram_bytes_max = 1000

    def open(self) -> int:
        """A lane of the server's own, for its words only."""
        lane = self.next_lane
        self.next_lane += 2
        self.sending[lane] = Sending(SERVER_CREDIT)
        return lane

    def welcomed(self):
        """From here on the client has leave for more lanes, and for more bytes on each."""
        self.gives = SERVER_CREDIT
        for lane, half in self.receiving.items():
            self._give(lane, half)
        self._announce(9)

    def _give(self, lane: int, half: Receiving):
        if not half.over:
            half.leave = half.read + self.gives
            self._send(CREDIT, varint(lane) + varint(half.leave))

    def _announce(self, count: int):
        self.lanes_max = count
        self._send(LANES, varint(count))

    def _allowed(self, _count: int):
        raise Malformed("LANES from a client")

    def _half(self, lane: int) -> Receiving:
        if lane % 2:
            raise Malformed(f"words of the client's on lane {lane}, which is the server's")
        if lane // 2 >= self.lanes_max:
            raise Malformed(f"lane {lane}, where the client may open {self.lanes_max}")
        while self.client_lanes <= lane // 2:
            opened = 2 * self.client_lanes
            self.client_lanes += 1
            self.receiving[opened] = Receiving(CLIENT_CREDIT)
            self.sending[opened] = Sending(SERVER_CREDIT)
            self.events.append(("opened", opened))
            if self.lanes_max > 2:
                self._give(opened, self.receiving[opened])
        return self.receiving[lane]

    def received(self, message: bytes):
        if message[:1] == bytes([DATAGRAM]) and len(message) > self.datagram_bytes_max + 1:
            raise Malformed(f"a datagram of {len(message) - 1} bytes")
        super().received(message)
        self._more_lanes()

    def _piece(self, lane, half):
        busy = super()._piece(lane, half)
        self._more_lanes()
        return busy

    def _more_lanes(self):
        """One more for each that is over in both directions, and eight once four are open."""
        if self.lanes_max <= 2:
            return
        over = sum(self.receiving[lane].over and self.sending[lane].over for lane in self.receiving)
        self.opened_more = self.opened_more or self.client_lanes - over > 4
        allowed = 9 + over + (8 if self.opened_more else 0)
        if allowed > self.lanes_max:
            self._announce(allowed)

    def _was_stopped(self, lane: int, code: int):
        # A stop may name a lane of the server's; it opens none.
        if lane % 2 == 0:
            self._half(lane)
        self.events.append(("stop", lane, code))
        self.reset(lane, code)
