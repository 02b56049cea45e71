"""What every carrier offers: a connection with lanes, datagrams and a close.

A carrier moves bytes and knows nothing of messages. Lanes that the client opens are numbered from 0;
what the server opens shows up in `incoming`.
"""

import asyncio


class Closed(Exception):
    """The connection is over: the close code and its reason, or None where it just broke off."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Refused(Exception):
    """There is no connection: the request for one was answered with this status."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


class LaneOver(Exception):
    """A lane has no more bytes: reset with a code, or ended (None)."""

    def __init__(self, code=None, rest=b""):
        super().__init__(code, rest)
        self.code = code
        self.rest = rest


class Lane:
    """Bytes of one lane, in order. `write`, `reset` and `stop` are the carrier's."""

    def __init__(self, connection, key):
        self.connection = connection
        self.key = key
        self.data = bytearray()
        self.ended = False
        self.reset_code = None
        self.stop_code = None
        self.stopped_by_us = False
        self.news = asyncio.Event()

    def received(self, data: bytes, end: bool):
        self.data += data
        self.ended = self.ended or end
        self.news.set()

    def was_reset(self, code: int):
        if self.reset_code is None:
            self.reset_code = code
        self.news.set()

    def was_stopped(self, code: int):
        """The peer wants no more of what we send."""
        self.stop_code = code
        self.news.set()

    def write(self, data: bytes, end: bool = False):
        self.connection.write(self, data, end)

    def reset(self, code: int):
        self.connection.reset(self, code)

    def stop(self, code: int):
        self.stopped_by_us = True
        self.connection.stop(self, code)

    async def wait(self):
        """Until something has come on the lane, or the connection is over."""
        if self.connection.closed.done() and not self.news.is_set():
            raise self.connection.closed.result()
        waiter = asyncio.ensure_future(self.news.wait())
        try:
            await asyncio.wait(
                {waiter, self.connection.closed}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiter.cancel()
        self.news.clear()

    def take(self, count: int) -> bytes:
        """The next bytes; gives the sender leave for as many."""
        data = bytes(self.data[:count])
        del self.data[:count]
        self.connection.consumed(self, len(data))
        return data

    async def frame(self) -> bytes:
        """The next frame's message. Raises LaneOver at the end."""
        while True:
            found = split_varint(self.data)
            if found is not None:
                length, begin = found
                if len(self.data) >= begin + length:
                    return self.take(begin + length)[begin:]
            await self._more()

    async def chunk(self) -> bytes:
        """Some bytes as they come. Raises LaneOver at the end."""
        while not self.data:
            await self._more()
        return self.take(len(self.data))

    async def _more(self):
        if self.reset_code is not None:
            raise LaneOver(self.reset_code, bytes(self.data))
        if self.ended:
            raise LaneOver(None, bytes(self.data))
        # Whatever else waits in the buffer can't be used without more of it.
        self.connection.starved(self)
        await self.wait()


class Connection:
    """The part that all carriers share."""

    def __init__(self):
        self.incoming = asyncio.Queue()
        self.datagrams = asyncio.Queue()
        self.closed = asyncio.get_running_loop().create_future()

    def over(self, code, reason=""):
        if not self.closed.done():
            self.closed.set_result(Closed(code, reason))

    def consumed(self, lane: Lane, count: int):
        """Bytes were taken out of a lane."""

    def starved(self, lane: Lane):
        """A lane's reader waits for more than it holds."""

    async def open(self, uni: bool = False) -> Lane:
        raise NotImplementedError

    def write(self, lane: Lane, data: bytes, end: bool):
        raise NotImplementedError

    def reset(self, lane: Lane, code: int):
        raise NotImplementedError

    def stop(self, lane: Lane, code: int):
        raise NotImplementedError

    def datagram(self, data: bytes):
        raise NotImplementedError

    async def close(self, code: int, reason: str = ""):
        raise NotImplementedError

    async def abandon(self):
        """Gives the connection up without a word; for the end of a script."""
        raise NotImplementedError


def varint(number: int) -> bytes:
    """A protobuf varint, in no more bytes than it needs."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def split_varint(data, begin: int = 0):
    """The number at `begin` and where it ends; None while bytes are missing."""
    number = 0
    for index in range(begin, min(begin + 10, len(data))):
        number |= (data[index] & 0x7F) << 7 * (index - begin)
        if not data[index] & 0x80:
            return number, index + 1
    return None
