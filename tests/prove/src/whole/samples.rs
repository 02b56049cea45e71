//! A valid request of every method, to be made wrong, and whether what became of it still is one.

#[path = "samples_accounts.rs"]
mod accounts;
#[path = "samples_compliance.rs"]
mod compliance;
#[path = "samples_interactions.rs"]
mod interactions;
#[path = "samples_later.rs"]
mod later;
#[path = "samples_moderation.rs"]
mod moderation;
#[path = "samples_people.rs"]
mod people;
#[path = "samples_polls.rs"]
mod polls;
#[path = "samples_previews.rs"]
mod previews;
#[path = "samples_quotas.rs"]
mod quotas;

use bytes::Bytes;
use parlour_features::world::{by_subject, client_ref, text};
use parlour_protocol::{
    access::{
        GetAccessRequest, PermissionOverride, SetOverridesRequest, permission_override::Subject,
    },
    app::{AppEvent, AppSignal, PublishRequest, SignalRequest},
    blob::{
        ClaimAttachmentRequest, GetUploadPolicyRequest, LinkAttachmentRequest, LinkUploadRequest,
    },
    directory::{
        Change, ChangeDirectoryRequest, EndMembership, ListMembershipsRequest, ListNodesRequest,
        NodeKind, PutMembership, PutNode, PutOverrides, PutUser, ReadAuditRequest,
        change::Change as What,
    },
    generated::{Lane, Rpc, rpc},
    hook::{CreateHookRequest, ListHooksRequest, RevokeHookRequest},
    inbox::ReadMentionsRequest,
    marker::{MarkReadRequest, MarkUnreadRequest},
    message::{DeleteRequest, EditRequest, ReadEditsRequest},
    pin::{ListPinsRequest, PinRequest, UnpinRequest},
    presence::{Activity, SetPresenceRequest, SetStatusRequest, Status, WatchPresenceRequest},
    reaction::{ReactRequest, UnreactRequest},
    receipt::ListReceiptsRequest,
    room::{
        AddMembersRequest, ArchiveRoomRequest, BanRequest, CreateGroupRequest, GetRoomRequest,
        JoinRoomRequest, ListBansRequest, ListMembersRequest, ListOpenRoomsRequest,
        OpenDirectRequest, RemoveMemberRequest, RenameRoomRequest, SetOpenRequest,
        SetSlowModeRequest, SetTopicRequest, UnbanRequest,
    },
    saved::{ListSavedRequest, SaveMessageRequest, UnsaveMessageRequest},
    search::{SearchMessagesRequest, SearchOrder},
    session::{ListSessionsRequest, ReauthRequest, RevokeRequest, revoke_request},
    settings::{
        GetSettingsRequest, RoomSettings, SetRoomSettingsRequest, SetSettingsRequest, Settings,
    },
    sync::{ReadLogRequest, ReadTimelineRequest, SubscribeRequest, SyncRequest},
    thread::{
        FollowThreadRequest, ListThreadsRequest, MarkThreadReadRequest, MarkThreadUnreadRequest,
        ReadThreadRequest, UnfollowThreadRequest,
    },
    user::{GetUsersRequest, Profile},
};
use prost::Message;

/// A method with a valid request.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) method: u32,
    pub(crate) name: &'static str,
    pub(crate) lane: Lane,
    pub(crate) valid: Vec<u8>,
    pub(crate) is_valid: fn(&[u8]) -> bool,
}

fn sample<R: Rpc>(request: &R::Request) -> Sample {
    Sample {
        method: R::METHOD.id,
        name: R::METHOD.name,
        lane: R::METHOD.lane,
        valid: request.encode_to_vec(),
        is_valid: |bytes| R::Request::decode(bytes).is_ok(),
    }
}

