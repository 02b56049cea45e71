"""Tokens that a function gets when the client wants one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ._ffi import parlour_ffi as ffi
from ._lists import BATCH

#: Gets a token. Its argument says whether the last one was refused or runs out, so that one from a cache
#: won't do. ``None`` for none now: it is asked again later.
TokenProvider = Callable[[bool], Awaitable["str | None"]]

# What uniffi writes has no type for it.
_ffi: Any = ffi

_LOG = logging.getLogger("parlour")


class Serving:
    """A function that is asked for tokens, in a task of its own, until it is ended."""

    def __init__(self, provider: TokenProvider) -> None:
        self.source: ffi.TokenSource = _ffi.TokenSource()
        self._provider = provider
        self._answers: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while await self.source.ready():
            for request in self.source.take(BATCH):
                answer = asyncio.create_task(self._answer(request))
                self._answers.add(answer)
                answer.add_done_callback(self._answers.discard)

    async def _answer(self, request: ffi.TokenRequest) -> None:
        token: str | None = None
        try:
            token = await self._provider(request.fresh)
        except Exception:
            # Its text may have the token in it.
            _LOG.error("the token provider failed; it is asked again later")
        finally:
            self.source.give(request.number, token)

    def end(self) -> None:
        """Nobody is asked any more."""
        self._task.cancel()
        for answer in self._answers:
            answer.cancel()
