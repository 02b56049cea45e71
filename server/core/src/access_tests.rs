//! The order in which permissions are worked out, rule by rule.

use parlour_protocol::{
    access::{self as wire, Permission, permission_override::Subject as WireSubject},
    ids::UserId,
    room::RoomKind,
};

use super::{Bits, Override, Subject, base, evaluate};
use crate::directory::Role;

const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);

fn bits(permissions: &[Permission]) -> Bits {
    Bits::of(permissions)
}

fn say(subject: Subject, allow: &[Permission], deny: &[Permission]) -> Override {
    Override { subject, allow: bits(allow), deny: bits(deny) }
}

fn role(name: &str) -> Role {
    Role::parse(name).expect("a role's name")
}

const SEND: Permission = Permission::Send;

#[test]
fn nearer_wins() {
    let far = [say(Subject::Everyone, &[], &[SEND])];
    let near = [say(Subject::Everyone, &[SEND], &[])];
    let levels = |a, b| [(a, vec![]), (b, vec![])];
    assert!(evaluate(Bits::NONE, ANN, levels(&far[..], &near[..])).has(SEND));
    assert!(!evaluate(Bits::ALL, ANN, levels(&near[..], &far[..])).has(SEND));
}

#[test]
fn denied_beats_allowed_at_one_level() {
    let lead = role("lead");
    let level =
        [say(Subject::Everyone, &[], &[SEND]), say(Subject::Role(lead.clone()), &[SEND], &[])];
    assert!(!evaluate(Bits::ALL, ANN, [(&level[..], vec![&lead])]).has(SEND));
}

#[test]
fn roles_count_for_those_who_have_them() {
    let lead = role("lead");
    let level = [say(Subject::Role(lead.clone()), &[SEND], &[])];
    assert!(evaluate(Bits::NONE, ANN, [(&level[..], vec![&lead])]).has(SEND));
    assert!(!evaluate(Bits::NONE, BEN, [(&level[..], vec![])]).has(SEND));
}

#[test]
fn what_is_said_for_one_user_stands_above_roles_wherever_it_is_said() {
    let far = [say(Subject::User(ANN), &[SEND], &[])];
    let near = [say(Subject::Everyone, &[], &[SEND])];
    let levels = [(&far[..], vec![]), (&near[..], vec![])];
    assert!(evaluate(Bits::NONE, ANN, levels.clone()).has(SEND));
    assert!(!evaluate(Bits::ALL, BEN, levels).has(SEND));
}

#[test]
fn for_one_user_the_nearer_level_wins_and_denied_beats_allowed() {
    let yes = [say(Subject::User(ANN), &[SEND], &[])];
    let no = [say(Subject::User(ANN), &[], &[SEND])];
    let both = [say(Subject::User(ANN), &[SEND], &[SEND])];
    let levels = |a, b| [(a, vec![]), (b, vec![])];
    assert!(evaluate(Bits::NONE, ANN, levels(&no[..], &yes[..])).has(SEND));
    assert!(!evaluate(Bits::ALL, ANN, levels(&yes[..], &no[..])).has(SEND));
    assert!(!evaluate(Bits::ALL, ANN, levels(&yes[..], &both[..])).has(SEND));
}

#[test]
fn roles_begin_with_what_they_are_for() {
    let of = |name, kind| base(Some(&role(name)), kind);
    assert_eq!(of("owner", RoomKind::Organization), Bits::ALL);
    assert!(!of("member", RoomKind::Organization).has(Permission::MentionEveryone));
    assert!(of("member", RoomKind::Team).has(Permission::MentionEveryone));
    assert!(!of("guest", RoomKind::Team).has(Permission::AddMembers));
    assert!(!of("member", RoomKind::Group).has(Permission::Moderate));
    assert_eq!(base(None, RoomKind::Group), of("member", RoomKind::Group));
}

#[test]
fn overrides_travel_and_wrong_ones_are_refused() {
    let some = vec![
        say(Subject::Everyone, &[], &[SEND]),
        say(Subject::Role(role("lead")), &[SEND], &[]),
        say(Subject::User(ANN), &[SEND], &[]),
    ];
    let wire: Vec<_> = some.iter().map(Override::to_wire).collect();
    assert_eq!(Override::parse_all(&wire), Ok(some));
    let twice = [wire[0].clone(), wire[0].clone()];
    assert!(Override::parse_all(&twice).is_err());
    assert!(Override::parse_all(&[wire::PermissionOverride::default()]).is_err());
    let subject = Some(WireSubject::User(vec![1, 2].into()));
    assert!(
        Override::parse_all(&[wire::PermissionOverride { subject, ..Default::default() }]).is_err()
    );
    assert!(Override::parse_all(&vec![wire[0].clone(); 101]).is_err());
}
