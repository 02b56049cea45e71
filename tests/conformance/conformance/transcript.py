"""What a script saw, without what differs from run to run: ids get names, times are left out.

Two carriers show the same server if their transcripts of a script are the same.
"""

import base64
import binascii
import re

BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
TIMES = ("_ms",)
WAITS = ("retry_after_ms", "jitter_ms")
# Encoded beside `body`, times included; a counter of the whole server's; what is nothing but compared; and lists in the
# order of ids.
LEFT_OUT = ("body_bytes", "as_of", "mark", "user_mark")
BY_ID = ("members", "receipts", "added")


class Transcript:
    """Lines, each of a step's number, what it is and what was seen."""

    def __init__(self, variables: dict):
        self.variables = variables
        self.numbers = {}
        self.lines = []

    def add(self, line: int, what: str, seen=None):
        self.lines.append([line, what, self.plain(seen)])

    def plain(self, value, key: str = ""):
        if key.endswith(TIMES) and key not in WAITS:
            return "<time>"
        if key in WAITS:
            return "<wait>"
        if isinstance(value, dict):
            kept = sorted(name for name in value if name not in LEFT_OUT)
            return {name: self.plain(value[name], name) for name in kept}
        if isinstance(value, list) and key in BY_ID:
            return sorted((self.plain(item, key) for item in value), key=str)
        if isinstance(value, list):
            return [self.plain(item, key) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return value

    def _text(self, value: str):
        for name, known in self.variables.items():
            if known == value and len(value) > 3:
                return f"${name}"
        if not looks_random(value):
            return value
        # An id that no variable names: by the order in which they are seen.
        return self.numbers.setdefault(value, f"#{len(self.numbers) + 1}")


def looks_random(value: str) -> bool:
    """Whether it is the base64 of an id, a hash or something as long."""
    if not BASE64.fullmatch(value) or len(value) % 4:
        return False
    try:
        return len(base64.b64decode(value, validate=True)) >= 16
    except binascii.Error:
        return False
