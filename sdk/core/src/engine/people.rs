//! Users, as far as a client keeps what was said of them.

use bytes::Bytes;
use parlour_protocol::ids::UserId;

use super::Engine;
use crate::cache::Write;

impl Engine {
    /// Keeps what the server said of users, each an encoded `parlour.user.v1.User`.
    pub fn keep_users(&mut self, users: impl IntoIterator<Item = (UserId, Bytes)>) {
        self.writes.extend(users.into_iter().map(|(user, row)| Write::User(user, row)));
    }
}
