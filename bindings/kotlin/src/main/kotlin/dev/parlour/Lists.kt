// The lists there are, each of them once in the library below for lack of generic types across.

package dev.parlour

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.flow

/** The messages of a room, or of a thread with its root, oldest first. */
public class LiveTimeline internal constructor(private val timeline: Timeline) :
    LiveList<Item>(Source(timeline.first(), timeline::ready, timeline::changes, timeline::close)) {
    /** What arrived, or was known before, has no greater number; none where nothing was known of the room. */
    private var last: ULong? = timeline.openedAt()

    /** What has arrived and wasn't handed out yet. */
    private val fresh = ArrayDeque<Item.MessageItem>()

    /** Those of [items] that are messages. */
    public val messages: List<Item.MessageItem> get() = items.filterIsInstance<Item.MessageItem>()

    /**
     * New messages as they come: what stands there already isn't among them, nor what [loadOlder] adds. Where the client
     * knew nothing of the room when it was opened, what is read first is its history.
     *
     * @throws IllegalStateException when somebody else collects the changes.
     */
    public fun arrivals(): Flow<Item.MessageItem> = flow {
        emitAll(fresh)
        changes.collect { change ->
            val added = when (change) {
                is Change.Insert -> listOf(change.item)
                is Change.Update -> listOf(change.item)
                is Change.Remove -> listOf()
                is Change.Reset -> change.items
            }
            fresh += arrived(added)
            emitAll(fresh)
        }
    }

    /** One that isn't taken stays for the next who asks. */
    private suspend fun FlowCollector<Item.MessageItem>.emitAll(fresh: ArrayDeque<Item.MessageItem>) {
        while (true) emit(fresh.removeFirstOrNull() ?: return)
    }

    /** Those of the items that stand behind everything that was known before. */
    private fun arrived(added: List<Item>): List<Item.MessageItem> {
        val newest = added.maxOfOrNull { it.seq } ?: 0uL
        val before = last
        last = maxOf(before ?: 0uL, newest)
        // Where nothing was known of the room, what comes first is its history.
        if (before == null) return listOf()
        return added.filterIsInstance<Item.MessageItem>().filter { it.seq > before }
    }

    /**
     * Adds a page before the first item; its items come as changes. `false` when nothing comes before.
     *
     * @throws HistoryException when it isn't in the cache and there is no connection.
     */
    public suspend fun loadOlder(limit: Int = 50): Boolean = timeline.loadOlder(limit.toUInt())
}

private val Item.seq: ULong
    get() = when (this) {
        is Item.MessageItem -> info.seq ?: 0uL
        is Item.NoticeItem -> notice.seq
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
