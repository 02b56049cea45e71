//! A cache that took no changes for too long: what it has doesn't follow any more from what is known,
//! and it is written anew once it takes changes again.

use super::Engine;
use crate::cache::Write;

impl Engine {
    /// Changes never came to the cache. What it has of rooms isn't built on any more: what somebody
    /// looks at is read from the server, and without a connection the old is better than nothing.
    pub fn handle_cache_lost(&mut self) {
        let rooms: Vec<_> = self.rooms.iter().map(|record| (record.id, record.log.to)).collect();
        for (room, to) in rooms {
            self.start_log(room, to);
            self.restart_download(room);
        }
    }

    /// Everything that the cache is to have, in place of whatever it has, and the number of that
    /// batch. Events come to it again as they are read.
    pub fn write_anew(&mut self) -> (u64, Vec<Write>) {
        self.handle_cache_lost();
        self.writes = vec![Write::Reset, Write::ResetOutbox];
        let settled = self.settled.values().flat_map(|places| places.values());
        let entries = settled.map(|(entry, _)| entry).chain(self.outbox.iter());
        self.writes.extend(entries.cloned().map(Box::new).map(Write::Outbox));
        self.changed_rooms = self.rooms.iter().map(|record| record.id).collect();
        self.meta_changed = true;
        self.take_writes().unwrap_or_default()
    }
}
