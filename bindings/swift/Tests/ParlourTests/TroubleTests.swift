import Foundation
import Parlour
import ParlourTesting
import XCTest

/// What goes wrong, and what comes right again by itself.
final class TroubleTests: XCTestCase {
    func testAWrongTokenIsUnauthorized() async throws {
        let error = try await caught { _ = try await People().connect("ada", token: "not.a.token") }
        guard case ConnectError.Unauthorized(let code) = error else { return XCTFail("\(error)") }
        XCTAssertTrue((0x100..<0x200).contains(code))
    }

    func testAnotherCertificateIsUntrustedAndTheLogSaysSo() async throws {
        let log = logSequence()
        let hash = String(repeating: "ab", count: 32)
        let error = try await caught {
            _ = try await connect(server.address, token: "x", certificate: hash)
        }
        guard case ConnectError.Untrusted = error else { return XCTFail("\(error)") }
        let said = await log.first { $0.message.contains("certificate") }
        XCTAssertEqual(said?.level, .warn)
    }

    func testErrorsSayWhatTheyAre() async throws {
        let address = try await caught { _ = try await connect("nowhere", token: "x") }
        XCTAssertEqual(address as? ConnectError, .Address)
        let ada = try await People().connect("ada")
        let nobody = try await caught { _ = try await ada.openDirect(with: "nobody") }
        XCTAssertEqual(refusal(of: nobody)?.reason, "USER_NOT_FOUND")
        XCTAssertEqual(refusal(of: nobody)?.className, "NOT_FOUND")
        XCTAssertEqual(refusal(of: nobody)?.retry, .never)
        let noId = try await caught { _ = try ada.room(id: "no id") }
        XCTAssertEqual(noId as? CallError, .NotAnId)
        let room = try await ada.createGroup(name: "Alone", members: [])
        for text in ["", String(repeating: "x", count: 16 * 1024 + 1)] {
            let error = try await caught { try await room.send(text) }
            XCTAssertEqual(error as? QueueError, .Text)
        }
        try await ada.disconnect()
        let late = try await caught { try await room.send("too late") }
        XCTAssertEqual(late as? QueueError, .Closed)
        XCTAssertEqual(ada.state(), .closed)
    }

    func testWhatIsWrittenWhileTheServerIsDeadArrivesWhenItLives() async throws {
        let server = try ThrowAwayServer()
        let folder = try temporaryFolder()
        defer {
            server.end()
            try? FileManager.default.removeItem(at: folder)
        }
        let people = People(of: server)
        let bob = try await people.connect("bob")
        let ada = try await people.connect("ada", cache: folder.appendingPathComponent("ada.sqlite"))
        let room = try await ada.openDirect(with: "bob")
        try await room.send("before")
        server.kill()
        let queued = try await room.queue("meanwhile")
        let ofAda = try await room.openTimeline()
        try await ofAda.until { _ in ofAda.messages.count == 2 }
        XCTAssertEqual(ofAda.messages.last?.info.clientRef, queued)
        XCTAssertNotEqual(ofAda.messages.last?.info.delivery, .sent)
        try server.start()
        ada.reconnect()
        bob.reconnect()
        let ofBob = try await bob.room(id: room.id()).openTimeline()
        try await ofBob.until { _ in ofBob.messages.count == 2 }
        XCTAssertEqual(ofBob.texts, ["before", "meanwhile"])
        for await state in ada.stateSequence where state == .live { break }
        try await ada.disconnect()
        try await bob.disconnect()
    }

    func testWhoseTokenIsRevokedIsOut() async throws {
        let server = try ThrowAwayServer()
        defer { server.end() }
        let people = People(of: server)
        try await people.connect("ada").session { ada in
            _ = try server.run(["revoke", "--org", people.organization, "--subject", "ada"])
            for await state in ada.stateSequence {
                if case .stopped(_, let code) = state {
                    return XCTAssertEqual(code.map(closeCodeName), "REVOKED")
                }
            }
            XCTFail("it never stopped")
        }
    }

    func testTokensAreAskedForAsTheyAreNeeded() async throws {
        let (people, asked) = (People(), Asked())
        let token = try people.token("ada")
        let client = try await connect(
            people.of.address, certificate: people.of.certificate,
            tokens: { fresh in
                asked.note(fresh)
                // The first one is of no use, as one from a cache may be.
                return fresh ? token : "not.a.token"
            })
        try await client.session { _ in }
        XCTAssertEqual(asked.all, [false, true])
    }

    func testTheCacheHasWhatWasReadBefore() async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (people, cache) = (People(), folder.appendingPathComponent("ada.sqlite"))
        let id = try await people.connect("bob").session { _ in
            try await people.connect("ada", cache: cache).session { ada in
                let room = try await ada.openDirect(with: "bob")
                let timeline = try await room.openTimeline()
                try await room.send("kept")
                try await timeline.until { _ in timeline.messages.first?.info.seq != nil }
                return room.id()
            }
        }
        // Nobody listens at this port.
        let offline = try await connect("127.0.0.1:9", token: "x", cache: cache, wait: false)
        try await offline.session { ada in
            let timeline = try await ada.room(id: id).openTimeline()
            try await timeline.until { _ in !timeline.messages.isEmpty }
            XCTAssertEqual(timeline.texts, ["kept"])
            XCTAssertNotEqual(ada.state(), .live)
        }
    }

    func testAWaitThatIsGivenUpLosesNothing() async throws {
        try await People().two { _, _, room in
            let timeline = try await room.openTimeline()
            for number in 0..<20 {
                let waiting = Task { try await timeline.until { _ in false } }
                try await Task.sleep(nanoseconds: 1_000_000)
                waiting.cancel()
                let error = try await caught { _ = try await waiting.value }
                XCTAssertTrue(error is CancellationError, "\(error)")
                try await room.queue("\(number)")
            }
            try await timeline.until { _ in
                timeline.messages.count == 20 && timeline.messages.allSatisfy { $0.info.seq != nil }
            }
            XCTAssertEqual(timeline.texts, (0..<20).map { "\($0)" })
        }
    }

    func testACallThatIsCancelledIsNeverMade() async throws {
        let server = try ThrowAwayServer()
        defer { server.end() }
        try await People(of: server).connect("ada").session { ada in
            server.kill()
            // Without a connection a call waits for one.
            let call = Task { try await ada.createGroup(name: "Cancelled", members: []) }
            try await Task.sleep(nanoseconds: 200_000_000)
            call.cancel()
            let error = try await caught { _ = try await call.value }
            XCTAssertTrue(error is CancellationError, "\(error)")
            try server.start()
            ada.reconnect()
            _ = try await ada.createGroup(name: "Made", members: [])
            let rooms = try await ada.openRooms()
            try await rooms.until { !$0.isEmpty }
            XCTAssertEqual(rooms.items.map(\.name), ["Made"])
        }
    }
}

/// What a provider of tokens was asked.
private final class Asked: @unchecked Sendable {
    private let lock = NSLock()
    private var fresh: [Bool] = []

    var all: [Bool] { lock.withLock { fresh } }

    func note(_ one: Bool) { lock.withLock { fresh.append(one) } }
}
