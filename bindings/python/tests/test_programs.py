"""The examples, bots, scripts without asyncio, and what a type checker says of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import People, run

import parlour
import parlour.sync
from parlour.bot import Bot

EXAMPLES = Path(__file__).parent.parent / "examples"


@contextlib.contextmanager
def program(name: str, *words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """An example that is running."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), *words], text=True, **pipes, env={**os.environ, **more}
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_hello_says_hello_and_prints_the_answer(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, bob.rooms() as rooms:
            token = people.server.token("ada", people.organization)
            server = people.server
            with program("hello.py", server.address, server.certificate, token, "bob") as hello:
                await rooms.until(lambda items: bool(items and items[0].last_seq))
                room = bob.room(rooms.items[0].id)
                async with room.timeline() as timeline:
                    await timeline.until(lambda _: bool(timeline.messages))
                    assert timeline.messages[-1].text == "Hello!"
                await room.send("Hello, Ada")
                assert hello.stdout is not None
                assert await asyncio.to_thread(hello.stdout.readline) == "Hello, Ada\n"

    run(test)


def test_the_echo_bot_echoes(people: People) -> None:
    async def test() -> None:
        token = people.server.token("echo", people.organization)
        # Somebody who has never connected can't be written to.
        async with people.connect("echo"):
            pass
        server = people.server
        async with people.connect("ada") as ada:
            room = await ada.open_direct("echo")
            with program("echo_bot.py", server.address, server.certificate, token):
                async with room.timeline() as timeline:
                    echoes: list[parlour.Message] = []
                    # What is said before it hears isn't answered.
                    while not echoes:
                        await room.send("Anybody there?")
                        await asyncio.sleep(0.2)
                        await timeline.settle()
                        echoes = [m for m in timeline.messages if m.sender != ada.me]
                    assert echoes[0].text == "Anybody there?"
                    assert echoes[0].reply_to is not None

    run(test)


def test_the_chat_shows_and_sends(people: People, tmp_path: Path) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, bob.rooms() as rooms:
            token = people.server.token("ada", people.organization)
            words = (people.server.address, people.server.certificate, token, "bob")
            with program("chat.py", *words, HOME=str(tmp_path)) as chat:
                assert chat.stdin is not None and chat.stdout is not None
                print("Typed", file=chat.stdin, flush=True)
                await rooms.until(lambda items: bool(items and items[0].unread))
                await bob.room(rooms.items[0].id).send("Heard")
                lines = [await asyncio.to_thread(chat.stdout.readline) for _ in range(2)]
                assert [line[6:] for line in lines] == ["you: Typed\n", "they: Heard\n"]
                print("/quit", file=chat.stdin, flush=True)
                assert await asyncio.to_thread(chat.wait, 20) == 0

    run(test)


def test_commands_get_their_words_and_a_failing_handler_ends_nothing(people: People) -> None:
    async def test() -> None:
        bot, ready = Bot(), asyncio.Event()

        @bot.command("add")
        async def add(message: parlour.Message, *words: str) -> None:
            await message.reply(str(sum(int(word) for word in words)))

        @bot.on_message
        async def other(message: parlour.Message) -> None:
            await message.react("👀")

        server = people.server
        options = {
            "certificate": server.certificate,
            "token": server.token("bot", people.organization),
        }
        serving = asyncio.create_task(bot.serve(server.address, on_ready=ready.set, **options))
        await ready.wait()
        async with people.connect("ada") as ada:
            room = await ada.open_direct("bot")
            async with room.timeline() as timeline:
                await room.send("/add 1 two")
                await room.send("/add 1 2 39")
                await room.send("/unknown")
                await timeline.until(
                    lambda _: len(timeline.messages) == 4
                    and any(message.reactions for message in timeline.messages)
                )
                answers = [m for m in timeline.messages if m.sender == bot.client.me]
                assert [(m.text, m.reply_to) for m in answers] == [("42", answers[0].reply_to)]
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    run(test)


def test_scripts_need_no_loop(people: People) -> None:
    server = people.server

    def client(who: str) -> parlour.sync.Client:
        token = server.token(who, people.organization)
        return parlour.sync.connect(server.address, certificate=server.certificate, token=token)

    with client("bob") as bob, client("ada") as ada:
        room = ada.open_direct("bob")
        for number in range(3):
            room.send(f"number {number}")
        of_bob = bob.room(room.id)
        arrivals = of_bob.arrivals(within=1)
        # What was sent is on the server, and comes to Bob by itself.
        deadline = time.monotonic() + 20
        while len(history := of_bob.history()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [message.text for message in history] == ["number 0", "number 1", "number 2"]
        assert [message.text for message in of_bob.history(2)] == ["number 1", "number 2"]
        history[-1].react("👍")
        assert [one.peer for one in bob.rooms()] == [ada.me]
        with pytest.raises(parlour.Refused):
            ada.open_direct("nobody")
        assert list(arrivals) == []


def test_the_examples_pass_a_strict_type_checker() -> None:
    for example in sorted(EXAMPLES.glob("*.py")):
        checked = _mypy(str(example))
        assert checked.returncode == 0, checked.stdout


def test_the_package_passes_it_too() -> None:
    config = EXAMPLES.parent / "pyproject.toml"
    checked = _mypy("--config-file", str(config), "-p", "parlour")
    assert checked.returncode == 0, checked.stdout


def test_a_wrong_use_is_found_by_the_type_checker(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import parlour\n"
        "async def use(room: parlour.Room, message: parlour.Message) -> None:\n"
        "    await room.send(5)\n"
        "    message.text = ''\n"
        "    await message.react('👍', '👎')\n"
    )
    checked = _mypy(str(wrong))
    assert checked.stdout.count("error:") == 3, checked.stdout


def _mypy(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
