"""What two people say to each other through a real server."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

from conftest import People, run

import parlour


def test_what_one_sends_the_other_hears(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            async with (await people.know(bob, room)).timeline() as timeline:
                sent = await room.send("Hello, Bob")
                message = await anext(timeline.arrivals())
                assert (message.text, message.seq) == ("Hello, Bob", sent.seq)
                assert message.sender == ada.me
                assert message.delivery == "sent"
                assert abs((message.at - datetime.now(timezone.utc)).total_seconds()) < 60

    run(test)


def test_an_edit_a_reaction_and_a_deletion_are_seen_by_the_other(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            async with (
                room.timeline() as of_ada,
                bob.room(room.id).timeline() as of_bob,
            ):
                await room.send("Helo")
                await of_ada.until(lambda _: bool(of_ada.messages and of_ada.messages[-1].seq))
                await of_ada.messages[-1].edit("Hello")
                await of_bob.until(lambda _: [m.text for m in of_bob.messages] == ["Hello"])
                assert of_bob.messages[0].is_edited

                await of_bob.messages[0].react("👍")
                await of_ada.until(lambda _: bool(of_ada.messages[-1].reactions))
                assert of_ada.messages[-1].reactions == [parlour.Reaction("👍", (bob.me or "",))]
                await of_bob.messages[0].unreact("👍")
                await of_ada.until(lambda _: not of_ada.messages[-1].reactions)

                await of_ada.messages[-1].delete()
                await of_bob.until(lambda _: of_bob.messages[0].is_deleted)
                assert of_bob.messages[0].text == ""

    run(test)


def test_what_happens_in_a_while_can_be_undone_until_then(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            async with (
                room.timeline() as of_ada,
                bob.room(room.id).timeline() as of_bob,
            ):
                await room.send("one")
                await of_ada.until(lambda _: bool(of_ada.messages and of_ada.messages[-1].seq))
                await of_ada.messages[0].delete_after(3600)
                await room.queue("never", wait=3600)
                await of_ada.until(lambda _: len(of_ada.messages) == 2)
                assert of_ada.messages[0].is_deleted
                for message in list(of_ada.messages):
                    await message.discard()
                await of_ada.until(lambda _: [m.text for m in of_ada.messages] == ["one"])
                await of_ada.messages[0].delete_after(0.01)
                await room.queue("two", wait=0.01)
                await of_bob.until(lambda _: [m.text for m in of_bob.messages] == ["", "two"])

    run(test)


def test_what_was_there_before_never_arrives(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob"), people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            first = await room.send("one")
            for number in range(3):
                await room.send(f"before {number}")
            async with people.connect("bob") as other:
                await other.synced()
                async with other.room(room.id).timeline() as timeline:
                    arrivals = timeline.arrivals()
                    # Neither an edit of an old one nor a page of history is new.
                    await room.edit(first.seq, "One")
                    await timeline.load_older(10)
                    await room.send("two")
                    assert (await anext(arrivals)).text == "two"

    run(test)


def test_a_thread_stands_under_its_message(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.create_group("Lunch", "bob")
            root = await room.send("Where?")
            thread = bob.room(room.id).thread(root.seq)
            reply = await thread.send("At the lake")
            async with thread.timeline() as timeline:
                await timeline.until(lambda _: len(timeline.messages) == 2)
                assert [m.text for m in timeline.messages] == ["Where?", "At the lake"]
                assert timeline.messages[1].thread_root == root.seq
            # That whoever began it follows it comes after the reply.
            while not (followed := await ada.threads()):
                await asyncio.sleep(0.02)
            assert [one.thread.root_seq for one in followed] == [root.seq]
            assert (followed[0].unread, followed[0].summary.replies) == (1, 1)
            await followed[0].thread.mark_read(reply.seq)
            assert await ada.threads(unread_only=True) == []

    run(test)


def test_history_comes_page_by_page(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob"), people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            for number in range(30):
                await room.send(f"number {number}")
            async with people.connect("ada") as other, other.room(room.id).timeline() as timeline:
                while await timeline.load_older(7):
                    pass
                await timeline.until(lambda _: len(timeline.messages) == 30)
                texts = [message.text for message in timeline.messages]
                assert texts == [f"number {number}" for number in range(30)]

    run(test)


def test_rooms_tell_what_is_unread_until_it_is_read(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            sent = await room.send("One")
            async with bob.rooms() as rooms:
                await rooms.until(lambda items: [one.unread for one in items] == [1])
                assert rooms.items[0].peer == ada.me
                await bob.room(room.id).mark_read(sent.seq)
                await rooms.until(lambda items: [one.unread for one in items] == [0])
            members = await bob.room(room.id).members()
            assert sorted(member.subject for member in members) == ["ada", "bob"]

    run(test)


def test_files_travel_as_paths_and_as_bytes(people: People, tmp_path) -> None:
    async def test() -> None:
        content = bytes(range(256)) * 3000
        here, there = tmp_path / "data.bin", tmp_path / "copy.bin"
        here.write_bytes(content)
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            file = await ada.upload(here, description="Numbers")
            note = await ada.upload(b"a few words", name="note.txt")
            assert (file.name, file.size) == ("data.bin", len(content))
            async with (await people.know(bob, room)).timeline() as timeline:
                await room.send(attachments=[file, note])
                message = await anext(timeline.arrivals())
                assert [one.name for one in message.attachments] == ["data.bin", "note.txt"]
                assert message.attachments[0].description == "Numbers"
                await message.save(there)
                assert there.read_bytes() == content
                assert await message.read(1) == b"a few words"

    run(test)


def test_what_was_said_is_found_by_its_words(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            room = await ada.open_direct("bob")
            await room.send("Über den Wolken: Grüße")
            await room.send("something else")
            hits: list[parlour.Hit] = []
            # The index follows the log about once a second.
            while not hits:
                hits = [hit async for hit in bob.search("grüße")]
            assert [hit.message.text for hit in hits] == ["Über den Wolken: Grüße"]
            text = hits[0].message.text
            assert [text[part] for part in hits[0].highlights] == ["Grüße"]
            assert hits[0].room == room

    run(test)


def test_presence_and_status_are_seen(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            await ada.open_direct("bob")
            assert bob.me is not None
            async with ada.presence.watch([bob.me]) as watched:
                await bob.presence.set_active()
                await bob.presence.set_status("At lunch", emoji="🍲")
                online = parlour.Availability.ONLINE

                def is_seen(items: list[parlour.UserPresence]) -> bool:
                    return items[0].availability is online and items[0].status is not None

                await watched.until(is_seen)
                assert watched.items[0].status == parlour.Status("At lunch", "🍲")

    run(test)


def test_who_has_another_name_is_told_of(people: People) -> None:
    async def test() -> None:
        async with people.connect("bob") as bob, people.connect("ada") as ada:
            assert bob.me is not None
            await ada.users([bob.me])
            changes = ada.user_changes()
            async with ada.presence.watch([bob.me]):
                token = people.server.token("bob", people.organization, name="Bob Stone")
                async with people.connect("bob", token=token):
                    changed = await anext(changes)
                    assert (changed.id, changed.name) == (bob.me, "Bob Stone")

    run(test)
