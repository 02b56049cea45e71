//! What is worth a notification.

use prost::Message as _;

use super::*;
use crate::{
    cache::ThreadRecord,
    counts::{Counts, Head},
    testing::{self, ME, OTHER, ROOM, in_thread},
};

const GROUP: RoomId = RoomId::from_bytes([77; 16]);

fn room(kind: RoomKind) -> RoomRecord {
    RoomRecord { kind: kind as i32, ..RoomRecord::unknown(ROOM) }
}

fn why(settings: &Settings, room: &RoomRecord, event: &LogEvent) -> Option<Reason> {
    settings.notifies(room, event, ME, 0, 1_000, |node| node == GROUP)
}

#[test]
fn direct_rooms_notify_of_everything_and_others_of_mentions() {
    let settings = Settings::default();
    let plain = testing::message(5, "so");
    let (direct, group) = (room(RoomKind::Direct), room(RoomKind::Group));
    assert_eq!(why(&settings, &direct, &plain), Some(Reason::Message));
    assert_eq!(why(&settings, &group, &plain), None);
    assert_eq!(why(&settings, &group, &testing::broadcast(5, "all")), Some(Reason::Everyone));
    assert_eq!(why(&settings, &group, &testing::mention(5, ME)), Some(Reason::Mention));
    assert_eq!(why(&settings, &group, &testing::mention(5, OTHER)), None);
    let own = testing::message_by(ME, 5, "mine", None);
    assert_eq!(why(&settings, &direct, &own), None);
    assert_eq!(why(&settings, &direct, &plain.erased()), None);
    assert_eq!(why(&settings, &direct, &testing::edit(6, 5, "other")), None);
}

#[test]
fn a_rooms_level_stands_above_the_users() {
    let settings = Settings { level: Some(Level::All), ..Settings::default() };
    let mut group = room(RoomKind::Group);
    let (plain, mention) = (testing::message(5, "so"), testing::mention(5, ME));
    assert_eq!(why(&settings, &group, &plain), Some(Reason::Message));
    group.settings.level = Some(Level::Mentions);
    assert_eq!(why(&settings, &group, &plain), None);
    assert_eq!(why(&settings, &group, &mention), Some(Reason::Mention));
    group.settings.level = Some(Level::Nothing);
    assert_eq!(why(&settings, &group, &mention), None);
}

#[test]
fn muted_rooms_and_quiet_times_end() {
    let mut group = room(RoomKind::Group);
    let mention = testing::mention(5, ME);
    group.settings.muted_until_ms = 1_001;
    assert_eq!(why(&Settings::default(), &group, &mention), None);
    group.settings.muted_until_ms = 1_000;
    assert_eq!(why(&Settings::default(), &group, &mention), Some(Reason::Mention));
    let quiet = |until| Settings::default().notifies(&group, &mention, ME, until, 1_000, |_| false);
    assert_eq!((quiet(1_001), quiet(1_000)), (None, Some(Reason::Mention)));
}

#[test]
fn keywords_are_whole_words_in_any_case() {
    let keywords = vec!["Release".to_owned(), " zürich ".to_owned()];
    let settings = Settings { keywords, ..Settings::default() };
    let group = room(RoomKind::Group);
    for (text, is_news) in [
        ("the release, today", true),
        ("RELEASE", true),
        ("released", false),
        ("prerelease", false),
        ("pre-release and released", true),
        ("in ZÜRICH!", true),
        ("", false),
    ] {
        let found = why(&settings, &group, &testing::message(5, text));
        assert_eq!(found, is_news.then_some(Reason::Keyword), "{text}");
    }
}

#[test]
fn what_is_read_is_no_news_and_threads_only_to_who_follows() {
    let settings = Settings { level: Some(Level::All), ..Settings::default() };
    let mut group = room(RoomKind::Group);
    group.counts.marker.seq = 5;
    assert_eq!(why(&settings, &group, &testing::message(5, "so")), None);
    assert_eq!(why(&settings, &group, &testing::message(6, "so")), Some(Reason::Message));
    let reply = in_thread(testing::message(7, "so"), 3, 1);
    assert_eq!(why(&settings, &group, &reply), None);
    let (head, counts) = (Head::default(), Counts::default());
    group.threads.push(ThreadRecord { root_seq: 3, head, counts });
    assert_eq!(why(&settings, &group, &reply), Some(Reason::Thread));
    group.threads[0].counts.marker.seq = 7;
    assert_eq!(why(&settings, &group, &reply), None);
}

/// A message that mentions groups.
fn to_groups(seq: u64, groups: &[RoomId]) -> LogEvent {
    let plain = testing::message(seq, "all of you");
    let body = MessagePosted {
        text: "all of you".into(),
        mention_groups: groups.iter().map(|group| group.to_field()).collect(),
        ..MessagePosted::default()
    };
    let raw = parlour_protocol::event::compose(&plain.header, &body.encode_to_vec());
    LogEvent::parse(raw).unwrap()
}

#[test]
fn a_group_that_the_user_is_in_is_a_mention() {
    let other = RoomId::from_bytes([78; 16]);
    let mut group = room(RoomKind::Group);
    let settings = Settings::default();
    assert_eq!(why(&settings, &group, &to_groups(5, &[other, GROUP])), Some(Reason::Group));
    assert_eq!(why(&settings, &group, &to_groups(5, &[other])), None);
    assert_eq!(why(&settings, &group, &to_groups(5, &[GROUP]).erased()), None);
    let direct = room(RoomKind::Direct);
    assert_eq!(why(&settings, &direct, &to_groups(5, &[other])), Some(Reason::Message));
    group.settings.level = Some(Level::Nothing);
    assert_eq!(why(&settings, &group, &to_groups(5, &[GROUP])), None);
}
