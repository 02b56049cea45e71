//! The methods that are about people, pictures, private rooms and what belongs to whom.

use bytes::Bytes;
use parlour_features::world::client_ref;
use parlour_protocol::{
    emoji::{AddEmojiRequest, ListEmojiRequest, RemoveEmojiRequest},
    generated::rpc,
    message::MessagePosted,
    people::{BlockUserRequest, ListBlockedRequest, ListPeopleRequest, UnblockUserRequest},
    prost::Message,
    room::{
        HandOverRoomRequest, OpenPrivateRoomRequest, PostNoticeRequest, SetRoomAvatarRequest,
        UserRef, user_ref::User,
    },
    user::{Profile, SetProfileRequest},
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    let user = || Some(UserRef { user: Some(User::Subject("somebody".into())) });
    let id = || Bytes::from_static(&[9; 16]);
    let posted = MessagePosted { text: "a notice".into(), ..MessagePosted::default() };
    vec![
        sample::<rpc::OpenPrivateRoom>(&OpenPrivateRoomRequest {}),
        sample::<rpc::PostNotice>(&PostNoticeRequest {
            to: user(),
            client_ref: client_ref(),
            body: posted.encode_to_vec().into(),
            attachments: vec![Bytes::from_static(&[9; 32])],
        }),
        sample::<rpc::ListPeople>(&ListPeopleRequest {
            query: "some body".into(),
            page: Bytes::from_static(&[9; 20]),
            page_size: 20,
        }),
        sample::<rpc::BlockUser>(&BlockUserRequest { user: user() }),
        sample::<rpc::UnblockUser>(&UnblockUserRequest { user: id() }),
        sample::<rpc::ListBlocked>(&ListBlockedRequest {}),
        sample::<rpc::AddEmoji>(&AddEmojiRequest {
            name: "parrot".into(),
            hash: Bytes::from_static(&[9; 32]),
        }),
        sample::<rpc::RemoveEmoji>(&RemoveEmojiRequest { name: "parrot".into() }),
        sample::<rpc::ListEmoji>(&ListEmojiRequest { page: "parrot".into(), page_size: 3 }),
        sample::<rpc::SetProfile>(&SetProfileRequest {
            profile: Some(Profile {
                pronouns: Some("they".into()),
                avatar: Some(Bytes::from_static(&[9; 32])),
                ..Profile::default()
            }),
        }),
        sample::<rpc::SetRoomAvatar>(&SetRoomAvatarRequest {
            room: room.clone(),
            avatar: Bytes::from_static(&[9; 32]),
        }),
        sample::<rpc::HandOverRoom>(&HandOverRoomRequest { room: room.clone(), to: id() }),
    ]
}
