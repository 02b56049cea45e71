//! `parlour admin webhooks`: what rooms and service accounts post to addresses outside.

use clap::Args;
use parlour_daemon::clock;
use parlour_protocol::{
    generated::rpc::{CreateWebhook, ListWebhooks, ResumeWebhook, RevokeWebhook},
    ids::{ClientRef, RoomId, WebhookId, uuid_v7},
    webhook::{
        CreateWebhookRequest, EventFilter, EventGroup, ListWebhooksRequest, ResumeWebhookRequest,
        RevokeWebhookRequest, create_webhook_request, list_webhooks_request,
        resume_webhook_request, revoke_webhook_request,
    },
};

use super::{Common, Line, Outcome, block_on, fail};

#[derive(Args)]
pub(in crate::cli) struct Webhooks {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Those of a room, by its id.
    #[arg(long, required_unless_present = "account", conflicts_with = "account")]
    room: Option<RoomId>,
    /// Those of a service account: they post from every room that it is in.
    #[arg(long)]
    account: Option<String>,
    /// Make one of this name, and print its secret, which isn't shown again.
    #[arg(long, value_name = "NAME", requires = "url", conflicts_with_all = ["revoke", "resume"])]
    create: Option<String>,
    /// Where it posts to.
    #[arg(long)]
    url: Option<String>,
    /// What it posts: messages, edits, deletes, reactions, pins, members, apps or room; may be said
    /// again [default: everything].
    #[arg(long = "event", value_name = "GROUP")]
    events: Vec<String>,
    /// Events of applications it posts: a whole name, or a beginning that ends with a dot.
    #[arg(long = "app", value_name = "NAME")]
    app_names: Vec<String>,
    /// Leave out what its owner causes.
    #[arg(long)]
    skip_own: bool,
    /// Revoke one, by its id.
    #[arg(long, value_name = "WEBHOOK", conflicts_with = "resume")]
    revoke: Option<WebhookId>,
    /// Let one go on that was stopped, by its id.
    #[arg(long, value_name = "WEBHOOK")]
    resume: Option<WebhookId>,
    /// Go over the events from this one on once more.
    #[arg(long, value_name = "SEQ", requires = "resume", default_value_t = 0)]
    from: u64,
    /// In this room, of a service account's webhook.
    #[arg(long, value_name = "ROOM", requires = "resume")]
    replay_room: Option<RoomId>,
}

/// The field that says whose webhooks they are, in each of the requests.
macro_rules! of {
    ($self:ident, $of:path) => {{
        use $of as Of;
        match ($self.room, &$self.account) {
            (Some(room), _) => Some(Of::Room(room.to_field())),
            (None, Some(account)) => Some(Of::Account(account.clone())),
            (None, None) => None,
        }
    }};
}

impl Webhooks {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        if let Some(name) = &self.create {
            return self.create(line, name).await;
        }
        if let Some(webhook) = self.revoke {
            let of = of!(self, revoke_webhook_request::Of);
            let request = RevokeWebhookRequest { of, webhook: webhook.to_field() };
            line.call::<RevokeWebhook>(&request).await?;
            return Ok(());
        }
        if let Some(webhook) = self.resume {
            let request = ResumeWebhookRequest {
                of: of!(self, resume_webhook_request::Of),
                webhook: webhook.to_field(),
                from_seq: self.from,
                replay_room: self.replay_room.map(RoomId::to_field).unwrap_or_default(),
            };
            line.call::<ResumeWebhook>(&request).await?;
            return Ok(());
        }
        let request = ListWebhooksRequest { of: of!(self, list_webhooks_request::Of) };
        for hook in line.call::<ListWebhooks>(&request).await?.webhooks {
            let id = WebhookId::parse(&hook.id).map(|id| id.to_string()).unwrap_or_default();
            let state = hook.state().as_str_name().trim_start_matches("WEBHOOK_STATE_");
            say!("{id} {:<24} {state:<10} {} {}", hook.name, hook.url, hook.problem);
        }
        Ok(())
    }

    async fn create(&self, line: &Line, name: &str) -> Outcome {
        let mut groups = vec![];
        for event in &self.events {
            let full = format!("EVENT_GROUP_{}", event.to_uppercase());
            match EventGroup::from_str_name(&full) {
                Some(group) => groups.push(group as i32),
                None => return fail(format!("{event} is no group of events")),
            }
        }
        let app_names = self.app_names.clone();
        let filter = EventFilter { groups, app_names, skip_own: self.skip_own };
        let made = ClientRef::from_bytes(uuid_v7(clock::unix_ms(), clock::random()));
        let request = CreateWebhookRequest {
            of: of!(self, create_webhook_request::Of),
            client_ref: made.to_field(),
            name: name.to_owned(),
            url: self.url.clone().unwrap_or_default(),
            filter: Some(filter),
        };
        say!("{}", line.call::<CreateWebhook>(&request).await?.secret);
        Ok(())
    }
}
