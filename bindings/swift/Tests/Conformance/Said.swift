// The runner's commands as they are read, and how the driver's lines are written.

import Foundation

/// A line from the runner. Nobody changes it.
struct Said: @unchecked Sendable {
    private let fields: [String: Any]

    init(_ fields: [String: Any]) { self.fields = fields }

    init?(json: String) {
        let parsed = try? JSONSerialization.jsonObject(with: Data(json.utf8))
        guard let fields = parsed as? [String: Any] else { return nil }
        self.init(fields)
    }

    func has(_ name: String) -> Bool { fields[name] != nil }
    func text(_ name: String) -> String { textIfAny(name) ?? "" }
    func textIfAny(_ name: String) -> String? { fields[name] as? String }
    func number(_ name: String) -> UInt64 { numberIfAny(name) ?? 0 }
    func numberIfAny(_ name: String) -> UInt64? { (fields[name] as? NSNumber)?.uint64Value }
    func flag(_ name: String) -> Bool { (fields[name] as? NSNumber)?.boolValue ?? false }
    func texts(_ name: String) -> [String] { fields[name] as? [String] ?? [] }
    func several(_ name: String) -> [Said] { (fields[name] as? [[String: Any]] ?? []).map(Said.init) }
}

private let output = NSLock()

/// A line of standard output, whole at once.
func say(_ line: Line) {
    guard let json = try? JSONSerialization.data(withJSONObject: line) else { fatalError("no JSON: \(line)") }
    output.withLock { FileHandle.standardOutput.write(json + Data([10])) }
}
