// Says again what it hears. echo-bot HOST:PORT CERTIFICATE-SHA256 TOKEN

import Foundation
import Parlour

let words = CommandLine.arguments.dropFirst().map { $0 }
guard words.count == 3 else { fatalError("echo-bot HOST:PORT CERTIFICATE-SHA256 TOKEN") }

try await connect(words[0], token: words[2], certificate: words[1]).session { client in
    let events = try await client.eventSequence()
    print("ready")
    fflush(stdout)
    for await event in events where event.sender != client.me() {
        guard case .messageItem(let message, let info) = event.item else { continue }
        try await message.reply(info.text)
    }
}
