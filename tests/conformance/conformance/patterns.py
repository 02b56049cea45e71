"""Holds what came against what a script expects. Objects are subsets, lists are whole.

A pattern is JSON; an object with a single key that begins with `$` is an operator: see README.md.
"""

from .values import VARIABLE, Unknown

DEFAULTS = (0, "", False, None, [], {}, "0")


class Mismatch(Exception):
    """Where it differs, what was expected and what came."""

    def __init__(self, path, expected, came):
        super().__init__(path, expected, came)
        self.path = path
        self.expected = expected
        self.came = came


def match(pattern, came, variables: dict, path: str = ""):
    """Raises Mismatch where it doesn't fit; captures go into `variables`."""
    if isinstance(pattern, dict):
        if len(pattern) == 1 and next(iter(pattern)) in OPERATORS:
            (operator, argument), = pattern.items()
            OPERATORS[operator](argument, came, variables, path)
            return
        if came is None:
            came = {}
        if not isinstance(came, dict):
            raise Mismatch(path, pattern, came)
        for key, item in pattern.items():
            match(item, came.get(key), variables, f"{path}.{key}" if path else key)
        return
    if isinstance(pattern, list):
        came = [] if came is None else came
        if not isinstance(came, list) or len(came) != len(pattern):
            raise Mismatch(path, pattern, came)
        for index, (item, one) in enumerate(zip(pattern, came)):
            match(item, one, variables, f"{path}[{index}]")
        return
    if isinstance(pattern, str) and VARIABLE.fullmatch(pattern):
        if pattern[1:] not in variables:
            raise Unknown(f"{pattern} was never set")
        pattern = variables[pattern[1:]]
    if not same(pattern, came):
        raise Mismatch(path, pattern, came)


def same(expected, came) -> bool:
    """Equal as protobuf's JSON has it: 64-bit numbers are strings, and what is at its default isn't there."""
    if came is None:
        return any(expected is one or expected == one and type(expected) is type(one) for one in DEFAULTS)
    if isinstance(expected, bool) or isinstance(came, bool):
        return expected is came
    if isinstance(expected, int) and isinstance(came, str):
        return str(expected) == came
    return expected == came


def fits(pattern, came, variables) -> bool:
    try:
        match(pattern, came, dict(variables))
    except Mismatch:
        return False
    return True


def capture(argument, came, variables, path):
    name, pattern = argument if isinstance(argument, list) else (argument, {"$any": True})
    match(pattern, came, variables, path)
    variables[name] = came


def any_value(_argument, came, _variables, path):
    if came is None:
        raise Mismatch(path, "anything", came)


def absent(_argument, came, _variables, path):
    if came is not None:
        raise Mismatch(path, "nothing", came)


def in_range(argument, came, variables, path):
    low, high = (variables[one[1:]] if isinstance(one, str) else one for one in argument)
    number = int(came or 0)
    if low is not None and number < int(low) or high is not None and number > int(high):
        raise Mismatch(path, {"$range": [low, high]}, came)


def exact(argument, came, variables, path):
    match(argument, came, variables, path)
    more = sorted(set(came or {}) - set(argument))
    if more:
        raise Mismatch(path, f"no other fields than {sorted(argument)}", more)


def length(argument, came, variables, path):
    match(argument, len(came or []), variables, f"{path}.length")


def contains(argument, came, variables, path):
    rest = list(came or [])
    for pattern in argument:
        found = next((one for one in rest if fits(pattern, one, variables)), None)
        if found is None:
            raise Mismatch(path, f"one that is {pattern}", came)
        match(pattern, found, variables, path)
        rest.remove(found)


def all_of(argument, came, variables, path):
    """As many as there are patterns, in any order."""
    if len(came or []) != len(argument):
        raise Mismatch(path, f"{len(argument)} of them", came)
    contains(argument, came, variables, path)


def one_of(argument, came, variables, path):
    for pattern in argument:
        if fits(pattern, came, variables):
            match(pattern, came, variables, path)
            return
    raise Mismatch(path, {"$one_of": argument}, came)


def other_than(argument, came, variables, path):
    if fits(argument, came, variables):
        raise Mismatch(path, {"$not": argument}, came)


OPERATORS = {
    "$capture": capture,
    "$any": any_value,
    "$absent": absent,
    "$range": in_range,
    "$exact": exact,
    "$length": length,
    "$contains": contains,
    "$unordered": all_of,
    "$one_of": one_of,
    "$not": other_than,
}
