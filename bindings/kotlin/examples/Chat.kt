// A chat in the terminal: what is typed is sent, what others write is shown.
//
// chat HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT
//
// /edit TEXT changes the last message, /react EMOJI answers the last one of the other, /more shows older ones, /quit
// ends. What is typed without a connection waits in the cache and is sent later.

package dev.parlour.examples.chat

import dev.parlour.Client
import dev.parlour.Item
import dev.parlour.LiveTimeline
import dev.parlour.Room
import dev.parlour.connect
import dev.parlour.openTimeline
import dev.parlour.queue
import dev.parlour.session
import java.nio.file.Path
import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** One room on the screen. */
private class Chat(val client: Client, val room: Room, val timeline: LiveTimeline) {
    suspend fun show() {
        timeline.messages.forEach(::line)
        timeline.arrivals().collect { item ->
            line(item)
            item.info.seq?.let { room.markRead(it) }
        }
    }

    suspend fun typed(text: String) {
        val rest = text.substringAfter(' ', "")
        when (text.substringBefore(' ')) {
            "/edit" -> last(mine = true)?.message?.edit(rest)
            "/react" -> last(mine = false)?.message?.react(rest)
            "/more" -> timeline.loadOlder(20)
            "" -> {}
            else -> room.queue(text)
        }
    }

    private fun last(mine: Boolean) =
        timeline.messages.lastOrNull { (it.info.sender == client.me()) == mine }

    private fun line(item: Item.MessageItem) {
        val at = Instant.ofEpochMilli(item.info.atMs.toLong()).atZone(ZoneId.systemDefault())
        val who = if (item.info.sender == client.me()) "you" else "they"
        println("${DateTimeFormatter.ofPattern("HH:mm").format(at)} $who: ${item.info.text}")
    }
}

fun main(args: Array<String>): Unit = runBlocking {
    val (address, certificate, token, subject) = args
    val cache = Path.of(System.getProperty("user.home"), ".parlour-chat-$subject.sqlite")
    connect(address, token, certificate, cache = cache).session { client ->
        val room = client.openDirect(subject)
        room.openTimeline().use { timeline ->
            val chat = Chat(client, room, timeline)
            val showing = launch { chat.show() }
            while (true) {
                val text = withContext(Dispatchers.IO) { readlnOrNull() } ?: break
                if (text == "/quit") break
                try {
                    chat.typed(text.trim())
                } catch (error: Exception) {
                    println("- ${error.message}")
                }
            }
            showing.cancel()
        }
    }
}
