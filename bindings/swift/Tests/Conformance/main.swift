// Drives this client for the conformance kit: commands come as JSON lines on standard input, answers and what an
// application would see go as JSON lines to standard output (`tests/conformance/driver.schema.json`).

import Foundation

private let can = [
    "quic", "websocket", "any", "kept", "focused", "threads", "files", "search", "typing", "notify", "presence",
    "network_changed", "reconnect",
]

/// Where nobody answers: for a client that shall come over WebSocket. The socket stays open with the program.
func silentAddress() -> String {
    #if os(Linux)
    let kind = Int32(SOCK_DGRAM.rawValue)
    #else
    let kind = SOCK_DGRAM
    #endif
    let silent = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(silent, address, size) == 0 && getsockname(silent, address, &size) == 0
        }
    }
    precondition(bound, "no port of our own")
    return "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
}

guard #available(macOS 15.0, iOS 18.0, *) else { fatalError("needs a system that can run tasks in turn") }
say(line(["report": "driver", "name": "Swift", "can": can]))
let driver = try Driver()
while let read = readLine() {
    guard let said = Said(json: read) else { fatalError("no command: \(read)") }
    driver.take(said)
}
driver.end()
