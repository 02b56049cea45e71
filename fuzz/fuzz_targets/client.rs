//! Any bytes as what a server says to the client's core, and as what its cache has kept: no panic, and
//! what is read is written as what it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlour_protocol::prost::bytes::Bytes;
use parlour_sdk_core::{
    cache::{Meta, RoomRecord},
    event::{LogEvent, events_in, pack, submessages, unpack},
    lanes::{BulkLane, EventLane, datagram},
    outbox::Entry,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (at, bytes) = input;
    let whole = Bytes::copy_from_slice(bytes);
    lanes(usize::from(at).min(bytes.len()), bytes);
    let _ = datagram(whole.clone());
    let _ = submessages(u32::from(at), &whole);
    let _ = events_in(u32::from(at), &whole);
    if let Ok(event) = LogEvent::parse(whole.clone()) {
        let _ = (event.decoded(), event.mention_groups(), event.deleted().len());
        let erased = event.erased();
        assert!(erased.is_erased() && erased.seq() == event.seq());
        assert_eq!(unpack(pack([&event])).expect("it was packed").len(), 1);
    }
    if let Ok(events) = unpack(whole) {
        assert_eq!(unpack(pack(&events)).expect("they were packed").len(), events.len());
    }
    if let Ok(entry) = Entry::decode(bytes) {
        let again = Entry::decode(&entry.encode()).expect("it was written");
        assert_eq!(again.client_ref, entry.client_ref);
    }
    if let Ok(record) = RoomRecord::decode(bytes) {
        let again = RoomRecord::decode(&record.encode()).expect("it was written");
        assert_eq!((again.id, again.log, again.told_seq), (record.id, record.log, record.told_seq));
    }
    let _ = Meta::decode(bytes);
});

/// The same bytes come in two pieces, cut anywhere.
fn lanes(at: usize, bytes: &[u8]) {
    let (mut events, mut bulk) = (EventLane::default(), BulkLane::default());
    for part in [&bytes[..at], &bytes[at..]] {
        events.push(part);
        while let Ok(Some(_)) = events.next_live() {}
        bulk.push(part);
        while let Ok(Some(_)) = bulk.next_bulk() {}
    }
    let _ = bulk.finish();
}
