//! Words that stand in one text only: wherever one of them turns up, that text was read.

use parlour_protocol::{
    blob::Blob,
    generated::{BulkRpc, ControlRpc},
    message::SendRequest,
    wire::Error,
};
use prost::Message;

use super::{
    model::{Room, User},
    world::World,
};
use crate::report::Report;

/// Two letters and six digits.
const WORD_LEN: usize = 8;

/// Whose a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Of those who are in a room.
    Room(Room),
    /// A room's name: theirs, and of those who could join it.
    Name(Room),
    /// Of one user alone.
    User(User),
}

/// A text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secret {
    pub(super) of: Of,
    /// Nobody reads it any more.
    pub(super) gone: bool,
}

/// The word in the text with that number.
pub(super) fn word(secret: usize) -> String {
    format!("zq{secret:06}")
}

/// The numbers of all texts whose word stands in there.
pub(super) fn words_in(bytes: &[u8]) -> Vec<usize> {
    let mut found = vec![];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'z') {
        rest = &rest[at..];
        let digits = rest.get(2..WORD_LEN).filter(|_| rest[1] == b'q');
        if let Some(digits) = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit)) {
            found.push(digits.iter().fold(0, |all, digit| all * 10 + usize::from(digit - b'0')));
        }
        rest = &rest[1..];
    }
    found
}

impl World {
    /// The number of a new text.
    pub(super) fn secret(&mut self, of: Of) -> usize {
        self.secrets.push(Secret { of, gone: false });
        self.secrets.len() - 1
    }

    /// A message for a room with those files, and the number of its text.
    pub(super) fn text(&mut self, room: Room, blobs: &[Blob]) -> (SendRequest, usize) {
        let secret = self.secret(Of::Room(room));
        (self.text_of(room, secret, blobs), secret)
    }

    /// The message with that text.
    pub(super) fn text_of(&mut self, room: Room, secret: usize, blobs: &[Blob]) -> SendRequest {
        let id = self.rooms.get(room).cloned().unwrap_or_default();
        parlour_inproc::carrying(&mut self.server, &id, &format!("text {}", word(secret)), blobs)
    }

    fn may_read(&self, user: User, secret: Secret) -> bool {
        !secret.gone
            && match secret.of {
                Of::Room(room) => self.model.is_in(room, user),
                Of::User(owner) => owner == user,
                Of::Name(room) => self.model.is_in(room, user) || self.model.is_offered(room, user),
            }
    }

    /// Nothing in there is what the user may not read.
    pub(super) fn look(&self, user: User, bytes: &[u8], what: &str, report: &mut Report) {
        for number in words_in(bytes) {
            let secret = self.secrets[number];
            report.expect(self.may_read(user, secret), || {
                format!("user {user} is told text {number} by {what}: {secret:?}")
            });
        }
    }

    /// A call by somebody who is connected; what it tells has to be theirs to read.
    pub(super) fn call<R: ControlRpc>(
        &mut self,
        user: User,
        request: &R::Request,
        report: &mut Report,
    ) -> Result<R::Response, Error> {
        let client = self.clients[user].expect("who calls is connected");
        let answer = self.server.call::<R>(client, request);
        let told = answer.as_ref().map_or_else(Message::encode_to_vec, Message::encode_to_vec);
        self.look(user, &told, std::any::type_name::<R>(), report);
        answer
    }

    /// The same, on a lane of its own.
    pub(super) fn bulk<R: BulkRpc>(
        &mut self,
        user: User,
        request: &R::Request,
        report: &mut Report,
    ) -> Result<Vec<R::Response>, Error> {
        let client = self.clients[user].expect("who calls is connected");
        let items = self.server.bulk::<R>(client, request);
        for item in items.iter().flatten() {
            self.look(user, &item.encode_to_vec(), std::any::type_name::<R>(), report);
        }
        items
    }
}
