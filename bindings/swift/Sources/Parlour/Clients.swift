// What Swift adds to the client: named arguments with defaults, and asynchronous sequences.

import Foundation

/// A client of the server at `address`, `host:port` over UDP.
///
/// - Parameters:
///   - token: The user's token, or a program's key. Without one the client goes on with the login that is kept
///     beside the cache.
///   - certificate: The SHA-256 of the only certificate to believe, as `parlour serve` prints it. For development:
///     elsewhere whom the system believes is believed.
///   - roots: Authorities to believe instead of the system's, as PEM.
///   - cache: An SQLite file for what the client knows, made if it isn't there, one client at a time. With it the
///     outbox outlives the app.
///   - websocket: Where to open a WebSocket when QUIC doesn't get through: `wss://host/parlour/v1/ws`.
///   - agent: Name and version of the app, for the server's logs.
///   - tokens: Gets a token in place of `token`, whenever the client wants one: tokens run out, and it asks for a newer
///     one while the connection goes on. Its argument says whether the last one was refused or runs out, so that one
///     from a cache won't do. Without one now it answers `nil`, and is asked again later, as where it throws.
///   - focused: Whole events only of rooms whose timeline is open, and of the others what changed: for devices that
///     have many rooms and little room.
///   - wait: Whether to wait for the connection; otherwise the client is there once its cache is open.
/// - Throws: ``ConnectError`` when an option is of no use, the token is refused, or there is no connection within 15 s.
public func connect(
    _ address: String,
    token: String? = nil,
    certificate: String? = nil,
    roots: String? = nil,
    cache: URL? = nil,
    websocket: String? = nil,
    agent: String? = nil,
    tokens: TokenProvider? = nil,
    focused: Bool = false,
    wait: Bool = true
) async throws -> Client {
    let trust = certificate.map { Trust.certificateSha256(hash: $0) } ?? roots.map { Trust.roots(pem: $0) }
    let source = tokens.map { _ in TokenSource() }
    let options = Options(
        address: address, token: token, tokenSource: source, focused: focused, websocket: websocket, cache: cache?.path,
        trust: trust, agent: agent)
    guard let source, let tokens else {
        return wait ? try await connect(options: options) : try await start(options: options)
    }
    let serving = Task { await serve(source, tokens) }
    do {
        let client = wait ? try await connect(options: options) : try await start(options: options)
        let states = client.stateSequence
        Task {
            for await _ in states {}
            serving.cancel()
        }
        return client
    } catch {
        serving.cancel()
        throw error
    }
}

/// Gets a token; see ``connect(_:token:certificate:roots:cache:websocket:agent:tokens:focused:wait:)``.
public typealias TokenProvider = @Sendable (_ fresh: Bool) async throws -> String?

private func serve(_ source: TokenSource, _ tokens: @escaping TokenProvider) async {
    await withTaskGroup(of: Void.self) { answers in
        while await source.ready() {
            for request in source.take(max: batch) {
                answers.addTask {
                    let token = try? await tokens(request.fresh)
                    source.give(number: request.number, token: token ?? nil)
                }
            }
        }
        answers.cancelAll()
    }
}

/// What the clients of this process say of their work, from now on: their own lines from that level up, of libraries
/// below them only warnings and errors. A line that isn't taken in time is lost.
public func logSequence(_ level: LogLevel = .warn) -> Pulled<LogLine> {
    let lines = logs(level: level)
    return Pulled(ready: { await lines.ready() }, take: { lines.take(max: $0) })
}

extension Client {
    /// Runs `body`, and disconnects the client at its end, whatever ends it.
    public func session<Result>(_ body: (Client) async throws -> Result) async throws -> Result {
        do {
            let result = try await body(self)
            await end()
            return result
        } catch {
            await end()
            throw error
        }
    }

    private func end() async {
        // In a task of its own: also where this one is cancelled.
        await Task.detached { try? await self.disconnect() }.value
    }

    /// Where the client stands, now and whenever that changes. Ends with the client.
    public var stateSequence: Pulled<State> {
        let states = states()
        return Pulled(ready: { await states.ready() }, take: { states.take(max: $0) })
    }

    /// What happens in every room from now on while the client is connected, in each room's order, without
    /// repetition. For programs; screens want timelines.
    ///
    /// - Throws: ``CallError`` when the client is gone.
    public func eventSequence() async throws -> Pulled<Event> {
        let events = try await events()
        return Pulled(ready: { await events.ready() }, take: { events.take(max: $0) })
    }

    /// Messages that the user wants to be told of, from now on: what levels, mutes, keywords and do-not-disturb
    /// leave. One that isn't taken in time makes place for newer ones.
    ///
    /// - Throws: ``CallError`` when the client is gone.
    public func notificationSequence() async throws -> Pulled<Notification> {
        let news = try await notifications()
        return Pulled(ready: { await news.ready() }, take: { news.take(max: $0) })
    }

