"""For pytest: a throw-away server for the tests of an application.

    def test_of_mine(parlour_server):
        token = parlour_server.token("ada")
        ...

It is one for the whole session; what wants to kill it makes a ``parlour.testing.ThrowAwayServer`` of
its own. Without a program to run, tests that want it fail and say how to name one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import ThrowAwayServer


@pytest.fixture(scope="session")
def parlour_server() -> Iterator[ThrowAwayServer]:
    """A server on this machine, for this session."""
    # Here, so that a session without it doesn't load the library.
    from .testing import ThrowAwayServer

    with ThrowAwayServer() as server:
        yield server
