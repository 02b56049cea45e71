import Foundation
import Parlour
import XCTest

/// What two people say to each other through a real server.
final class TalkingTests: XCTestCase {
    func testWhatOneSendsTheOtherHears() async throws {
        try await People().two { ada, bob, room in
            let timeline = try await bob.knows(room).openTimeline()
            let sent = try await room.send("Hello, Bob")
            let message = await first(of: timeline.arrivals)
            XCTAssertEqual(message?.info.text, "Hello, Bob")
            XCTAssertEqual(message?.info.seq, sent.seq)
            XCTAssertEqual(message?.info.sender, ada.me())
            XCTAssertEqual(message?.info.delivery, .sent)
            XCTAssertLessThan(abs(Double(sent.atMs) / 1000 - Date().timeIntervalSince1970), 60)
        }
    }

    func testAnEditAReactionAndADeletionAreSeenByTheOther() async throws {
        try await People().two { _, bob, room in
            let ofAda = try await room.openTimeline()
            let ofBob = try await bob.room(id: room.id()).openTimeline()
            try await room.send("Helo")
            try await ofAda.until { _ in ofAda.messages.last?.info.seq != nil }
            _ = try await ofAda.messages.last?.message.edit(text: "Hello")
            try await ofBob.until { _ in ofBob.texts == ["Hello"] }
            XCTAssertEqual(ofBob.messages.first?.info.isEdited, true)

            try await ofBob.messages.first?.message.react(emoji: "👍")
            try await ofAda.until { _ in ofAda.messages.last?.info.reactions.isEmpty == false }
            let reactions = [Reaction(emoji: "👍", users: [bob.me() ?? ""])]
            XCTAssertEqual(ofAda.messages.last?.info.reactions, reactions)
            try await ofBob.messages.first?.message.unreact(emoji: "👍")
            try await ofAda.until { _ in ofAda.messages.last?.info.reactions.isEmpty == true }

            try await ofAda.messages.last?.message.delete()
            try await ofBob.until { _ in ofBob.messages.first?.info.isDeleted == true }
            XCTAssertEqual(ofBob.texts, [""])
        }
    }

    func testWhatWasThereBeforeNeverArrives() async throws {
        let people = People()
        try await people.two { _, _, room in
            let sent = try await room.send("one")
            for number in 0..<3 { try await room.send("before \(number)") }
            try await people.connect("bob").session { other in
                try await other.synced()
                let timeline = try await other.room(id: room.id()).openTimeline()
                // Neither an edit of an old one nor a page of history is new.
                _ = try await room.edit(seq: sent.seq, text: "One")
                try await timeline.loadOlder(10)
                try await room.send("two")
                let message = await first(of: timeline.arrivals)
                XCTAssertEqual(message?.info.text, "two")
            }
        }
    }

    func testAThreadStandsUnderItsMessage() async throws {
        try await People().two { ada, bob, _ in
            let room = try await ada.createGroup(name: "Lunch", members: ["bob"])
            let root = try await room.send("Where?")
            let thread = try bob.room(id: room.id()).thread(rootSeq: root.seq)
            let reply = try await thread.send("At the lake")
            let timeline = try await thread.openTimeline()
            try await timeline.until { _ in timeline.messages.count == 2 }
            XCTAssertEqual(timeline.texts, ["Where?", "At the lake"])
            XCTAssertEqual(timeline.messages[1].info.threadRoot, root.seq)
            // That whoever began it follows it comes after the reply.
            var followed = try await ada.threads(unreadOnly: false)
            while followed.isEmpty {
                try await Task.sleep(nanoseconds: 20_000_000)
                followed = try await ada.threads(unreadOnly: false)
            }
            XCTAssertEqual(followed.map { $0.thread.rootSeq() }, [root.seq])
            XCTAssertEqual([followed[0].unread, followed[0].summary.replies], [1, 1])
            try await followed[0].thread.markRead(seq: reply.seq)
            let unread = try await ada.threads(unreadOnly: true)
            XCTAssertTrue(unread.isEmpty)
        }
    }

