"""What goes wrong, and what comes right again by itself."""

from __future__ import annotations

import asyncio
import logging

import pytest
from conftest import People, run

import parlour
from parlour import errors
from parlour.testing import ThrowAwayServer


def test_a_wrong_token_is_unauthorized(people: People) -> None:
    async def test() -> None:
        with pytest.raises(errors.Unauthorized) as caught:
            await people.connect("ada", token="not.a.token")
        assert caught.value.code is not None and 0x100 <= caught.value.code < 0x200
        assert isinstance(caught.value, errors.ParlourError)

    run(test)


def test_another_certificate_is_untrusted_and_the_log_says_so(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        with pytest.raises(errors.Untrusted, match="fingerprint"):
            await parlour.connect(people.server.address, certificate="ab" * 32, token="x")

    with caplog.at_level(logging.DEBUG, "parlour"), parlour.forward_logs():
        run(test)
    lines = [(line.levelno, line.getMessage()) for line in caplog.records if line.name == "parlour"]
    assert any(level == logging.WARNING and "certificate" in text for level, text in lines), lines
    run(test)
    assert len(lines) == len([line for line in caplog.records if line.name == "parlour"])


def test_errors_say_what_they_are(people: People) -> None:
    async def test() -> None:
        with pytest.raises(errors.InvalidOption):
            await parlour.connect("nowhere", token="x")
        async with people.connect("ada") as ada:
            with pytest.raises(errors.Refused) as caught:
                await ada.open_direct("nobody")
            assert caught.value.reason == "USER_NOT_FOUND"
            assert caught.value.class_name == "NOT_FOUND"
            with pytest.raises(errors.InvalidId):
                ada.room("no id")
            room = await ada.create_group("Alone")
            with pytest.raises(errors.InvalidMessage):
                await room.send("")
            await ada.disconnect()
            with pytest.raises(errors.Closed):
                await room.send("too late")
            assert ada.state.name == "closed"

    run(test)


def test_what_is_written_while_the_server_is_dead_arrives_when_it_lives(tmp_path) -> None:
    async def test() -> None:
        with ThrowAwayServer() as server:
            people = People(server)
            cache = tmp_path / "ada.sqlite"
            async with people.connect("bob") as bob, people.connect("ada", cache=cache) as ada:
                room = await ada.open_direct("bob")
                await room.send("before")
                server.kill()
                queued = await room.queue("meanwhile")
                async with room.timeline() as timeline:
                    await timeline.until(lambda _: len(timeline.messages) == 2)
                    assert timeline.messages[-1].client_ref == queued
                    assert timeline.messages[-1].delivery != "sent"
                server.start()
                ada.reconnect()
                bob.reconnect()
                async with bob.room(room.id).timeline() as timeline:
                    await timeline.until(lambda _: len(timeline.messages) == 2)
                    assert [m.text for m in timeline.messages] == ["before", "meanwhile"]
                assert ada.state.is_live

    run(test)


def test_tokens_are_asked_for_as_they_are_needed(people: People) -> None:
    async def test() -> None:
        asked: list[bool] = []

        async def provider(fresh: bool) -> str | None:
            asked.append(fresh)
            # The first one is of no use, as one from a cache may be.
            return people.server.token("ada", people.organization) if fresh else "not.a.token"

        async with people.connect("ada", token=provider) as ada:
            assert ada.state.is_live
        assert asked == [False, True]

    run(test)


def test_a_token_provider_that_fails_is_asked_again(people: People) -> None:
    async def test() -> None:
        asked: list[bool] = []

        async def provider(fresh: bool) -> str | None:
            asked.append(fresh)
            if len(asked) == 1:
                raise OSError("no network")
            return people.server.token("ada", people.organization)

        async with people.connect("ada", token=provider) as ada:
            assert ada.state.is_live
        assert len(asked) == 2

    run(test)


def test_whose_token_is_revoked_is_told_so(people: People) -> None:
    async def test() -> None:
        async with people.connect("ada") as ada:
            people.server.run("revoke", "--org", people.organization, "--subject", "ada")
            async for state in ada.states():
                if state.name == "stopped":
                    break
            assert ada.state.code_name == "REVOKED"

    run(test)


def test_the_cache_has_what_was_read_before(people: People, tmp_path) -> None:
    async def test() -> None:
        cache = tmp_path / "ada.sqlite"
        async with people.connect("bob"), people.connect("ada", cache=cache) as ada:
            room = await ada.open_direct("bob")
            async with room.timeline() as timeline:
                await room.send("kept")
                await timeline.until(lambda _: bool(timeline.messages and timeline.messages[0].seq))
            (bob,) = [user for user in await room.members() if user.subject == "bob"]
        # Nobody listens at this port.
        offline = parlour.connect("127.0.0.1:9", token="x", cache=cache, wait=False)
        async with offline as ada, ada.room(room.id).timeline() as timeline:
            await timeline.until(lambda _: bool(timeline.messages))
            assert [message.text for message in timeline.messages] == ["kept"]
            assert not ada.state.is_live
            known = ada.known_user(bob.id)
            assert known is not None and known.name == bob.name
            with pytest.raises(errors.InvalidId):
                ada.known_user("nobody")

    run(test)


def test_a_wait_that_is_given_up_loses_nothing(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob"), people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            async with room.timeline() as timeline:
                for number in range(20):
                    with pytest.raises(asyncio.TimeoutError):
                        await asyncio.wait_for(timeline.until(lambda _: False), 0.001)
                    await room.queue(f"{number}")
                await timeline.until(
                    lambda _: len(timeline.messages) == 20
                    and timeline.messages[-1].seq is not None
                )
                texts = [message.text for message in timeline.messages]
                assert texts == [f"{number}" for number in range(20)]

    run(test)


def test_a_call_that_is_cancelled_is_never_made(tmp_path) -> None:
    async def test() -> None:
        with ThrowAwayServer() as server:
            async with People(server).connect("ada") as ada:
                server.kill()
                # Without a connection a call waits for one.
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(ada.create_group("Cancelled"), 0.2)
                server.start()
                ada.reconnect()
                await ada.create_group("Made")
                async with ada.rooms() as rooms:
                    await rooms.until(lambda items: bool(items))
                    assert [room.name for room in rooms.items] == ["Made"]

    run(test)


def test_two_loops_in_one_process_share_the_library(people: People) -> None:
    async def one() -> str:
        async with people.connect("ada") as ada:
            await ada.synced()
            return ada.me or ""

    def in_a_loop_of_its_own() -> str:
        return asyncio.run(asyncio.wait_for(one(), 30))

    async def test() -> None:
        both = (asyncio.to_thread(in_a_loop_of_its_own) for _ in range(2))
        first, second, here = await asyncio.gather(*both, one())
        assert first == second == here != ""

    run(test)
