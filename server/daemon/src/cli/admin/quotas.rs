//! `parlour admin usage` and `parlour admin quota`: what an organization has, and how much it may have.

use clap::{Args, Subcommand};
use parlour_protocol::{
    generated::rpc::{GetUsage, SetQuotas},
    quota::{GetUsageRequest, GetUsageResponse, Quotas, SetQuotasRequest, Usage},
};
use serde_json::{Value, json};

use super::{Common, Line, Outcome, block_on, fail};

const MB: u64 = 1024 * 1024;

/// Show what an organization has.
#[derive(Args)]
pub(in crate::cli) struct ShowUsage {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// As one object of JSON.
    #[arg(long)]
    json: bool,
}

impl ShowUsage {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let answer = ask(common, self.org.clone())?;
        match self.json {
            true => say!("{}", object(&self.org, &answer)),
            false => print(&answer.usage.unwrap_or_default(), &answer.quotas.unwrap_or_default()),
        }
        Ok(())
    }
}

fn ask(common: &Common, org: String) -> Outcome<GetUsageResponse> {
    let line = Line::open(common, org)?;
    block_on(line.call::<GetUsage>(&GetUsageRequest {}))?
}

fn print(usage: &Usage, quotas: &Quotas) {
    let of = |quota: Option<u64>| match quota.unwrap_or_default() {
        0 => String::new(),
        most => format!(" of {most}"),
    };
    let line = |what: &str, value: String| say!("{what:<18} {value}");
    line("users", format!("{}{}", usage.users, of(quotas.users)));
    line("active in 30 days", usage.active_users.to_string());
    line("groups", format!("{}{}", usage.groups, of(quotas.groups)));
    line("direct rooms", usage.direct_rooms.to_string());
    line("nodes", usage.nodes.to_string());
    line("messages", usage.messages.to_string());
    line("replies", usage.replies.to_string());
    let most = of(quotas.attachment_bytes);
    line("attachment bytes", format!("{}{most}", usage.attachment_bytes));
    line("devices connected", format!("{}{}", usage.devices, of(quotas.devices)));
}

/// Names as the protocol has them.
fn object(org: &str, answer: &GetUsageResponse) -> Value {
    let usage = answer.usage.unwrap_or_default();
    json!({
        "organization": org,
        "usage": {
            "users": usage.users,
            "active_users": usage.active_users,
            "groups": usage.groups,
            "direct_rooms": usage.direct_rooms,
            "nodes": usage.nodes,
            "messages": usage.messages,
            "replies": usage.replies,
            "attachment_bytes": usage.attachment_bytes,
            "devices": usage.devices,
            "counted_at_ms": usage.counted_at_ms,
        },
        "quotas": quotas_object(answer.quotas.unwrap_or_default()),
        "set": quotas_object(answer.set.unwrap_or_default()),
    })
}

fn quotas_object(quotas: Quotas) -> Value {
    let Quotas { users, groups, attachment_bytes, devices } = quotas;
    let fields = [
        ("users", users),
        ("groups", groups),
        ("attachment_bytes", attachment_bytes),
        ("devices", devices),
    ];
    let fields = fields.into_iter().filter_map(|(name, most)| Some((name.into(), most?.into())));
    Value::Object(fields.collect())
}

#[derive(Subcommand)]
pub(in crate::cli) enum Quota {
    /// Show an organization's quotas.
    Show {
        /// The `org` of the tokens.
        #[arg(long)]
        org: String,
        /// As one object of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set some of an organization's quotas; the others stay as they are.
    Set(Set),
}

/// Each is a number, `none` for no bound, or `default` for what the configuration says.
#[derive(Args)]
pub(in crate::cli) struct Set {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// People and programs that can come in.
    #[arg(long, value_name = "N|none|default", value_parser = wanted)]
    users: Option<Wanted>,
    /// Groups, archived ones included.
    #[arg(long, value_name = "N|none|default", value_parser = wanted)]
    groups: Option<Wanted>,
    /// Attachments and pictures, in MiB.
    #[arg(long, value_name = "MIB|none|default", value_parser = wanted)]
    attachments_mb: Option<Wanted>,
    /// Devices that are connected at the same time.
    #[arg(long, value_name = "N|none|default", value_parser = wanted)]
    devices: Option<Wanted>,
}

/// What a quota is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    AsConfigured,
    Most(u64),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "default" => Ok(Wanted::AsConfigured),
        "none" => Ok(Wanted::Most(0)),
        _ => match text.parse() {
            // Nobody may have none: 0 is without a bound, and would be read as the opposite.
            Ok(0) => Err("say none for no bound".into()),
            Ok(most) => Ok(Wanted::Most(most)),
            Err(_) => Err("is neither a number, nor none, nor default".into()),
        },
    }
}

