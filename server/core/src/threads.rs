//! Threads in memory: how many replies stand under a message, and where the last one is. Loaded on
//! first use, changed only by what was committed.

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use parlour_protocol::{
    ids::{RoomId, UserId},
    limits::THREAD_REPLIERS_MAX,
    thread::{FollowedThread, Thread},
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    draft::{ThreadDraft, store_error},
    kit::Ctx,
    limits::{self, SCAN_ROWS},
    messages::target,
    ports::store::{Scan, Store, StoreError},
    records::{key, room_seq, trailing_seq, user_room},
    rooms::RoomCell,
    tables::Table,
    unread::{thread_marker, thread_unread},
};

/// A thread as of its last committed reply.
#[derive(Debug)]
pub struct ThreadCell {
    /// Its room.
    pub room: RoomId,
    /// The message it stands under.
    pub root_seq: u64,
    lost: AtomicBool,
    state: RwLock<Thread>,
}

impl ThreadCell {
    /// Everything, as of now.
    pub fn state(&self) -> Thread {
        self.state.read().expect("no panic while the lock is held").clone()
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, state: Thread) {
        *self.state.write().expect("no panic while the lock is held") = state;
    }

    /// What is known may no longer be true: load it again.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether [`ThreadCell::lose`] was called.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// How an event changes its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadChange {
    /// It is a reply.
    Reply,
    /// It deletes one, or several.
    Delete,
}

/// The thread after another reply.
pub fn with_reply(mut thread: Thread, seq: u64, at_ms: u64, sender: UserId) -> Thread {
    let sender = sender.to_field();
    thread.repliers.retain(|user| *user != sender);
    thread.repliers.insert(0, sender);
    thread.repliers.truncate(THREAD_REPLIERS_MAX);
    let thread_no = thread.thread_no + 1;
    Thread { thread_no, last_seq: seq, last_at_ms: at_ms, changed_seq: seq, ..thread }
}

/// room ‖ root, for `THREADS`, and what the keys of the other tables about threads begin with.
pub fn thread_key(room: RoomId, root_seq: u64) -> Bytes {
    room_seq(room, root_seq)
}

/// user ‖ room ‖ root, for `THREAD_FOLLOWS` and `THREAD_MARKERS`.
pub fn user_thread(user: UserId, room: RoomId, root_seq: u64) -> Bytes {
    key(&[user.as_bytes(), &thread_key(room, root_seq)])
}

/// The threads in memory.
#[derive(Debug, Default)]
pub struct Threads {
    cells: Mutex<FxHashMap<(RoomId, u64), Arc<ThreadCell>>>,
}

impl Threads {
    /// The thread under a message, from memory or from the store. Under every message there is one,
    /// if only an empty one.
    pub async fn get(
        &self,
        store: &dyn Store,
        room: RoomId,
        root_seq: u64,
    ) -> Result<Arc<ThreadCell>, StoreError> {
        let cached = |cells: &FxHashMap<_, Arc<ThreadCell>>| {
            cells.get(&(room, root_seq)).filter(|cell| !cell.is_lost()).cloned()
        };
        if let Some(cell) = cached(&self.cells.lock().expect("no panic while the lock is held")) {
            return Ok(cell);
        }
        let state = load_to_write(store, room, root_seq).await?;
        let mut cells = self.cells.lock().expect("no panic while the lock is held");
        if let Some(present) = cached(&cells) {
            return Ok(present);
        }
        if cells.len() >= limits::THREAD_CACHE_MAX {
            cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        let (lost, state) = (AtomicBool::new(false), RwLock::new(state));
        let cell = Arc::new(ThreadCell { room, root_seq, lost, state });
        cells.insert((room, root_seq), cell.clone());
        Ok(cell)
    }
}

/// The thread under a message as it lies in the store.
pub async fn load(store: &dyn Store, room: RoomId, root_seq: u64) -> Result<Thread, StoreError> {
    let row = store.get(Table::THREADS, &thread_key(room, root_seq)).await?;
    let row = row.map(Thread::decode).transpose().map_err(|_| StoreError::Damaged)?;
    Ok(row.unwrap_or(Thread { root_seq, ..Thread::default() }))
}

/// The same, to go on from: the last number that was given out counts, whatever the row says.
async fn load_to_write(
    store: &dyn Store,
    room: RoomId,
    root_seq: u64,
) -> Result<Thread, StoreError> {
    let thread = load(store, room, root_seq).await?;
    let mut scan = Scan::prefix(Table::THREAD_LOG, thread_key(room, root_seq), 1);
    scan.reverse = true;
    let rows = store.scan(scan).await?;
    let last = rows.first().and_then(|(row, seq)| trailing_seq(row).zip(trailing_seq(seq)));
    Ok(match last {
        Some((thread_no, last_seq)) if thread_no > thread.thread_no => {
            Thread { thread_no, last_seq, ..thread }
        }
        _ => thread,
    })
}

/// The thread that a request names: its root is a message of the room that isn't deleted and stands
/// in no thread itself.
pub(crate) async fn thread_of(
    ctx: &Ctx,
    cell: &RoomCell,
    root_seq: u64,
) -> Result<(Arc<ThreadCell>, UserId), Error> {
    let root = target(ctx, cell, root_seq).await?;
    if root.thread_root_seq > 0 {
        let what = "is itself a reply in a thread";
        return Err(Error::invalid("thread_root_seq", what));
    }
    let thread = ctx.node.threads.get(ctx.store(), cell.id, root_seq).await.map_err(store_error)?;
    let author = UserId::parse(&root.sender).map_err(|_| store_error(StoreError::Damaged))?;
    Ok((thread, author))
}

/// What stands under the messages of a stretch of the room's log.
pub(crate) async fn threads_under(
    ctx: &Ctx,
    room: RoomId,
    first: u64,
    last: u64,
) -> Result<Vec<Thread>, Error> {
    let mut threads = Vec::new();
    let mut from = thread_key(room, first);
    loop {
        let scan = Scan {
            table: Table::THREADS,
            from: from.clone(),
            to: Some(thread_key(room, last + 1)),
            reverse: false,
            rows_max: SCAN_ROWS,
        };
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        // One that can't be read doesn't hide the page.
        threads.extend(rows.iter().filter_map(|(_, row)| Thread::decode(row.clone()).ok()));
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(threads);
        };
        from = key(&[row, &[0]]);
    }
}

