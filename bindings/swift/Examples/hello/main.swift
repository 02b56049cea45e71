// Says hello to somebody and prints what comes back.
//
// hello HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT, as `parlour serve` and `parlour token` give them.

import Foundation
import Parlour

let words = CommandLine.arguments.dropFirst().map { $0 }
guard words.count == 4 else { fatalError("hello HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT") }

try await connect(words[0], token: words[2], certificate: words[1]).session { client in
    let room = try await client.openDirect(with: words[3])
    let timeline = try await room.openTimeline()
    try await room.send("Hello!")
    for await message in timeline.arrivals where message.info.sender != client.me() {
        print(message.info.text)
        fflush(stdout)
    }
}
