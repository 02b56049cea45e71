import Foundation

/// There is no program to run, or it doesn't start.
public struct NoServer: Error, CustomStringConvertible {
    public let description: String
}

/// Everybody comes from one address in a test, and from few devices.
private let defaultConfig = """
    [limits]
    connects_per_second_per_address = 100000.0
    connects_burst_per_address = 100000
    calls_per_second_per_user = 100000.0
    calls_burst_per_user = 100000
    calls_per_second_per_device = 100000.0
    calls_burst_per_device = 100000
    failures_per_second_per_address = 100000.0
    failures_burst_per_address = 100000

    [drain]
    deadline_s = 1
    jitter_s = 1
    """

/// A server of one's own for tests, on free ports, with a folder that goes with it. ``end()`` ends it.
public final class ThrowAwayServer: @unchecked Sendable {
    private let program: String
    private let root: URL
    private let lock = NSLock()
    private var process: Process?

    /// Where clients connect.
    public private(set) var address = "127.0.0.1:0"
    /// Where HTTP listens.
    public private(set) var http = "127.0.0.1:0"
    /// The SHA-256 of its certificate.
    public private(set) var certificate = ""

    /// - Parameter program: The program; else that of the variable `PARLOUR_BIN`.
    public init(program: String? = nil, config: String? = nil) throws {
        guard let found = program ?? ProcessInfo.processInfo.environment["PARLOUR_BIN"] else {
            throw NoServer(description: "no server: set PARLOUR_BIN to the program `parlour`")
        }
        self.program = found
        root = FileManager.default.temporaryDirectory.appendingPathComponent("parlour-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        let file = root.appendingPathComponent("parlour.toml")
        try (config ?? defaultConfig).write(to: file, atomically: true, encoding: .utf8)
        try start()
    }

    /// Runs it, again with the ports and the data it had.
    public func start() throws {
        let (process, out) = made(["serve", "--listen", address, "--http", http])
        let log = root.appendingPathComponent("log").path
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log) ?? FileHandle.nullDevice
        try process.run()
        lock.withLock { self.process = process }
        let said = firstLine(of: out)
        guard said.contains("is ready") else {
            kill()
            let log = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw NoServer(description: "the server doesn't start: \(said)\(log.suffix(2000))")
        }
        address = between(said, "quic ", ",")
        http = between(said, "http ", ",")
        certificate = between(said, "sha-256 ", " ")
    }

    /// Ends it with SIGKILL, as a power cut would.
    public func kill() {
        guard let process = taken() else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        ended(process)
    }

    /// Ends it, and removes its folder. Without asking: a process that is started here may inherit from its thread
    /// that it doesn't hear SIGTERM.
    public func end() {
        kill()
        try? FileManager.default.removeItem(at: root)
    }

    /// A good token of somebody, who is made by it, and is called `name` from then on.
    public func token(_ subject: String, organization: String = "test", name: String? = nil) throws -> String {
        let named = name.map { ["--name", $0] } ?? []
        return try run(["token", "--org", organization, "--sub", subject] + named)
    }

    /// Runs a command of the program on the same data folder; what it prints.
    public func run(_ command: [String]) throws -> String {
        let (process, out) = made(command)
        try process.run()
        let printed = out.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw NoServer(description: "\(command.first ?? "") failed")
        }
        return String(decoding: printed, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func taken() -> Process? {
        lock.withLock {
            defer { process = nil }
            return process
        }
    }

    private func made(_ words: [String]) -> (Process, Pipe) {
        let (process, out) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        let data = ["--data", root.appendingPathComponent("data").path]
        process.arguments = ["--config", root.appendingPathComponent("parlour.toml").path] + data + words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        return (process, out)
    }
}

/// Waits for a process's end by the system's own call: `waitUntilExit` needs a run loop.
private func ended(_ process: Process) {
    var status: Int32 = 0
    while waitpid(process.processIdentifier, &status, WNOHANG) == 0 { usleep(2_000) }
}

private func firstLine(of pipe: Pipe) -> String {
    var line = Data()
    while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data([10]) {
        line += byte
    }
    return String(decoding: line, as: UTF8.self)
}

private func between(_ text: String, _ before: String, _ behind: String) -> String {
    guard let begin = text.range(of: before) else { return "" }
    let rest = text[begin.upperBound...]
    return rest[..<(rest.range(of: behind)?.lowerBound ?? rest.endIndex)].trimmingCharacters(in: .whitespaces)
}
