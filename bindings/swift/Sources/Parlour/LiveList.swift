import Foundation

/// How many changes are taken at once.
let batch: UInt32 = 256

/// One change of a list.
public enum Change<Value: Sendable>: Sendable {
    /// A new value, before the one that had this index.
    case insert(index: Int, Value)
    /// The value at this index is another now.
    case update(index: Int, Value)
    /// The value at this index is gone.
    case remove(index: Int)
    /// Everything is different.
    case reset([Value])
}

/// The list's client has ended, so that the list won't be as wanted any more.
public struct ListEnded: Error {}

/// What a list is pulled from, of whichever type the library below has it.
struct Source<Value: Sendable>: Sendable {
    let first: [Value]
    let ready: @Sendable () async -> Bool
    let take: @Sendable (UInt32) -> [Change<Value>]
}

/// A list that tells its changes, as an asynchronous sequence. Each is made to ``items`` before it is
/// handed out. Leaving an iteration or cancelling its task loses nothing: the next goes on there. Two iterations
/// at a time share the changes.
public class LiveList<Value: Sendable>: AsyncSequence, @unchecked Sendable {
    public typealias Element = Change<Value>

    private let source: Source<Value>
    private let lock = NSLock()
    private var list: [Value]
    private var waiting: ArraySlice<Change<Value>> = []

    init(_ source: Source<Value>) {
        self.source = source
        list = source.first
    }

    /// The list as of the last change that was handed out.
    public var items: [Value] { lock.withLock { list } }

    /// The list as it is now and after each batch of changes.
    public var snapshots: Snapshots { Snapshots(list: self) }

    public func makeAsyncIterator() -> Changes { Changes(list: self) }

    /// Follows the changes until the list is as wanted, and returns it as it is then.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, ``ListEnded`` when the client is gone.
    @discardableResult
    public func until(_ isSo: ([Value]) -> Bool) async throws -> [Value] {
        for await items in snapshots where isSo(items) {
            return items
        }
        try Task.checkCancellation()
        throw ListEnded()
    }

    /// The next change, made; waits for one.
    fileprivate func next() async -> Change<Value>? {
        while true {
            if let change = lock.withLock({ makeNext() }) { return change }
            guard await fill() else { return nil }
        }
    }

    /// The list after whatever there is; waits for something.
    fileprivate func nextBatch() async -> [Value]? {
        guard await fill() else { return nil }
        return lock.withLock {
            while makeNext() != nil {}
            return list
        }
    }

    private func fill() async -> Bool {
        if lock.withLock({ !waiting.isEmpty }) { return true }
        guard await source.ready() else { return false }
        // Taken and put behind the others at once, or another iteration's would come in between.
        lock.withLock { waiting += source.take(batch) }
        return true
    }

    private func makeNext() -> Change<Value>? {
        guard let change = waiting.popFirst() else { return nil }
        switch change {
        case .insert(let index, let value): list.insert(value, at: index)
        case .update(let index, let value): list[index] = value
        case .remove(let index): list.remove(at: index)
        case .reset(let values): list = values
        }
        return change
    }

    /// The changes of a list.
    public struct Changes: AsyncIteratorProtocol {
        let list: LiveList

        public mutating func next() async -> Change<Value>? { await list.next() }
    }

    /// A list again and again.
    public struct Snapshots: AsyncSequence, AsyncIteratorProtocol, Sendable {
        public typealias Element = [Value]

        let list: LiveList
        private var begun = false

        init(list: LiveList) { self.list = list }

        public func makeAsyncIterator() -> Snapshots { self }

        public mutating func next() async -> [Value]? {
            guard begun else {
                begun = true
                return list.items
            }
            return await list.nextBatch()
        }
    }
}
