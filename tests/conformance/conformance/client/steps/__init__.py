"""The step kinds of scripts for clients, by name: what the application does and sees, and what the server does."""

from ...steps import KINDS as SERVER_KINDS

KINDS = {name: SERVER_KINDS[name] for name in ("let", "wait")}


def step(function):
    """Registers a step kind under the function's name, less a trailing underscore."""
    KINDS[function.__name__.rstrip("_")] = function
    return function


@step
async def repeat(run, it):
    """Plays steps so many times; the variable `i` counts from 1."""
    for count in range(1, it["times"] + 1):
        run.variables["i"] = count
        for inner in it["steps"]:
            await KINDS[inner["do"]](run, inner)


from . import application, connections, calls, world  # noqa: E402, F401  (they register their kinds)