/// The threads of a room that the user follows, the one with the newest reply first. Of more than
/// `limits::FOLLOWED_LOOKED_AT_MAX`, those under the newest messages.
pub(crate) async fn followed_in(
    ctx: &Ctx,
    room: RoomId,
    most: usize,
) -> Result<Vec<FollowedThread>, Error> {
    let prefix = user_room(ctx.user(), room);
    let mut scan = Scan::prefix(Table::THREAD_FOLLOWS, prefix, limits::FOLLOWED_LOOKED_AT_MAX);
    scan.reverse = true;
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let mut threads = Vec::with_capacity(rows.len());
    for (row, _) in &rows {
        let Some(root_seq) = trailing_seq(row) else { continue };
        threads.push(load(ctx.store(), room, root_seq).await.map_err(store_error)?);
    }
    threads.sort_by_key(|thread| std::cmp::Reverse(thread.last_seq));
    threads.truncate(most);
    let mut followed = Vec::with_capacity(threads.len());
    for thread in threads {
        followed.push(followed_thread(ctx, room, thread).await?);
    }
    Ok(followed)
}

/// A thread as the caller, who follows it, sees it.
pub(crate) async fn followed_thread(
    ctx: &Ctx,
    room: RoomId,
    thread: Thread,
) -> Result<FollowedThread, Error> {
    let (store, user) = (ctx.store(), ctx.user());
    let marker = thread_marker(store, user, room, thread.root_seq).await?;
    let unread = thread_unread(store, user, room, &thread, marker).await?;
    let (marker, unread) = (Some(marker), Some(unread));
    Ok(FollowedThread { room: room.to_field(), thread: Some(thread), marker, unread })
}

/// Whether the user follows the thread.
pub(crate) async fn follows(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
    root_seq: u64,
) -> Result<bool, Error> {
    let row = store.get(Table::THREAD_FOLLOWS, &user_thread(user, room, root_seq)).await;
    row.map(|row| row.is_some()).map_err(store_error)
}

/// Who follows a thread because of a reply, and didn't before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Followers {
    /// Its sender.
    pub(crate) sender: bool,
    /// Those it mentions.
    pub(crate) mentioned: Vec<UserId>,
    /// Of the first reply: who wrote the root.
    pub(crate) author: Option<UserId>,
}

impl Followers {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Followers::default()
    }
}

/// Who will follow the thread because of a reply of the caller.
pub(crate) async fn new_followers(
    ctx: &Ctx,
    room: RoomId,
    root_seq: u64,
    author: Option<UserId>,
    mentions: &[UserId],
) -> Result<Followers, Error> {
    let (store, sender) = (ctx.store(), ctx.user());
    let is_new = !follows(store, sender, room, root_seq).await?;
    let mut new = Followers { sender: is_new, ..Followers::default() };
    for user in mentions.iter().filter(|user| **user != sender) {
        if !follows(store, *user, room, root_seq).await? {
            new.mentioned.push(*user);
        }
    }
    if let Some(author) = author.filter(|author| *author != sender && !mentions.contains(author))
        && !follows(store, author, room, root_seq).await?
    {
        new.author = Some(author);
    }
    Ok(new)
}

/// The draft of a change to a thread.
pub(crate) async fn thread_with(
    ctx: &Ctx,
    room: RoomId,
    root_seq: u64,
    change: ThreadChange,
) -> Result<ThreadDraft, Error> {
    let cell = ctx.node.threads.get(ctx.store(), room, root_seq).await.map_err(store_error)?;
    Ok(ThreadDraft { cell, change })
}

/// The answer to whoever asks about a thread they don't follow.
pub(crate) fn not_followed() -> Error {
    Error::new(ErrorReason::ThreadNotFollowed, "the caller doesn't follow the thread")
}
