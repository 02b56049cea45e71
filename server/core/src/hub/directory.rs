//! The directory changed: rooms follow it at once, as a barrier in the order of what is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use parlour_protocol::ids::RoomId;

use super::{Hub, Output};
use crate::{
    directory::{Change, Delta, DirectoryCell},
    draft::{Closes, OrgDraft},
    effects::Job,
    records::Counters,
    told::DirectoryJob,
};

impl Hub {
    pub(super) fn directory_changed(&mut self, draft: OrgDraft, next: Counters, now: Duration) {
        let OrgDraft { cell, changes, jobs, .. } = draft;
        let deltas = cell.apply(next, &changes);
        self.rooms_follow(&cell, &changes, deltas, now);
        for change in &changes {
            if let Change::Deactivated(user, true) = change {
                let ids = self.revoked(&Closes::User(*user));
                self.close_revoked(&ids);
            }
        }
        for (part, row) in (0..).zip(jobs) {
            let job = DirectoryJob { org: cell.org, seq: next.seq, part, row };
            self.outputs.push_back(Output::Effects(Job::Directory(job)));
        }
    }

    fn rooms_follow(
        &mut self,
        cell: &DirectoryCell,
        changes: &[Change],
        mut deltas: BTreeMap<RoomId, Delta>,
        now: Duration,
    ) {
        let mut renamed: BTreeSet<RoomId> = BTreeSet::new();
        for change in changes {
            match change {
                // Whether it is archived and what it says of permissions counts for those below, too.
                Change::Node(id, _) => {
                    renamed.extend(cell.read(|directory| directory.subtree(*id)));
                }
                // With another role something else may be allowed.
                Change::Membership(_, user, _) => {
                    for room in cell.read(|directory| directory.rooms_of(*user)) {
                        deltas.entry(room).or_default();
                    }
                }
                Change::Deactivated(..) => {}
            }
        }
        for room in &renamed {
            deltas.entry(*room).or_default();
        }
        for (room, Delta { joined, left }) in deltas {
            // What came before is heard by those who were in the room then.
            self.tell(room, None, now);
            if let Some(room_cell) = self.node.rooms.cached(room) {
                let record = renamed.contains(&room).then(|| {
                    cell.read(|directory| {
                        let record = directory.node(room)?;
                        Some(directory.room_record(room, record))
                    })
                });
                room_cell.follow(record.flatten(), &joined, &left);
            }
            // Those who came are told by their own logs, and hear the room from there on.
            for user in left {
                self.user_loses_room(user, room);
            }
        }
    }
}
