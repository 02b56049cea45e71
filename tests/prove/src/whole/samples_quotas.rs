//! The methods that are about what an organization has.

use parlour_protocol::{
    generated::rpc,
    quota::{GetUsageRequest, Quotas, SetQuotasRequest},
};

use super::{Sample, sample};

pub(super) fn samples() -> Vec<Sample> {
    let quotas = Quotas {
        users: Some(1_000_000),
        groups: Some(0),
        attachment_bytes: Some(1 << 40),
        devices: None,
    };
    vec![
        sample::<rpc::GetUsage>(&GetUsageRequest {}),
        sample::<rpc::SetQuotas>(&SetQuotasRequest { quotas: Some(quotas) }),
    ]
}
