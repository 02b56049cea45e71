// What the benchmark `languages` has this client do: FiguresKt ADDRESS SHA256 TOKEN WHAT COUNT

package dev.parlour.figures

import dev.parlour.Client
import dev.parlour.Draft
import dev.parlour.Room
import dev.parlour.connect
import dev.parlour.eventFlow
import dev.parlour.openRooms
import dev.parlour.session
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.util.concurrent.atomic.AtomicLong

private const val CALLS_OF_A_BEGINNING = 2_000

private fun say(line: String) {
    println(line)
    System.out.flush()
}

private inline fun nanoseconds(count: Int, call: () -> Unit): Double {
    val begin = System.nanoTime()
    repeat(count) { call() }
    return (System.nanoTime() - begin).toDouble() / count
}

private suspend fun firstRoom(client: Client): Room {
    val rooms = client.openRooms()
    return client.room(rooms.until { it.isNotEmpty() }.first().id).also { rooms.close() }
}

/** Each answered by Rust at once, by the client's task, and by the server. */
private suspend fun calls(client: Client, count: Int) {
    val room = firstRoom(client)
    // The compiler's work is of the beginning.
    repeat(CALLS_OF_A_BEGINNING) {
        client.state()
        room.info()
    }
    val plain = nanoseconds(count) { client.state() }
    val asked = nanoseconds(count / 10) { room.info() }
    val sent = nanoseconds(count / 100) { room.send(Draft(text = "x".repeat(200))) }
    say("""{"plain": $plain, "asked": $asked, "sent": $sent}""")
}

/** Counts messages, and says how many there were each second. */
private suspend fun events(client: Client, time: Int) = kotlinx.coroutines.coroutineScope {
    val count = AtomicLong()
    val hearing = launch(start = CoroutineStart.UNDISPATCHED) { client.eventFlow().collect { count.incrementAndGet() } }
    say("""{"ready": true}""")
    repeat(time) {
        delay(1.seconds)
        say("""{"events": ${count.get()}}""")
    }
    hearing.cancel()
}

internal fun main(words: Array<String>) = runBlocking {
    val (address, certificate, token, what, said) = words
    val count = said.toInt()
    if (what == "connects") {
        // Said ten times, so that memory can be looked at meanwhile.
        for (number in 1..count) {
            connect(address, token, certificate).use { it.disconnect() }
            if (number % (count / 10) == 0) say("""{"connects": $number}""")
        }
        return@runBlocking
    }
    connect(address, token, certificate).session { client ->
        if (what == "calls") calls(client, count) else events(client, count)
    }
}
