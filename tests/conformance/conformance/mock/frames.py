"""What comes from a client: its frames, whose lengths are held against section 2, and its calls."""

import time

from ..carriers import split_varint, varint


class Broke(Exception):
    """The client did what the protocol doesn't have."""


class Call:
    """A call, or what a blob lane asks, as scripts see it."""

    def __init__(self, session, method: str, shown: dict, message, number=0, chain=0):
        self.session, self.method, self.shown, self.message = session, method, shown, message
        self.number, self.chain = number, chain
        self.at = time.monotonic()
        self.response = ""
        self.taken = False
        self.lane = None
        self.cancelled = False


async def bounded_frame(lane, largest: int) -> bytes:
    """The next frame, whose length is as section 2 has it."""
    while True:
        found = split_varint(lane.data)
        if found is not None:
            length, begin = found
            if varint(length) != bytes(lane.data[:begin]):
                raise Broke(f"a frame's length in {begin} bytes")
            if length > largest:
                raise Broke(f"a frame of {length} bytes, where {largest} are allowed")
            if len(lane.data) >= begin + length:
                return lane.take(begin + length)[begin:]
        await lane._more()
