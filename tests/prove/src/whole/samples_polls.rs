//! The methods that are about polls.

use bytes::Bytes;
use parlour_features::world::client_ref;
use parlour_protocol::{
    generated::rpc,
    poll::{ClosePollRequest, GetPollsRequest, ListVotersRequest, VoteRequest},
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    vec![
        sample::<rpc::GetPolls>(&GetPollsRequest { room: room(), target_seqs: vec![2, 3, 300] }),
        sample::<rpc::Vote>(&VoteRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 4,
            choices: vec![0, 2],
        }),
        sample::<rpc::ClosePoll>(&ClosePollRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 4,
        }),
        sample::<rpc::ListVoters>(&ListVotersRequest {
            room: room(),
            target_seq: 4,
            page: Bytes::from_static(&[9; 24]),
            page_size: 10,
        }),
    ]
}
