//! The methods that are about moderation.

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    moderation::{
        DecideReportRequest, Filter, GetFilterRequest, ListReportsRequest, ReportDecision,
        ReportMessageRequest, ReportReason, SetFilterRequest,
    },
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    vec![
        sample::<rpc::ReportMessage>(&ReportMessageRequest {
            room: room.clone(),
            seq: 2,
            reason: ReportReason::Spam as i32,
            note: "again and again".into(),
        }),
        sample::<rpc::ListReports>(&ListReportsRequest {
            decided: true,
            page: Bytes::from_static(&[9; 16]),
            page_size: 3,
        }),
        sample::<rpc::DecideReport>(&DecideReportRequest {
            report: Bytes::from_static(&[7; 16]),
            decision: ReportDecision::Deleted as i32,
        }),
        sample::<rpc::GetFilter>(&GetFilterRequest {}),
        sample::<rpc::SetFilter>(&SetFilterRequest {
            filter: Some(Filter { words: vec!["xyzzy".into(), "plugh*".into()] }),
        }),
    ]
}
