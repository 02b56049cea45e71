//! Tests of who is found by which words.

use parlour_protocol::user::Profile;

use super::*;

fn id(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn row(name: &str, handle: &str) -> Bytes {
    let profile = Profile { handle: Some(handle.to_owned()), ..Profile::default() };
    let row = UserRow {
        subject: format!("{handle}@example.org"),
        name: name.to_owned(),
        profile: Some(profile),
        ..UserRow::default()
    };
    row.encode_to_vec().into()
}

fn index() -> Index {
    let mut index = Index::default();
    for (n, name, handle) in [
        (1, "Anna Maria Berg", "am.berg"),
        (2, "Bert Anders", "bert"),
        (3, "Müller-Lüdenscheidt", "mueller"),
        (4, "山田太郎", "taro"),
    ] {
        index.put(id(n), &row(name, handle));
    }
    index
}

fn found(index: &Index, query: &str) -> Vec<UserId> {
    index.find(query, None, 10).users.into_iter().map(|(_, user)| user).collect()
}

#[test]
fn each_word_of_a_query_begins_a_word_of_whoever_is_found() {
    let index = index();
    assert_eq!(found(&index, "an"), [id(2), id(1)], "by the word: anders, anna");
    assert_eq!(found(&index, "BERG anna"), [id(1)]);
    assert_eq!(found(&index, "berg berta"), []);
    assert_eq!(found(&index, "mar ber"), [id(1)]);
    assert_eq!(found(&index, "lüd"), [id(3)]);
    assert_eq!(found(&index, "bert@exa"), [id(2)]);
    assert_eq!(found(&index, "太"), [id(4)]);
    assert_eq!(found(&index, "nna"), []);
}

#[test]
fn a_query_without_words_finds_everyone_by_name_in_pages() {
    let index = index();
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = index.find(" - ", after, 3);
        assert!(page.users.len() <= 3);
        all.extend(page.users.into_iter().map(|(_, user)| user));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, [id(1), id(2), id(3), id(4)]);
}

#[test]
fn who_has_two_such_words_is_found_once_over_all_pages() {
    let mut index = Index::default();
    for n in 1..=30 {
        index.put(id(n), &row("Sam Samson Sampson", &format!("sam{n}")));
    }
    let (mut all, mut after) = (BTreeSet::new(), None);
    loop {
        let page = index.find("sam", after, 7);
        assert!(page.users.iter().all(|(_, user)| all.insert(*user)), "nobody comes twice");
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 30);
}

#[test]
fn another_name_is_found_instead_of_the_old_one_and_who_is_gone_isnt() {
    let mut index = index();
    index.put(id(2), &row("Robert Anders", "rob"));
    assert_eq!(found(&index, "bert"), []);
    assert_eq!(found(&index, "rob and"), [id(2)]);
    let gone = UserRow { deactivated: true, name: "Robert".into(), ..UserRow::default() };
    index.put(id(2), &gone.encode_to_vec().into());
    assert_eq!(found(&index, "rob"), []);
    assert!(!found(&index, "").contains(&id(2)));
    let hook = UserRow { is_hook: true, name: "Robot".into(), ..UserRow::default() };
    index.put(id(9), &hook.encode_to_vec().into());
    assert_eq!(found(&index, "robot"), []);
}

#[test]
fn a_query_that_finds_little_is_answered_in_parts() {
    let mut index = Index::default();
    let users = (0..PEOPLE_LOOKED_AT_MAX as u32 + 10).map(|n| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        UserId::from_bytes(bytes)
    });
    for user in users.clone() {
        let row = UserRow { name: "Same Name".into(), ..UserRow::default() };
        index.put(user, &row.encode_to_vec().into());
    }
    let last = users.clone().next_back().unwrap();
    let row = UserRow { name: "Same Name Xy".into(), ..UserRow::default() };
    index.put(last, &row.encode_to_vec().into());
    let first = index.find("same xy", None, 5);
    assert!(first.users.is_empty());
    let second = index.find("same xy", first.next, 5);
    assert_eq!(second.users.len(), 1);
    assert!(second.next.is_none());
}
