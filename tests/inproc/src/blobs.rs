//! Files up and down, and what nobody uses any more.

use std::sync::Arc;

use bytes::Bytes;
use parlour_core::{
    blobs::{Begun, Owner, Swept},
    draft::{Draft, Submission, Submit, Then},
};
use parlour_protocol::{
    blob::{Attachment, Blob},
    message::{MessagePosted, SendRequest},
    wire::{BlobDownload, BlobUpload, Error},
};
use prost::Message;

use crate::{Server, message};

/// An announcement.
pub fn announce(upload: u8, bytes: &[u8]) -> BlobUpload {
    BlobUpload {
        upload: Bytes::copy_from_slice(&[upload; 16]),
        size: bytes.len() as u64,
        media_type: "text/plain".into(),
        sha256: Bytes::new(),
    }
}

/// A message with attachments.
pub fn carrying(server: &mut Server, room: &Bytes, text: &str, blobs: &[Blob]) -> SendRequest {
    let attachment = |blob: &Blob| Attachment { blob: Some(blob.clone()), ..Attachment::default() };
    let described = blobs.iter().map(attachment).collect();
    let posted =
        MessagePosted { text: text.into(), attachments: described, ..MessagePosted::default() };
    let attachments = blobs.iter().map(|blob| blob.hash.clone()).collect();
    SendRequest { body: posted.encode_to_vec().into(), attachments, ..message(server, room, text) }
}

impl Server {
    pub fn owner(&self, client: usize) -> Owner {
        let caller = &self.clients[client].caller;
        Owner { org: caller.org, user: caller.user }
    }

    pub fn upload(&mut self, client: usize, upload: u8, bytes: &[u8]) -> Result<Blob, Error> {
        self.upload_as(client, announce(upload, bytes), bytes)
    }

    pub fn upload_as(
        &mut self,
        client: usize,
        request: BlobUpload,
        bytes: &[u8],
    ) -> Result<Blob, Error> {
        let (owner, node) = (self.owner(client), self.node.clone());
        let begun = self.runtime.block_on(node.begin_upload(owner, request))?;
        let mut uploading = match begun {
            Begun::Known(blob, draft) => {
                self.commit(draft);
                return Ok(*blob);
            }
            Begun::Open(uploading) => uploading,
        };
        let rest = Bytes::copy_from_slice(&bytes[uploading.offset() as usize..]);
        self.runtime.block_on(uploading.write(rest))?;
        let (examined, due) = self.runtime.block_on(uploading.examine(&node))?;
        self.commit(due);
        // Keeping takes its time.
        self.advance(std::time::Duration::from_millis(1));
        let (blob, drafts) = self.runtime.block_on(examined.keep(&node))?;
        drafts.into_iter().for_each(|draft| self.commit(draft));
        Ok(blob)
    }

    fn commit(&mut self, draft: Draft) {
        let then = Then::Callback(Box::new(|result| drop(result.unwrap())));
        self.hub.handle_submission(Submission { draft, then });
        self.run();
    }

    pub fn download(
        &mut self,
        client: usize,
        room: &Bytes,
        seq: u64,
        hash: &Bytes,
    ) -> Result<Vec<u8>, Error> {
        let (room, hash) = (room.clone(), hash.clone());
        let request = BlobDownload { room, seq, hash, ..BlobDownload::default() };
        let (owner, node) = (self.owner(client), self.node.clone());
        self.runtime.block_on(async {
            let mut downloading = node.begin_download(owner, request).await?;
            let mut all = vec![];
            while downloading.left() > 0 {
                all.extend(downloading.read(&node).await?);
            }
            Ok(all)
        })
    }

    pub fn opens_link(&mut self, sealed: &[u8]) -> bool {
        let node = self.node.clone();
        self.runtime.block_on(node.open_link(sealed)).unwrap().is_some()
    }

    /// Looks after attachments, as the server does every ten minutes.
    pub fn sweep(&mut self) -> Swept {
        let hub: Arc<dyn Submit> = self.queue.clone();
        let (node, now) = (self.node.clone(), {
            use parlour_core::ports::clock::Clock;
            self.hand.now()
        });
        let swept = self.runtime.block_on(node.sweep_blobs(&hub, now)).unwrap();
        self.run();
        swept
    }
}
