// What Kotlin adds to the client: named arguments, flows, and an end that comes with the process's.

package dev.parlour

import java.nio.file.Path
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Once for taking leave and once for the threads. */
private const val END_WITHIN_MS: ULong = 2_000uL
private const val PROGRESS_MS: Long = 100

/** When a JVM ends, its clients disconnect, for at most four seconds; nothing of the library is called afterwards. */
private object Ending {
    init {
        Runtime.getRuntime().addShutdownHook(java.lang.Thread { shutdown(END_WITHIN_MS) })
    }

    fun register(): Ending = this
}

/**
 * A client of the server at [address], `host:port` over UDP.
 *
 * @param token the user's token, or a program's key; without one the client goes on with the login that is kept
 * beside the cache.
 * @param tokens gets a token in place of [token], whenever the client wants one: tokens run out, and it asks for a newer
 * one while the connection goes on. Its argument says whether the last one was refused or runs out, so that one from a
 * cache won't do. Without one now it answers `null`, and is asked again later, as where it throws.
 * @param certificate the SHA-256 of the only certificate to believe, as `parlour serve` prints it. For development:
 * elsewhere whom the system believes is believed.
 * @param roots authorities to believe instead of the system's, as PEM.
 * @param cache an SQLite file for what the client knows, made if it isn't there, one client at a time. On Android a
 * file in `filesDir`; with it the outbox outlives the app.
 * @param websocket where to open a WebSocket when QUIC doesn't get through: `wss://host/parlour/v1/ws`.
 * @param agent name and version of the app, for the server's logs.
 * @param focused whole events only of rooms whose timeline is open, and of the others what changed: for devices that have
 * many rooms and little room.
 * @param wait whether to wait for the connection; otherwise the client is there once its cache is open.
 * @throws ConnectException when an option is of no use, the token is refused, or there is no connection within 15 s.
 */
public suspend fun connect(
    address: String,
    token: String? = null,
    certificate: String? = null,
    roots: String? = null,
    cache: Path? = null,
    websocket: String? = null,
    agent: String? = null,
    tokens: (suspend (fresh: Boolean) -> String?)? = null,
    focused: Boolean = false,
    wait: Boolean = true,
): Client {
    Ending.register()
    val source = tokens?.let { TokenSource() }
    val trust = certificate?.let { Trust.CertificateSha256(it) } ?: roots?.let { Trust.Roots(it) }
    val options = Options(
        address = address,
        token = token,
        tokenSource = source,
        focused = focused,
        websocket = websocket,
        cache = cache?.toString(),
        trust = trust,
        agent = agent,
    )
    if (source == null || tokens == null) return if (wait) connect(options) else start(options)
    val serving = background.launch { serve(source, tokens) }
    val client = try {
        if (wait) connect(options) else start(options)
    } catch (error: Throwable) {
        serving.cancel()
        throw error
    }
    background.launch {
        client.stateFlow().collect {}
        serving.cancel()
    }
    return client
}

/** Where tokens are got, for as long as their clients live. */
private val background = CoroutineScope(SupervisorJob() + Dispatchers.Default)

private suspend fun serve(source: TokenSource, tokens: suspend (Boolean) -> String?): Unit = coroutineScope {
    source.use {
        while (source.ready()) {
            for (request in source.take(BATCH)) launch {
                val token = try {
                    tokens(request.fresh)
                } catch (error: CancellationException) {
                    throw error
                } catch (_: Exception) {
                    // It is asked again later.
                    null
                }
                source.give(request.number, token)
            }
        }
    }
}

/** Runs [block], and disconnects the client at its end, whatever ends it. */
public suspend fun <R> Client.session(block: suspend (Client) -> R): R {
    try {
        return block(this)
    } finally {
        withContext(NonCancellable) {
            try {
                disconnect()
            } catch (_: CallException) {
                // It has ended before.
            }
        }
        close()
    }
}

/** Where the client stands, now and whenever that changes. Ends with the client. */
public fun Client.stateFlow(): Flow<State> = flow {
    states().use { states ->
        while (states.ready()) states.take(BATCH).forEach { emit(it) }
    }
}

