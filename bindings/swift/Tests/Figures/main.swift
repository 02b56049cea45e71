// What the benchmark `languages` has this client do: figures ADDRESS SHA256 TOKEN WHAT COUNT

import Foundation
import Parlour

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func nanoseconds(_ count: Int, _ call: () async throws -> Void) async rethrows -> Double {
    let begin = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<count { try await call() }
    return Double(DispatchTime.now().uptimeNanoseconds - begin) / Double(count)
}

func firstRoom(_ client: Client) async throws -> Room {
    let rooms = try await client.openRooms().until { !$0.isEmpty }
    return try client.room(id: rooms[0].id)
}

/// Each answered by Rust at once, by the client's task, and by the server.
func calls(_ client: Client, _ count: Int) async throws {
    let room = try await firstRoom(client)
    let begin = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<count { _ = client.state() }
    let plain = Double(DispatchTime.now().uptimeNanoseconds - begin) / Double(count)
    let asked = try await nanoseconds(count / 10) { _ = try await room.info() }
    let text = String(repeating: "x", count: 200)
    let sent = try await nanoseconds(count / 100) { try await room.send(text) }
    say("{\"plain\": \(plain), \"asked\": \(asked), \"sent\": \(sent)}")
}

actor Count {
    private(set) var events = 0

    func add() { events += 1 }
}

/// Counts messages, and says how many there were each second.
func events(_ client: Client, _ seconds: Int) async throws {
    let (count, stream) = (Count(), try await client.eventSequence())
    let hearing = Task { for await _ in stream { await count.add() } }
    say("{\"ready\": true}")
    for _ in 0..<seconds {
        try await Task.sleep(nanoseconds: 1_000_000_000)
        say("{\"events\": \(await count.events)}")
    }
    hearing.cancel()
}

let words = CommandLine.arguments
let (address, certificate, token, what) = (words[1], words[2], words[3], words[4])
let count = Int(words[5]) ?? 0
if what == "connects" {
    // Said ten times, so that memory can be looked at meanwhile.
    for number in 1...count {
        try await connect(address, token: token, certificate: certificate).disconnect()
        if number % (count / 10) == 0 { say("{\"connects\": \(number)}") }
    }
} else {
    try await connect(address, token: token, certificate: certificate).session { client in
        try await what == "calls" ? calls(client, count) : events(client, count)
    }
}
