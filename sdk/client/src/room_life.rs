//! The life of groups: topic, archive, slow mode, who may come in and who may not.

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::{RoomId, UserId},
    room::{
        ArchiveRoomRequest, BanRequest, JoinRoomRequest, ListBansRequest, ListOpenRoomsRequest,
        OpenRoom as Listed, SetMessageExpiryRequest, SetOpenRequest, SetSlowModeRequest,
        SetTopicRequest, UnbanRequest,
    },
};

use crate::{Client, Room, error::CallError};

/// A group that everyone in the organization may join.
#[derive(Clone, Debug)]
pub struct OpenRoom {
    /// The group.
    pub room: Room,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub topic: String,
    /// How many are in it.
    pub member_count: u32,
    /// The user is in it.
    pub is_joined: bool,
}

impl Client {
    /// The open groups of the organization, by name. Needs a connection.
    ///
    /// # Errors
    /// When the server refuses, as it does guests, or the client is gone.
    pub async fn open_rooms(&self) -> Result<Vec<OpenRoom>, CallError> {
        let (mut rooms, mut page) = (Vec::new(), Bytes::new());
        loop {
            let request = ListOpenRoomsRequest { page, page_size: 100 };
            let answer = self.inner.handle.call::<rpc::ListOpenRooms>(request).await?;
            rooms.extend(answer.rooms.into_iter().filter_map(|listed| self.listed(listed)));
            page = answer.next_page;
            if page.is_empty() {
                rooms.sort_by(|a, b| a.name.cmp(&b.name));
                return Ok(rooms);
            }
        }
    }

    fn listed(&self, listed: Listed) -> Option<OpenRoom> {
        let room = listed.room?;
        Some(OpenRoom {
            room: self.room(RoomId::parse(&room.id).ok()?),
            name: room.name,
            topic: room.topic,
            member_count: room.member_count,
            is_joined: listed.joined,
        })
    }
}

impl Room {
    /// Joins an open group. Does nothing for who is in it already.
    ///
    /// # Errors
    /// When the server refuses: `ROOM_NOT_FOUND` for one that isn't open, `NOT_ALLOWED` for guests and
    /// those who are banned; or the client is gone.
    pub async fn join(&self) -> Result<(), CallError> {
        let request = JoinRoomRequest { room: self.id().to_field() };
        self.handle().call::<rpc::JoinRoom>(request).await.map(drop)
    }

    /// Opens a group for everyone in the organization to join, or closes it again.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn set_open(&self, open: bool) -> Result<(), CallError> {
        let request = SetOpenRequest { room: self.id().to_field(), open };
        self.handle().call::<rpc::SetOpen>(request).await.map(drop)
    }

    /// Says what a group is for; at most 1,024 bytes.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn set_topic(&self, topic: &str) -> Result<(), CallError> {
        let request = SetTopicRequest { room: self.id().to_field(), topic: topic.to_owned() };
        self.handle().call::<rpc::SetTopic>(request).await.map(drop)
    }

    /// Archives a group, or takes it back: nothing new can be written while it is archived.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn set_archived(&self, archived: bool) -> Result<(), CallError> {
        let request = ArchiveRoomRequest { room: self.id().to_field(), archived };
        self.handle().call::<rpc::ArchiveRoom>(request).await.map(drop)
    }

    /// Makes members wait so many seconds between two messages of theirs, at most 21,600; 0 for none.
    /// What is sent too soon waits in the outbox.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn set_slow_mode(&self, seconds: u32) -> Result<(), CallError> {
        let request = SetSlowModeRequest { room: self.id().to_field(), seconds };
        self.handle().call::<rpc::SetSlowMode>(request).await.map(drop)
    }

    /// Messages that are sent from now on are deleted by themselves after so many seconds, 5 to
    /// 31,536,000; 0 for never.
    ///
    /// # Errors
    /// When the server refuses, `NOT_ALLOWED`; or the client is gone.
    pub async fn set_message_expiry(&self, seconds: u32) -> Result<(), CallError> {
        let request = SetMessageExpiryRequest { room: self.id().to_field(), seconds };
        self.handle().call::<rpc::SetMessageExpiry>(request).await.map(drop)
    }

    /// Removes a user from a group until they are unbanned.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn ban(&self, user: UserId) -> Result<(), CallError> {
        let request = BanRequest { room: self.id().to_field(), user: user.to_field() };
        self.handle().call::<rpc::Ban>(request).await.map(drop)
    }

    /// Ends a ban.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn unban(&self, user: UserId) -> Result<(), CallError> {
        let request = UnbanRequest { room: self.id().to_field(), user: user.to_field() };
        self.handle().call::<rpc::Unban>(request).await.map(drop)
    }

    /// Who is banned from a group; for those who may ban.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn bans(&self) -> Result<Vec<UserId>, CallError> {
        let request = ListBansRequest { room: self.id().to_field() };
        let answer = self.handle().call::<rpc::ListBans>(request).await?;
        Ok(answer.users.iter().filter_map(|user| UserId::parse(user).ok()).collect())
    }
}
