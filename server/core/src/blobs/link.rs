//! Links: sealed tokens that stand for an attachment, or for an upload, in an address.

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, UserId},
    limits::LINK_FOR,
    wire::{BlobDownload, BlobUpload, Error},
};
use prost::Message;

use super::Owner;
use crate::{
    admission::revoked_key,
    draft::store_error,
    identity,
    node::{Caller, Node},
    ports::store::StoreError,
    records::RevokedRow,
    tables::Table,
};

/// What sealed links begin with: no other sealed token does.
const MARK: u8 = 0xff;

/// What a link stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// An attachment to fetch.
    Attachment(LinkedAttachment),
    /// A file to upload.
    Upload(LinkedUpload),
}

/// An attachment to fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedAttachment {
    /// For whom.
    pub owner: Owner,
    /// Which.
    pub download: BlobDownload,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedUpload {
    /// For whom.
    pub owner: Owner,
    /// What was announced.
    pub upload: BlobUpload,
}

#[derive(Clone, PartialEq, Message)]
struct Sealed {
    #[prost(bytes = "bytes", tag = "1")]
    org: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    user: Bytes,
    #[prost(uint64, tag = "3")]
    expires_at_ms: u64,
    #[prost(message, optional, tag = "4")]
    download: Option<BlobDownload>,
    #[prost(message, optional, tag = "5")]
    upload: Option<BlobUpload>,
    #[prost(bytes = "bytes", tag = "6")]
    session: Bytes,
    // When the token of whoever asked for the link was issued, and the key of its name.
    #[prost(uint64, tag = "7")]
    issued_at_ms: u64,
    #[prost(bytes = "bytes", tag = "8")]
    token: Bytes,
}

impl Node {
    /// A sealed link, and when it ends.
    pub(crate) fn link(&self, caller: &Caller, link: Link) -> (Vec<u8>, u64) {
        let expires_at_ms = self.now().unix_ms + LINK_FOR.as_millis() as u64;
        let (owner, download, upload) = match link {
            Link::Attachment(link) => (link.owner, Some(link.download), None),
            Link::Upload(link) => (link.owner, None, Some(link.upload)),
        };
        let (org, user) = (owner.org.to_field(), owner.user.to_field());
        let (issued_at_ms, token) = caller.with_auth(|auth| {
            let token = auth.token_id.as_deref().map(identity::token_key);
            (auth.issued_at_ms, token.map(|key| Bytes::copy_from_slice(&key)).unwrap_or_default())
        });
        let session = caller.session.to_field();
        let sealed =
            Sealed { org, user, expires_at_ms, download, upload, session, issued_at_ms, token };
        let mut plain = vec![MARK];
        plain.extend(sealed.encode_to_vec());
        (self.sealer.seal(&plain), expires_at_ms)
    }

    /// What a link stands for; `None` if it isn't one of ours, its time is over, or whoever asked for it
    /// was revoked since.
    pub async fn open_link(&self, sealed: &[u8]) -> Result<Option<Link>, Error> {
        let Some((link, sealed)) = self.unseal(sealed) else { return Ok(None) };
        let (Link::Attachment(LinkedAttachment { owner, .. })
        | Link::Upload(LinkedUpload { owner, .. })) = &link;
        let directory = self.directory(owner.org).await.map_err(store_error)?;
        if directory.read(|directory| directory.is_deactivated(owner.user)) {
            return Ok(None);
        }
        let keys = [
            Some(revoked_key(owner.org, b'u', owner.user.to_bytes())),
            sealed.session[..].try_into().ok().map(|id| revoked_key(owner.org, b's', id)),
            sealed.token[..].try_into().ok().map(|id| revoked_key(owner.org, b't', id)),
        ];
        for key in keys.into_iter().flatten() {
            let row = self.store.get(Table::REVOKED, &key).await.map_err(store_error)?;
            let row = row.map(RevokedRow::decode).transpose();
            let row = row.map_err(|_| store_error(StoreError::Damaged))?;
            // A user's row is about the tokens issued up to then; the others are for ever.
            if row.is_some_and(|row| key[16] != b'u' || sealed.issued_at_ms <= row.at_ms) {
                return Ok(None);
            }
        }
        Ok(Some(link))
    }

    fn unseal(&self, sealed: &[u8]) -> Option<(Link, Sealed)> {
        let plain = self.sealer.open(sealed)?;
        let (&MARK, plain) = plain.split_first()? else { return None };
        let sealed = Sealed::decode(plain).ok()?;
        if self.now().unix_ms >= sealed.expires_at_ms {
            return None;
        }
        let org = OrgId::parse(&sealed.org).ok()?;
        let owner = Owner { org, user: UserId::parse(&sealed.user).ok()? };
        let link = match (sealed.download.clone(), sealed.upload.clone()) {
            (Some(download), None) => Link::Attachment(LinkedAttachment { owner, download }),
            (None, Some(upload)) => Link::Upload(LinkedUpload { owner, upload }),
            _ => return None,
        };
        Some((link, sealed))
    }
}
