//! Exports: what an organization has, or what a person has written and set, as JSON lines and files. A new
//! folder, in which `export.json` is written last.

mod folder;
mod own;
mod rooms;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parlour_core::{
    identity,
    node::Node,
    ports::{blobs::BlobKey, store::StoreError},
};
use parlour_protocol::{
    ids::{BlobHash, OrgId, UserId},
    prost::Message,
    user::User,
};
use serde::{Deserialize, Serialize};

use crate::clock;
use folder::Folder;

/// Why something can't be exported.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The target isn't new: an export never mixes with what is there.
    #[error("{path} is there already and not empty", path = path.display())]
    NotNew {
        /// Which folder.
        path: PathBuf,
    },
    /// Relative paths mean another folder to the server than to the operator.
    #[error("the path must be absolute")]
    Relative,
    /// Nobody of that name was ever seen.
    #[error("the organization has no such user")]
    NoUser,
    /// A file can't be written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The store can't be read.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// Something stored isn't what it should be.
    #[error("something stored can't be written as JSON")]
    Json,
}

/// What an export says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The layout of the folder: 1.
    pub format: u32,
    /// The release that made it.
    pub version: String,
    /// Whose it is: the `org` of the tokens.
    pub org: String,
    /// Of whom, the token's `sub`; `None` for all of the organization.
    pub subject: Option<String>,
    /// When it was begun, Unix milliseconds. What is committed later may be missing.
    pub begun_ms: u64,
    /// Rooms.
    pub rooms: u64,
    /// Events of rooms.
    pub events: u64,
    /// Events that are stored and can't be read.
    pub damaged: u64,
    /// Files.
    pub files: u64,
    /// Rooms of which it can't be read who is in them.
    pub damaged_rooms: u64,
    /// Files that messages carry and that aren't there, or can't be read.
    pub missing_files: u64,
    /// Copies of what was deleted while it was held.
    pub held: u64,
}

/// Where an export is with what it has found.
struct Export {
    node: Arc<Node>,
    org: OrgId,
    /// Only what this user has written.
    by: Option<UserId>,
    folder: Folder,
    files: BTreeSet<BlobHash>,
    summary: Summary,
}

/// Exports an organization, or one of its users. Blocks where it writes.
pub(crate) async fn export(
    node: Arc<Node>,
    org: &str,
    subject: Option<&str>,
    to: &Path,
) -> Result<Summary, ExportError> {
    let id = identity::org_id(org);
    let by = subject.map(|subject| identity::user_id(id, subject));
    if let Some(user) = by
        && node.user_row(id, user).await?.is_none()
    {
        return Err(ExportError::NoUser);
    }
    let summary = Summary {
        format: 1,
        version: env!("CARGO_PKG_VERSION").into(),
        org: org.into(),
        subject: subject.map(Into::into),
        begun_ms: clock::unix_ms(),
        ..Summary::default()
    };
    let (folder, files) = (Folder::new(to)?, BTreeSet::new());
    let mut export = Export { node, org: id, by, folder, files, summary };
    export.users().await?;
    match by {
        Some(user) => export.own(user).await?,
        None => export.organization().await?,
    }
    export.rooms().await?;
    if by.is_none() {
        // Last: what is deleted while rooms are read is here.
        export.held().await?;
    }
    export.write_files().await?;
    export.folder.finish(&export.summary)?;
    Ok(export.summary)
}

impl Export {
    async fn users(&mut self) -> Result<(), ExportError> {
        let mut file = self.folder.lines("users.jsonl")?;
        for user in self.node.users_of_org(self.org).await? {
            let is_meant = self.by.is_none_or(|by| by.as_bytes()[..] == user.id[..]);
            if !is_meant {
                continue;
            }
            self.picture_of(&user);
            file.message("parlour.user.v1.User", user.encode_to_vec().into())?;
        }
        file.finish()
    }

    fn picture_of(&mut self, user: &User) {
        let avatar = user.profile.as_ref().and_then(|profile| profile.avatar.as_ref());
        self.files.extend(avatar.and_then(|hash| BlobHash::parse(hash).ok()));
    }

    async fn write_files(&mut self) -> Result<(), ExportError> {
        for hash in std::mem::take(&mut self.files) {
            match self.write_file(hash).await? {
                true => self.summary.files += 1,
                false => self.summary.missing_files += 1,
            }
        }
        Ok(())
    }

    /// Whether it is there.
    async fn write_file(&mut self, hash: BlobHash) -> Result<bool, ExportError> {
        let key = BlobKey { org: self.org, hash };
        // One that can't be read doesn't keep the others.
        let Ok(Some(mut download)) = self.node.open_file(key).await else { return Ok(false) };
        let name = format!("files/{hash}");
        let mut file = self.folder.bytes(&name)?;
        loop {
            match download.read().await {
                Ok(bytes) if bytes.is_empty() => {
                    file.finish()?;
                    return Ok(true);
                }
                Ok(bytes) => file.write(&bytes)?,
                Err(_) => {
                    file.finish()?;
                    self.folder.remove(&name)?;
                    return Ok(false);
                }
            }
        }
    }
}
