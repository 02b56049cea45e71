"""Says again what it hears. echo_bot.py HOST:PORT CERTIFICATE-SHA256 TOKEN"""

import sys

from parlour import Message
from parlour.bot import Bot

bot = Bot()


@bot.on_message
async def echo(message: Message) -> None:
    await message.reply(message.text)


if __name__ == "__main__":
    bot.run(sys.argv[1], certificate=sys.argv[2], token=sys.argv[3])
