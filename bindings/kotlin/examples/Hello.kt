// Says hello to somebody and prints what comes back.
//
// hello HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT, as `parlour serve` and `parlour token` give them.

package dev.parlour.examples.hello

import dev.parlour.connect
import dev.parlour.openTimeline
import dev.parlour.send
import dev.parlour.session
import kotlinx.coroutines.runBlocking

fun main(args: Array<String>): Unit = runBlocking {
    val (address, certificate, token, subject) = args
    connect(address, token, certificate).session { client ->
        val room = client.openDirect(subject)
        room.openTimeline().use { timeline ->
            room.send("Hello!")
            timeline.arrivals().collect { (_, info) ->
                if (info.sender != client.me()) println(info.text)
            }
        }
    }
}
