//! `parlour admin hooks`: a room's incoming webhooks.

use clap::Args;
use parlour_daemon::clock;
use parlour_protocol::{
    generated::rpc::{CreateHook, ListHooks, RevokeHook},
    hook::{CreateHookRequest, ListHooksRequest, RevokeHookRequest},
    ids::{ClientRef, RoomId, UserId, uuid_v7},
};

use super::{Common, Line, Outcome, block_on};

#[derive(Args)]
pub(in crate::cli) struct Hooks {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// The room, by its id.
    #[arg(long)]
    room: RoomId,
    /// Make one of this name, and print its address, which isn't shown again.
    #[arg(long, value_name = "NAME", conflicts_with = "revoke")]
    create: Option<String>,
    /// Revoke one, by its id.
    #[arg(long, value_name = "HOOK")]
    revoke: Option<UserId>,
}

impl Hooks {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        let room = self.room.to_field();
        if let Some(name) = self.create {
            let made = ClientRef::from_bytes(uuid_v7(clock::unix_ms(), clock::random()));
            let request = CreateHookRequest { room, client_ref: made.to_field(), name };
            say!("{}", line.call::<CreateHook>(&request).await?.path);
            return Ok(());
        }
        if let Some(hook) = self.revoke {
            let request = RevokeHookRequest { room, hook: hook.to_field() };
            line.call::<RevokeHook>(&request).await?;
            return Ok(());
        }
        for hook in line.call::<ListHooks>(&ListHooksRequest { room }).await?.hooks {
            // An id is an id, whatever of.
            let id = UserId::parse(&hook.id).map(|id| id.to_string()).unwrap_or_default();
            say!("{id} {}", hook.name);
        }
        Ok(())
    }
}
