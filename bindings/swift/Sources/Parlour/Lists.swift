import Foundation

// The lists there are, each of them once in the library below for lack of generic types across.

/// A message in a timeline: what it says, and what can be done about it.
public struct TimelineMessage: Sendable {
    /// What can be done about it.
    public let message: Message
    /// What it is.
    public let info: MessageInfo

    init?(_ item: Item) {
        guard case .messageItem(let message, let info) = item else { return nil }
        (self.message, self.info) = (message, info)
    }
}

/// The messages of a room, or of a thread with its root, oldest first.
public final class LiveTimeline: LiveList<Item>, @unchecked Sendable {
    private let timeline: Timeline
    private let lock = NSLock()
    /// What arrived, or was known before, has no greater number; none where nothing was known of the room.
    private var last: UInt64?
    /// What has arrived and wasn't handed out yet.
    private var fresh: ArraySlice<TimelineMessage> = []

    init(_ timeline: Timeline) {
        (self.timeline, last) = (timeline, timeline.openedAt())
        super.init(
            Source(
                first: timeline.first(), ready: { await timeline.ready() },
                take: { timeline.take(max: $0).map(\.change) }))
    }

    /// Those of ``LiveList/items`` that are messages.
    public var messages: [TimelineMessage] { items.compactMap(TimelineMessage.init) }

    /// New messages as they come: what stands there already isn't among them, nor what ``loadOlder(_:)`` adds. Where the
    /// client knew nothing of the room when it was opened, what is read first is its history.
    public var arrivals: Arrivals { Arrivals(timeline: self) }

    /// Those of the items that stand behind everything that was known before.
    fileprivate func arrived(_ added: [Item]) {
        lock.withLock {
            let newest = added.map(\.seq).max() ?? 0
            guard let before = last else {
                // Nothing was known of the room: what comes first is its history.
                last = newest
                return
            }
            last = Swift.max(before, newest)
            fresh += added.compactMap(TimelineMessage.init).filter { ($0.info.seq ?? 0) > before }
        }
    }

    fileprivate func nextFresh() -> TimelineMessage? { lock.withLock { fresh.popFirst() } }

    /// Adds a page before the first item; its items come as changes. `false` when nothing comes before.
    ///
    /// - Throws: ``HistoryError`` when it isn't in the cache and there is no connection.
    @discardableResult
    public func loadOlder(_ limit: UInt32 = 50) async throws -> Bool {
        try await timeline.loadOlder(limit: limit)
    }

    /// New messages of a timeline.
    public struct Arrivals: AsyncSequence, AsyncIteratorProtocol, Sendable {
        public typealias Element = TimelineMessage

        let timeline: LiveTimeline

        public func makeAsyncIterator() -> Arrivals { self }

        public mutating func next() async -> TimelineMessage? {
            var changes = timeline.makeAsyncIterator()
            while true {
                if let message = timeline.nextFresh() { return message }
                guard let change = await changes.next() else { return nil }
                timeline.arrived(change.added)
            }
        }
    }
}

extension Change {
    /// What is new at its place.
    fileprivate var added: [Value] {
        switch self {
        case .insert(_, let value), .update(_, let value): return [value]
        case .remove: return []
        case .reset(let values): return values
        }
    }
}

extension Item {
    fileprivate var seq: UInt64 {
        switch self {
        case .messageItem(_, let info): return info.seq ?? 0
        case .noticeItem(let notice): return notice.seq
        }
    }
}

extension Room {
    /// The room's messages: what the cache has at once, everything newer and older as it comes.
    ///
    /// - Throws: ``HistoryError`` when the client is gone.
    public func openTimeline() async throws -> LiveTimeline { LiveTimeline(try await timeline()) }
}

extension Thread {
    /// The root and the replies.
    ///
    /// - Throws: ``HistoryError`` when the client is gone.
    public func openTimeline() async throws -> LiveTimeline { LiveTimeline(try await timeline()) }
}

extension Client {
    /// The rooms, the one with the newest event first.
    ///
    /// - Throws: ``CallError`` when the client is gone.
    public func openRooms() async throws -> LiveList<RoomInfo> {
        let rooms = try await rooms()
        return LiveList(
            Source(
                first: rooms.first(), ready: { await rooms.ready() },
                take: { rooms.take(max: $0).map(\.change) }))
    }
}

extension Presence {
    /// Watches users, by id, until the list is gone.
    ///
    /// - Throws: ``WatchError`` where all lists together would have more than 1,000 users.
    public func openList(users: [String]) async throws -> LiveList<UserPresence> {
        let list = try await watch(users: users)
        return LiveList(
            Source(
                first: list.first(), ready: { await list.ready() },
                take: { list.take(max: $0).map(\.change) }))
    }
}

extension TimelineDiff {
    fileprivate var change: Change<Item> {
        switch self {
        case .insert(let index, let item): return .insert(index: Int(index), item)
        case .update(let index, let item): return .update(index: Int(index), item)
        case .remove(let index): return .remove(index: Int(index))
        case .reset(let items): return .reset(items)
        }
    }
}

extension RoomListDiff {
    fileprivate var change: Change<RoomInfo> {
        switch self {
        case .insert(let index, let item): return .insert(index: Int(index), item)
        case .update(let index, let item): return .update(index: Int(index), item)
        case .remove(let index): return .remove(index: Int(index))
        case .reset(let items): return .reset(items)
        }
    }
}

extension PresenceDiff {
    fileprivate var change: Change<UserPresence> {
        switch self {
        case .insert(let index, let item): return .insert(index: Int(index), item)
        case .update(let index, let item): return .update(index: Int(index), item)
        case .remove(let index): return .remove(index: Int(index))
        case .reset(let items): return .reset(items)
        }
    }
}
