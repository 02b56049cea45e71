//! Reading a blob piece by piece.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use bytes::Bytes;
use parlour_core::ports::{
    Task,
    blobs::{BlobError, Download},
};
use parlour_protocol::blob::Variant;

use super::{blocking, failed};
use crate::limits::PIECE_BYTES;

/// A file that is being read.
pub(super) struct Reading {
    file: Option<File>,
    size: u64,
    media_type: Option<&'static str>,
}

impl Reading {
    pub(super) fn open(path: &Path, variant: Variant, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut start = [0; 8];
        let media_type = match variant {
            Variant::Unspecified => None,
            Variant::Preview => {
                let read = file.read(&mut start)?;
                Some(crate::examine::preview_type(&start[..read]))
            }
        };
        file.seek(SeekFrom::Start(offset.min(size)))?;
        Ok(Reading { file: Some(file), size, media_type })
    }
}

impl Download for Reading {
    fn size(&self) -> u64 {
        self.size
    }

    fn media_type(&self) -> Option<&str> {
        self.media_type
    }

    fn read(&mut self) -> Task<'_, Result<Bytes, BlobError>> {
        let file = self.file.take();
        Box::pin(async move {
            let mut file = file.ok_or(BlobError::Unavailable)?;
            let read = blocking(move || {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                (&mut file)
                    .take(PIECE_BYTES as u64)
                    .read_to_end(&mut piece)
                    .map_err(|error| failed(&error))?;
                Ok((file, piece))
            });
            let (file, piece) = read.await?;
            self.file = Some(file);
            Ok(piece.into())
        })
    }
}
