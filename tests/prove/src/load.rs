//! The load that crashes are survived under: a child process in which sixteen writers append
//! to eight rooms and say on stdout what was acknowledged. Everything a batch holds follows
//! from (room, writer, n), so that whoever reads the store can tell right from wrong.

use std::{io::Write, path::PathBuf, sync::Arc};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use parlour_adapters::Kind;
use parlour_core::{
    ports::store::{Append, Batch, LogKey, Put, Refusal, Shard, Store},
    tables::Table,
};
use parlour_protocol::ids::RoomId;

use crate::{rng::Rng, store};

pub(crate) const ROOMS: u8 = 8;
pub(crate) const WRITERS: u8 = 16;
const HEADER_BYTES: usize = 15;

/// The room with this number.
pub(crate) fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

/// What one record says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) room: u8,
    pub(crate) writer: u8,
    /// Which batch of this writer; from 1 up.
    pub(crate) n: u64,
    /// Which record of the batch, and of how many.
    pub(crate) index: u8,
    pub(crate) of: u8,
}

impl Tag {
    /// The record that belongs to this tag.
    pub(crate) fn record(self) -> Bytes {
        let mut rng = self.rng();
        let len = match rng.below(100) {
            // Bodies of up to 60 KiB.
            0..5 => 4_000 + rng.below(57_440),
            _ => rng.below(400),
        };
        let mut out = BytesMut::new();
        out.put_u8(self.room);
        out.put_u8(self.writer);
        out.put_u64(self.n);
        out.put_u8(self.index);
        out.put_u8(self.of);
        out.put_bytes(0, HEADER_BYTES - 12);
        out.put_slice(&rng.bytes(len as usize));
        out.freeze()
    }

    /// The tag of a record, if it is exactly what that tag makes.
    pub(crate) fn of_record(record: &Bytes) -> Option<Tag> {
        let mut rest = record.get(..HEADER_BYTES)?;
        let tag = Tag {
            room: rest.get_u8(),
            writer: rest.get_u8(),
            n: rest.get_u64(),
            index: rest.get_u8(),
            of: rest.get_u8(),
        };
        (tag.record() == *record).then_some(tag)
    }

    fn rng(self) -> Rng {
        let place = u64::from_be_bytes([0, 0, 0, 0, self.room, self.writer, self.index, self.of]);
        Rng::new(self.n.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ place)
    }
}

/// The key of the row that says a batch was written; its value is the first sequence number.
pub(crate) fn sent_key(room_no: u8, writer: u8, n: u64) -> Bytes {
    let mut key = BytesMut::from(&room(room_no).to_bytes()[..]);
    key.put_u8(writer);
    key.put_u64(n);
    key.freeze()
}

/// The key of the row with a writer's last n.
pub(crate) fn last_key(room_no: u8, writer: u8) -> Bytes {
    let mut key = BytesMut::from(&room(room_no).to_bytes()[..]);
    key.put_u8(writer);
    key.freeze()
}

/// The batch a writer sends as its `n`th, after `expected` records in the room.
pub(crate) fn batch(room_no: u8, writer: u8, n: u64, expected: u64) -> Batch {
    let of = 1 + (n % 3) as u8;
    let records = (0..of).map(|index| Tag { room: room_no, writer, n, index, of }.record());
    let mut batch = Batch::new(Shard::Room(room(room_no)));
    batch.absent = vec![(Table::SENDS, sent_key(room_no, writer, n))];
    batch.appends = vec![Append {
        log: LogKey::Room(room(room_no)),
        expected_seq: expected,
        records: records.collect(),
        state: Bytes::copy_from_slice(&(expected + u64::from(of)).to_be_bytes()),
    }];
    let number = |n: u64| Some(Bytes::copy_from_slice(&n.to_be_bytes()));
    batch.puts = vec![
        Put { table: Table::SENDS, key: sent_key(room_no, writer, n), value: number(expected + 1) },
        Put { table: Table::LAST_SENT, key: last_key(room_no, writer), value: number(n) },
    ];
    batch
}

/// The child: opens the store, says so, writes until it is killed.
pub(crate) fn child(words: &[String]) {
    let [kind, path] = words else { panic!("child-load KIND PATH") };
    let kind: Kind = kind.parse().expect("the parent passes a kind");
    let runtime = store::runtime();
    say("opening");
    let options = store::options(&PathBuf::from(path));
    match store::open(&runtime, kind, options) {
        Ok(store) => {
            say("open");
            runtime.block_on(write_for_ever(store));
        }
        // The parent opens it again and sees for itself.
        Err(error) => say(&format!("failed {error}")),
    }
}

async fn write_for_ever(store: Arc<dyn Store>) {
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer)));
    for writer in writers.collect::<Vec<_>>() {
        let _ = writer.await;
    }
}

async fn write(store: Arc<dyn Store>, writer: u8) {
    let room_no = writer % ROOMS;
    let last = store.get(Table::LAST_SENT, &last_key(room_no, writer)).await;
    let last = last.expect("the store was just opened");
    let first = last.map_or(1, |mut last| last.get_u64() + 1);
    let mut expected = 0;
    for n in first.. {
        loop {
            let sent = batch(room_no, writer, n, expected);
            let added = sent.appends[0].records.len() as u64;
            match store.append(vec![sent]).await.map(|mut results| results.remove(0)) {
                Ok(Ok(())) => {
                    say(&format!("acked {room_no} {writer} {n} {}", expected + 1));
                    expected += added;
                    break;
                }
                Ok(Err(Refusal::HeadMoved { actual, .. })) => expected = actual,
                other => return say(&format!("failed {other:?}")),
            }
        }
    }
}

/// One line, written at once: what isn't in the pipe wasn't said.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}
