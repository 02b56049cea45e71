//! What isn't in rooms: an organization's directory and log, and what a person has set for themselves.

use std::sync::Arc;

use bytes::Bytes;
use parlour_core::{
    draft::Again,
    node::{Caller, Outcome},
    ports::store::{LogKey, StoreError},
};
use parlour_protocol::{
    draft::{ListDraftsRequest, ListDraftsResponse},
    generated::{Rpc, rpc},
    ids::{RoomId, UserId},
    people::ListBlockedRequest,
    prost::{DecodeError, Message},
    reminder::{ListRemindersRequest, ListRemindersResponse},
    schedule::{ListScheduledRequest, ListScheduledResponse},
    settings::GetSettingsRequest,
};
use serde_json::{Value, json};

use super::{
    Export, ExportError,
    folder::{Lines, json_of},
};
use crate::json::CONTRACT;

impl Export {
    pub(super) async fn organization(&mut self) -> Result<(), ExportError> {
        let mut file = self.folder.lines("directory.jsonl")?;
        let directory = self.node.directory(self.org).await?;
        let ids: Vec<RoomId> =
            directory.read(|directory| directory.nodes_after(None).map(|(id, _)| id).collect());
        for id in ids {
            let (node, members) = directory.read(|directory| {
                let members = directory.memberships_after(id, None);
                let members = members
                    .map(|(user, role)| json!({ "user": user.to_string(), "role": role.name() }));
                (directory.view(id), members.collect::<Vec<Value>>())
            });
            let Some(node) = node else { continue };
            let node = json_of("parlour.directory.v1.Node", encoded(&node))?;
            file.value(&json!({ "node": node, "members": members }))?;
        }
        file.finish()?;
        self.log(LogKey::Org(self.org), "audit.jsonl").await?;
        self.files.extend(self.node.pictures_of_org(self.org).await?);
        Ok(())
    }

    /// What a person has, besides what they wrote in rooms.
    pub(super) async fn own(&mut self, user: UserId) -> Result<(), ExportError> {
        self.log(LogKey::User(user), "own.jsonl").await?;
        let mut file = self.folder.lines("settings.jsonl")?;
        let request = encoded(&GetSettingsRequest {});
        self.ask(&mut file, user, rpc::GetSettings::METHOD.id, request).await?;
        let request = encoded(&ListBlockedRequest {});
        self.ask(&mut file, user, rpc::ListBlocked::METHOD.id, request).await?;
        let mut page = Some(Bytes::new());
        while let Some(after) = page {
            let request = encoded(&ListDraftsRequest { page: after });
            let answer = self.ask(&mut file, user, rpc::ListDrafts::METHOD.id, request).await?;
            page = next(ListDraftsResponse::decode(answer).map(|drafts| drafts.next_page));
        }
        let mut page = Some(Bytes::new());
        while let Some(after) = page {
            let request = encoded(&ListScheduledRequest { page: after });
            let answer = self.ask(&mut file, user, rpc::ListScheduled::METHOD.id, request).await?;
            page = next(ListScheduledResponse::decode(answer).map(|scheduled| scheduled.next_page));
        }
        let mut page = Some(Bytes::new());
        while let Some(after) = page {
            let request = encoded(&ListRemindersRequest { page: after });
            let answer = self.ask(&mut file, user, rpc::ListReminders::METHOD.id, request).await?;
            page = next(ListRemindersResponse::decode(answer).map(|reminders| reminders.next_page));
        }
        file.finish()
    }

    /// What the user would be answered, as a line.
    async fn ask(
        &self,
        file: &mut Lines,
        user: UserId,
        method: u32,
        request: Bytes,
    ) -> Result<Bytes, ExportError> {
        let caller = Arc::new(Caller::absent(self.org, user, self.node.now()));
        let again = Again::first(method, request, None);
        let Outcome::Now(Ok(answer)) = self.node.call(&caller, &again, || None).await else {
            return Err(StoreError::Unavailable.into());
        };
        let entry = CONTRACT.methods.values().find(|entry| entry.method.id == method);
        let response = entry.ok_or(ExportError::Json)?.response();
        file.message(response.full_name(), answer.clone())?;
        Ok(answer)
    }
}

/// The next page, if there is one.
fn next(page: Result<Bytes, DecodeError>) -> Option<Bytes> {
    page.ok().filter(|page| !page.is_empty())
}

fn encoded<M: Message>(message: &M) -> Bytes {
    message.encode_to_vec().into()
}
