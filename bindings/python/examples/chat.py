"""A chat in the terminal: what is typed is sent, what others write is shown.

chat.py HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT

/edit TEXT changes the last message, /react EMOJI answers the last one of the other, /more shows older
ones, /quit ends. What is typed without a connection waits in the cache and is sent later.
"""

import asyncio
import sys
from pathlib import Path

import parlour


class Chat:
    """One room on the screen."""

    def __init__(self, client: parlour.Client, room: parlour.Room, timeline: parlour.Timeline):
        self.client, self.room, self.timeline = client, room, timeline

    async def show(self) -> None:
        for message in self.timeline.messages:
            self.line(message)
        async for message in self.timeline.arrivals():
            self.line(message)
            if message.seq is not None:
                await self.room.mark_read(message.seq)

    def line(self, message: parlour.Message) -> None:
        who = "you" if message.sender == self.client.me else "they"
        print(f"{message.at.astimezone():%H:%M} {who}: {message.text}", flush=True)

    def last(self, mine: bool) -> parlour.Message | None:
        messages = reversed(self.timeline.messages)
        return next((one for one in messages if (one.sender == self.client.me) == mine), None)

    async def typed(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word == "/edit" and (message := self.last(mine=True)):
            await message.edit(rest)
        elif word == "/react" and (message := self.last(mine=False)):
            await message.react(rest)
        elif word == "/more":
            await self.timeline.load_older(20)
        elif text:
            await self.room.queue(text)


async def main(address: str, certificate: str, token: str, subject: str) -> None:
    cache = Path.home() / f".parlour-chat-{subject}.sqlite"
    opening = parlour.connect(address, certificate=certificate, token=token, cache=cache)
    async with opening as client:
        room = await client.open_direct(subject)
        async with room.timeline() as timeline:
            chat = Chat(client, room, timeline)
            showing = asyncio.create_task(chat.show())
            while (text := await asyncio.to_thread(sys.stdin.readline)) and text != "/quit\n":
                try:
                    await chat.typed(text.strip())
                except parlour.ParlourError as error:
                    print(f"- {error}", flush=True)
            showing.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
