//! Sending: what somebody wants to send, why they can't, and what comes of it.

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    message::{MessagePosted, SendRequest},
    poll::{Poll, PollOption},
    wire::ErrorReason,
};
use prost::Message;

use super::{
    check,
    files::{self, File},
    model::{ATTACH, MENTION_EVERYONE, REPLY, Room, SEND, User},
    polls::{Asked, CHOICES_MAX, OPTIONS},
    secrets::word,
    steps::{below, ended, someone_in},
    world::{Said, USERS, World},
};
use crate::{report::Report, rng::Rng};

/// So many messages of a room are looked at again and again.
const RECENT: usize = 8;

/// What somebody wants to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) by: User,
    pub(super) room: Room,
    /// The number of its text.
    pub(super) text: usize,
    pub(super) file: Option<File>,
    pub(super) everyone: bool,
    pub(super) mentions: Option<User>,
    /// Of a reply in a thread: the thread's root.
    pub(super) root: u64,
    /// What it answers, or 0.
    pub(super) reply_to: u64,
    /// It asks something, and whether it asks anonymously.
    pub(super) poll: Option<bool>,
}

impl Wish {
    /// Only a text.
    pub(super) fn plain(by: User, room: Room, text: usize) -> Self {
        let (file, everyone, mentions, poll) = (None, false, None, None);
        Wish { by, room, text, file, everyone, mentions, root: 0, reply_to: 0, poll }
    }
}

/// One of the last messages of a room.
pub(super) fn some_recent(world: &World, rng: &mut Rng, room: Room) -> Option<Said> {
    let there = &world.messages[room];
    let back = 1 + below(rng, there.len().clamp(1, RECENT));
    there.get(there.len().checked_sub(back)?).copied()
}

/// The place of a message that is there, of one that was, or one where nothing is.
pub(super) fn some_place(world: &World, rng: &mut Rng, room: Room) -> u64 {
    let gone = world.gone[room].len();
    match rng.below(4) {
        0 if gone > 0 => world.gone[room][gone - 1 - below(rng, gone.min(RECENT))].0,
        _ => some_recent(world, rng, room).map_or(1, |said| said.seq),
    }
}

/// A message that is there.
pub(super) fn there(world: &World, room: Room, seq: u64) -> Option<Said> {
    let said = &world.messages[room];
    let at = said.binary_search_by_key(&seq, |said| said.seq).ok()?;
    Some(said[at])
}

/// Anything that somebody could want to say somewhere.
pub(super) fn some_wish(
    world: &mut World,
    rng: &mut Rng,
    by: User,
    room: Room,
) -> (Wish, SendRequest) {
    let file = Some(files::some_file(rng)).filter(|_| rng.below(4) == 0);
    let blobs = file.map(|file| files::blob_of(world, file));
    let (mut request, text) = world.text(room, blobs.as_slice());
    let root = some_root(world, rng, room);
    let everyone = rng.below(5) == 0 && root == 0;
    let mentions = Some(below(rng, USERS.len())).filter(|whom| world.model.is_in(room, *whom));
    let mentions = mentions.filter(|_| rng.below(4) == 0);
    let reply_to = if rng.below(6) == 0 { some_place(world, rng, room) } else { 0 };
    (request.thread_root_seq, request.reply_to_seq) = (root, reply_to);
    request.mention_everyone = everyone;
    request.mentions = mentions.iter().map(|whom| world.user_field(*whom)).collect();
    let poll = (rng.below(8) == 0).then(|| rng.below(2) == 0);
    if let Some(anonymous) = poll {
        request.body = asking(&request.body, text, anonymous);
    }
    (Wish { by, room, text, file, everyone, mentions, root, reply_to, poll }, request)
}

/// The message asks something besides.
fn asking(body: &Bytes, text: usize, anonymous: bool) -> Bytes {
    let mut posted = MessagePosted::decode(body.clone()).expect("it was just made");
    let option = |text: &str| PollOption { text: text.to_owned(), ..PollOption::default() };
    posted.poll = Some(Poll {
        question: word(text),
        options: OPTIONS.into_iter().map(option).collect(),
        max_choices: CHOICES_MAX,
        anonymous,
        closes_at_ms: 0,
    });
    posted.encode_to_vec().into()
}

