// Drives this client for the conformance kit: commands come as JSON lines on standard input, answers and what an
// application would see go as JSON lines to standard output (`tests/conformance/driver.schema.json`).

package dev.parlour.conformance

import dev.parlour.Activity
import dev.parlour.Attachment
import dev.parlour.Client
import dev.parlour.Draft
import dev.parlour.FileSource
import dev.parlour.Item
import dev.parlour.LiveTimeline
import dev.parlour.Message
import dev.parlour.Room
import dev.parlour.connect
import dev.parlour.hits
import dev.parlour.notificationFlow
import dev.parlour.openRooms
import dev.parlour.openTimeline
import dev.parlour.stateFlow
import java.net.DatagramSocket
import java.net.InetAddress
import java.nio.file.Files
import java.util.Base64
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long

private val CAN = listOf(
    "quic", "websocket", "any", "kept", "focused", "threads", "files", "search", "typing", "notify", "presence",
    "network_changed", "reconnect",
)
private const val BYTES_MAX: ULong = 268_435_456uL

/** A line of standard output, whole at once. */
private fun say(line: JsonObject) = synchronized(System.out) {
    println(line)
    System.out.flush()
}

private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content
private fun JsonObject.textOr(name: String): String? = get(name)?.jsonPrimitive?.contentOrNull
private fun JsonObject.number(name: String): ULong = get(name)?.jsonPrimitive?.long?.toULong() ?: 0uL
private fun JsonObject.numberOr(name: String): ULong? = get(name)?.jsonPrimitive?.long?.toULong()
private fun JsonObject.flag(name: String): Boolean = get(name)?.jsonPrimitive?.boolean ?: false
private fun JsonObject.texts(name: String): List<String> =
    get(name)?.jsonArray?.map { it.jsonPrimitive.content }.orEmpty()

/** A timeline that is open, and told whole after it has changed. */
private class Shown(val room: String, val root: ULong, val timeline: LiveTimeline, scope: CoroutineScope) {
    val following: Job = scope.launch { timeline.asFlow().collect(::tell) }

    private fun tell(items: List<Item>) =
        say(line("report" to "timeline", "room" to room, "root" to root, "items" to items.map(::itemLine)))

    suspend fun shut() {
        following.cancelAndJoin()
        timeline.close()
    }
}

/** The client under test, and what is kept for it. */
private class Driver {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val folder = Files.createTempDirectory("parlour-driver-")
    private var caches = 0
    private var client: Client? = null
    private val shown = ConcurrentHashMap<Pair<String, ULong>, Shown>()
    private val uploaded = ConcurrentHashMap<String, Attachment>()
    private val wanted = ConcurrentHashMap<Long, CompletableDeferred<String?>>()
    private val asked = AtomicLong()
    private val running = ConcurrentHashMap<Long, Job>()

    /** Nobody answers there: for a client that shall come over WebSocket. */
    private val silent = DatagramSocket(0, InetAddress.getLoopbackAddress())

    fun take(said: JsonObject) {
        when {
            "to" in said -> wanted.remove(said.number("to").toLong())?.complete(said.textOr("token"))
            said.text("do") == "cancel" -> {
                running[said.number("command").toLong()]?.cancel()
                say(line("id" to said.number("id"), "ok" to line()))
            }
            else -> obey(said)
        }
    }

    fun end() {
        folder.toFile().deleteRecursively()
    }

    private fun obey(said: JsonObject) {
        val id = said.number("id")
        // Begun here, so that what is sent in turn is.
        scope.launch(start = CoroutineStart.UNDISPATCHED) {
            running[id.toLong()] = checkNotNull(coroutineContext[Job])
            try {
                say(line("id" to id, "ok" to does(said)))
            } catch (_: CancellationException) {
                say(line("id" to id, "error" to line("kind" to "cancelled")))
            } catch (error: Exception) {
                say(line("id" to id, "error" to failure(error)))
            } finally {
                running.remove(id.toLong())
            }
        }
    }

    private suspend fun does(said: JsonObject): JsonObject {
        when (val what = said.text("do")) {
            "connect" -> connect(said)
            "close" -> close()
            "open" -> open(said)
            "shut" -> shown.remove(place(said))?.shut()
            "older" -> {
                val more = shown.getValue(place(said)).timeline.loadOlder(said.number("limit").toInt())
                return line("more" to more)
            }
            "search" -> return line("hits" to client().hits(said.text("text")).toList().map { itemLine(it.item) })
            "send" -> return line("seq" to room(said).send(draft(said)).seq)
            "edit" -> return line("seq" to room(said).edit(said.number("seq"), said.text("text")).seq)
            "delete" -> return line("seq" to room(said).delete(said.number("seq")).seq)
            "react", "pin", "read", "unread", "typing" -> mark(what, said)
            "notify" -> notifications()
            "presence" -> client().presence().setActivity(Activity.valueOf(said.text("activity").uppercase()))
            "retry" -> unsent(said).retry()
            "discard" -> unsent(said).discard()
            "open_direct" -> return line("room" to client().openDirect(said.text("subject")).id())
            "create_group" ->
                return line("room" to client().createGroup(said.text("name"), said.texts("subjects")).id())
            "upload" -> return line("file" to upload(said))
            "download" -> return line("bytes" to download(said))
            "network_changed" -> client().networkChanged()
            "reconnect" -> client().reconnect()
            else -> error("no such command: $what")
        }
        return line()
    }

