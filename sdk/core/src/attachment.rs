//! Attachments: files that messages carry.

use std::fmt;

use parlour_protocol::{
    blob::{self, Blob},
    ids::BlobHash,
};

/// A file of a message, or one that was uploaded and can be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The SHA-256 of its bytes.
    pub hash: BlobHash,
    /// How many there are.
    pub size: u64,
    /// What it is called, without a path; empty for what has no name.
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// In pixels; 0 where there is nothing to see, or nobody knows.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Of sound and video, in milliseconds; 0 where nobody knows.
    pub duration_ms: u64,
    /// How loud it is from begin to end, each of 255: at most 128 values.
    pub waveform: Vec<u8>,
    /// There is a smaller picture of it.
    pub has_preview: bool,
    /// What it shows, for those who can't see it: at most 1 KiB.
    pub description: String,
    /// It was spoken into the message.
    pub is_voice: bool,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it is called is the user's: never in a log.
        f.debug_struct("Attachment")
            .field("hash", &self.hash)
            .field("size", &self.size)
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

impl Attachment {
    /// What the server says of bytes, without a name; `None` where it names none.
    pub fn of_blob(blob: Blob) -> Option<Self> {
        Some(Attachment {
            hash: BlobHash::parse(&blob.hash).ok()?,
            size: blob.size,
            name: String::new(),
            media_type: blob.media_type,
            width: blob.width,
            height: blob.height,
            duration_ms: blob.duration_ms,
            waveform: blob.waveform.to_vec(),
            has_preview: blob.has_preview,
            description: String::new(),
            is_voice: false,
        })
    }

    /// An attachment of a message's body; `None` for one without bytes.
    pub fn from_wire(wire: blob::Attachment) -> Option<Self> {
        let attachment = Attachment::of_blob(wire.blob?)?;
        let (name, description, is_voice) = (wire.name, wire.description, wire.is_voice);
        Some(Attachment { name, description, is_voice, ..attachment })
    }

    /// Its name as one that is safe in a folder: without a path, never hidden, never empty. Other
    /// people have chosen it.
    pub fn file_name(&self) -> String {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_safe = |c: &char| !c.is_control() && !"<>:\"|?*".contains(*c);
        let name: String = name.chars().filter(is_safe).collect();
        let name = name.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
        match name.is_empty() {
            true => format!("attachment-{}", &self.hash.to_string()[..8]),
            false => name.to_owned(),
        }
    }

    /// As it stands in a message's body.
    pub fn to_wire(&self) -> blob::Attachment {
        let blob = Blob {
            hash: self.hash.to_field(),
            size: self.size,
            media_type: self.media_type.clone(),
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            waveform: self.waveform.clone().into(),
            has_preview: self.has_preview,
        };
        let (name, description) = (self.name.clone(), self.description.clone());
        blob::Attachment { blob: Some(blob), name, description, is_voice: self.is_voice }
    }
}

/// Those of a message's body.
pub(crate) fn attachments(wire: Vec<blob::Attachment>) -> Vec<Attachment> {
    wire.into_iter().filter_map(Attachment::from_wire).collect()
}

#[cfg(test)]
#[path = "attachment_tests.rs"]
mod tests;