/// All methods, in a room that is there.
pub(crate) fn samples(room: &Bytes, user: &Bytes, token: &str) -> Vec<Sample> {
    let room = || room.clone();
    let user = || user.clone();
    let body = text(&room(), "an edit").body;
    let mut mentioning = text(&room(), "a message of some length, so that there is much to spoil");
    mentioning.mentions = vec![user()];
    let timeline = ReadTimelineRequest { room: room(), before_seq: 5, limit: 10 };
    let what = Some(revoke_request::What::Subject("nobody-of-that-name".into()));
    vec![
        sample::<rpc::Reauth>(&ReauthRequest { token: token.into() }),
        sample::<rpc::Revoke>(&RevokeRequest { what }),
        sample::<rpc::ListSessions>(&ListSessionsRequest::default()),
        sample::<rpc::GetUsers>(&GetUsersRequest {
            users: vec![user()],
            subjects: vec!["ada".into()],
        }),
        sample::<rpc::OpenDirect>(&OpenDirectRequest { with: Some(by_subject("bob")) }),
        sample::<rpc::CreateGroup>(&CreateGroupRequest {
            client_ref: client_ref(),
            name: "a group".into(),
            members: vec![by_subject("bob")],
        }),
        sample::<rpc::AddMembers>(&AddMembersRequest {
            room: room(),
            members: vec![by_subject("bob")],
        }),
        sample::<rpc::RemoveMember>(&RemoveMemberRequest {
            room: room(),
            user: Bytes::from(vec![9; 16]),
        }),
        sample::<rpc::RenameRoom>(&RenameRoomRequest { room: room(), name: "another name".into() }),
        sample::<rpc::GetRoom>(&GetRoomRequest { room: room() }),
        sample::<rpc::ListMembers>(&ListMembersRequest {
            room: room(),
            page: user(),
            page_size: 10,
        }),
        sample::<rpc::Send>(&mentioning),
        sample::<rpc::Edit>(&EditRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 2,
            body,
        }),
        sample::<rpc::Delete>(&DeleteRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 3,
        }),
        sample::<rpc::MarkRead>(&MarkReadRequest { room: room(), seq: 2 }),
        sample::<rpc::MarkUnread>(&MarkUnreadRequest { room: room(), seq: 2 }),
        sample::<rpc::Sync>(&SyncRequest {
            incarnation: user(),
            user_seq: 1,
            watermark_ms: 1 << 40,
            first: 10,
        }),
        sample::<rpc::ReadLog>(&ReadLogRequest { room: room(), from_seq: 1, to_seq: 9, limit: 5 }),
        sample::<rpc::ReadTimeline>(&timeline),
        sample::<rpc::Subscribe>(&SubscribeRequest { add: vec![room()], remove: vec![room()] }),
    ]
    .into_iter()
    .chain(more_samples(&room(), &user()))
    .chain(own_samples(&room(), &user()))
    .chain(group_samples(&room(), &user()))
    .chain(file_samples(&room()))
    .chain(accounts::samples())
    .chain(newer_samples(&room()))
    .chain(app_samples(&room()))
    .chain(hook_samples(&room()))
    .collect()
}

/// The methods that are about what is sent later, polls, previews and programs.
fn newer_samples(room: &Bytes) -> impl Iterator<Item = Sample> {
    let later = later::samples(room).into_iter().chain(polls::samples(room));
    let later = later.chain(previews::samples(room)).chain(interactions::samples(room));
    let later = later.chain(compliance::samples(room)).chain(moderation::samples(room));
    let later = later.chain(quotas::samples());
    later.chain(accounts::of_programs()).chain(people::samples(room))
}

/// The methods that are about reactions, pins, organizations and permissions.
fn more_samples(room: &Bytes, user: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    let user = || user.clone();
    vec![
        sample::<rpc::React>(&ReactRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 2,
            emoji: "👍".into(),
        }),
        sample::<rpc::Unreact>(&UnreactRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 2,
            emoji: ":name:".into(),
        }),
        sample::<rpc::Pin>(&PinRequest { room: room(), client_ref: client_ref(), target_seq: 2 }),
        sample::<rpc::Unpin>(&UnpinRequest {
            room: room(),
            client_ref: client_ref(),
            target_seq: 2,
        }),
        sample::<rpc::ListPins>(&ListPinsRequest { room: room() }),
        sample::<rpc::ReadEdits>(&ReadEditsRequest { room: room(), target_seq: 2 }),
        sample::<rpc::ListNodes>(&ListNodesRequest { page: room(), page_size: 10 }),
        sample::<rpc::ChangeDirectory>(&changes(user())),
        sample::<rpc::ListMemberships>(&ListMembershipsRequest {
            node: "team".into(),
            page: user(),
            page_size: 10,
        }),
        sample::<rpc::ReadAudit>(&ReadAuditRequest { from_seq: 1, limit: 5 }),
        sample::<rpc::GetAccess>(&GetAccessRequest { room: room() }),
        sample::<rpc::SetOverrides>(&SetOverridesRequest {
            room: room(),
            overrides: vec![override_of(user())],
        }),
    ]
}

