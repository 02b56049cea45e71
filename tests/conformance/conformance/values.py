"""What scripts write in place of values: variables, and objects that make something.

`"$name"` is a variable. An object with a single key that begins with `$` makes a value: see README.md.
"""

import base64
import hashlib
import os
import re
import time

VARIABLE = re.compile(r"\$[a-z][a-z0-9_]*")


class Unknown(Exception):
    """A script names something that isn't there."""


def resolve(value, variables: dict, contract):
    """The value with everything in place."""
    if isinstance(value, str):
        if VARIABLE.fullmatch(value):
            if value[1:] not in variables:
                raise Unknown(f"{value} was never set")
            return variables[value[1:]]
        return value
    if isinstance(value, list):
        return [resolve(item, variables, contract) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (key, argument), = value.items()
            if key in MAKERS:
                return MAKERS[key](resolve(argument, variables, contract), contract)
        return {key: resolve(item, variables, contract) for key, item in value.items()}
    return value


def uuid7(argument, _contract):
    """A UUIDv7; `age_ms` makes one of that long ago, negative of the future."""
    now = time.time_ns() // 1_000_000 - argument.get("age_ms", 0)
    data = bytearray(now.to_bytes(6, "big") + os.urandom(10))
    data[6] = data[6] & 0x0F | 0x70
    data[8] = data[8] & 0x3F | 0x80
    return base64.b64encode(data).decode()


def file_bytes(argument, _contract):
    """The same bytes in any language: SHA-256 of "name:0", "name:1", ... one behind the other, cut off."""
    name, size = argument
    blocks = (size + 31) // 32
    data = b"".join(hashlib.sha256(f"{name}:{n}".encode()).digest() for n in range(blocks))
    return base64.b64encode(data[:size]).decode()


def part(argument, _contract):
    data, begin, end = argument
    return base64.b64encode(base64.b64decode(data)[int(begin or 0) : int(end)]).decode()


def joined(argument, _contract):
    return base64.b64encode(b"".join(base64.b64decode(item) for item in argument)).decode()


MAKERS = {
    "$uuid7": uuid7,
    "$now": lambda more, _: time.time_ns() // 1_000_000 + more,
    "$random": lambda count, _: base64.b64encode(os.urandom(count)).decode(),
    "$repeat": lambda argument, _: argument[0] * argument[1],
    "$text": lambda parts, _: "".join(str(part) for part in parts),
    "$encode": lambda argument, contract: base64.b64encode(contract.encode(*argument)).decode(),
    "$hex": lambda text, _: base64.b64encode(bytes.fromhex(text)).decode(),
    "$file": file_bytes,
    "$part": part,
    "$join": joined,
    "$sha256": lambda data, _: base64.b64encode(
        hashlib.sha256(base64.b64decode(data)).digest()
    ).decode(),
}
