"""Says hello to somebody and prints what comes back.

hello.py HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT, as `parlour serve` and `parlour token` give them.
"""

import asyncio
import sys

import parlour


async def main(address: str, certificate: str, token: str, subject: str) -> None:
    async with parlour.connect(address, certificate=certificate, token=token) as client:
        room = await client.open_direct(subject)
        async with room.timeline() as timeline:
            await room.send("Hello!")
            async for message in timeline.arrivals():
                if message.sender != client.me:
                    print(message.text, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
