//! Tests of the world.

use super::*;

#[test]
fn a_text_has_its_length_and_gives_its_number_back() {
    let world = World::one_room(3);
    let text = world.text(1234);
    assert_eq!(text.len(), POST_BYTES);
    assert_eq!(number(text.as_bytes()), Some(1234));
    assert_eq!(number(b"short"), None);
}

#[test]
fn every_user_is_in_as_many_rooms() {
    let world = World::teams(250, 100, 7);
    assert_eq!(world.rooms.len(), 21);
    for user in [0, 99, 100, 249] {
        let rooms = world.rooms.iter().filter(|members| members.contains(&user)).count();
        assert_eq!(rooms, 7);
    }
}
