//! What organizations have of which nobody decides anything: found by going through everything, for all of them
//! at once and not too often, however often somebody asks.

use std::{sync::Mutex, time::Duration};

use parlour_protocol::{
    ids::{OrgId, RoomId, UserId},
    room::RoomKind,
    thread::Thread,
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    draft::store_error,
    inventory::each_row,
    limits::{ACTIVE_DAYS, SCAN_ROWS, SURVEY_SHARE, SURVEYED_EVERY},
    node::Node,
    ports::{
        clock::Now,
        store::{LogKey, StoreError},
    },
    records::{Counters, RoomRow},
    tables::Table,
};

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// The number of a day.
pub(crate) fn day_of(now_ms: u64) -> u64 {
    now_ms / DAY_MS
}

/// What was found of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) direct_rooms: u64,
    pub(crate) messages: u64,
    pub(crate) replies: u64,
    /// Who came in lately and still can.
    pub(crate) active_users: u64,
    /// As of when, Unix milliseconds.
    pub(crate) at_ms: u64,
}

/// The last survey.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_under_way: bool,
    found: FxHashMap<OrgId, Found>,
    at_ms: u64,
    // When there may be another one.
    next: Option<Duration>,
    // When the last one was begun, whatever became of it.
    begun: Option<Duration>,
}

/// A survey under way; ends with whoever makes it.
struct Surveying<'a>(&'a Surveys);

impl Drop for Surveying<'_> {
    fn drop(&mut self) {
        self.0.state.lock().expect("no panic while the lock is held").is_under_way = false;
    }
}

impl Surveys {
    /// What there is, if that is new enough; otherwise it is the caller's turn to look.
    fn begin(&self, org: OrgId, now: Now) -> Result<Result<Found, Surveying<'_>>, Error> {
        let mut state = self.state.lock().expect("no panic while the lock is held");
        let known = |state: &State| {
            let found = state.found.get(&org).cloned().unwrap_or_default();
            Found { at_ms: state.at_ms, ..found }
        };
        // One that was given up counts as well, or it could be begun over and over.
        let is_soon =
            |state: &State| state.begun.is_some_and(|begun| now.elapsed < begun + SURVEYED_EVERY);
        match state.next {
            Some(next) if state.is_under_way || now.elapsed < next || is_soon(&state) => {
                Ok(Ok(known(&state)))
            }
            None if state.is_under_way || is_soon(&state) => {
                let what = "what there is is being counted";
                Err(Error::new(ErrorReason::RateLimited, what).after_ms(1000))
            }
            _ => {
                (state.is_under_way, state.begun) = (true, Some(now.elapsed));
                Ok(Err(Surveying(self)))
            }
        }
    }

    fn end(&self, found: FxHashMap<OrgId, Found>, began: Now, ended: Now) {
        let mut state = self.state.lock().expect("no panic while the lock is held");
        let took = ended.elapsed.saturating_sub(began.elapsed);
        state.next = Some(ended.elapsed + SURVEYED_EVERY.max(took * SURVEY_SHARE));
        (state.found, state.at_ms) = (found, began.unix_ms);
    }
}

impl Node {
    /// What a survey finds of an organization, or has found lately.
    pub(crate) async fn survey(&self, org: OrgId) -> Result<Found, Error> {
        let (surveys, began) = (&self.quotas.surveys, self.now());
        let surveying = match surveys.begin(org, began)? {
            Ok(found) => return Ok(found),
            Err(surveying) => surveying,
        };
        let found = self.look_through_all(began.unix_ms).await.map_err(store_error)?;
        let of_org = found.get(&org).cloned().unwrap_or_default();
        surveys.end(found, began, self.now());
        drop(surveying);
        Ok(Found { at_ms: began.unix_ms, ..of_org })
    }

    async fn look_through_all(&self, now_ms: u64) -> Result<FxHashMap<OrgId, Found>, StoreError> {
        let store = &*self.store;
        let mut found: FxHashMap<OrgId, Found> = FxHashMap::default();
        let mut rooms: FxHashMap<RoomId, OrgId> = FxHashMap::default();
        each_row(store, Table::ROOMS, &[], |row, value| {
            let room = RoomId::parse(row).ok()?;
            let row = RoomRow::decode(value).ok()?;
            let org = OrgId::parse(&row.org).ok()?;
            rooms.insert(room, org);
            if row.kind == RoomKind::Direct as i32 {
                found.entry(org).or_default().direct_rooms += 1;
            }
            Some(())
        })
        .await?;
        each_row(store, Table::NODES, &[], |row, _| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            rooms.insert(RoomId::parse(row.get(16..32)?).ok()?, org);
            Some(())
        })
        .await?;
        let all: Vec<(RoomId, OrgId)> = rooms.iter().map(|(room, org)| (*room, *org)).collect();
        for some in all.chunks(SCAN_ROWS) {
            let logs: Vec<LogKey> = some.iter().map(|(room, _)| LogKey::Room(*room)).collect();
            for (head, (_, org)) in store.heads(&logs).await?.into_iter().zip(some) {
                let counters = head.and_then(|head| Counters::decode(head.state).ok());
                found.entry(*org).or_default().messages += counters.unwrap_or_default().msg_no;
            }
        }
        each_row(store, Table::THREADS, &[], |row, value| {
            let org = rooms.get(&RoomId::parse(row.get(..16)?).ok()?)?;
            found.entry(*org).or_default().replies += Thread::decode(value).ok()?.thread_no;
            Some(())
        })
        .await?;
        let since = (day_of(now_ms) + 1).saturating_sub(ACTIVE_DAYS);
        each_row(store, Table::CAME_IN, &[], |row, value| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            let user = UserId::parse(row.get(16..)?).ok()?;
            let day = u64::from_be_bytes(value[..].try_into().ok()?);
            let is_active =
                day >= since && self.quotas.ledger.read(org, |it| it.users.contains(&user))?;
            found.entry(org).or_default().active_users += u64::from(is_active);
            Some(())
        })
        .await?;
        Ok(found)
    }
}
