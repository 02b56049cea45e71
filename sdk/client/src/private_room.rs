//! Private rooms: the user's own, and notices into others'.

use parlour_protocol::{
    generated::rpc,
    message::MessagePosted,
    prost::Message as _,
    room::{OpenPrivateRoomRequest, PostNoticeRequest},
};

use crate::{Client, ClientRef, Room, client::Who, error::CallError};

/// A message for somebody's private room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateNotice {
    id: ClientRef,
    text: String,
}

impl PrivateNotice {
    /// Which notice it is: posted again, it is still one.
    pub fn id(&self) -> ClientRef {
        self.id
    }
}

impl Client {
    /// The user's private room, made if it isn't there yet: nobody else is in it, it is on all their
    /// devices, and programs post notices there.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn private_room(&self) -> Result<Room, CallError> {
        let answer = self.call::<rpc::OpenPrivateRoom>(OpenPrivateRoomRequest {}).await?;
        self.room_of(answer.room)
    }

    /// A notice with that text, to be given to [`Client::post_notice`] as often as it takes.
    pub fn notice(&self, text: impl Into<String>) -> PrivateNotice {
        PrivateNotice { id: self.new_ref(), text: text.into() }
    }

    /// Posts a notice into somebody's private room, exactly once however often it is called.
    ///
    /// # Errors
    /// `SCOPE_MISSING` without the scope `notices`, `USER_NOT_FOUND` for who was never here or is
    /// deactivated, `INVALID_FIELD` for a text that is empty or over 16 KiB; otherwise when the client
    /// is gone, and then it may have been posted.
    pub async fn post_notice(
        &self,
        to: impl Into<Who>,
        notice: &PrivateNotice,
    ) -> Result<(), CallError> {
        let posted = MessagePosted { text: notice.text.clone(), ..MessagePosted::default() };
        let request = PostNoticeRequest {
            to: Some(to.into().to_ref()),
            client_ref: notice.id.to_field(),
            body: posted.encode_to_vec().into(),
            attachments: Vec::new(),
        };
        self.call::<rpc::PostNotice>(request).await.map(drop)
    }
}
