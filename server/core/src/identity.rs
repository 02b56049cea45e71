//! Ids that follow from names, so that any node makes the same one without asking.

use parlour_protocol::ids::{ClientRef, OrgId, RoomId, UserId, WebhookId, uuid_v8};
use sha2::{Digest, Sha256};

fn hash(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(domain.as_bytes());
    for part in parts {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut out = [0; 16];
    out.copy_from_slice(&digest[..16]);
    uuid_v8(out)
}

/// The id of the organization that tokens call `org`.
pub fn org_id(org: &str) -> OrgId {
    OrgId::from_bytes(hash("parlour/org", &[org.as_bytes()]))
}

/// The id of the user that the organization's tokens call `subject`.
pub fn user_id(org: OrgId, subject: &str) -> UserId {
    UserId::from_bytes(hash("parlour/user", &[org.as_bytes(), subject.as_bytes()]))
}

/// The id that the operators of an organization have, who are no users of it.
pub fn operator_id(org: OrgId) -> UserId {
    UserId::from_bytes(hash("parlour/operator", &[org.as_bytes()]))
}

/// The id of the hook that somebody makes with that ref: a retry makes the same one.
pub fn hook_id(room: RoomId, creator: UserId, client_ref: ClientRef) -> [u8; 16] {
    hash("parlour/hook", &[room.as_bytes(), creator.as_bytes(), client_ref.as_bytes()])
}

/// The id of the user as whom a hook speaks: of no token.
pub fn hook_user_id(org: OrgId, hook: [u8; 16]) -> UserId {
    UserId::from_bytes(hash("parlour/hook-user", &[org.as_bytes(), &hook]))
}

/// The id of the webhook that somebody makes with that ref: a retry makes the same one.
pub fn webhook_id(scope: [u8; 16], creator: UserId, client_ref: ClientRef) -> WebhookId {
    let parts: [&[u8]; 3] = [&scope, creator.as_bytes(), client_ref.as_bytes()];
    WebhookId::from_bytes(hash("parlour/webhook", &parts))
}

/// The id of the one direct room of two users, whichever opens it.
pub fn direct_room_id(org: OrgId, a: UserId, b: UserId) -> RoomId {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    RoomId::from_bytes(hash("parlour/direct", &[org.as_bytes(), low.as_bytes(), high.as_bytes()]))
}

/// The id of a user's private room.
pub fn private_room_id(org: OrgId, user: UserId) -> RoomId {
    RoomId::from_bytes(hash("parlour/private", &[org.as_bytes(), user.as_bytes()]))
}

/// The id of the group a client makes with that ref: a retry makes the same one.
pub fn group_room_id(org: OrgId, creator: UserId, client_ref: ClientRef) -> RoomId {
    let parts: [&[u8]; 3] = [org.as_bytes(), creator.as_bytes(), client_ref.as_bytes()];
    RoomId::from_bytes(hash("parlour/group", &parts))
}

/// The id of the node that the organization calls `key`, which is its room's, too.
pub fn node_id(org: OrgId, key: &str) -> RoomId {
    RoomId::from_bytes(hash("parlour/node", &[org.as_bytes(), key.as_bytes()]))
}

/// Tells one request from another under the same client_ref.
pub fn fingerprint(kind: u32, parts: &[&[u8]]) -> u64 {
    let mut all: Vec<&[u8]> = vec![];
    let kind = kind.to_be_bytes();
    all.push(&kind);
    all.extend_from_slice(parts);
    let digest = hash("parlour/send", &all);
    u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[10], digest[11],
    ])
}

/// The row key of a token id (`jti`), which may be long.
pub fn token_key(token_id: &str) -> [u8; 16] {
    hash("parlour/jti", &[token_id.as_bytes()])
}
