package dev.parlour

import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.firstOrNull
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.sync.Mutex

/** How many changes are taken at once. */
internal const val BATCH: UInt = 256u

/** One change of a list. */
public sealed interface Change<out T> {
    /** A new [item], before the one that had this [index]. */
    public data class Insert<out T>(val index: Int, val item: T) : Change<T>

    /** The item at this [index] is another now. */
    public data class Update<out T>(val index: Int, val item: T) : Change<T>

    /** The item at this [index] is gone. */
    public data class Remove(val index: Int) : Change<Nothing>

    /** Everything is different. */
    public data class Reset<out T>(val items: List<T>) : Change<T>
}

/** The list was closed or its client has ended, so that it won't be as wanted any more. */
public class ListEnded : IllegalStateException("the list has ended")

/** What a list is pulled from, of whichever type the library below has it. */
internal class Source<T>(
    val first: List<T>,
    val ready: suspend () -> Boolean,
    val take: (UInt) -> List<Change<T>>,
    val close: () -> Unit,
)

/**
 * A list that tells its changes. Close it when it is no longer shown.
 *
 * One collector at a time, of [changes] or of [asFlow]; ending or cancelling it loses nothing, the next goes on there.
 */
public open class LiveList<T> internal constructor(private val source: Source<T>) : AutoCloseable {
    private val list = source.first.toMutableList()
    private val waiting = ArrayDeque<Change<T>>()
    private val turn = Mutex()
    private val closed = Job()

    /** The list as of the last change that was handed out. */
    public val items: List<T> get() = synchronized(list) { list.toList() }

    /**
     * The changes, each made to [items] before it is emitted. Ends when the list is closed or the client is.
     *
     * @throws IllegalStateException when somebody else collects them.
     */
    public val changes: Flow<Change<T>> = flow { pull(eachChange = { emit(it) }) }

    /** The list as it is now and after each batch of changes. */
    public fun asFlow(): Flow<List<T>> = flow {
        emit(items)
        pull(eachBatch = { emit(items) })
    }

    /**
     * Follows the changes until the list is as wanted, and returns it as it is then.
     *
     * @throws ListEnded when the list is closed before, or its client gone.
     */
    public suspend fun until(isSo: (List<T>) -> Boolean): List<T> =
        items.takeIf(isSo) ?: asFlow().firstOrNull(isSo) ?: throw ListEnded()

    /** Ends it; nothing comes any more. */
    override fun close() {
        closed.complete()
        release()
    }

    /** Whoever collects is asked to end by [closed], and lets go of the source then. */
    private fun release() {
        if (!closed.isActive && turn.tryLock()) {
            source.close()
            turn.unlock()
        }
    }

    private suspend fun pull(
        eachChange: suspend (Change<T>) -> Unit = {},
        eachBatch: suspend () -> Unit = {},
    ) {
        if (!closed.isActive) return
        check(turn.tryLock()) { "the changes are collected already" }
        try {
            while (true) {
                val any = waiting.isNotEmpty()
                while (true) {
                    if (!closed.isActive) return
                    val change = waiting.removeFirstOrNull() ?: break
                    make(change)
                    eachChange(change)
                }
                if (any) eachBatch()
                if (!isReady()) return
                waiting += source.take(BATCH)
            }
        } finally {
            turn.unlock()
            release()
        }
    }

    private suspend fun isReady(): Boolean = closed.isActive && coroutineScope {
        val ready = async { source.ready() }
        val isReady = select {
            ready.onAwait { it }
            closed.onJoin { false }
        }
        ready.cancel()
        isReady && closed.isActive
    }

    private fun make(change: Change<T>): Unit = synchronized(list) {
        when (change) {
            is Change.Insert -> list.add(change.index, change.item)
            is Change.Update -> list[change.index] = change.item
            is Change.Remove -> list.removeAt(change.index)
            is Change.Reset -> {
                list.clear()
                list.addAll(change.items)
            }
        }
    }
}