    func testHistoryComesPageByPage() async throws {
        let people = People()
        try await people.two { _, _, room in
            for number in 0..<30 { try await room.send("number \(number)") }
            try await people.connect("ada").session { other in
                let timeline = try await other.room(id: room.id()).openTimeline()
                while try await timeline.loadOlder(7) {}
                try await timeline.until { _ in timeline.messages.count == 30 }
                XCTAssertEqual(timeline.texts, (0..<30).map { "number \($0)" })
            }
        }
    }

    func testRoomsTellWhatIsUnreadUntilItIsRead() async throws {
        try await People().two { ada, bob, room in
            let sent = try await room.send("One")
            let rooms = try await bob.openRooms()
            let unread = try await rooms.until { $0.map(\.unread) == [1] }
            XCTAssertEqual(unread[0].peer, ada.me())
            try await bob.room(id: room.id()).markRead(seq: sent.seq)
            try await rooms.until { $0.map(\.unread) == [0] }
            let members = try await bob.room(id: room.id()).members()
            XCTAssertEqual(Set(members.map(\.subject)), ["ada", "bob"])
            let byId = try await ada.user(bob.me() ?? "")
            XCTAssertEqual(byId?.subject, "bob")
            let bySubject = try await ada.user("bob")
            XCTAssertEqual(bySubject?.id, bob.me())
            let nobody = try await ada.user("nobody")
            XCTAssertNil(nobody)
        }
    }

    func testFilesTravel() async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let content = Data((0..<768 * 1024).map { UInt8(truncatingIfNeeded: $0) })
        let (here, there) = (folder.appendingPathComponent("data.bin"), folder.appendingPathComponent("copy.bin"))
        try content.write(to: here)
        try await People().two { ada, bob, room in
            let file = try await ada.upload(here, description: "Numbers")
            XCTAssertEqual(file.name, "data.bin")
            XCTAssertEqual(file.size, UInt64(content.count))
            let timeline = try await bob.knows(room).openTimeline()
            try await room.send("", attachments: [file])
            let message = await first(of: timeline.arrivals)
            XCTAssertEqual(message?.info.attachments.map(\.description), ["Numbers"])
            try await message?.message.save(attachment: 0, path: there.path)
            XCTAssertEqual(try Data(contentsOf: there), content)
            let read = try await message?.message.read(attachment: 0, bytesMax: UInt64(content.count))
            XCTAssertEqual(read, content)
        }
    }

    func testWhatWasSaidIsFoundByItsWords() async throws {
        try await People().two { _, bob, room in
            try await room.send("Über den Wolken: Grüße")
            try await room.send("something else")
            var hits: [Hit] = []
            // The index follows the log about once a second.
            while hits.isEmpty {
                for try await hit in try await bob.hits("grüße") { hits.append(hit) }
            }
            XCTAssertEqual(hits.map(\.room), [room.id()])
            guard case .messageItem(_, let info) = hits[0].item else { return XCTFail("no message") }
            XCTAssertEqual(info.text, "Über den Wolken: Grüße")
        }
    }

    func testPresenceAndStatusAreSeen() async throws {
        try await People().two { ada, bob, _ in
            let watched = try await ada.presence().openList(users: [bob.me() ?? ""])
            try await bob.presence().setActivity(activity: .active)
            try await bob.presence().setStatus(status: Status(text: "At lunch", emoji: "🍲"))
            let seen = try await watched.until { $0[0].availability == .online && $0[0].status != nil }
            XCTAssertEqual(seen[0].status, Status(text: "At lunch", emoji: "🍲"))
        }
    }
}

/// The first of a sequence.
func first<S: AsyncSequence>(of sequence: S) async rethrows -> S.Element? {
    for try await element in sequence { return element }
    return nil
}
