//! What the driver tells of rooms, timelines and errors, as the kit wants it.

use parlour::{
    Attachment, CallError, ConnectError, Delivery, End, HistoryError, Item, Message, Notice,
    PageError, QueueError, RoomSummary, SearchError, SendError, State, Stop, TransferError,
    protocol::{
        generated::EventBody,
        wire::{CloseCode, Error as Refusal, ErrorClass, ErrorReason, Retry},
    },
};
use serde_json::{Map, Value, json};

const MESSAGE: u32 = 10;

/// Why something failed.
pub(crate) struct Failure(Value);

impl Failure {
    pub(crate) fn of(kind: &str) -> Self {
        Failure(json!({"kind": kind}))
    }

    fn refused(error: &Refusal) -> Self {
        Failure(refusal(error))
    }

    pub(crate) fn into_line(self) -> Value {
        self.0
    }
}

fn refusal(error: &Refusal) -> Value {
    let reason = ErrorReason::try_from(error.reason).map_or_else(
        |_| format!("REASON_{}", error.reason),
        |known| name(known.as_str_name(), "ERROR_REASON_"),
    );
    let class = ErrorClass::try_from(error.class)
        .map_or_else(|_| "UNKNOWN".to_owned(), |known| name(known.as_str_name(), "ERROR_CLASS_"));
    let retry = Retry::try_from(error.retry)
        .map_or_else(|_| "NEVER".to_owned(), |known| name(known.as_str_name(), "RETRY_"));
    let mut line = json!({"kind": "refused", "reason": reason, "class": class, "retry": retry});
    if error.retry_after_ms > 0 {
        line["retry_after_ms"] = error.retry_after_ms.into();
    }
    line
}

fn name(full: &str, prefix: &str) -> String {
    full.strip_prefix(prefix).unwrap_or(full).to_owned()
}

fn close_name(code: u32) -> String {
    i32::try_from(code)
        .ok()
        .and_then(|code| CloseCode::try_from(code).ok())
        .map_or_else(|| format!("CODE_{code}"), |known| name(known.as_str_name(), "CLOSE_CODE_"))
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => Failure::refused(&refusal),
            CallError::Malformed => Failure::of("malformed"),
            CallError::TooLarge => Failure::of("too-large"),
            CallError::Closed => Failure::of("closed"),
            _ => Failure::of("call"),
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Failed(SendError::Refused(refusal)) => Failure::refused(&refusal),
            QueueError::Failed(SendError::RoomLost) => Failure::of("room-lost"),
            QueueError::Failed(SendError::Discarded) => Failure::of("discarded"),
            QueueError::Text => Failure::of("text"),
            QueueError::Closed => Failure::of("closed"),
            _ => Failure::of("queue"),
        }
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Page(PageError::Refused(refusal)) => Failure::refused(&refusal),
            HistoryError::Page(PageError::Offline) => Failure::of("offline"),
            HistoryError::Page(PageError::RoomLost) => Failure::of("room-lost"),
            HistoryError::Closed => Failure::of("closed"),
            _ => Failure::of("history"),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Refused(refusal) => Failure::refused(&refusal),
            TransferError::Empty => Failure::of("empty"),
            TransferError::Damaged => Failure::of("damaged"),
            TransferError::TooLarge => Failure::of("too-large"),
            TransferError::Malformed => Failure::of("malformed"),
            TransferError::Closed => Failure::of("closed"),
            _ => Failure::of("transfer"),
        }
    }
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Call(error) => error.into(),
            _ => Failure::of("search"),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Failure::of(&error.to_string())
    }
}

/// Where the client stands.
pub(crate) fn state_line(state: State) -> Value {
    match state {
        State::Connecting => json!({"report": "state", "state": "connecting"}),
        State::Live => json!({"report": "state", "state": "live"}),
        State::Offline { after: End::Closed { code, .. }, .. } => {
            json!({"report": "state", "state": "offline", "why": "closed", "code": close_name(code)})
        }
        State::Offline { after, .. } => {
            json!({"report": "state", "state": "offline", "why": format!("{after:?}")})
        }
        State::Stopped(stop) => stopped(stop),
        _ => json!({"report": "state", "state": "closed"}),
    }
}

fn stopped(stop: Stop) -> Value {
    let code = match stop {
        Stop::Revoked => "REVOKED".to_owned(),
        Stop::NoCommonRevision => "NO_COMMON_REVISION".to_owned(),
        Stop::Replaced => "REPLACED".to_owned(),
        Stop::TokenRefused(code) | Stop::Protocol(code) => close_name(code),
        _ => String::new(),
    };
    json!({"report": "state", "state": "stopped", "why": stop.to_string(), "code": code})
}

/// A room on one line.
pub(crate) fn room_line(room: &RoomSummary) -> Value {
    json!({
        "room": room.id.to_string(),
        "name": room.name,
        "unread": room.unread,
        "mentions": room.mentions,
        "thread_unread": room.thread_unread,
        "last_seq": room.last_seq,
        "typing": strings(&room.typing),
    })
}

/// A line of a timeline.
pub(crate) fn item_line(item: &Item) -> Value {
    match item {
        Item::Message(message) => message_line(message),
        Item::Notice(notice) => notice_line(notice),
    }
}

fn notice_line(notice: &Notice) -> Value {
    let kind = match &notice.body {
        EventBody::RoomCreated(_) => 1,
        EventBody::MembersAdded(_) => 2,
        EventBody::MemberRemoved(_) => 3,
        EventBody::RoomRenamed(_) => 4,
        EventBody::Unknown { kind, .. } => *kind,
        _ => 0,
    };
    let mut line = Map::new();
    line.insert("kind".into(), kind.into());
    line.insert("seq".into(), notice.seq.into());
    if let Some(sender) = notice.sender {
        line.insert("sender".into(), sender.to_string().into());
    }
    line.into()
}

/// A message.
pub(crate) fn message_line(message: &Message) -> Value {
    let reactions: Vec<Value> = message
        .reactions
        .iter()
        .map(|reaction| json!({"emoji": reaction.emoji, "users": strings(&reaction.users)}))
        .collect();
    let files: Vec<Value> = message.attachments.iter().map(file_line).collect();
    let mut line = json!({
        "kind": MESSAGE,
        "text": message.text,
        "edited": message.is_edited,
        "deleted": message.is_deleted,
        "pinned": message.is_pinned,
        "reactions": reactions,
        "mentions": strings(&message.mentions),
        "delivery": delivery(&message.delivery),
        "files": files,
    });
    let numbers = [
        ("seq", message.seq()),
        ("reply_to", message.reply_to),
        ("root", message.thread_root),
        ("replies", message.thread.as_ref().map(|thread| thread.replies)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            line[name] = number.into();
        }
    }
    if let Some(sender) = message.sender {
        line["sender"] = sender.to_string().into();
    }
    if let Some(own) = message.client_ref {
        line["ref"] = own.to_string().into();
    }
    if let Delivery::Failed(error) = &message.delivery {
        line["error"] = Failure::from(QueueError::Failed(error.clone())).into_line();
    }
    line
}

/// A file, as `upload` answers it and timelines show it.
pub(crate) fn file_line(file: &Attachment) -> Value {
    json!({
        "hash": file.hash.to_string(),
        "size": file.size,
        "name": file.name,
        "media_type": file.media_type,
    })
}

fn delivery(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Queued => "queued",
        Delivery::Sending => "sending",
        Delivery::Failed(_) => "failed",
    }
}

fn strings<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
