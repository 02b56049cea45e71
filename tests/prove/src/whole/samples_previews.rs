//! The methods that are about link previews.

use bytes::Bytes;
use parlour_features::world::client_ref;
use parlour_protocol::{generated::rpc, preview::HideLinkPreviewsRequest};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    vec![sample::<rpc::HideLinkPreviews>(&HideLinkPreviewsRequest {
        room: room.clone(),
        client_ref: client_ref(),
        target_seq: 2,
    })]
}
