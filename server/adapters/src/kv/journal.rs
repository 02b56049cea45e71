//! The journal in front of an engine whose own sync is slow: two preallocated files, written in
//! turn, one checksummed entry and one `fdatasync` per group. The engine is applied behind it
//! and synced now and then; what it lost is replayed from here.
//!
//! Checksums begin with a random salt: a message body that looks like an entry isn't taken for
//! one when a torn file is read.

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt, path::Path};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{engine::Writes, folder::sync_dir};
use crate::limits::JOURNAL_FILE_BYTES;

#[cfg(test)]
#[path = "journal_tests.rs"]
mod journal_tests;

const NAMES: [&str; 2] = ["journal.0", "journal.1"];
/// Entries begin on sectors, so that no sector of an acknowledged entry is written again.
const SECTOR: u64 = 512;
/// Salt and its checksum, alone in the first page of each file.
const HEADER_BYTES: u64 = 4096;
/// Mark, length, commit, checksum.
const ENTRY_HEADER_BYTES: usize = 4 + 4 + 8 + 4;
const MARK: u32 = 0x504a_4e4c;
/// Stands for the length of a value that isn't there.
const REMOVED: u32 = u32::MAX;

/// The journal's files and where the next entry goes.
#[derive(Debug)]
pub(crate) struct Journal {
    files: [File; 2],
    salt: u32,
    active: usize,
    at: u64,
    /// The last commit in each file.
    last: [u64; 2],
}

/// Why an entry wasn't written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The other file still holds this commit, which the engine has to make durable first.
    Until(u64),
    /// It is larger than a file.
    TooLarge,
}

impl Journal {
    /// Opens the journal in `folder`, or makes it. Returns its entries by commit too.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, BTreeMap<u64, Bytes>)> {
        let salts: Vec<Option<u32>> =
            NAMES.iter().map(|name| read_salt(&folder.join(name))).collect();
        let mut entries = BTreeMap::new();
        // Where one header can't be read, the other file's says whether this was a journal: then it has
        // entries under that salt.
        let salt = match salts[..] {
            [Some(salt), Some(other)] if salt == other => Some(salt),
            [Some(salt), None] | [None, Some(salt)] => Some(salt),
            _ => None,
        };
        let are_there = NAMES.iter().all(|name| folder.join(name).is_file());
        if let Some(salt) = salt.filter(|_| are_there) {
            let files = [open_file(&folder.join(NAMES[0]))?, open_file(&folder.join(NAMES[1]))?];
            for file in &files {
                entries.append(&mut read_entries(file, salt)?);
            }
            let is_whole = !salts.contains(&None);
            if is_whole || !entries.is_empty() {
                if !is_whole {
                    tracing::error!("a header of the journal was damaged; it is written again");
                    write_headers(&files, salt)?;
                }
                let journal = Journal { files, salt, active: 0, at: HEADER_BYTES, last: [0; 2] };
                return Ok((journal, entries));
            }
        }
        // Not there, or its making was cut short, or damaged: what it may have held is missed
        // by whoever compares commit numbers.
        Ok((Journal::make(folder)?, entries))
    }

    fn make(folder: &Path) -> io::Result<Self> {
        let mut salt = [0; 4];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let header = header(salt);
        let make = |name: &str| {
            let file = File::options()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(folder.join(name))?;
            // Written, not only sized: a sync then has no block to find and no length to note.
            file.write_all_at(&vec![0; JOURNAL_FILE_BYTES as usize], 0)?;
            file.write_all_at(&header, 0)?;
            file.sync_all()?;
            Ok::<_, io::Error>(file)
        };
        let files = [make(NAMES[0])?, make(NAMES[1])?];
        sync_dir(folder)?;
        let salt = u32::from_be_bytes(salt);
        Ok(Journal { files, salt, active: 0, at: HEADER_BYTES, last: [0; 2] })
    }

    /// Writes one entry and makes it durable. `durable` is the last commit that the engine
    /// holds by itself.
    pub(crate) fn append(
        &mut self,
        commit: u64,
        payload: &[u8],
        durable: u64,
    ) -> io::Result<Result<(), Full>> {
        let size = (ENTRY_HEADER_BYTES + payload.len()) as u64;
        let size = size.next_multiple_of(SECTOR);
        if HEADER_BYTES + size > JOURNAL_FILE_BYTES {
            return Ok(Err(Full::TooLarge));
        }
        if self.at + size > JOURNAL_FILE_BYTES {
            let other = 1 - self.active;
            if self.last[other] > durable {
                return Ok(Err(Full::Until(self.last[other])));
            }
            self.active = other;
            self.at = HEADER_BYTES;
        }
        let mut entry = Vec::with_capacity(size as usize);
        entry.put_u32(MARK);
        entry.put_u32(payload.len() as u32);
        entry.put_u64(commit);
        entry.put_u32(checksum(self.salt, commit, payload));
        entry.put_slice(payload);
        entry.resize(size as usize, 0);
        let file = &self.files[self.active];
        file.write_all_at(&entry, self.at)?;
        file.sync_data()?;
        self.at += size;
        self.last[self.active] = commit;
        Ok(Ok(()))
    }
}

