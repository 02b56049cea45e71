//! Rows of webhooks as they lie in the store.

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, RoomId, UserId, WebhookId},
    webhook::{EventFilter, Webhook as View, WebhookState},
};
use prost::Message;

use crate::{
    ports::store::{Put, Shard},
    records::key,
    shown::shows,
    tables::Table,
};

/// A row of `Table::WEBHOOKS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct WebhookRow {
    /// For people.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Where to.
    #[prost(string, tag = "2")]
    pub url: String,
    /// What.
    #[prost(message, optional, tag = "3")]
    pub filter: Option<EventFilter>,
    /// Who reads along.
    #[prost(bytes = "bytes", tag = "4")]
    pub owner: Bytes,
    /// Unix milliseconds.
    #[prost(uint64, tag = "5")]
    pub created_ms: u64,
    /// What posts are signed with, sealed.
    #[prost(bytes = "bytes", tag = "6")]
    pub secret: Bytes,
    /// See [`crate::webhooks`].
    #[prost(uint32, tag = "7")]
    pub epoch: u32,
    /// The organization.
    #[prost(bytes = "bytes", tag = "8")]
    pub org: Bytes,
    /// Its room; empty for one of a service account.
    #[prost(bytes = "bytes", tag = "9")]
    pub room: Bytes,
    /// The subject of the service account.
    #[prost(string, tag = "10")]
    pub subject: String,
    /// Names the request that made it.
    #[prost(fixed64, tag = "11")]
    pub fingerprint: u64,
}

shows! { WebhookRow { created_ms, epoch, fingerprint } }

/// A row of `Table::WEBHOOK_STATES`.
#[derive(Clone, PartialEq, Message)]
pub struct StateRow {
    /// See [`WebhookRow::epoch`]; that of another one says nothing.
    #[prost(uint32, tag = "1")]
    pub epoch: u32,
    /// A `WebhookState`.
    #[prost(int32, tag = "2")]
    pub state: i32,
    /// Since when nothing was taken, Unix milliseconds; 0 where the last post was.
    #[prost(uint64, tag = "3")]
    pub failing_since_ms: u64,
    /// Failed posts in a row.
    #[prost(uint32, tag = "4")]
    pub failures: u32,
    /// What was wrong with the last one.
    #[prost(string, tag = "5")]
    pub problem: String,
    /// For how long posts were tried since then, in milliseconds.
    #[prost(uint64, tag = "6")]
    pub tried_ms: u64,
}

/// A row of `Table::WEBHOOK_MARKS`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct MarkRow {
    /// Up to there all was posted, or wasn't wanted.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
}

/// Which rooms a webhook is about, and so in whose shard its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// That room.
    Room(RoomId),
    /// All rooms of a service account.
    Account(UserId),
}

impl Scope {
    /// Sixteen bytes, which keys begin with.
    pub fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Scope::Room(room) => room.as_bytes(),
            Scope::Account(user) => user.as_bytes(),
        }
    }
}

/// A webhook as it was read, or as it is to be.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its scope.
    pub scope: Scope,
    /// Its id.
    pub id: WebhookId,
    /// Everything else.
    pub row: WebhookRow,
}

impl Webhook {
    /// Out of a row; `None` for what isn't one.
    pub fn parse(row_key: &[u8], value: Bytes) -> Option<Self> {
        let row = WebhookRow::decode(value).ok()?;
        let scope = match row.room.is_empty() {
            true => Scope::Account(UserId::parse(row_key.get(..16)?).ok()?),
            false => Scope::Room(RoomId::parse(row_key.get(..16)?).ok()?),
        };
        Some(Webhook { scope, id: WebhookId::parse(row_key.get(16..)?).ok()?, row })
    }

    /// Whose it is.
    pub fn owner(&self) -> Option<UserId> {
        UserId::parse(&self.row.owner).ok()
    }

    /// Its organization.
    pub fn org(&self) -> Option<OrgId> {
        OrgId::parse(&self.row.org).ok()
    }

    /// Where its rows are.
    pub fn shard(&self) -> Shard {
        match self.scope {
            Scope::Room(room) => Shard::Room(room),
            Scope::Account(_) => Shard::Org(self.org().unwrap_or(OrgId::from_bytes([0; 16]))),
        }
    }