/// The methods that are about threads, and what is one's own.
fn own_samples(room: &Bytes, user: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    let user = || user.clone();
    vec![
        sample::<rpc::SaveMessage>(&SaveMessageRequest { room: room(), seq: 2 }),
        sample::<rpc::UnsaveMessage>(&UnsaveMessageRequest { room: room(), seq: 2 }),
        sample::<rpc::ListSaved>(&ListSavedRequest {
            page: 9u64.to_be_bytes().to_vec().into(),
            page_size: 10,
        }),
        sample::<rpc::FollowThread>(&FollowThreadRequest { room: room(), root_seq: 2 }),
        sample::<rpc::UnfollowThread>(&UnfollowThreadRequest { room: room(), root_seq: 2 }),
        sample::<rpc::MarkThreadRead>(&MarkThreadReadRequest { room: room(), root_seq: 2, seq: 3 }),
        sample::<rpc::MarkThreadUnread>(&MarkThreadUnreadRequest {
            room: room(),
            root_seq: 2,
            seq: 3,
        }),
        sample::<rpc::ListThreads>(&ListThreadsRequest {
            page: user(),
            page_size: 10,
            unread_only: true,
        }),
        sample::<rpc::ReadThread>(&ReadThreadRequest {
            room: room(),
            root_seq: 2,
            before_seq: 9,
            limit: 5,
        }),
        sample::<rpc::ListReceipts>(&ListReceiptsRequest {
            room: room(),
            page: user(),
            page_size: 10,
        }),
        sample::<rpc::SetRoomSettings>(&SetRoomSettingsRequest {
            room: room(),
            settings: Some(RoomSettings { favourite: true, ..RoomSettings::default() }),
        }),
        sample::<rpc::SetSettings>(&SetSettingsRequest {
            settings: Some(Settings { keywords: vec!["word".into()], ..Settings::default() }),
        }),
        sample::<rpc::GetSettings>(&GetSettingsRequest {}),
        sample::<rpc::ReadMentions>(&ReadMentionsRequest {
            page: Bytes::new(),
            limit: 5,
            unread_only: true,
        }),
        sample::<rpc::SearchMessages>(&SearchMessagesRequest {
            text: "a message".into(),
            phrases: vec!["of some length".into()],
            rooms: vec![room()],
            senders: vec![user()],
            before_ms: u64::MAX,
            order: SearchOrder::Relevance as i32,
            limit: 5,
            ..SearchMessagesRequest::default()
        }),
        sample::<rpc::SetPresence>(&SetPresenceRequest { activity: Activity::Active as i32 }),
        sample::<rpc::WatchPresence>(&WatchPresenceRequest {
            add: vec![user()],
            remove: vec![user()],
        }),
        sample::<rpc::SetStatus>(&SetStatusRequest {
            status: Some(Status { text: "lunch".into(), emoji: "🍜".into(), expires_at_ms: 0 }),
            do_not_disturb_until_ms: Some(0),
            share_last_seen: Some(true),
        }),
    ]
}

/// The methods that are about the life of groups.
fn file_samples(room: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    let hash = || Bytes::from_static(&[7; 32]);
    let (upload, media_type) = (Bytes::from_static(&[7; 16]), "text/plain".to_owned());
    let announced = LinkUploadRequest { upload, size: 9, media_type, sha256: hash() };
    vec![
        sample::<rpc::LinkAttachment>(&LinkAttachmentRequest {
            room: room(),
            seq: 2,
            hash: hash(),
            variant: 1,
        }),
        sample::<rpc::LinkUpload>(&announced),
        sample::<rpc::ClaimAttachment>(&ClaimAttachmentRequest {
            room: room(),
            seq: 2,
            hash: hash(),
        }),
        sample::<rpc::GetUploadPolicy>(&GetUploadPolicyRequest {}),
    ]
}

