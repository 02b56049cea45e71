//! Links: sealed tokens that stand for an attachment, or for an upload, in an address.

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, UserId},
    limits::LINK_FOR,
    wire::{BlobDownload, BlobUpload},
};
use prost::Message;

use super::Owner;
use crate::node::Node;

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
}

impl Node {
    /// A sealed link, and when it ends.
    pub(crate) fn link(&self, link: Link) -> (Vec<u8>, u64) {
        let expires_at_ms = self.now().unix_ms + LINK_FOR.as_millis() as u64;
        let (owner, download, upload) = match link {
            Link::Attachment(link) => (link.owner, Some(link.download), None),
            Link::Upload(link) => (link.owner, None, Some(link.upload)),
        };
        let (org, user) = (owner.org.to_field(), owner.user.to_field());
        let sealed = Sealed { org, user, expires_at_ms, download, upload };
        let mut plain = vec![MARK];
        plain.extend(sealed.encode_to_vec());
        (self.sealer.seal(&plain), expires_at_ms)
    }

    /// What a link stands for; `None` if it isn't one of ours, or its time is over.
    pub fn open_link(&self, sealed: &[u8]) -> Option<Link> {
        let plain = self.sealer.open(sealed)?;
        let (&MARK, plain) = plain.split_first()? else { return None };
        let sealed = Sealed::decode(plain).ok()?;
        if self.now().unix_ms >= sealed.expires_at_ms {
            return None;
        }
        let org = OrgId::parse(&sealed.org).ok()?;
        let owner = Owner { org, user: UserId::parse(&sealed.user).ok()? };
        match (sealed.download, sealed.upload) {
            (Some(download), None) => Some(Link::Attachment(LinkedAttachment { owner, download })),
            (None, Some(upload)) => Some(Link::Upload(LinkedUpload { owner, upload })),
            _ => None,
        }
    }
}
