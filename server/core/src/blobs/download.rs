//! Downloads: whether the message is there, carries the attachment, and is the caller's to read. And
//! pictures, of a room or of everyone's.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    blob::{Blob, Variant},
    event::FLAG_ERASED,
    ids::RoomId,
    wire::{BlobDownload, Error, Event, EventHeader},
};
use prost::Message;

use super::{Owner, blob_error, blob_not_found, hash_field, rows::blob_row};
use crate::{
    draft::{room_not_found, store_error},
    kit::id_field,
    limits::BLOB_LOOKED_AT_EVERY_BYTES,
    node::Node,
    pictures::is_shown,
    ports::{
        blobs::{BlobKey, Download},
        store::{LogKey, ReadRange, Store, StoreError},
    },
    rooms::RoomCell,
};

/// A download under way.
pub struct Downloading {
    download: Box<dyn Download>,
    // The room that the user is in, of what isn't everyone's.
    cell: Option<Arc<RoomCell>>,
    owner: Owner,
    request: BlobDownload,
    offset: u64,
    left: u64,
    // Bytes until it is looked again whether the message is still there.
    unseen: u64,
    media_type: String,
}

impl Node {
    /// Opens an attachment of a message.
    pub async fn begin_download(
        &self,
        owner: Owner,
        request: BlobDownload,
    ) -> Result<Downloading, Error> {
        let hash = hash_field("hash", &request.hash)?;
        let variant = Variant::try_from(request.variant)
            .map_err(|_| Error::invalid("variant", "is not known"))?;
        let (cell, blob) = self.attachment(owner, &request).await?;
        if variant == Variant::Preview && !blob.has_preview {
            return Err(blob_not_found());
        }
        let (key, offset) = (BlobKey { org: owner.org, hash }, request.offset);
        let download = self.attachments.store.open(key, variant, offset);
        let download = download.await.map_err(blob_error)?;
        let size = download.size();
        if offset > size {
            return Err(Error::invalid("offset", "is behind the end"));
        }
        let left = match request.length {
            0 => size - offset,
            length => length.min(size - offset),
        };
        let media_type = download.media_type().unwrap_or(&blob.media_type).to_owned();
        let unseen = BLOB_LOOKED_AT_EVERY_BYTES;
        Ok(Downloading { download, cell, owner, request, offset, left, unseen, media_type })
    }

    /// What is known of an attachment or picture, if the user may read a message that carries it, or see
    /// it; and the room they have to be in for that.
    pub(crate) async fn attachment(
        &self,
        owner: Owner,
        named: &BlobDownload,
    ) -> Result<(Option<Arc<RoomCell>>, Blob), Error> {
        let hash = hash_field("hash", &named.hash)?;
        let key = BlobKey { org: owner.org, hash };
        let blob = async || {
            let blob = blob_row(&*self.store, key).await.map_err(store_error)?;
            blob.ok_or_else(blob_not_found)
        };
        if named.room.is_empty() && named.seq == 0 {
            return match is_shown(&*self.store, key).await.map_err(store_error)? {
                true => Ok((None, blob().await?)),
                false => Err(blob_not_found()),
            };
        }
        let room = id_field("room", RoomId::parse(&named.room))?;
        let cell = self.room(owner.org, room).await.map_err(store_error)?;
        let cell = cell.filter(|cell| cell.is_member(owner.user)).ok_or_else(room_not_found)?;
        let is_there = match named.seq {
            0 => cell.read(|state| state.group.avatar == Some(hash)),
            seq => {
                let header = header_at(&*self.store, room, seq).await.map_err(store_error)?;
                let header = header.filter(|header| header.flags & FLAG_ERASED == 0);
                let is_it = |carried: &Bytes| carried[..] == hash.as_bytes()[..];
                header.is_some_and(|header| header.attachments.iter().any(is_it))
            }
        };
        if !is_there {
            return Err(blob_not_found());
        }
        Ok((Some(cell), blob().await?))
    }
}

async fn header_at(
    store: &dyn Store,
    room: RoomId,
    seq: u64,
) -> Result<Option<EventHeader>, StoreError> {
    let range =
        ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: usize::MAX };
    let read = store.read(LogKey::Room(room), range).await?;
    let Some(stored) = read.into_iter().next() else { return Ok(None) };
    let record = stored.record.ok_or(StoreError::Damaged)?;
    let event = Event::decode(record).map_err(|_| StoreError::Damaged)?;
    Ok(event.header)
}

impl Downloading {
    /// Where its bytes begin.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// How large the whole is.
    pub fn size(&self) -> u64 {
        self.download.size()
    }

    /// What kind it is.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The next bytes, empty at the end. Who was removed from the room gets no more, and of a message
    /// that was deleted there is soon no more.
    pub async fn read(&mut self, node: &Node) -> Result<Bytes, Error> {
        if self.left == 0 {
            return Ok(Bytes::new());
        }
        if self.cell.as_ref().is_some_and(|cell| !cell.is_member(self.owner.user)) {
            return Err(room_not_found());
        }
        if self.unseen == 0 {
            node.attachment(self.owner, &self.request).await?;
            self.unseen = BLOB_LOOKED_AT_EVERY_BYTES;
        }
        let mut bytes = self.download.read().await.map_err(blob_error)?;
        bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= bytes.len() as u64;
        self.unseen = self.unseen.saturating_sub(bytes.len() as u64);
        Ok(bytes)
    }
}
