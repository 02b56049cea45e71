//! Pictures without a network: kept as long as they are somebody's, and no longer.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, announce, group};
use parlour_protocol::{
    blob::Blob,
    directory::{change::Change as What, *},
    emoji::*,
    generated::rpc,
    limits::CLAIM_FOR,
    room::SetRoomAvatarRequest,
    user::{GetUsersRequest, Profile, SetProfileRequest},
    wire::{Error, ErrorReason},
};

use crate::png::png;

const SWEEP: Duration = Duration::from_secs(600);

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn upload(server: &mut Server, by: usize, n: u8) -> Blob {
    let bytes = png(8 + u32::from(n), 8);
    server.upload_as(by, announce(n, &bytes), &bytes).unwrap()
}

fn set(server: &mut Server, by: usize, avatar: &Bytes) -> Result<Profile, Error> {
    let profile = Some(Profile { avatar: Some(avatar.clone()), ..Profile::default() });
    let answer = server.call::<rpc::SetProfile>(by, &SetProfileRequest { profile })?;
    Ok(answer.profile.unwrap())
}

fn sweep_away(server: &mut Server) -> u64 {
    let first = server.sweep();
    server.advance(SWEEP);
    first.removed + server.sweep().removed
}

#[test]
fn a_picture_that_is_used_outlives_its_upload_and_goes_with_its_last_use() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let (avatar, emoji) = (upload(&mut server, ann, 1), upload(&mut server, ann, 2));
    let (groups, unused) = (upload(&mut server, ann, 3), upload(&mut server, ann, 4));
    let room = group(&mut server, ann, &[ben]);
    set(&mut server, ann, &avatar.hash).unwrap();
    let add = AddEmojiRequest { name: "x".into(), hash: emoji.hash.clone() };
    server.call::<rpc::AddEmoji>(ann, &add).unwrap();
    let of_room = |avatar: Bytes| SetRoomAvatarRequest { room: room.clone(), avatar };
    server.call::<rpc::SetRoomAvatar>(ann, &of_room(groups.hash.clone())).unwrap();
    server.advance(CLAIM_FOR + SWEEP);
    assert_eq!(sweep_away(&mut server), 1, "only what nobody uses");
    let everyones = Bytes::new();
    assert!(server.download(ben, &everyones, 0, &unused.hash).is_err());
    assert!(server.download(ben, &everyones, 0, &avatar.hash).is_ok());
    assert!(server.download(ben, &everyones, 0, &emoji.hash).is_ok());
    assert!(server.download(ben, &room, 0, &groups.hash).is_ok());
    for (room, hash) in [(&everyones, &groups.hash), (&room, &avatar.hash)] {
        assert_eq!(reason(server.download(ben, room, 0, hash)), ErrorReason::BlobNotFound);
    }
    set(&mut server, ann, &Bytes::new()).unwrap();
    server.call::<rpc::RemoveEmoji>(ann, &RemoveEmojiRequest { name: "x".into() }).unwrap();
    server.call::<rpc::SetRoomAvatar>(ann, &of_room(Bytes::new())).unwrap();
    assert_eq!(sweep_away(&mut server), 3);
    assert_eq!(reason(set(&mut server, ann, &avatar.hash)), ErrorReason::BlobNotFound);
}

#[test]
fn admins_remove_an_avatar_and_set_none() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let picture = upload(&mut server, ben, 1);
    set(&mut server, ben, &picture.hash).unwrap();
    let name = Some("Acme".to_owned());
    let kind = NodeKind::Organization as i32;
    let root = What::PutNode(PutNode { kind, name, ..PutNode::default() });
    let put = |avatar: Bytes| {
        let profile = Some(Profile { avatar: Some(avatar), ..Profile::default() });
        What::PutUser(PutUser { subject: "ben".into(), profile, ..PutUser::default() })
    };
    let change = |server: &mut Server, what: What| {
        let changes = vec![Change { change: Some(what) }];
        let request = ChangeDirectoryRequest { changes, dry_run: false };
        server.call::<rpc::ChangeDirectory>(ann, &request)
    };
    change(&mut server, root).unwrap();
    let refused = change(&mut server, put(picture.hash.clone()));
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    change(&mut server, put(Bytes::new())).unwrap();
    assert!(server.download(ann, &Bytes::new(), 0, &picture.hash).is_err());
    let users = vec![server.clients[ben].user.to_field()];
    let asked = GetUsersRequest { users, subjects: vec![] };
    let shown = server.call::<rpc::GetUsers>(ann, &asked).unwrap().users.remove(0);
    assert_eq!(shown.profile.unwrap_or_default().avatar, None);
    // Name and handle aren't the user's to set.
    let profile = Some(Profile { name: Some("Benno".into()), ..Profile::default() });
    let refused = server.call::<rpc::SetProfile>(ben, &SetProfileRequest { profile });
    assert_eq!(reason(refused), ErrorReason::InvalidField);
}

#[test]
fn nobody_changes_the_organization_all_the_time() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let set = |server: &mut Server, title: usize| {
        let profile = Some(Profile { title: Some(title.to_string()), ..Profile::default() });
        server.call::<rpc::SetProfile>(ann, &SetProfileRequest { profile }).map(drop)
    };
    let made = (0..100).take_while(|n| set(&mut server, *n).is_ok()).count();
    assert_eq!(made, 20);
    set(&mut server, 19).expect("what is so already costs nothing");
    assert_eq!(reason(set(&mut server, 1)), ErrorReason::RateLimited);
    server.advance(Duration::from_secs(3));
    set(&mut server, 1).unwrap();
    assert_eq!(reason(set(&mut server, 2)), ErrorReason::RateLimited);
}
