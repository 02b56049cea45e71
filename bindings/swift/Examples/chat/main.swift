// A chat in the terminal: what is typed is sent, what others write is shown.
//
// chat HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT
//
// /edit TEXT changes the last message, /react EMOJI answers the last one of the other, /more shows older ones, /quit
// ends. What is typed without a connection waits in the cache and is sent later.

import Foundation
import Parlour

/// One room on the screen.
struct Chat: Sendable {
    let client: Client
    let room: Room
    let timeline: LiveTimeline

    func show() async {
        timeline.messages.forEach(line)
        for await message in timeline.arrivals {
            line(message)
            if let seq = message.info.seq { try? await room.markRead(seq: seq) }
        }
    }

    func typed(_ text: String) async throws {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        switch parts.first {
        case "/edit": _ = try await last(mine: true)?.message.edit(text: rest)
        case "/react": try await last(mine: false)?.message.react(emoji: rest)
        case "/more": try await timeline.loadOlder(20)
        case nil: break
        default: try await room.queue(text)
        }
    }

    private func last(mine: Bool) -> TimelineMessage? {
        timeline.messages.last { ($0.info.sender == client.me()) == mine }
    }

    private func line(_ message: TimelineMessage) {
        let at = Date(timeIntervalSince1970: Double(message.info.atMs) / 1000)
        let clock = Calendar.current.dateComponents([.hour, .minute], from: at)
        let who = message.info.sender == client.me() ? "you" : "they"
        print(String(format: "%02d:%02d", clock.hour ?? 0, clock.minute ?? 0), "\(who): \(message.info.text)")
        fflush(stdout)
    }
}

let words = CommandLine.arguments.dropFirst().map { $0 }
guard words.count == 4 else { fatalError("chat HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT") }
let home = ProcessInfo.processInfo.environment["HOME"] ?? "."
let cache = URL(fileURLWithPath: home).appendingPathComponent(".parlour-chat-\(words[3]).sqlite")

/// What is typed, line by line; reading must not hold up what is shown.
let typed = AsyncStream<String> { lines in
    Foundation.Thread.detachNewThread {
        while let line = readLine() { lines.yield(line) }
        lines.finish()
    }
}

try await connect(words[0], token: words[2], certificate: words[1], cache: cache).session { client in
    let room = try await client.openDirect(with: words[3])
    let chat = Chat(client: client, room: room, timeline: try await room.openTimeline())
    let showing = Task { await chat.show() }
    for await text in typed where !text.isEmpty {
        if text == "/quit" { break }
        do {
            try await chat.typed(text)
        } catch {
            print("- \(error)")
        }
    }
    showing.cancel()
}
