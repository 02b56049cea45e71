package dev.parlour

import dev.parlour.testing.ThrowAwayServer
import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** Anything that takes longer is a failure of its own. */
private val WITHIN = 60.seconds

private val numbers = AtomicInteger()

/** One server for all tests that don't end it. */
internal val server: ThrowAwayServer by lazy {
    ThrowAwayServer().also { Runtime.getRuntime().addShutdownHook(java.lang.Thread(it::close)) }
}

/** People of an organization where nobody has been. */
internal class People(val of: ThrowAwayServer = server) {
    val organization = "org${numbers.incrementAndGet()}"

    fun token(subject: String, name: String? = null) = of.token(subject, organization, name)

    suspend fun connect(subject: String, cache: Path? = null, token: String = token(subject)): Client =
        connect(of.address, token, of.certificate, cache = cache)
}

/** Runs a test on other threads than this one, for a bounded time. */
internal fun test(run: suspend CoroutineScope.() -> Unit): Unit = runBlocking(Dispatchers.Default) {
    withTimeout(WITHIN, run)
}

/** Ada and Bob, connected, and the room they share. */
internal suspend fun People.two(run: suspend (ada: Client, bob: Client, room: Room) -> Unit) {
    connect("bob").session { bob ->
        connect("ada").session { ada -> run(ada, bob, ada.openDirect("bob")) }
    }
}

/** The room as that client knows it, once it does. */
internal suspend fun Client.knows(room: Room): Room {
    val known = room(room.id())
    while (known.info() == null) delay(5)
    return known
}

internal val LiveTimeline.texts: List<String> get() = messages.map { it.info.text }

internal val Item.text: String get() = (this as Item.MessageItem).info.text
