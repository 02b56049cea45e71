import Foundation
import Parlour
import XCTest

/// The examples as their own processes.
final class ProgramTests: XCTestCase {
    func testHelloSaysHelloAndPrintsWhatComesBack() async throws {
        let people = People()
        try await people.connect("bob").session { bob in
            let program = try Program("hello", people, "ada", "bob")
            let room = try await bob.openRooms().until { !$0.isEmpty }[0]
            let timeline = try await bob.room(id: room.id).openTimeline()
            try await timeline.until { _ in timeline.texts == ["Hello!"] }
            try await bob.room(id: room.id).send("Hello yourself")
            let line = await program.line()
            XCTAssertEqual(line, "Hello yourself")
            program.end()
        }
    }

    func testTheBotSaysAgainWhatItHears() async throws {
        let people = People()
        let program = try Program("echo-bot", people, "bot")
        let ready = await program.line()
        XCTAssertEqual(ready, "ready")
        try await people.connect("ada").session { ada in
            let room = try await ada.openDirect(with: "bot")
            let timeline = try await room.openTimeline()
            try await room.send("Echo!")
            try await timeline.until { _ in timeline.messages.contains { $0.info.sender != ada.me() } }
            XCTAssertEqual(timeline.texts, ["Echo!", "Echo!"])
        }
        program.end()
    }

    func testTwoTerminalsTalk() async throws {
        let people = People()
        try await people.connect("bob").session { bob in
            let program = try Program("chat", people, "ada", "bob")
            try program.type("Hello, Bob")
            let room = try await bob.openRooms().until { !$0.isEmpty }[0]
            let timeline = try await bob.room(id: room.id).openTimeline()
            try await timeline.until { _ in timeline.texts == ["Hello, Bob"] }
            try await bob.room(id: room.id).send("Hello, Ada")
            var line = await program.line()
            while !line.contains("they:") { line = await program.line() }
            XCTAssertTrue(line.hasSuffix("they: Hello, Ada"), line)
            try program.type("/quit")
            XCTAssertEqual(program.status(), 0)
        }
    }
}

/// An example that runs.
private final class Program: @unchecked Sendable {
    private let process = Process()
    private let typed = Pipe()
    private let said = Pipe()
    private let home: URL

    init(_ name: String, _ people: People, _ subject: String, _ more: String...) throws {
        home = try temporaryFolder()
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = folder.appendingPathComponent(name)
        process.arguments = [people.of.address, people.of.certificate, try people.token(subject)] + more
        process.environment = ProcessInfo.processInfo.environment.merging(["HOME": home.path]) { $1 }
        process.standardInput = typed
        process.standardOutput = said
        try process.run()
    }

    deinit { try? FileManager.default.removeItem(at: home) }

    func type(_ text: String) throws {
        try typed.fileHandleForWriting.write(contentsOf: Data((text + "\n").utf8))
    }

    /// The next line that it prints; empty at its end. Read on a thread of its own: it may take a while.
    func line() async -> String {
        await withCheckedContinuation { continuation in
            Foundation.Thread.detachNewThread { [said] in
                var line = Data()
                while let byte = try? said.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data([10]) {
                    line += byte
                }
                continuation.resume(returning: String(decoding: line, as: UTF8.self))
            }
        }
    }

    func status() -> Int32 {
        while process.isRunning { usleep(2_000) }
        return process.terminationStatus
    }

    /// Without asking: started here, it may not hear SIGTERM.
    func end() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        _ = status()
    }
}
