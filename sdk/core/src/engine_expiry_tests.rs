//! Messages that disappear: from what is shown and from the cache, with a connection and without.

use super::*;

fn at(ms: u64) -> Now {
    Now { unix_ms: NOW.unix_ms + ms, elapsed: NOW.elapsed + Duration::from_millis(ms) }
}

/// A client that shows two messages, of which the second disappears in a minute.
fn showing() -> Client {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    let goes = testing::until(testing::message(2, "goes"), NOW.unix_ms + 60_000);
    client.live(&[testing::message(1, "stays"), goes]);
    client
}

fn tick(client: &mut Client, now: Now) {
    assert!(client.engine.poll_timeout().is_some_and(|due| due <= now.elapsed));
    client.engine.handle_timeout(now);
    client.pump();
}

#[test]
fn at_its_time_it_is_gone_from_what_is_shown_and_from_the_cache() {
    let mut client = showing();
    tick(&mut client, at(0));
    client.engine.handle_timeout(at(60_000 - 1));
    client.pump();
    assert_eq!(client.texts(), ["stays", "goes"]);
    client.engine.handle_disconnected();
    tick(&mut client, at(60_000));
    assert_eq!(client.texts(), ["stays", ""]);
    let runs = client.cache.runs(ROOM, u64::MAX, usize::MAX).unwrap();
    let erased = runs.iter().flat_map(|run| &run.events).filter(|event| event.is_erased());
    assert_eq!(erased.map(LogEvent::seq).collect::<Vec<_>>(), [2]);
    // That the server deletes it, too, changes nothing.
    client.connect_to(1, ME);
    client.live(&[testing::delete(3, 2)]);
    assert_eq!(client.texts(), ["stays", ""]);
}

#[test]
fn a_client_that_starts_later_without_a_connection_doesnt_go_on_showing_it() {
    let client = showing();
    let mut client = Client::with(client.cache);
    client.open();
    tick(&mut client, at(61_000));
    assert_eq!(client.texts(), ["stays", ""]);
}
