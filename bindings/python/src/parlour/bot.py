"""Programs that answer.

    from parlour.bot import Bot

    bot = Bot()

    @bot.command("ping")
    async def ping(message, *words):
        await message.reply("pong")

    @bot.on_message
    async def echo(message):
        await message.reply(message.text)

    bot.run("chat.example:4433", token="...")
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ._client import Client, connect
from ._message import Message

log = logging.getLogger("parlour.bot")

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[object]])

#: Messages that are being handled at once; those of one room are handled one after the other.
AT_ONCE = 32


class Bot:
    """A program that hears what others write in the rooms it is in. What was written while it was
    away isn't handed to it."""

    def __init__(self, prefix: str = "/") -> None:
        #: What a command begins with.
        self.prefix = prefix
        self._client: Client | None = None
        self._on_message: list[Callable[..., Awaitable[object]]] = []
        self._commands: dict[str, Callable[..., Awaitable[object]]] = {}
        self._last: dict[str, asyncio.Task[None]] = {}

    @property
    def client(self) -> Client:
        """The bot's client, while it runs."""
        if self._client is None:
            raise RuntimeError("the bot isn't running")
        return self._client

    def on_message(self, handler: Handler) -> Handler:
        """Hands every message of others to the function that isn't a command."""
        self._on_message.append(handler)
        return handler

    def command(self, name: str) -> Callable[[Handler], Handler]:
        """Hands messages that begin with the prefix and this word to the function, with the words
        behind it as further arguments."""

        def take(handler: Handler) -> Handler:
            self._commands[name] = handler
            return handler

        return take

    def run(self, address: str, **options: Any) -> None:
        """Connects, with the options of :func:`parlour.connect`, and answers until it is interrupted."""
        try:
            asyncio.run(self.serve(address, **options))
        except KeyboardInterrupt:
            log.info("interrupted")

    async def serve(
        self, address: str, *, on_ready: Callable[[], object] | None = None, **options: Any
    ) -> None:
        """As :meth:`run`, within a loop that runs already. ``on_ready`` is called once it hears."""
        room_for_more = asyncio.Semaphore(AT_ONCE)
        async with connect(address, **options) as self._client:
            async with self.client.events() as events:
                if on_ready is not None:
                    on_ready()
                async for event in events:
                    message = event.item
                    if isinstance(message, Message) and self._is_for_us(message):
                        await room_for_more.acquire()
                        self._begin(message, room_for_more)

    def _is_for_us(self, message: Message) -> bool:
        return message.sender != self.client.me and not message.is_deleted

    def _begin(self, message: Message, room_for_more: asyncio.Semaphore) -> None:
        room = message.room_id
        task = asyncio.create_task(self._in_turn(self._last.get(room), message))
        self._last[room] = task

        def done(task: asyncio.Task[None]) -> None:
            room_for_more.release()
            if self._last.get(room) is task:
                del self._last[room]

        task.add_done_callback(done)

    async def _in_turn(self, before: asyncio.Task[None] | None, message: Message) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._handle(message)
        except Exception:
            # One message that can't be answered mustn't end the bot.
            log.exception("a handler failed at message %s of room %s", message.seq, message.room_id)

    async def _handle(self, message: Message) -> None:
        words = message.text.split()
        if words and words[0].startswith(self.prefix):
            command = self._commands.get(words[0][len(self.prefix) :])
            if command is not None:
                await command(message, *words[1:])
                return
        for handler in self._on_message:
            await handler(message)
