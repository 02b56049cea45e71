// The client under test, and what is kept for it.

import Foundation
import Parlour

private let bytesMax: UInt64 = 268_435_456

/// What the runner asks for that isn't there.
struct NotThere: Error {}

/// Where tasks begin in the order in which they were made, so that what is sent in turn is.
@available(macOS 15.0, iOS 18.0, *)
final class InTurn: TaskExecutor {
    private let queue = DispatchQueue(label: "in turn")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Which timeline: a room's, or with a root a thread's.
struct Place: Hashable, Sendable {
    let room: String
    let root: UInt64

    init(_ said: Said) { (room, root) = (said.text("room"), said.number("root")) }
}

/// A timeline that is open, and told whole after it has changed.
private final class Shown: Sendable {
    let timeline: LiveTimeline
    private let following: Task<Void, Never>

    init(_ place: Place, _ timeline: LiveTimeline) {
        self.timeline = timeline
        following = Task {
            for await items in timeline.snapshots {
                let items = items.map(itemLine)
                say(line(["report": "timeline", "room": place.room, "root": place.root, "items": items]))
            }
        }
    }

    func shut() async {
        following.cancel()
        await following.value
    }
}

@available(macOS 15.0, iOS 18.0, *)
final class Driver: @unchecked Sendable {
    private let inTurn = InTurn()
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("parlour-driver-\(UUID())")
    private let silent = silentAddress()
    private let lock = NSLock()
    // All below are the lock's.
    private var client: Client?
    private var caches = 0
    private var shown: [Place: Shown] = [:]
    private var uploaded: [String: Attachment] = [:]
    private var wanted: [UInt64: CheckedContinuation<String?, Never>] = [:]
    private var asked: UInt64 = 0
    private var running: [UInt64: Task<Void, Never>] = [:]

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    func take(_ said: Said) {
        if said.has("to") {
            answer(said.number("to"), said.textIfAny("token"))
        } else if said.text("do") == "cancel" {
            lock.withLock { running[said.number("command")] }?.cancel()
            say(line(["id": said.number("id"), "ok": line()]))
        } else {
            obey(said)
        }
    }

    func end() { try? FileManager.default.removeItem(at: folder) }

    private func obey(_ said: Said) {
        let id = said.number("id")
        let task = Task(executorPreference: inTurn) {
            do {
                say(line(["id": id, "ok": try await self.does(said)]))
            } catch {
                say(line(["id": id, "error": failure(error)]))
            }
        }
        lock.withLock { running[id] = task }
    }

    private func does(_ said: Said) async throws -> Line {
        let seq = said.number("seq")
        switch said.text("do") {
        case "connect": try await connect(said)
        case "close": try await close()
        case "open": try await open(said)
        case "shut": await lock.withLock { shown.removeValue(forKey: Place(said)) }?.shut()
        case "older":
            guard let there = lock.withLock({ shown[Place(said)] }) else { throw NotThere() }
            return line(["more": try await there.timeline.loadOlder(UInt32(said.number("limit")))])
        case "search":
            var hits: [Line] = []
            for try await hit in try await connected().hits(said.text("text")) { hits.append(itemLine(hit.item)) }
            return line(["hits": hits])
        case "send": return line(["seq": try await room(said).send(draft: draft(said)).seq])
        case "edit": return line(["seq": try await room(said).edit(seq: seq, text: said.text("text")).seq])
        case "delete": return line(["seq": try await room(said).delete(seq: seq).seq])
        case "open_direct": return line(["room": try await connected().openDirect(with: said.text("subject")).id()])
        case "create_group":
            let room = try await connected().createGroup(name: said.text("name"), members: said.texts("subjects"))
            return line(["room": room.id()])
        case "upload": return line(["file": try await upload(said)])
        case "download": return line(["bytes": try await download(said)])
        case let other: try await mark(other, said)
        }
        return line()
    }

    /// What is answered with nothing.
    private func mark(_ what: String, _ said: Said) async throws {
        let (seq, off) = (said.number("seq"), said.flag("off"))
        switch what {
        case "react" where off: try await room(said).unreact(seq: seq, emoji: said.text("emoji"))
        case "react": try await room(said).react(seq: seq, emoji: said.text("emoji"))
        case "pin" where off: try await room(said).unpin(seq: seq)
        case "pin": try await room(said).pin(seq: seq)
        case "read": try await room(said).markRead(seq: seq)
        case "unread": try await room(said).markUnread(seq: seq)
        case "typing": try room(said).typing(active: said.flag("active"))
        case "notify": try await notifications()
        case "presence": try await connected().presence().setActivity(activity: try activity(said))
        case "retry": try await unsent(said).retry()
        case "discard": try await unsent(said).discard()
        case "network_changed": try connected().networkChanged()
        case "reconnect": try connected().reconnect()
        default: throw NotThere()
        }
    }

