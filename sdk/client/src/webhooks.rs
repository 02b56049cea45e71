//! Outgoing webhooks: what happens in rooms, posted to an address.

use std::{fmt, sync::Arc};

pub use parlour_protocol::webhook::{EventGroup, WebhookState};
use parlour_protocol::{
    generated::rpc,
    ids::{ClientRef, RoomId, UserId, WebhookId, uuid_v7},
    webhook::{
        CreateWebhookRequest, EventFilter as WireFilter, ListWebhooksRequest, ResumeWebhookRequest,
        RevokeWebhookRequest, Webhook as Wire, create_webhook_request, list_webhooks_request,
        resume_webhook_request, revoke_webhook_request,
    },
};

use crate::{Client, Clock, Entropy, error::CallError, handle::Handle};

/// The webhooks of a room, or of a service account. Their calls take `PERMISSION_MANAGE_WEBHOOKS` there,
/// or the scope `admin:accounts`. Cheap to clone; it doesn't keep the client alive.
#[derive(Clone)]
pub struct Webhooks {
    handle: Handle,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    of: Of,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("of", &self.of).finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Of {
    Room(RoomId),
    Account(String),
}

impl fmt::Debug for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Of::Room(_) => "Room",
            Of::Account(_) => "Account",
        })
    }
}

/// Which events are posted. Without groups and names, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// By what they are about.
    pub groups: Vec<EventGroup>,
    /// Applications' events by name: whole ones, or beginnings that end with a dot.
    pub app_names: Vec<String>,
    /// Without what the webhook's owner causes.
    pub skip_own: bool,
}

/// A webhook to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewWebhook {
    /// For people, 1 to 80 bytes.
    pub name: String,
    /// Where to: `https`, at most 2,048 bytes.
    pub url: String,
    /// What.
    pub filter: EventFilter,
}

impl fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path of an address may be a secret.
        f.debug_struct("NewWebhook").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// A webhook, and how it fares.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// To revoke or resume it by.
    pub id: WebhookId,
    /// For people.
    pub name: String,
    /// Where to.
    pub url: String,
    /// What.
    pub filter: EventFilter,
    /// Who reads along: only what they may read is posted.
    pub owner: Option<UserId>,
    /// Unix milliseconds.
    pub created_ms: u64,
    /// Whether it posts, and if not, why.
    pub state: WebhookState,
    /// Since when nothing was taken, Unix milliseconds; `None` where the last post was.
    pub failing_since_ms: Option<u64>,
    /// Posts that failed in a row.
    pub failures: u32,
    /// What was wrong with the last one, in a few words.
    pub problem: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// What a webhook's posts are signed with: `whsec_` and base64, as the Standard Webhooks have it. Told
/// once.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl Client {
    /// The outgoing webhooks of a room.
    pub fn webhooks(&self, room: RoomId) -> Webhooks {
        self.webhooks_of(Of::Room(room))
    }

    /// The webhooks of a service account: they post from every room that it is in.
    pub fn service_webhooks(&self, subject: &str) -> Webhooks {
        self.webhooks_of(Of::Account(subject.to_owned()))
    }

    fn webhooks_of(&self, of: Of) -> Webhooks {
        Webhooks {
            handle: self.inner.handle.clone(),
            clock: self.inner.clock.clone(),
            entropy: self.inner.entropy.clone(),
            of,
        }
    }
}

impl Webhooks {
    /// Makes a webhook, and tells its secret, once.
    ///
    /// # Errors
    /// `INVALID_FIELD` for an address that may not be posted to, `TOO_MANY_WEBHOOKS`,
    /// `WEBHOOKS_DISABLED`; otherwise as the server refuses, or when the client is gone.
    pub async fn create(&self, webhook: NewWebhook) -> Result<(Webhook, WebhookSecret), CallError> {
        use create_webhook_request::Of as To;
        let NewWebhook { name, url, filter } = webhook;
        let of = Some(match self.of.clone() {
            Of::Room(room) => To::Room(room.to_field()),
            Of::Account(subject) => To::Account(subject),
        });
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let made = uuid_v7(self.clock.now().unix_ms, random);
        let client_ref = ClientRef::from_bytes(made).to_field();
        let filter = Some(filter.into_wire());
        let request = CreateWebhookRequest { of, client_ref, name, url, filter };
        let answer = self.handle.call::<rpc::CreateWebhook>(request).await?;
        let webhook = answer.webhook.and_then(parse).ok_or(CallError::Malformed)?;
        Ok((webhook, WebhookSecret(answer.secret)))
    }

