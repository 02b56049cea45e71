//! The methods that are about people, private rooms and what belongs to whom.

use bytes::Bytes;
use parlour_features::world::client_ref;
use parlour_protocol::{
    generated::rpc,
    message::MessagePosted,
    people::{BlockUserRequest, ListBlockedRequest, ListPeopleRequest, UnblockUserRequest},
    prost::Message,
    room::{
        HandOverRoomRequest, OpenPrivateRoomRequest, PostNoticeRequest, UserRef, user_ref::User,
    },
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
        sample::<rpc::HandOverRoom>(&HandOverRoomRequest { room: room.clone(), to: id() }),
    ]
}
