//! What people do that is kept, as calls. Each may be made again: those in a log have an id of their own, the others
//! say what is to be so.

use parlour_features::raw::{CallError, Client};
use parlour_protocol::{
    app::PublishRequest,
    directory::ChangeDirectoryRequest,
    draft::SetDraftRequest,
    generated::rpc,
    marker::MarkReadRequest,
    message::{DeleteRequest, EditRequest, SendRequest},
    pin::{PinRequest, UnpinRequest},
    poll::VoteRequest,
    reaction::{ReactRequest, UnreactRequest},
    saved::{SaveMessageRequest, UnsaveMessageRequest},
    schedule::{CancelScheduledRequest, ScheduleSendRequest},
    settings::SetSettingsRequest,
};

/// How many kinds of them there are.
pub(super) const KINDS: usize = 17;

/// A call, and everything it is made with.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Send(SendRequest),
    Edit(EditRequest),
    Delete(DeleteRequest),
    React(ReactRequest),
    Unreact(UnreactRequest),
    Pin(PinRequest),
    Unpin(UnpinRequest),
    Vote(VoteRequest),
    Publish(PublishRequest),
    Save(SaveMessageRequest),
    Unsave(UnsaveMessageRequest),
    Draft(SetDraftRequest),
    Schedule(ScheduleSendRequest),
    Cancel(CancelScheduledRequest),
    Read(MarkReadRequest),
    Settings(SetSettingsRequest),
    Directory(ChangeDirectoryRequest),
}

impl Act {
    /// Makes the call. The place in the room's log, of what has one.
    pub(super) async fn carry_out(&self, client: &Client) -> Result<u64, CallError> {
        let in_log = match self {
            Act::Send(request) => client.call::<rpc::Send>(request).await?.seq,
            Act::Edit(request) => client.call::<rpc::Edit>(request).await?.seq,
            Act::Delete(request) => client.call::<rpc::Delete>(request).await?.seq,
            Act::React(request) => client.call::<rpc::React>(request).await?.seq,
            Act::Unreact(request) => client.call::<rpc::Unreact>(request).await?.seq,
            Act::Pin(request) => client.call::<rpc::Pin>(request).await?.seq,
            Act::Unpin(request) => client.call::<rpc::Unpin>(request).await?.seq,
            Act::Vote(request) => client.call::<rpc::Vote>(request).await?.seq,
            Act::Publish(request) => client.call::<rpc::Publish>(request).await?.seq,
            _ => return self.carry_out_own(client).await.map(|()| 0),
        };
        Ok(in_log)
    }

    async fn carry_out_own(&self, client: &Client) -> Result<(), CallError> {
        match self {
            Act::Save(request) => drop(client.call::<rpc::SaveMessage>(request).await?),
            Act::Unsave(request) => drop(client.call::<rpc::UnsaveMessage>(request).await?),
            Act::Draft(request) => drop(client.call::<rpc::SetDraft>(request).await?),
            Act::Schedule(request) => drop(client.call::<rpc::ScheduleSend>(request).await?),
            Act::Cancel(request) => drop(client.call::<rpc::CancelScheduled>(request).await?),
            Act::Read(request) => drop(client.call::<rpc::MarkRead>(request).await?),
            Act::Settings(request) => drop(client.call::<rpc::SetSettings>(request).await?),
            Act::Directory(request) => drop(client.call::<rpc::ChangeDirectory>(request).await?),
            _ => unreachable!("the others are in the room's log"),
        }
        Ok(())
    }
}
