// Says again what it hears. echo-bot HOST:PORT CERTIFICATE-SHA256 TOKEN

package dev.parlour.examples.echobot

import dev.parlour.Item
import dev.parlour.connect
import dev.parlour.eventFlow
import dev.parlour.reply
import dev.parlour.session
import kotlinx.coroutines.runBlocking

fun main(args: Array<String>): Unit = runBlocking {
    val (address, certificate, token) = args
    connect(address, token, certificate).session { client ->
        println("ready")
        client.eventFlow().collect { event ->
            val message = event.item as? Item.MessageItem ?: return@collect
            if (event.sender != client.me()) message.message.reply(message.info.text)
        }
    }
}