    /// The webhooks, the oldest first, and how they fare.
    ///
    /// # Errors
    /// As the server refuses, or when the client is gone.
    pub async fn list(&self) -> Result<Vec<Webhook>, CallError> {
        use list_webhooks_request::Of as To;
        let of = Some(match self.of.clone() {
            Of::Room(room) => To::Room(room.to_field()),
            Of::Account(subject) => To::Account(subject),
        });
        let answer = self.handle.call::<rpc::ListWebhooks>(ListWebhooksRequest { of }).await?;
        Ok(answer.webhooks.into_iter().filter_map(parse).collect())
    }

    /// Ends a webhook.
    ///
    /// # Errors
    /// `WEBHOOK_NOT_FOUND`; otherwise as the server refuses, or when the client is gone.
    pub async fn revoke(&self, webhook: WebhookId) -> Result<(), CallError> {
        use revoke_webhook_request::Of as To;
        let of = Some(match self.of.clone() {
            Of::Room(room) => To::Room(room.to_field()),
            Of::Account(subject) => To::Account(subject),
        });
        let request = RevokeWebhookRequest { of, webhook: webhook.to_field() };
        self.handle.call::<rpc::RevokeWebhook>(request).await.map(drop)
    }

    /// Lets a webhook go on that was stopped, from where it was.
    ///
    /// # Errors
    /// `WEBHOOK_NOT_FOUND`; otherwise as the server refuses, or when the client is gone.
    pub async fn resume(&self, webhook: WebhookId) -> Result<(), CallError> {
        self.resume_from(webhook, None).await
    }

    /// Goes over a room's events once more, from that one on.
    ///
    /// # Errors
    /// `WEBHOOK_NOT_FOUND`, `INVALID_FIELD` where the room has no such event, `ROOM_NOT_FOUND`; otherwise
    /// as the server refuses, or when the client is gone.
    pub async fn replay(
        &self,
        webhook: WebhookId,
        room: RoomId,
        seq: u64,
    ) -> Result<(), CallError> {
        self.resume_from(webhook, Some((room, seq))).await
    }

    async fn resume_from(
        &self,
        webhook: WebhookId,
        from: Option<(RoomId, u64)>,
    ) -> Result<(), CallError> {
        use resume_webhook_request::Of as To;
        let of = Some(match self.of.clone() {
            Of::Room(room) => To::Room(room.to_field()),
            Of::Account(subject) => To::Account(subject),
        });
        let request = ResumeWebhookRequest {
            of,
            webhook: webhook.to_field(),
            from_seq: from.map_or(0, |(_, seq)| seq),
            replay_room: from.map(|(room, _)| room.to_field()).unwrap_or_default(),
        };
        self.handle.call::<rpc::ResumeWebhook>(request).await.map(drop)
    }
}

impl EventFilter {
    fn into_wire(self) -> WireFilter {
        WireFilter {
            groups: self.groups.into_iter().map(|group| group as i32).collect(),
            app_names: self.app_names,
            skip_own: self.skip_own,
        }
    }
}

fn parse(webhook: Wire) -> Option<Webhook> {
    let state = webhook.state();
    let filter = webhook.filter.unwrap_or_default();
    Some(Webhook {
        id: WebhookId::parse(&webhook.id).ok()?,
        name: webhook.name,
        url: webhook.url,
        filter: EventFilter {
            groups: filter.groups().collect(),
            skip_own: filter.skip_own,
            app_names: filter.app_names,
        },
        owner: UserId::parse(&webhook.owner).ok(),
        created_ms: webhook.created_ms,
        state,
        failing_since_ms: (webhook.failing_since_ms != 0).then_some(webhook.failing_since_ms),
        failures: webhook.failures,
        problem: webhook.problem,
    })
}
