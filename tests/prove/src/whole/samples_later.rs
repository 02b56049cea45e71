//! The methods that are about what is sent or told later, and what is begun.

use bytes::Bytes;
use parlour_features::world::{client_ref, text};
use parlour_protocol::{
    draft::{ListDraftsRequest, MessageDraft, SetDraftRequest},
    generated::rpc,
    message::SendRequest,
    reminder::{DeleteReminderRequest, ListRemindersRequest, Reminder, SetReminderRequest},
    room::SetMessageExpiryRequest,
    schedule::{
        CancelScheduledRequest, ListScheduledRequest, ScheduleSendRequest, UpdateScheduledRequest,
    },
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    let id = || Bytes::from_static(&[9; 16]);
    let day_ms = 24 * 3600 * 1000;
    // Far enough that none of them comes in the way of what else is sent.
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let later_ms = soon.map_or(0, |soon| soon.as_millis() as u64) + day_ms;
    let send = || SendRequest { client_ref: Bytes::new(), ..text(&room(), "a message") };
    vec![
        sample::<rpc::ScheduleSend>(&ScheduleSendRequest {
            id: client_ref(),
            send_at_ms: later_ms,
            send: Some(send()),
        }),
        sample::<rpc::UpdateScheduled>(&UpdateScheduledRequest {
            id: id(),
            send_at_ms: later_ms,
            send: Some(send()),
        }),
        sample::<rpc::CancelScheduled>(&CancelScheduledRequest { id: id() }),
        sample::<rpc::ListScheduled>(&ListScheduledRequest { page: id() }),
        sample::<rpc::SetReminder>(&SetReminderRequest {
            reminder: Some(Reminder {
                id: client_ref(),
                at_ms: later_ms,
                room: room(),
                seq: 2,
                text: "tea".into(),
                due: false,
            }),
        }),
        sample::<rpc::DeleteReminder>(&DeleteReminderRequest { id: id() }),
        sample::<rpc::ListReminders>(&ListRemindersRequest { page: id() }),
        sample::<rpc::SetDraft>(&SetDraftRequest {
            draft: Some(MessageDraft {
                room: room(),
                text: "begun".into(),
                mentions: vec![id()],
                ..MessageDraft::default()
            }),
        }),
        sample::<rpc::ListDrafts>(&ListDraftsRequest { page: id() }),
        sample::<rpc::SetMessageExpiry>(&SetMessageExpiryRequest {
            room: room(),
            seconds: 31_000_000,
        }),
    ]
}
