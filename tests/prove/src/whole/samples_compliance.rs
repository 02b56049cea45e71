//! The methods that are about what is kept.

use bytes::Bytes;
use parlour_protocol::{
    compliance::{
        EraseUserRequest, GetRetentionRequest, HoldState, HoldTarget, ListErasuresRequest,
        ListLegalHoldsRequest, ListRetentionRequest, RetentionRule, SetLegalHoldRequest,
        SetRetentionRequest, hold_target::Of,
    },
    generated::rpc,
    room::{UserRef, user_ref::User},
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    vec![
        sample::<rpc::GetRetention>(&GetRetentionRequest { room: room.clone() }),
        sample::<rpc::SetRetention>(&SetRetentionRequest {
            room: room.clone(),
            rule: Some(RetentionRule { max_age_s: 3_000_000 }),
        }),
        sample::<rpc::ListRetention>(&ListRetentionRequest {
            page: Bytes::from_static(&[9; 16]),
            page_size: 3,
        }),
        sample::<rpc::SetLegalHold>(&SetLegalHoldRequest {
            target: Some(HoldTarget { of: Some(Of::Room(room.clone())) }),
            state: HoldState::Held as i32,
            reason: "a case".into(),
        }),
        sample::<rpc::ListLegalHolds>(&ListLegalHoldsRequest {}),
        sample::<rpc::EraseUser>(&EraseUserRequest {
            user: Some(UserRef { user: Some(User::Subject("mallory".into())) }),
        }),
        sample::<rpc::ListErasures>(&ListErasuresRequest {
            user: Bytes::from_static(&[8; 16]),
            page: Bytes::from_static(&[9; 16]),
            page_size: 3,
        }),
    ]
}