/**
 * What happens in every room while it is collected and the client is connected, in each room's order, without
 * repetition. For programs; screens want timelines.
 */
public fun Client.eventFlow(): Flow<Event> = flow {
    events().use { events ->
        while (events.ready()) events.take(BATCH).forEach { emit(it) }
    }
}

/**
 * Messages that the user wants to be told of, while it is collected: what levels, mutes, keywords and do-not-disturb
 * leave. One that isn't taken in time makes place for newer ones.
 */
public fun Client.notificationFlow(): Flow<Notification> = flow {
    notifications().use { news ->
        while (news.ready()) news.take(BATCH).forEach { emit(it) }
    }
}

/**
 * What the clients of this process say of their work, while it is collected: their own lines from that level up, of
 * libraries below them only warnings and errors. A line that isn't taken in time is lost.
 */
public fun logFlow(level: LogLevel = LogLevel.WARN): Flow<LogLine> = flow {
    logs(level).use { lines ->
        while (lines.ready()) lines.take(BATCH).forEach { emit(it) }
    }
}

/** Users of whom this client knew something and who have another name, picture or anything else now. */
public fun Client.userFlow(): Flow<User> = flow {
    userChanges().use { users ->
        while (users.ready()) users.take(BATCH).forEach { emit(it) }
    }
}

/**
 * Messages that are as searched for, in all rooms that the user is in; pages are fetched as they are needed.
 *
 * @throws SearchException when a sender or room that was named isn't there.
 * @throws CallException when the server refuses a further page or the client is gone.
 */
public fun Client.hits(search: Search): Flow<Hit> = flow {
    search(search).use { found ->
        while (true) {
            val page = found.nextPage()
            if (page.isEmpty()) break
            page.forEach { emit(it) }
        }
    }
}

/** The same, of what somebody has typed: `lunch from:@ann has:link`. */
public fun Client.hits(typed: String): Flow<Hit> = hits(Search(typed))

/**
 * Uploads a file, to be sent with a message. Cut off it goes on where it was, and cancelled the next one does.
 *
 * @throws TransferException when it can't be read, the server refuses or the client is gone.
 */
public suspend fun Client.upload(
    path: Path,
    name: String? = null,
    mediaType: String? = null,
    description: String = "",
    onProgress: (Progress) -> Unit = {},
): Attachment {
    val source = FileSource(path = path.toString(), name = name, mediaType = mediaType, description = description)
    return upload(source).use { upload ->
        coroutineScope {
            val watching = launch {
                while (true) {
                    delay(PROGRESS_MS)
                    onProgress(upload.progress())
                }
            }
            upload.run().also { watching.cancel() }
        }
    }
}

/** The user of that id or subject; nobody where nobody of that name has ever connected. */
public suspend fun Client.user(name: String): User? = try {
    users(listOf(name)).firstOrNull()
} catch (_: CallException.NotAnId) {
    usersBySubject(listOf(name)).firstOrNull()
}

/**
 * Sends a text and waits until the server has it on its disk. It is written down first: cancelling the wait doesn't
 * take it back.
 *
 * @throws QueueException when the text isn't 1 byte to 16 KiB, or the server refuses.
 */
public suspend fun Room.send(text: String, attachments: List<Attachment> = listOf()): Sent =
    send(Draft(text, attachments))

/**
 * Writes a text down and returns its own id, the one it carries in timelines; it is sent when its turn comes.
 *
 * @throws QueueException when the text isn't 1 byte to 16 KiB, or the outbox is full.
 */
public suspend fun Room.queue(text: String): String = queue(Draft(text))

/** Replies in the thread, as [Room.send]. */
public suspend fun Thread.send(text: String): Sent = send(Draft(text))

/** Replies to it, in its thread if it stands in one, as [Room.send]. */
public suspend fun Message.reply(text: String): Sent = reply(Draft(text))

/** What the server refused and why, where that is what went wrong. Branch on its `reason`, never on a text. */
public val Throwable.refusal: Refusal?
    get() = when (this) {
        is CallException.Refused -> refusal
        is QueueException.Refused -> refusal
        is HistoryException.Refused -> refusal
        is TransferException.Refused -> refusal
        is SearchException.Call -> error.refusal
        else -> null
    }