/// Writes as an entry's payload.
pub fn encode(writes: &Writes) -> Bytes {
    let size = |(key, value): (&Vec<u8>, &Option<Bytes>)| {
        6 + key.len() + value.as_ref().map_or(0, Bytes::len)
    };
    let mut out = BytesMut::with_capacity(writes.iter().map(size).sum());
    for (key, value) in writes {
        out.put_u16(key.len() as u16);
        out.put_slice(key);
        match value {
            Some(value) => {
                out.put_u32(value.len() as u32);
                out.put_slice(value);
            }
            None => out.put_u32(REMOVED),
        }
    }
    out.freeze()
}

/// The inverse of [`encode`]; `None` for what it never made.
pub fn decode(mut payload: Bytes) -> Option<Writes> {
    let mut writes = Writes::new();
    while payload.has_remaining() {
        let key_len = usize::from(payload.try_get_u16().ok()?);
        if payload.remaining() < key_len {
            return None;
        }
        let key = payload.split_to(key_len).to_vec();
        let value = match payload.try_get_u32().ok()? {
            REMOVED => None,
            len if payload.remaining() < len as usize => return None,
            len => Some(payload.split_to(len as usize)),
        };
        writes.insert(key, value);
    }
    Some(writes)
}

fn checksum(salt: u32, commit: u64, payload: &[u8]) -> u32 {
    let salted = crc32c::crc32c(&salt.to_be_bytes());
    let numbered = crc32c::crc32c_append(salted, &commit.to_be_bytes());
    crc32c::crc32c_append(numbered, payload)
}

fn open_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

/// The salt of a file that was made completely.
fn header(salt: [u8; 4]) -> Vec<u8> {
    let mut header = Vec::new();
    header.put_slice(&salt);
    header.put_u32(crc32c::crc32c(&salt));
    header
}

fn write_headers(files: &[File], salt: u32) -> io::Result<()> {
    for file in files {
        file.write_all_at(&header(salt.to_be_bytes()), 0)?;
        file.sync_all()?;
    }
    Ok(())
}

fn read_salt(path: &Path) -> Option<u32> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() != JOURNAL_FILE_BYTES {
        return None;
    }
    let mut header = [0; 8];
    file.read_exact_at(&mut header, 0).ok()?;
    let mut rest = &header[..];
    let salt = rest.get_u32();
    (rest.get_u32() == crc32c::crc32c(&header[..4])).then_some(salt)
}

/// Every whole entry of a file, older generations included.
fn read_entries(file: &File, salt: u32) -> io::Result<BTreeMap<u64, Bytes>> {
    let mut all = vec![0; JOURNAL_FILE_BYTES as usize];
    file.read_exact_at(&mut all, 0)?;
    let all = Bytes::from(all);
    let mut entries = BTreeMap::new();
    let mut at = HEADER_BYTES as usize;
    while at + ENTRY_HEADER_BYTES <= all.len() {
        match read_entry(&all.slice(at..), salt) {
            Some((commit, payload)) => {
                at += (ENTRY_HEADER_BYTES + payload.len()).next_multiple_of(SECTOR as usize);
                entries.insert(commit, payload);
            }
            None => at += SECTOR as usize,
        }
    }
    Ok(entries)
}

fn read_entry(bytes: &Bytes, salt: u32) -> Option<(u64, Bytes)> {
    let mut rest = bytes.clone();
    if rest.get_u32() != MARK {
        return None;
    }
    let (len, commit, crc) = (rest.get_u32() as usize, rest.get_u64(), rest.get_u32());
    if len > rest.remaining() {
        return None;
    }
    let payload = rest.split_to(len);
    (checksum(salt, commit, &payload) == crc).then_some((commit, payload))
}
