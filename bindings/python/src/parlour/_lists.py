"""Lists that tell their changes, and events: pulled in batches, in the language's own idiom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar, Union

#: How many changes are taken at once.
BATCH = 256

T = TypeVar("T")
S = TypeVar("S", bound="Closable")


class Closable(Protocol):
    """What is to be closed."""

    async def aclose(self) -> None:
        """Ends it."""


class Opening(Generic[S]):
    """Something being opened: await it, or use it with ``async with``."""

    def __init__(self, open_it: Callable[[], Awaitable[S]]) -> None:
        self._open_it = open_it
        self._opened: S | None = None

    def __await__(self) -> Generator[Any, None, S]:
        return self._open_it().__await__()

    async def __aenter__(self) -> S:
        self._opened = await self._open_it()
        return self._opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            await self._opened.aclose()


@dataclass(frozen=True)
class Insert(Generic[T]):
    """A new item, before the one that had this index."""

    index: int
    item: T


@dataclass(frozen=True)
class Update(Generic[T]):
    """The item at this index is another now."""

    index: int
    item: T


@dataclass(frozen=True)
class Remove:
    """The item at this index is gone."""

    index: int


@dataclass(frozen=True)
class Reset(Generic[T]):
    """Everything is different."""

    items: list[T]


Diff = Union[Insert[T], Update[T], Remove, Reset[T]]


class Source(Protocol):
    """What the library below has to pull from."""

    async def ready(self) -> bool:
        """Waits until there is something; false at the end."""

    def take(self, max: int) -> list[Any]:
        """What is there."""


class ObservableList(Generic[T]):
    """A list, and an asynchronous iterator over its changes. Each is made to :attr:`items` before it
    is handed out. Leaving an iteration or cancelling it loses nothing: the next goes on there."""

    def __init__(self, source: Any, kinds: Any, item: Callable[[Any], T]) -> None:
        self._source: Any = source
        self._kinds = kinds
        self._item = item
        self._waiting: list[Any] = []
        self.items: list[T] = [item(one) for one in source.first()]

    def __aiter__(self) -> AsyncIterator[Diff[T]]:
        return self._changes()

    async def _changes(self) -> AsyncIterator[Diff[T]]:
        while (source := self._source) is not None:
            while self._waiting:
                yield self._apply(self._waiting.pop(0))
            if not await source.ready():
                return
            self._waiting.extend(source.take(BATCH))

    def _apply(self, raw: Any) -> Diff[T]:
        kinds = self._kinds
        if isinstance(raw, kinds.RESET):
            self.items[:] = [self._item(one) for one in raw.items]
            return Reset(list(self.items))
        if isinstance(raw, kinds.REMOVE):
            del self.items[raw.index : raw.index + 1]
            return Remove(raw.index)
        item = self._item(raw.item)
        if isinstance(raw, kinds.INSERT):
            self.items.insert(raw.index, item)
            return Insert(raw.index, item)
        self.items[raw.index : raw.index + 1] = [item]
        return Update(raw.index, item)

    async def settle(self) -> None:
        """Makes the changes that have come by now, without handing them out."""
        while (source := self._source) is not None:
            self._waiting.extend(source.take(BATCH))
            if not self._waiting and not await self._is_ready_now(source):
                return
            while self._waiting:
                self._apply(self._waiting.pop(0))

    async def _is_ready_now(self, source: Any) -> bool:
        ready = asyncio.ensure_future(source.ready())
        # What can be had at once is had in the turns that two looks at it take.
        for _ in range(2):
            await asyncio.sleep(0)
        if not ready.done():
            ready.cancel()
            return False
        return bool(ready.result())

    async def until(self, is_so: Callable[[list[T]], bool]) -> list[T]:
        """Follows the changes until the list is as wanted, and hands it back as it is then."""
        if not is_so(self.items):
            async for _ in self:
                if is_so(self.items):
                    break
        return list(self.items)

    async def aclose(self) -> None:
        """Ends it; nothing comes any more."""
        self._source, self._waiting = None, []


class EventStream(Generic[T]):
    """Events as they come. Leaving an iteration or cancelling it loses none."""

    def __init__(self, source: Any, item: Callable[[Any], T]) -> None:
        self._source: Any = source
        self._item = item
        self._waiting: list[Any] = []

    def __aiter__(self) -> AsyncIterator[T]:
        return self._events()

    async def _events(self) -> AsyncIterator[T]:
        while (source := self._source) is not None:
            while self._waiting:
                yield self._item(self._waiting.pop(0))
            if not await source.ready():
                return
            self._waiting.extend(source.take(BATCH))

    async def aclose(self) -> None:
        """Ends it; nothing comes any more."""
        self._source, self._waiting = None, []