    private suspend fun connect(said: JsonObject) {
        val carrier = said.text("carrier")
        if (said.textOr("cache") != "kept" || caches == 0) caches += 1
        val started = connect(
            if (carrier == "websocket") "127.0.0.1:${silent.localPort}" else said.text("quic"),
            tokens = ::token,
            certificate = said.text("certificate"),
            websocket = said.text("url").replaceFirst("http", "ws").plus("/parlour/v1/ws").takeIf { carrier != "quic" },
            cache = folder.resolve("cache-$caches"),
            focused = said.textOr("focus") == "focused",
            agent = "conformance",
            wait = false,
        )
        client = started
        watch { started.stateFlow().collect { say(stateLine(it)) } }
        watch {
            started.synced()
            say(line("report" to "synced"))
        }
        watch {
            started.openRooms().asFlow().collect { rooms ->
                say(line("report" to "rooms", "rooms" to rooms.map(::roomLine)))
            }
        }
    }

    private suspend fun token(fresh: Boolean): String? {
        val number = asked.incrementAndGet()
        val given = CompletableDeferred<String?>()
        wanted[number] = given
        say(line("report" to "token", "number" to number, "fresh" to fresh))
        return given.await()
    }

    /** Until the client ends, which ends it with an error. */
    private fun watch(what: suspend () -> Unit) {
        scope.launch { runCatching { what() } }
    }

    private suspend fun close() {
        shown.values.forEach { it.shut() }
        shown.clear()
        client?.disconnect()
        client = null
    }

    private suspend fun open(said: JsonObject) {
        val (id, root) = place(said)
        val room = room(said)
        val timeline = if (root == 0uL) room.openTimeline() else room.thread(root).openTimeline()
        shown.put(id to root, Shown(id, root, timeline, scope))?.shut()
    }

    private suspend fun mark(what: String, said: JsonObject) {
        val (room, seq, off) = Triple(room(said), said.number("seq"), said.flag("off"))
        when {
            what == "react" && off -> room.unreact(seq, said.text("emoji"))
            what == "react" -> room.react(seq, said.text("emoji"))
            what == "pin" && off -> room.unpin(seq)
            what == "pin" -> room.pin(seq)
            what == "read" -> room.markRead(seq)
            what == "unread" -> room.markUnread(seq)
            else -> room.typing(said.flag("active"))
        }
    }

    private suspend fun notifications() {
        val news = client().notifications()
        watch {
            while (news.ready()) news.take(100u).forEach {
                say(line("report" to "news", "room" to it.room, "seq" to it.seq))
            }
        }
    }

    private fun draft(said: JsonObject) = Draft(
        text = said.text("text"),
        attachments = said["files"]?.jsonArray?.map { uploaded.getValue(it.jsonObject.text("hash")) }.orEmpty(),
        mentions = said.texts("mentions"),
        mentionsEveryone = said.flag("everyone"),
        replyTo = said.numberOr("reply_to"),
        threadRoot = said.numberOr("root"),
    )

    private suspend fun upload(said: JsonObject): JsonObject {
        val content = Base64.getDecoder().decode(said.text("bytes"))
        val source = FileSource(content = content, name = said.text("name"), mediaType = said.textOr("media_type"))
        val file = client().upload(source).use { it.run() }
        return fileLine(file).also { uploaded[it.text("hash")] = file }
    }

    private suspend fun download(said: JsonObject): String {
        val (message, info) = messages().first { it.info.room == said.text("room") && it.info.seq == said.number("seq") }
        val place = info.attachments.indexOfFirst { fileLine(it).text("hash") == said.text("hash") }
        return Base64.getEncoder().encodeToString(message.read(place.toUInt(), BYTES_MAX))
    }

    private fun unsent(said: JsonObject): Message =
        messages().first { (it.info.pendingRef ?: it.info.clientRef) == said.text("ref") }.message

    private fun messages() = shown.values.flatMap { it.timeline.messages }

    private fun client(): Client = checkNotNull(client) { "closed" }

    private fun room(said: JsonObject): Room = client().room(said.text("room"))

    private fun place(said: JsonObject) = said.text("room") to said.number("root")
}

internal fun main() {
    say(line("report" to "driver", "name" to "Kotlin", "can" to CAN))
    val driver = Driver()
    while (true) driver.take(Json.parseToJsonElement(readlnOrNull() ?: break).jsonObject)
    driver.end()
}
