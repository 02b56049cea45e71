// A program that ends with events in flight. What is left open is left open on purpose.

package dev.parlour

import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

private val kept = mutableListOf<Any>()

/** Both hear what both write as fast as they can. */
private suspend fun talk(address: String, certificate: String, ada: String, begun: CompletableDeferred<Unit>) {
    val bob = connect(address, System.getenv("BOB"), certificate)
    val client = connect(address, ada, certificate)
    val room = client.openDirect("bob")
    val heard = bob.room(room.id()).openTimeline()
    kept.addAll(listOf(bob, client, heard))
    coroutineScope {
        launch { heard.changes.collect { begun.complete(Unit) } }
        launch { while (true) room.queue("again") }
    }
}

internal fun main(args: Array<String>) {
    val (address, certificate, ada, how) = args
    val begun = CompletableDeferred<Unit>()
    // It hears that the clients are gone.
    thread(isDaemon = true) { runCatching { runBlocking { talk(address, certificate, ada, begun) } } }
    runBlocking { begun.await() }
    when (HowItEnds.valueOf(how)) {
        HowItEnds.RETURNS -> {}
        HowItEnds.EXITS -> exitProcess(HowItEnds.EXITS.code)
        HowItEnds.THROWS -> {
            java.lang.Thread.setDefaultUncaughtExceptionHandler { _, _ -> }
            throw IllegalStateException("on purpose")
        }
    }
}
