"""The step kinds of scripts, by name. Each is a coroutine of the run and its step."""

KINDS = {}
WITHIN_MS = 15_000


class Failed(Exception):
    """A step didn't go as the script expects: what was expected and what came."""

    def __init__(self, expected, came):
        super().__init__(expected, came)
        self.expected = expected
        self.came = came


def step(function):
    """Registers a step kind under the function's name, less a trailing underscore."""
    KINDS[function.__name__.rstrip("_")] = function
    return function


from . import browsers, calls, connections, events, lanes  # noqa: E402, F401  (they register their kinds)
