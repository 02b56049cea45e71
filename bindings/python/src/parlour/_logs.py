"""What the client says of its work, for the log of the program."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from ._ffi import parlour_ffi
from ._lists import BATCH

_ffi: Any = parlour_ffi
_LEVELS: tuple[tuple[Any, int], ...] = (
    (_ffi.LogLevel.DEBUG, logging.DEBUG),
    (_ffi.LogLevel.INFO, logging.INFO),
    (_ffi.LogLevel.WARN, logging.WARNING),
    (_ffi.LogLevel.ERROR, logging.ERROR),
)
_NUMBERS = dict(_LEVELS)


class LogForwarding:
    """Lines of the client's log go to a logger until this is closed, or left with ``with``."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        asked = next((name for name, number in _LEVELS if number >= level), _ffi.LogLevel.ERROR)
        self._source: Any = _ffi.logs(asked)
        self._logger = logger
        self._loop = asyncio.new_event_loop()
        self._forwarding = self._loop.create_task(self._forward())
        # In a thread of its own: a script has no loop that runs, and a program's may be busy.
        self._thread = threading.Thread(target=self._run, name="parlour-logs", daemon=True)
        self._thread.start()

    def __enter__(self) -> LogForwarding:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it. What was said before is in the log."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._forwarding.cancel)
        self._thread.join()
        self._hand_on()
        self._source = None
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.wait([self._forwarding]))

    async def _forward(self) -> None:
        while await self._source.ready():
            self._hand_on()

    def _hand_on(self) -> None:
        while lines := self._source.take(BATCH):
            for line in lines:
                self._logger.log(_NUMBERS[line.level], "%s: %s", line.target, line.message)
        if lost := self._source.take_lost():
            self._logger.warning("%d lines of the client's log were lost: too many at once", lost)


def forward_logs(
    logger: logging.Logger | None = None, level: int = logging.WARNING
) -> LogForwarding:
    """Hands what the client says of its work from now on to a logger, ``parlour`` unless it is given: the client's
    own lines from that level up, of libraries below it only warnings and errors. For all clients of the process."""
    return LogForwarding(logger or logging.getLogger("parlour"), level)