    /// Users of whom this client knew something and who have another name, picture or anything else now.
    public var userSequence: Pulled<User> {
        let users = userChanges()
        return Pulled(ready: { await users.ready() }, take: { users.take(max: $0) })
    }

    /// Messages that are as searched for, in all rooms that the user is in; pages are fetched as they are needed.
    ///
    /// - Throws: ``SearchError`` when a sender or room that was named isn't there.
    public func hits(_ search: Search) async throws -> Hits { Hits(found: try await self.search(search: search)) }

    /// The same, of what somebody has typed: `lunch from:@ann has:link`.
    public func hits(_ typed: String) async throws -> Hits { try await hits(Search(typed: typed)) }

    /// Uploads a file, to be sent with a message. Cut off it goes on where it was, and cancelled the next one does.
    ///
    /// - Throws: ``TransferError`` when it can't be read, the server refuses or the client is gone.
    public func upload(
        _ file: URL,
        name: String? = nil,
        mediaType: String? = nil,
        description: String = "",
        onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Attachment {
        let source = FileSource(path: file.path, name: name, mediaType: mediaType, description: description)
        let upload = upload(source: source)
        let watching = Task {
            while !Task.isCancelled {
                try await Task.sleep(nanoseconds: 100_000_000)
                onProgress(upload.progress())
            }
        }
        defer { watching.cancel() }
        return try await upload.run()
    }

    /// The user of that id or subject; nobody where nobody of that name has ever connected.
    ///
    /// - Throws: ``CallError`` when the server refuses or the client is gone.
    public func user(_ name: String) async throws -> User? {
        do {
            return try await users(ids: [name]).first
        } catch CallError.NotAnId {
            return try await usersBySubject(subjects: [name]).first
        }
    }
}

extension Room {
    /// Sends a text and waits until the server has it on its disk. It is written down first: cancelling the wait
    /// doesn't take it back.
    ///
    /// - Throws: ``QueueError`` when the text isn't 1 byte to 16 KiB, or the server refuses.
    @discardableResult
    public func send(_ text: String, attachments: [Attachment] = []) async throws -> Sent {
        try await send(draft: Draft(text: text, attachments: attachments))
    }

    /// Writes a text down and returns its own id, the one it carries in timelines; it is sent when its turn comes.
    ///
    /// - Throws: ``QueueError`` when the text isn't 1 byte to 16 KiB, or the outbox is full.
    @discardableResult
    public func queue(_ text: String) async throws -> String { try await queue(draft: Draft(text: text)) }
}

extension Thread {
    /// Replies in the thread, as ``Room/send(_:attachments:)``.
    @discardableResult
    public func send(_ text: String) async throws -> Sent { try await send(draft: Draft(text: text)) }
}

extension Message {
    /// Replies to it, in its thread if it stands in one, as ``Room/send(_:attachments:)``.
    @discardableResult
    public func reply(_ text: String) async throws -> Sent { try await reply(draft: Draft(text: text)) }
}

/// What comes one after the other. Leaving an iteration or cancelling its task loses nothing that wasn't taken yet.
public final class Pulled<Element: Sendable>: AsyncSequence, AsyncIteratorProtocol, @unchecked Sendable {
    private let ready: @Sendable () async -> Bool
    private let take: @Sendable (UInt32) -> [Element]
    private let lock = NSLock()
    private var taken: ArraySlice<Element> = []

    init(ready: @escaping @Sendable () async -> Bool, take: @escaping @Sendable (UInt32) -> [Element]) {
        (self.ready, self.take) = (ready, take)
    }

    public func makeAsyncIterator() -> Pulled { self }

    public func next() async -> Element? {
        while true {
            if let element = lock.withLock({ taken.popFirst() }) { return element }
            guard await ready() else { return nil }
            lock.withLock { taken += take(batch) }
        }
    }
}

/// What was found, page by page.
public struct Hits: AsyncSequence, AsyncIteratorProtocol, Sendable {
    public typealias Element = Hit

    let found: Found
    private var page: ArraySlice<Hit> = []

    init(found: Found) { self.found = found }

    /// The server was making its index: there may be more than it found.
    public var isBuilding: Bool { found.isBuilding() }

    public func makeAsyncIterator() -> Hits { self }

    public mutating func next() async throws -> Hit? {
        if page.isEmpty { page = try await found.nextPage()[...] }
        return page.popFirst()
    }
}

/// What the server refused and why, where that is what went wrong. Branch on its `reason`, never on a text.
public func refusal(of error: Error) -> Refusal? {
    switch error {
    case CallError.Refused(let refusal), QueueError.Refused(let refusal), HistoryError.Refused(let refusal),
        TransferError.Refused(let refusal):
        return refusal
    case SearchError.Call(let error): return refusal(of: error)
    default: return nil
    }
}
