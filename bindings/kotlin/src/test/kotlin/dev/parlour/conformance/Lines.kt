// What the driver tells of rooms, timelines and errors, as the kit wants it.

package dev.parlour.conformance

import dev.parlour.Attachment
import dev.parlour.Delivery
import dev.parlour.HistoryException
import dev.parlour.Item
import dev.parlour.MessageInfo
import dev.parlour.Refusal
import dev.parlour.RoomInfo
import dev.parlour.State
import dev.parlour.TransferException
import dev.parlour.closeCodeName
import dev.parlour.refusal
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private const val MESSAGE = 10

/** A line of what is given; what is nothing is left out. */
internal fun line(vararg pairs: Pair<String, Any?>): JsonObject =
    JsonObject(pairs.filter { it.second != null }.associate { (name, value) -> name to element(value) })

private fun element(value: Any?): JsonElement = when (value) {
    null -> JsonNull
    is JsonElement -> value
    is String -> JsonPrimitive(value)
    is Boolean -> JsonPrimitive(value)
    is ULong -> JsonPrimitive(value.toLong())
    is UInt -> JsonPrimitive(value.toLong())
    is Number -> JsonPrimitive(value)
    is List<*> -> JsonArray(value.map(::element))
    else -> error("no line has a ${value::class}")
}

/** Why something failed. */
internal fun failure(error: Throwable): JsonObject {
    error.refusal?.let { return refused(it) }
    val kind = when (error) {
        is HistoryException.Offline -> "offline"
        is TransferException.Damaged -> "damaged"
        is TransferException.TooLarge -> "too-large"
        else -> error::class.simpleName ?: "unknown"
    }
    return line("kind" to kind)
}

private fun refused(refusal: Refusal): JsonObject = line(
    "kind" to "refused",
    "reason" to refusal.reason.ifEmpty { "REASON_${refusal.reasonNumber}" },
    "class" to refusal.className.ifEmpty { "UNKNOWN" },
    "retry" to refusal.retry.name,
    "retry_after_ms" to refusal.retryAfterMs.takeIf { it > 0uL },
)

/** Where the client stands. */
internal fun stateLine(state: State): JsonObject {
    fun told(name: String, code: UInt? = null, why: String? = null) =
        line("report" to "state", "state" to name, "code" to code?.let(::closeCodeName), "why" to why)
    return when (state) {
        State.Connecting -> told("connecting")
        State.Live -> told("live")
        is State.Offline -> told("offline", state.code)
        is State.Stopped -> told("stopped", state.code, state.detail)
        State.Closed -> told("closed")
    }
}

/** A room on one line. */
internal fun roomLine(room: RoomInfo): JsonObject = line(
    "room" to room.id,
    "name" to room.name,
    "unread" to room.unread,
    "mentions" to room.mentions,
    "thread_unread" to room.threadUnread,
    "last_seq" to room.lastSeq,
    "typing" to room.typing,
)

/** A line of a timeline. */
internal fun itemLine(item: Item): JsonObject = when (item) {
    is Item.MessageItem -> messageLine(item.info)
    is Item.NoticeItem -> item.notice.run { line("kind" to kindNumber, "seq" to seq, "sender" to sender) }
}

private fun messageLine(info: MessageInfo): JsonObject = line(
    "kind" to MESSAGE,
    "seq" to info.seq,
    "ref" to info.clientRef,
    "sender" to info.sender,
    "text" to info.text,
    "edited" to info.isEdited,
    "deleted" to info.isDeleted,
    "pinned" to info.isPinned,
    "reactions" to info.reactions.map { line("emoji" to it.emoji, "users" to it.users) },
    "mentions" to info.mentions,
    "reply_to" to info.replyTo,
    "root" to info.threadRoot,
    "replies" to info.thread?.replies,
    "delivery" to when (info.delivery) {
        is Delivery.Sent -> "sent"
        is Delivery.Queued -> "queued"
        is Delivery.Sending -> "sending"
        is Delivery.Failed -> "failed"
    },
    "error" to (info.delivery as? Delivery.Failed)?.let { it.refusal?.let(::refused) ?: line("kind" to "lost") },
    "files" to info.attachments.map(::fileLine),
)

/** A file, as `upload` answers it and timelines show it. */
internal fun fileLine(file: Attachment): JsonObject = line(
    "hash" to file.hash.joinToString("") { "%02x".format(it) },
    "size" to file.size,
    "name" to file.name,
    "media_type" to file.mediaType,
)