/// The methods that are about webhooks.
fn hook_samples(room: &Bytes) -> Vec<Sample> {
    let (room, name) = (room.clone(), "a build server".to_owned());
    let list = ListHooksRequest { room: room.clone() };
    let revoke = RevokeHookRequest { room: room.clone(), hook: Bytes::from_static(&[7; 16]) };
    vec![
        sample::<rpc::CreateHook>(&CreateHookRequest { room, client_ref: client_ref(), name }),
        sample::<rpc::ListHooks>(&list),
        sample::<rpc::RevokeHook>(&revoke),
    ]
}

/// The methods that are about applications' events.
fn app_samples(room: &Bytes) -> Vec<Sample> {
    let (name, content_type) = ("com.example.build".to_owned(), "application/json".to_owned());
    let payload = Bytes::from_static(b"{\"ok\":true}");
    let event = AppEvent { name: name.clone(), content_type, payload };
    let signal = AppSignal { name, ..AppSignal::default() };
    vec![
        sample::<rpc::Publish>(&PublishRequest {
            room: room.clone(),
            client_ref: client_ref(),
            body: event.encode_to_vec().into(),
        }),
        sample::<rpc::Signal>(&SignalRequest {
            room: room.clone(),
            body: signal.encode_to_vec().into(),
        }),
    ]
}

fn group_samples(room: &Bytes, user: &Bytes) -> Vec<Sample> {
    let room = || room.clone();
    let user = || user.clone();
    vec![
        sample::<rpc::SetTopic>(&SetTopicRequest { room: room(), topic: "a topic".into() }),
        sample::<rpc::ArchiveRoom>(&ArchiveRoomRequest { room: room(), archived: false }),
        sample::<rpc::SetSlowMode>(&SetSlowModeRequest { room: room(), seconds: 0 }),
        sample::<rpc::SetOpen>(&SetOpenRequest { room: room(), open: true }),
        sample::<rpc::ListOpenRooms>(&ListOpenRoomsRequest { page: room(), page_size: 10 }),
        sample::<rpc::JoinRoom>(&JoinRoomRequest { room: room() }),
        sample::<rpc::Ban>(&BanRequest { room: room(), user: user() }),
        sample::<rpc::Unban>(&UnbanRequest { room: room(), user: user() }),
        sample::<rpc::ListBans>(&ListBansRequest { room: room() }),
    ]
}

fn override_of(user: Bytes) -> PermissionOverride {
    PermissionOverride { subject: Some(Subject::User(user)), allow: 6, deny: 8 }
}

/// One change of each kind, of an organization that the first one makes.
fn changes(user: Bytes) -> ChangeDirectoryRequest {
    let node = |key: &str, kind: NodeKind| PutNode {
        key: key.into(),
        kind: kind as i32,
        parent: (!key.is_empty()).then(String::new),
        name: Some("a node".into()),
        topic: Some("a topic".into()),
        ..PutNode::default()
    };
    let subject = || "nobody-of-that-name".to_owned();
    let profile = Profile { name: Some("Nobody".into()), ..Profile::default() };
    let all = [
        What::PutNode(node("", NodeKind::Organization)),
        What::PutNode(node("team", NodeKind::Team)),
        What::PutUser(PutUser { subject: subject(), profile: Some(profile), ..PutUser::default() }),
        What::PutMembership(PutMembership {
            node: "team".into(),
            subject: subject(),
            role: "lead".into(),
        }),
        What::PutOverrides(PutOverrides {
            node: "team".into(),
            overrides: vec![override_of(user)],
        }),
        What::EndMembership(EndMembership { node: "team".into(), subject: subject() }),
    ];
    let changes = all.map(|what| Change { change: Some(what) }).to_vec();
    ChangeDirectoryRequest { changes, dry_run: false }
}