    /// scope ‖ webhook, for `WEBHOOKS` and `WEBHOOK_STATES`.
    pub fn key(&self) -> Bytes {
        webhook_key(self.scope, self.id)
    }

    /// The row that must be absent: with it, the webhook isn't any more what was read.
    pub fn guard(&self) -> (Table, Bytes) {
        (Table::WEBHOOK_STEPS, self.step(self.row.epoch))
    }

    fn step(&self, epoch: u32) -> Bytes {
        key(&[self.scope.as_bytes(), self.id.as_bytes(), &epoch.to_be_bytes()])
    }

    /// The write of its row.
    pub fn put(&self) -> Put {
        let value = Some(self.row.encode_to_vec().into());
        Put { table: Table::WEBHOOKS, key: self.key(), value }
    }

    /// The write of what became of it.
    pub fn state_put(&self, row: &StateRow) -> Put {
        let value = Some(row.encode_to_vec().into());
        Put { table: Table::WEBHOOK_STATES, key: self.key(), value }
    }

    /// The write that says how far it has come.
    pub fn mark_put(&self, room: RoomId, seq: u64) -> Put {
        let value = Some(MarkRow { seq }.encode_to_vec().into());
        Put { table: Table::WEBHOOK_MARKS, key: self.mark_key(room), value }
    }

    /// scope ‖ webhook ‖ room, for `WEBHOOK_MARKS`.
    pub fn mark_key(&self, room: RoomId) -> Bytes {
        key(&[&self.key(), room.as_bytes()])
    }

    /// The writes that end this epoch, and begin the next one.
    pub fn next_epoch(&self) -> Vec<Put> {
        let (table, step) = self.guard();
        let mut next = self.clone();
        next.row.epoch += 1;
        let mut puts = vec![next.put(), Put { table, key: step, value: Some(Bytes::new()) }];
        if let Some(old) = self.row.epoch.checked_sub(crate::limits::STEPS_KEPT) {
            puts.push(Put { table, key: self.step(old), value: None });
        }
        puts
    }

    /// The writes that end it. How far it came in each room goes with it as far as that is known.
    pub fn end(&self, marks: impl IntoIterator<Item = Bytes>) -> Vec<Put> {
        let gone = |table, key| Put { table, key, value: None };
        let (table, step) = self.guard();
        let mut puts = vec![
            gone(Table::WEBHOOKS, self.key()),
            gone(Table::WEBHOOK_STATES, self.key()),
            // Stays: nothing that was decided on while it was there may come behind.
            Put { table, key: step, value: Some(Bytes::new()) },
        ];
        puts.extend(marks.into_iter().map(|key| gone(Table::WEBHOOK_MARKS, key)));
        puts
    }

    /// As those see it who look after it.
    pub fn view(&self, state: Option<StateRow>) -> View {
        let state = state.filter(|state| state.epoch == self.row.epoch).unwrap_or_default();
        let mut view = self.public_view();
        view.url = self.row.url.clone();
        view.state = match WebhookState::try_from(state.state) {
            Ok(WebhookState::Unspecified) | Err(_) => WebhookState::Active as i32,
            Ok(state) => state as i32,
        };
        view.failing_since_ms = state.failing_since_ms;
        view.failures = state.failures;
        view.problem = state.problem;
        view
    }

    /// As everybody may see it: without what may be a secret in its address.
    pub fn public_view(&self) -> View {
        View {
            id: self.id.to_field(),
            name: self.row.name.clone(),
            url: origin(&self.row.url).to_owned(),
            filter: self.row.filter.clone(),
            owner: self.row.owner.clone(),
            created_ms: self.row.created_ms,
            room: self.row.room.clone(),
            state: WebhookState::Active as i32,
            ..View::default()
        }
    }
}

/// scope ‖ webhook.
pub fn webhook_key(scope: Scope, id: WebhookId) -> Bytes {
    key(&[scope.as_bytes(), id.as_bytes()])
}

/// An address up to its path.
fn origin(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..].find(['/', '?', '#']).map_or(url.len(), |at| after + at);
    &url[..end]
}
