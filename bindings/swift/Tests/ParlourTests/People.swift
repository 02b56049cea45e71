import Foundation
import Parlour
import ParlourTesting
import XCTest

/// One server for all tests that don't end it.
let server: ThrowAwayServer = {
    do {
        XCTestObservationCenter.shared.addTestObserver(Ending())
        return try ThrowAwayServer()
    } catch {
        fatalError("\(error)")
    }
}()

/// Ends the server behind all tests.
private final class Ending: NSObject, XCTestObservation {
    func testBundleDidFinish(_ testBundle: Bundle) { server.end() }
}

private let numbers = Numbers()

private final class Numbers: @unchecked Sendable {
    private let lock = NSLock()
    private var last = 0

    var next: Int {
        lock.withLock {
            last += 1
            return last
        }
    }
}

/// People of an organization where nobody has been.
struct People: Sendable {
    let of: ThrowAwayServer
    let organization = "org\(numbers.next)"

    init(of server: ThrowAwayServer = server) { of = server }

    func token(_ subject: String) throws -> String { try of.token(subject, organization: organization) }

    func connect(_ subject: String, cache: URL? = nil, token: String? = nil) async throws -> Client {
        let token = try token ?? self.token(subject)
        return try await Parlour.connect(of.address, token: token, certificate: of.certificate, cache: cache)
    }

    /// Ada and Bob, connected, and the room they share.
    func two(_ body: (_ ada: Client, _ bob: Client, _ room: Room) async throws -> Void) async throws {
        try await connect("bob").session { bob in
            try await connect("ada").session { ada in
                try await body(ada, bob, try await ada.openDirect(with: "bob"))
            }
        }
    }
}

extension Client {
    /// The room as this client knows it, once it does.
    func knows(_ room: Room) async throws -> Room {
        let known = try self.room(id: room.id())
        while try await known.info() == nil { try await Task.sleep(nanoseconds: 5_000_000) }
        return known
    }
}

extension LiveTimeline {
    var texts: [String] { messages.map(\.info.text) }
}

/// A folder that goes with the test.
func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("parlour-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
}

/// The error that something has to end with.
func caught(_ body: () async throws -> Void) async throws -> Error {
    do {
        try await body()
    } catch {
        return error
    }
    throw Unexpected()
}

/// Something went well that must not.
struct Unexpected: Error {}