/// The root of a thread to reply in, or 0. Mostly a message that is there and in no thread itself.
fn some_root(world: &World, rng: &mut Rng, room: Room) -> u64 {
    match rng.below(12) {
        0 => some_place(world, rng, room),
        1..4 => {
            let recent = world.messages[room].iter().rev().filter(|said| said.root == 0);
            let roots: Vec<u64> = recent.take(RECENT).map(|said| said.seq).collect();
            if roots.is_empty() { 0 } else { roots[below(rng, roots.len())] }
        }
        _ => 0,
    }
}

/// Why that can't be sent now.
pub(super) fn why_not(world: &World, wish: &Wish) -> Option<ErrorReason> {
    let (model, Wish { by, room, .. }) = (&world.model, *wish);
    if !model.is_in(room, by) {
        return Some(ErrorReason::RoomNotFound);
    }
    if model.is_read_only(room) {
        return Some(ErrorReason::RoomArchived);
    }
    let may = model.may(room, by, if wish.root > 0 { REPLY } else { SEND })
        && (!wish.everyone || model.may(room, by, MENTION_EVERYONE))
        && (wish.file.is_none() || model.may(room, by, ATTACH));
    if !may {
        return Some(ErrorReason::NotAllowed);
    }
    if wish.mentions.is_some_and(|whom| !model.is_in(room, whom)) {
        return Some(ErrorReason::InvalidField);
    }
    if wish.file.is_some_and(|file| !world.claims.contains(&(by, file))) {
        return Some(ErrorReason::BlobNotFound);
    }
    if wish.reply_to > 0 && there(world, room, wish.reply_to).is_none() {
        return Some(ErrorReason::MessageNotFound);
    }
    match (wish.root, there(world, room, wish.root)) {
        (0, _) => None,
        (_, None) => Some(ErrorReason::MessageNotFound),
        (_, Some(root)) => (root.root > 0).then_some(ErrorReason::InvalidField),
    }
}

/// Somebody sends something somewhere.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    let (wish, request) = some_wish(world, rng, user, room);
    let result = world.call::<rpc::Send>(user, &request, report);
    let expected = why_not(world, &wish);
    if ended(report, "send", &result, expected)
        && let Ok(sent) = result
    {
        world.totals.sent += 1;
        check::everyone_heard(world, room, sent.seq, report);
        note(world, wish, sent.seq, report);
    } else {
        world.totals.refused += 1;
    }
}

/// It was sent. Whoever replies in a thread follows it, and whoever is mentioned there, and with the first
/// reply its author; all of them are told.
pub(super) fn note(world: &mut World, wish: Wish, seq: u64, report: &mut Report) {
    let Wish { by, room, text, file, root, .. } = wish;
    let mentions = wish.mentions.filter(|whom| *whom != by && !wish.everyone);
    // Whoever wants to hear nothing of somebody isn't told by them, and follows nothing because of them.
    let blocks = world.model.blocks.clone();
    let hears = |whom: &User| !blocks.contains(&(*whom, by));
    let mentions = mentions.filter(hears);
    if let Some(whom) = mentions {
        check::is_mentioned(world, whom, room, seq, report);
    }
    let mut follow = vec![];
    if root > 0 {
        follow.push(by);
        follow.extend(mentions);
        if world.replied.insert((room, root)) {
            let author = there(world, room, root).map(|root| root.by);
            let author = author.filter(|author| world.model.is_in(room, *author));
            follow.extend(author.filter(hears));
        }
    }
    for user in follow {
        if world.follows.insert((user, room, root)) {
            check::follows(world, user, room, root, report);
        }
    }
    if let Some(anonymous) = wish.poll {
        world.polls.insert((room, seq), Asked { anonymous, ..Asked::default() });
        world.anonymous.extend(anonymous.then_some((room, seq)));
    }
    let (at_ms, has_poll) = (world.now_ms(), wish.poll.is_some());
    let expires_ms = match world.model.expiries_s.get(&room).copied().unwrap_or(0) {
        0 => u64::MAX,
        seconds => at_ms + u64::from(seconds) * 1000,
    };
    let said = Said { seq, by, root, mentions, file, text, at_ms, expires_ms, has_poll };
    world.messages[room].push(said);
}
