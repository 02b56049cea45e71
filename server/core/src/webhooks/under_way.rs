//! Posts under way: one of each webhook, whichever of its lives it is of, and so many of one owner and
//! organization that others have their turn beside them, however slow they are.

use std::collections::BTreeMap;

use super::{courier::LineKey, rows::Webhook};
use crate::limits::{WEBHOOK_POSTS_OF_ORG, WEBHOOK_POSTS_OF_OWNER};

use bytes::Bytes;

/// See the module.
#[derive(Default)]
pub(super) struct UnderWay(BTreeMap<LineKey, Payer>);

/// On whose account a post is.
struct Payer {
    org: Bytes,
    owner: Bytes,
}

impl UnderWay {
    /// Whether a post of that webhook may begin.
    pub(super) fn has_place(&self, at: LineKey, hook: &Webhook) -> bool {
        let count = |is_of: &dyn Fn(&Payer) -> bool| self.0.values().filter(|it| is_of(it)).count();
        !self.0.contains_key(&at)
            && count(&|it| it.owner == hook.row.owner) < WEBHOOK_POSTS_OF_OWNER
            && count(&|it| it.org == hook.row.org) < WEBHOOK_POSTS_OF_ORG
    }

    /// One begins.
    pub(super) fn begin(&mut self, at: LineKey, hook: &Webhook) {
        let payer = Payer { org: hook.row.org.clone(), owner: hook.row.owner.clone() };
        self.0.insert(at, payer);
    }

    /// It has ended.
    pub(super) fn end(&mut self, at: LineKey) {
        self.0.remove(&at);
    }
}
