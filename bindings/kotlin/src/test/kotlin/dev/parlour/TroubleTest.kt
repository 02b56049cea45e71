package dev.parlour

import dev.parlour.testing.ThrowAwayServer
import java.nio.file.Path
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.io.TempDir

/** What goes wrong, and what comes right again by itself. */
internal class TroubleTest {
    @Test
    fun `a wrong token is unauthorized`() = test {
        val refused = assertFailsWith<ConnectException.Unauthorized> {
            People().connect("ada", token = "not.a.token")
        }
        assertTrue(refused.code in 0x100u..0x1ffu)
    }

    @Test
    fun `another certificate is untrusted and the log says so`() = test {
        val said = async(start = CoroutineStart.UNDISPATCHED) { logFlow().first { "certificate" in it.message } }
        assertFailsWith<ConnectException.Untrusted> { connect(server.address, "x", "ab".repeat(32)) }
        assertEquals(LogLevel.WARN, said.await().level)
    }

    @Test
    fun `errors say what they are`() = test {
        assertFailsWith<ConnectException.Address> { connect("nowhere", "x") }
        assertFailsWith<ConnectException.Trust> { connect(server.address, "x", "no hash") }
        val ada = People().connect("ada")
        val nobody = assertFailsWith<CallException.Refused> { ada.openDirect("nobody") }
        assertEquals("USER_NOT_FOUND" to "NOT_FOUND", nobody.refusal.reason to nobody.refusal.className)
        assertEquals(Retry.NEVER, (nobody as Throwable).refusal?.retry)
        assertFailsWith<CallException.NotAnId> { ada.room("no id") }
        val room = ada.createGroup("Alone", listOf())
        assertFailsWith<QueueException.Text> { room.send("") }
        assertFailsWith<QueueException.Text> { room.send("x".repeat(16 * 1024 + 1)) }
        ada.disconnect()
        assertFailsWith<QueueException.Closed> { room.send("too late") }
        assertEquals(State.Closed, ada.state())
        ada.close()
    }

    @Test
    fun `what is written while the server is dead arrives when it lives`(@TempDir folder: Path) = test {
        ThrowAwayServer().use { server ->
            val people = People(server)
            val bob = people.connect("bob")
            val ada = people.connect("ada", cache = folder.resolve("ada.sqlite"))
            val room = ada.openDirect("bob")
            room.send("before")
            server.kill()
            val queued = room.queue("meanwhile")
            room.openTimeline().use { timeline ->
                timeline.until { timeline.messages.size == 2 }
                val last = timeline.messages.last().info
                assertEquals(queued, last.clientRef)
                assertNotEquals<Delivery>(Delivery.Sent, last.delivery)
            }
            server.start()
            listOf(ada, bob).forEach { it.reconnect() }
            bob.room(room.id()).openTimeline().use { timeline ->
                timeline.until { timeline.messages.size == 2 }
                assertEquals(listOf("before", "meanwhile"), timeline.texts)
            }
            assertEquals(State.Live, ada.stateFlow().first { it == State.Live })
            listOf(ada, bob).forEach { it.session { } }
        }
    }

    @Test
    fun `whose token is revoked is out`() = test {
        ThrowAwayServer().use { server ->
            val people = People(server)
            people.connect("ada").session { ada ->
                server.run(listOf("revoke", "--org", people.organization, "--subject", "ada"))
                val stopped = ada.stateFlow().first { it is State.Stopped }
                assertEquals("REVOKED", (stopped as State.Stopped).code?.let(::closeCodeName))
            }
        }
    }

    @Test
    fun `tokens are asked for as they are needed`() = test {
        val people = People()
        val asked = mutableListOf<Boolean>()
        val token = people.token("ada")
        val client = connect(
            people.of.address,
            certificate = people.of.certificate,
            tokens = { fresh ->
                synchronized(asked) { asked += fresh }
                // The first one is of no use, as one from a cache may be.
                if (fresh) token else "not.a.token"
            },
        )
        client.session { }
        assertEquals(listOf(false, true), synchronized(asked) { asked.toList() })
    }

    @Test
    fun `the cache has what was read before`(@TempDir folder: Path) = test {
        val people = People()
        val cache = folder.resolve("ada.sqlite")
        var id = ""
        people.connect("bob").session {
            people.connect("ada", cache = cache).session { ada ->
                val room = ada.openDirect("bob").also { id = it.id() }
                room.openTimeline().use { timeline ->
                    room.send("kept")
                    timeline.until { timeline.messages.firstOrNull()?.info?.seq != null }
                }
            }
        }
        // Nobody listens at this port.
        connect("127.0.0.1:9", "x", cache = cache, wait = false).session { ada ->
            ada.room(id).openTimeline().use { timeline ->
                timeline.until { timeline.messages.isNotEmpty() }
                assertEquals(listOf("kept"), timeline.texts)
                assertNotEquals<State>(State.Live, ada.state())
            }
        }
    }

    @Test
    fun `a wait that is given up loses nothing`() = test {
        People().two { _, _, room ->
            room.openTimeline().use { timeline ->
                repeat(20) { number ->
                    assertFailsWith<TimeoutCancellationException> {
                        withTimeout(1.milliseconds) { timeline.until { false } }
                    }
                    room.queue("$number")
                }
                timeline.until { timeline.messages.size == 20 && timeline.messages.all { it.info.seq != null } }
                assertEquals(List(20) { "$it" }, timeline.texts)
            }
        }
    }

    @Test
    fun `a list is collected once at a time, and ends when it is closed`() = test {
        People().two { _, _, room ->
            val timeline = room.openTimeline()
            val first = launch { timeline.changes.collect { } }
            room.send("one")
            while (timeline.messages.isEmpty()) kotlinx.coroutines.delay(5)
            assertFailsWith<IllegalStateException> { timeline.asFlow().collect { } }
            timeline.close()
            first.join()
            timeline.close()
            assertEquals(listOf("one"), timeline.texts)
        }
    }

    @Test
    fun `a call that is cancelled is never made`() = test {
        ThrowAwayServer().use { server ->
            People(server).connect("ada").session { ada ->
                server.kill()
                // Without a connection a call waits for one.
                val call = launch { ada.createGroup("Cancelled", listOf()) }
                kotlinx.coroutines.delay(200)
                call.cancelAndJoin()
                server.start()
                ada.reconnect()
                ada.createGroup("Made", listOf())
                ada.openRooms().use { rooms ->
                    rooms.until { it.isNotEmpty() }
                    assertEquals(listOf("Made"), rooms.items.map { it.name })
                }
            }
        }
    }
}