    private func connect(_ said: Said) async throws {
        let carrier = said.text("carrier")
        let cache = lock.withLock {
            if said.text("cache") != "kept" || caches == 0 { caches += 1 }
            return caches
        }
        let socket = "ws" + said.text("url").dropFirst(4) + "/parlour/v1/ws"
        let started = try await Parlour.connect(
            carrier == "websocket" ? silent : said.text("quic"),
            certificate: said.text("certificate"),
            cache: folder.appendingPathComponent("cache-\(cache)"),
            websocket: carrier == "quic" ? nil : socket,
            agent: "conformance",
            tokens: { await self.token($0) },
            focused: said.text("focus") == "focused",
            wait: false)
        lock.withLock { client = started }
        // Each until the client ends, which ends it with an error.
        Task { for await state in started.stateSequence { say(stateLine(state)) } }
        Task {
            try await started.synced()
            say(line(["report": "synced"]))
        }
        Task {
            for await rooms in try await started.openRooms().snapshots {
                say(line(["report": "rooms", "rooms": rooms.map(roomLine)]))
            }
        }
    }

    private func token(_ fresh: Bool) async -> String? {
        let number = lock.withLock {
            asked += 1
            return asked
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { given in
                lock.withLock { wanted[number] = given }
                if Task.isCancelled { answer(number, nil) }
                say(line(["report": "token", "number": number, "fresh": fresh]))
            }
        } onCancel: {
            answer(number, nil)
        }
    }

    private func answer(_ number: UInt64, _ token: String?) {
        lock.withLock { wanted.removeValue(forKey: number) }?.resume(returning: token)
    }

    private func close() async throws {
        let (open, ended) = lock.withLock {
            defer { (shown, client) = ([:], nil) }
            return (Array(shown.values), client)
        }
        for timeline in open { await timeline.shut() }
        try await ended?.disconnect()
    }

    private func open(_ said: Said) async throws {
        let (place, room) = (Place(said), try room(said))
        let timeline =
            place.root == 0
            ? try await room.openTimeline() : try await room.thread(rootSeq: place.root).openTimeline()
        let opened = Shown(place, timeline)
        await lock.withLock { shown.updateValue(opened, forKey: place) }?.shut()
    }

    private func notifications() async throws {
        let news = try await connected().notificationSequence()
        Task { for await one in news { say(line(["report": "news", "room": one.room, "seq": one.seq])) } }
    }

    private func draft(_ said: Said) -> Draft {
        let files = lock.withLock { said.several("files").compactMap { uploaded[$0.text("hash")] } }
        return Draft(
            text: said.text("text"), attachments: files, mentions: said.texts("mentions"),
            mentionsEveryone: said.flag("everyone"), replyTo: said.numberIfAny("reply_to"),
            threadRoot: said.numberIfAny("root"))
    }

    private func upload(_ said: Said) async throws -> Line {
        let content = Data(base64Encoded: said.text("bytes"))
        let source = FileSource(content: content, name: said.text("name"), mediaType: said.textIfAny("media_type"))
        let file = try await connected().upload(source: source).run()
        lock.withLock { uploaded[hex(file.hash)] = file }
        return fileLine(file)
    }

    private func download(_ said: Said) async throws -> String {
        let found = try message { $0.room == said.text("room") && $0.seq == said.number("seq") }
        let place = found.info.attachments.firstIndex { hex($0.hash) == said.text("hash") }
        guard let place else { throw NotThere() }
        return try await found.message.read(attachment: UInt32(place), bytesMax: bytesMax).base64EncodedString()
    }

    private func unsent(_ said: Said) throws -> Message {
        try message { ($0.pendingRef ?? $0.clientRef) == said.text("ref") }.message
    }

    private func message(where isIt: (MessageInfo) -> Bool) throws -> TimelineMessage {
        let messages = lock.withLock { shown.values.flatMap(\.timeline.messages) }
        guard let found = messages.first(where: { isIt($0.info) }) else { throw NotThere() }
        return found
    }

    private func activity(_ said: Said) throws -> Activity {
        switch said.text("activity") {
        case "active": return .active
        case "idle": return .idle
        case "background": return .background
        case "invisible": return .invisible
        default: throw NotThere()
        }
    }

    private func connected() throws -> Client {
        guard let client = lock.withLock({ client }) else { throw NotThere() }
        return client
    }

    private func room(_ said: Said) throws -> Room { try connected().room(id: said.text("room")) }
}
