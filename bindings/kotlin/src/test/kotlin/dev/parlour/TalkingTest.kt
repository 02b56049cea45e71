package dev.parlour

import java.nio.file.Path
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.math.abs
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.io.TempDir

/** What two people say to each other through a real server. */
internal class TalkingTest {
    @Test
    fun `what one sends the other hears`() = test {
        People().two { ada, bob, room ->
            bob.knows(room).openTimeline().use { timeline ->
                val sent = room.send("Hello, Bob")
                val info = timeline.arrivals().first().info
                assertEquals("Hello, Bob" to sent.seq, info.text to info.seq)
                assertEquals(ada.me(), info.sender)
                assertEquals(Delivery.Sent, info.delivery)
                assertTrue(abs(info.atMs.toLong() - System.currentTimeMillis()) < 60_000)
            }
        }
    }

    @Test
    fun `an edit, a reaction and a deletion are seen by the other`() = test {
        People().two { _, bob, room ->
            val ofAda = room.openTimeline()
            val ofBob = bob.room(room.id()).openTimeline()
            room.send("Helo")
            ofAda.until { ofAda.messages.lastOrNull()?.info?.seq != null }
            ofAda.messages.last().message.edit("Hello")
            ofBob.until { ofBob.texts == listOf("Hello") }
            assertTrue(ofBob.messages.first().info.isEdited)

            ofBob.messages.first().message.react("👍")
            ofAda.until { ofAda.messages.last().info.reactions.isNotEmpty() }
            assertEquals(listOf(Reaction("👍", listOf(bob.me()!!))), ofAda.messages.last().info.reactions)
            ofBob.messages.first().message.unreact("👍")
            ofAda.until { ofAda.messages.last().info.reactions.isEmpty() }

            ofAda.messages.last().message.delete()
            ofBob.until { ofBob.messages.first().info.isDeleted }
            assertEquals("", ofBob.messages.first().info.text)
            ofAda.close()
            ofBob.close()
        }
    }

    @Test
    fun `what was there before never arrives`() = test {
        val people = People()
        people.two { _, _, room ->
            val first = room.send("one")
            repeat(3) { room.send("before $it") }
            people.connect("bob").session { other ->
                other.synced()
                other.room(room.id()).openTimeline().use { timeline ->
                    // Neither an edit of an old one nor a page of history is new.
                    room.edit(first.seq, "One")
                    timeline.loadOlder(10)
                    room.send("two")
                    assertEquals("two", timeline.arrivals().first().info.text)
                }
            }
        }
    }

    @Test
    fun `a thread stands under its message`() = test {
        People().two { ada, bob, _ ->
            val room = ada.createGroup("Lunch", listOf("bob"))
            val root = room.send("Where?")
            val thread = bob.room(room.id()).thread(root.seq)
            val reply = thread.send("At the lake")
            thread.openTimeline().use { timeline ->
                timeline.until { timeline.messages.size == 2 }
                assertEquals(listOf("Where?", "At the lake"), timeline.texts)
                assertEquals(root.seq, timeline.messages[1].info.threadRoot)
            }
            // That whoever began it follows it comes after the reply.
            var followed = ada.threads(false)
            while (followed.isEmpty()) {
                delay(20)
                followed = ada.threads(false)
            }
            assertEquals(listOf(root.seq), followed.map { it.thread.rootSeq() })
            assertEquals(1uL to 1uL, followed[0].unread to followed[0].summary.replies)
            followed[0].thread.markRead(reply.seq)
            assertEquals(listOf(), ada.threads(true))
        }
    }

    @Test
    fun `history comes page by page`() = test {
        val people = People()
        people.two { _, _, room ->
            repeat(30) { room.send("number $it") }
            people.connect("ada").session { other ->
                other.room(room.id()).openTimeline().use { timeline ->
                    while (timeline.loadOlder(7)) Unit
                    timeline.until { timeline.messages.size == 30 }
                    assertEquals(List(30) { "number $it" }, timeline.texts)
                }
            }
        }
    }

    @Test
    fun `rooms tell what is unread until it is read`() = test {
        People().two { ada, bob, room ->
            val sent = room.send("One")
            bob.openRooms().use { rooms ->
                val one = rooms.until { list -> list.map { it.unread } == listOf(1uL) }.single()
                assertEquals(ada.me(), one.peer)
                bob.room(room.id()).markRead(sent.seq)
                rooms.until { list -> list.map { it.unread } == listOf(0uL) }
            }
            val members = bob.room(room.id()).members()
            assertEquals(setOf("ada", "bob"), members.map { it.subject }.toSet())
            assertEquals("bob", ada.user(bob.me()!!)?.subject)
            assertEquals(bob.me(), ada.user("bob")?.id)
            assertEquals(null, ada.user("nobody"))
        }
    }

    @Test
    fun `files travel`(@TempDir folder: Path) = test {
        val content = ByteArray(768 * 1024) { it.toByte() }
        val here = folder.resolve("data.bin").also { it.writeBytes(content) }
        val there = folder.resolve("copy.bin")
        People().two { ada, bob, room ->
            val file = ada.upload(here, description = "Numbers")
            assertEquals("data.bin" to content.size.toULong(), file.name to file.size)
            bob.knows(room).openTimeline().use { timeline ->
                room.send("", listOf(file))
                val (message, info) = timeline.arrivals().first()
                assertEquals("Numbers", info.attachments.single().description)
                message.save(0u, there.toString())
                assertContentEquals(content, there.readBytes())
                assertContentEquals(content, message.read(0u, content.size.toULong()))
            }
        }
    }

    @Test
    fun `what was said is found by its words`() = test {
        People().two { _, bob, room ->
            room.send("Über den Wolken: Grüße")
            room.send("something else")
            var hits = listOf<Hit>()
            // The index follows the log about once a second.
            while (hits.isEmpty()) hits = bob.hits("grüße").toList()
            assertEquals(listOf("Über den Wolken: Grüße"), hits.map { it.item.text })
            assertEquals(room.id(), hits[0].room)
        }
    }

    @Test
    fun `presence and status are seen`() = test {
        People().two { ada, bob, _ ->
            ada.presence().openList(listOf(bob.me()!!)).use { watched ->
                bob.presence().setActivity(Activity.ACTIVE)
                bob.presence().setStatus(Status("At lunch", "🍲"))
                val seen = watched.until { (one) ->
                    one.availability == Availability.ONLINE && one.status != null
                }
                assertEquals(Status("At lunch", "🍲"), seen.single().status)
            }
        }
    }
}
