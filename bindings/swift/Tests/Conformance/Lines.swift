// What the driver tells of rooms, timelines and errors, as the kit wants it.

import Foundation
import Parlour

typealias Line = [String: Any]

private let messageKind = 10

/// A line of what is given; what is nothing is left out.
func line(_ pairs: KeyValuePairs<String, Any?> = [:]) -> Line {
    Line(uniqueKeysWithValues: pairs.compactMap { name, value in value.map { (name, $0) } })
}

/// Why something failed.
func failure(_ error: Error) -> Line {
    if let refusal = refusal(of: error) { return refused(refusal) }
    switch error {
    case is CancellationError: return line(["kind": "cancelled"])
    case HistoryError.Offline: return line(["kind": "offline"])
    case TransferError.Damaged: return line(["kind": "damaged"])
    case TransferError.TooLarge: return line(["kind": "too-large"])
    default: return line(["kind": "\(error)"])
    }
}

private func refused(_ refusal: Refusal) -> Line {
    line([
        "kind": "refused",
        "reason": refusal.reason.isEmpty ? "REASON_\(refusal.reasonNumber)" : refusal.reason,
        "class": refusal.className.isEmpty ? "UNKNOWN" : refusal.className,
        "retry": retry(refusal.retry),
        "retry_after_ms": refusal.retryAfterMs > 0 ? refusal.retryAfterMs : nil,
    ])
}

/// As the protocol writes it: `afterDelay` is `AFTER_DELAY`.
private func retry(_ retry: Retry) -> String {
    "\(retry)".map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
}

/// Where the client stands.
func stateLine(_ state: State) -> Line {
    func told(_ name: String, code: UInt32? = nil, why: String? = nil) -> Line {
        line(["report": "state", "state": name, "code": code.map { closeCodeName(code: $0) }, "why": why])
    }
    switch state {
    case .connecting: return told("connecting")
    case .live: return told("live")
    case .offline(_, let code): return told("offline", code: code)
    case .stopped(let detail, let code): return told("stopped", code: code, why: detail)
    case .closed: return told("closed")
    }
}

/// A room on one line.
func roomLine(_ room: RoomInfo) -> Line {
    line([
        "room": room.id, "name": room.name, "unread": room.unread, "mentions": room.mentions,
        "thread_unread": room.threadUnread, "last_seq": room.lastSeq, "typing": room.typing,
    ])
}

/// A line of a timeline.
func itemLine(_ item: Item) -> Line {
    switch item {
    case .messageItem(_, let info): return messageLine(info)
    case .noticeItem(let notice):
        return line(["kind": notice.kindNumber, "seq": notice.seq, "sender": notice.sender])
    }
}

private func messageLine(_ info: MessageInfo) -> Line {
    line([
        "kind": messageKind,
        "seq": info.seq,
        "ref": info.clientRef,
        "sender": info.sender,
        "text": info.text,
        "edited": info.isEdited,
        "deleted": info.isDeleted,
        "pinned": info.isPinned,
        "reactions": info.reactions.map { line(["emoji": $0.emoji, "users": $0.users]) },
        "mentions": info.mentions,
        "reply_to": info.replyTo,
        "root": info.threadRoot,
        "replies": info.thread?.replies,
        "delivery": delivery(info.delivery),
        "error": problem(info.delivery),
        "files": info.attachments.map(fileLine),
    ])
}

private func delivery(_ delivery: Delivery) -> String {
    switch delivery {
    case .sent: return "sent"
    case .queued: return "queued"
    case .sending: return "sending"
    case .failed: return "failed"
    }
}

private func problem(_ delivery: Delivery) -> Line? {
    guard case .failed(_, let refusal) = delivery else { return nil }
    return refusal.map(refused) ?? line(["kind": "lost"])
}

/// A file, as `upload` answers it and timelines show it.
func fileLine(_ file: Attachment) -> Line {
    line(["hash": hex(file.hash), "size": file.size, "name": file.name, "media_type": file.mediaType])
}

func hex(_ bytes: Data) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
