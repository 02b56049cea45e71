// The lists there are, each of them once in the library below for lack of generic types across.

package dev.parlour

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.mapNotNull

/** The messages of a room, or of a thread with its root, oldest first. */
public class LiveTimeline internal constructor(private val timeline: Timeline) :
    LiveList<Item>(Source(timeline.first(), timeline::ready, timeline::changes, timeline::close)) {
    /** Those of [items] that are messages. */
    public val messages: List<Item.MessageItem> get() = items.filterIsInstance<Item.MessageItem>()

    /**
     * New messages as they come: what stands there already isn't among them, nor what [loadOlder] adds.
     *
     * @throws IllegalStateException when somebody else collects the changes.
     */
    public fun arrivals(): Flow<Item.MessageItem> {
        var last = lastSeq()
        return changes.mapNotNull { change ->
            val item = when (change) {
                is Change.Insert -> change.item
                is Change.Update -> change.item
                else -> null
            }
            val message = item as? Item.MessageItem
            val seq = message?.info?.seq ?: 0uL
            message.takeIf { seq > last }.also { if (seq > last) last = seq }
        }
    }

    /**
     * Adds a page before the first item; its items come as changes. `false` when nothing comes before.
     *
     * @throws HistoryException when it isn't in the cache and there is no connection.
     */
    public suspend fun loadOlder(limit: Int = 50): Boolean = timeline.loadOlder(limit.toUInt())

    private fun lastSeq(): ULong = messages.mapNotNull { it.info.seq }.maxOrNull() ?: 0uL
}

/**
 * The room's messages: what the cache has at once, everything newer and older as it comes.
 *
 * @throws HistoryException when the client is gone.
 */
public suspend fun Room.openTimeline(): LiveTimeline = LiveTimeline(timeline())

/**
 * The root and the replies.
 *
 * @throws HistoryException when the client is gone.
 */
public suspend fun Thread.openTimeline(): LiveTimeline = LiveTimeline(timeline())

/**
 * The rooms, the one with the newest event first.
 *
 * @throws CallException when the client is gone.
 */
public suspend fun Client.openRooms(): LiveList<RoomInfo> {
    val rooms = rooms()
    return LiveList(Source(rooms.first(), rooms::ready, rooms::changes, rooms::close))
}

/**
 * Watches users, by id, until the list is closed.
 *
 * @throws WatchException where all lists together would have more than 1,000 users.
 */
public suspend fun Presence.openList(users: List<String>): LiveList<UserPresence> {
    val list = watch(users)
    return LiveList(Source(list.first(), list::ready, list::changes, list::close))
}

private fun Timeline.changes(max: UInt): List<Change<Item>> = take(max).map { diff ->
    when (diff) {
        is TimelineDiff.Insert -> Change.Insert(diff.index.toInt(), diff.item)
        is TimelineDiff.Update -> Change.Update(diff.index.toInt(), diff.item)
        is TimelineDiff.Remove -> Change.Remove(diff.index.toInt())
        is TimelineDiff.Reset -> Change.Reset(diff.items)
    }
}

private fun RoomList.changes(max: UInt): List<Change<RoomInfo>> = take(max).map { diff ->
    when (diff) {
        is RoomListDiff.Insert -> Change.Insert(diff.index.toInt(), diff.item)
        is RoomListDiff.Update -> Change.Update(diff.index.toInt(), diff.item)
        is RoomListDiff.Remove -> Change.Remove(diff.index.toInt())
        is RoomListDiff.Reset -> Change.Reset(diff.items)
    }
}

private fun PresenceList.changes(max: UInt): List<Change<UserPresence>> = take(max).map { diff ->
    when (diff) {
        is PresenceDiff.Insert -> Change.Insert(diff.index.toInt(), diff.item)
        is PresenceDiff.Update -> Change.Update(diff.index.toInt(), diff.item)
        is PresenceDiff.Remove -> Change.Remove(diff.index.toInt())
        is PresenceDiff.Reset -> Change.Reset(diff.items)
    }
}