impl Quota {
    pub(super) fn run(self, common: &Common) -> Outcome {
        match self {
            Quota::Show { org, json } => {
                let answer = ask(common, org.clone())?;
                match json {
                    true => say!("{}", object(&org, &answer)),
                    false => {
                        show(answer.quotas.unwrap_or_default(), answer.set.unwrap_or_default())
                    }
                }
                Ok(())
            }
            Quota::Set(set) => set.run(common),
        }
    }
}

fn show(quotas: Quotas, set: Quotas) {
    let line = |what: &str, most: Option<u64>, set: Option<u64>, unit: u64| {
        let value = match most.unwrap_or_default() {
            0 => "none".into(),
            most if most.is_multiple_of(unit) => (most / unit).to_string(),
            most => format!("{:.1}", most as f64 / unit as f64),
        };
        let why = if set.is_some() { "set" } else { "default" };
        say!("{what:<16} {value:<12} {why}");
    };
    line("users", quotas.users, set.users, 1);
    line("groups", quotas.groups, set.groups, 1);
    line("attachments MiB", quotas.attachment_bytes, set.attachment_bytes, MB);
    line("devices", quotas.devices, set.devices, 1);
}

impl Set {
    fn run(self, common: &Common) -> Outcome {
        let Set { org, users, groups, attachments_mb, devices } = self;
        if [users, groups, attachments_mb, devices].iter().all(Option::is_none) {
            return fail("say which: --users, --groups, --attachments-mb or --devices");
        }
        let bytes = match attachments_mb {
            Some(Wanted::Most(mb)) => match mb.checked_mul(MB) {
                Some(bytes) => Some(Wanted::Most(bytes)),
                None => return fail("so many MiB are more than there can be"),
            },
            other => other,
        };
        let line = Line::open(common, org)?;
        block_on(async {
            let before = line.call::<GetUsage>(&GetUsageRequest {}).await?.set.unwrap_or_default();
            let after = Quotas {
                users: over(before.users, users),
                groups: over(before.groups, groups),
                attachment_bytes: over(before.attachment_bytes, bytes),
                devices: over(before.devices, devices),
            };
            line.call::<SetQuotas>(&SetQuotasRequest { quotas: Some(after) }).await?;
            Ok(())
        })?
    }
}

fn over(before: Option<u64>, wanted: Option<Wanted>) -> Option<u64> {
    match wanted {
        None => before,
        Some(Wanted::AsConfigured) => None,
        Some(Wanted::Most(most)) => Some(most),
    }
}

/// Quotas in words, for the audit log.
pub(super) fn words(quotas: Option<Quotas>) -> String {
    let Quotas { users, groups, attachment_bytes, devices } = quotas.unwrap_or_default();
    let fields = [
        ("users", users),
        ("groups", groups),
        ("attachment bytes", attachment_bytes),
        ("devices", devices),
    ];
    let fields: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, most)| match most? {
            0 => Some(format!("no bound of {name}")),
            most => Some(format!("{most} {name}")),
        })
        .collect();
    match fields.is_empty() {
        true => "quotas as configured".into(),
        false => format!("quotas: {}", fields.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_number_or_a_word() {
        assert_eq!(wanted("12"), Ok(Wanted::Most(12)));
        assert_eq!(wanted("none"), Ok(Wanted::Most(0)));
        assert_eq!(wanted("default"), Ok(Wanted::AsConfigured));
        for wrong in ["0", "", "-1", "many", "18446744073709551616"] {
            assert!(wanted(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(over(Some(3), None), Some(3));
        assert_eq!(over(Some(3), Some(Wanted::AsConfigured)), None);
        assert_eq!(over(None, Some(Wanted::Most(0))), Some(0));
    }

    #[test]
    fn the_audit_log_says_what_was_set() {
        assert_eq!(words(None), "quotas as configured");
        let quotas = Quotas { users: Some(5), devices: Some(0), ..Quotas::default() };
        assert_eq!(words(Some(quotas)), "quotas: 5 users, no bound of devices");
    }
}
