"""What the tests share: people of a server, each in an organization of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

import pytest

import parlour
from parlour.testing import ThrowAwayServer

#: Anything that takes longer is a failure of its own.
WITHIN_S = 60
_numbers = count()


class People:
    """People of one organization."""

    def __init__(self, server: ThrowAwayServer) -> None:
        self.server = server
        self.organization = f"org{next(_numbers)}"

    @staticmethod
    async def know(client: parlour.Client, room: parlour.Room) -> parlour.Room:
        """The room as that client knows it, once it does."""
        known = client.room(room.id)
        while await known.info() is None:
            await asyncio.sleep(0.005)
        return known

    def connect(self, subject: str, **options: Any) -> parlour.Opening[parlour.Client]:
        """A client of somebody."""
        options.setdefault("token", self.server.token(subject, self.organization))
        return parlour.connect(
            self.server.address, certificate=self.server.certificate, **options
        )


@pytest.fixture
def people(parlour_server: ThrowAwayServer) -> People:
    """People of an organization where nobody has been."""
    return People(parlour_server)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs it in a loop of its own, for a bounded time."""
    asyncio.run(asyncio.wait_for(test(), WITHIN_S))
