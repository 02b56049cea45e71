//! Users as the server said they are: kept, and asked for again once presence tells that they are
//! others.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{MutexGuard, PoisonError},
};

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::UserId,
    limits::USERS_PER_CALL_MAX,
    prost::Message,
    user::{GetUsersRequest, User as WireUser},
};

use crate::{
    client::{User, parse_user},
    driver::Command,
    error::CallError,
    handle::Handle,
    limits::{USER_CHANGES_MAX, USERS_MAX},
    observe::{Feed, Publisher, feed},
};

/// Who is known.
#[derive(Debug, Default)]
pub(crate) struct Users {
    known: BTreeMap<UserId, Known>,
    /// What presence called users who aren't known yet: an answer may be from before.
    told: BTreeMap<UserId, u32>,
    watchers: Vec<Publisher<User>>,
    /// The client is gone: nothing changes any more.
    is_over: bool,
}

/// What is known of a user.
#[derive(Debug)]
struct Known {
    user: User,
    /// What the server calls this state of the user; 0 where it says nothing.
    mark: u32,
    /// To whom it was said: another user of this client isn't shown it.
    to: Option<UserId>,
    /// It was said in this run, and not only kept from one before.
    is_of_now: bool,
}

impl Users {
    /// Whether it is new.
    fn put(&mut self, known: Known) -> bool {
        let before = self.known.get(&known.user.id).filter(|before| before.to == known.to);
        let is_another = before.is_some_and(|before| before.user != known.user);
        let is_new = is_another || before.is_none_or(|before| before.mark != known.mark);
        if is_another {
            self.watchers.retain(|watcher| watcher.publish(|queue| tell(queue, &known.user)));
        }
        if self.known.len() >= USERS_MAX && !self.known.contains_key(&known.user.id) {
            self.known.pop_first();
        }
        self.known.insert(known.user.id, known);
        is_new
    }
}

/// Of each user only the newest counts, and of too many the last.
fn tell(queue: &mut VecDeque<User>, user: &User) {
    queue.retain(|waiting| waiting.id != user.id);
    if queue.len() >= USER_CHANGES_MAX {
        queue.pop_front();
    }
    queue.push_back(user.clone());
}

impl Handle {
    /// What the server said of a user, and whether that was in this run.
    pub(crate) fn known_user(&self, id: UserId) -> Option<(User, bool)> {
        let users = self.users();
        let known = users.known.get(&id).filter(|known| known.to == *self.me.borrow())?;
        Some((known.user.clone(), known.is_of_now))
    }

    /// Users as they are now. Unknown ones are left out.
    pub(crate) async fn ask_users(&self, ids: &[UserId]) -> Result<Vec<User>, CallError> {
        let mut found = Vec::new();
        let mut rest = ids;
        while !rest.is_empty() {
            let some = &rest[..rest.len().min(USERS_PER_CALL_MAX)];
            let users = some.iter().map(|user| user.to_field()).collect();
            let request = GetUsersRequest { users, subjects: Vec::new() };
            let answer = self.call::<rpc::GetUsers>(request).await?;
            rest = &rest[looked_at(answer.looked_at, some.len())..];
            found.extend(self.learn_users(answer.users));
        }
        Ok(found)
    }

    /// Users who were known and are others now.
    pub(crate) fn observe_users(&self) -> Feed<User> {
        let (publisher, feed) = feed();
        let mut users = self.users();
        if !users.is_over {
            users.watchers.push(publisher);
        }
        feed
    }

    /// The client is gone: so are those who observe.
    pub(crate) fn end_users(&self) {
        let mut users = self.users();
        users.is_over = true;
        users.watchers.clear();
    }

    /// What presence calls users: those who are others than what is known of them.
    pub(crate) fn hear_marks(&self, told: impl Iterator<Item = (UserId, u32)>) -> Vec<UserId> {
        let (to, mut users) = (*self.me.borrow(), self.users());
        let mut stale = Vec::new();
        for (id, mark) in told.filter(|(_, mark)| *mark != 0) {
            match users.known.get(&id).filter(|known| known.to == to) {
                Some(known) if known.mark == mark => {}
                Some(_) => stale.push(id),
                None if users.told.len() < USERS_MAX => drop(users.told.insert(id, mark)),
                None => {}
            }
        }
        stale
    }

    /// Takes in what the server says of users; what is new of it is kept.
    pub(crate) fn learn_users(&self, said: Vec<WireUser>) -> Vec<User> {
        let to = *self.me.borrow();
        let (mut learnt, mut rows, mut stale) = (Vec::with_capacity(said.len()), vec![], vec![]);
        for said in said {
            let (row, mark) = (said.encode_to_vec(), said.mark);
            let Some(user) = parse_user(said) else { continue };
            let mut users = self.users();
            // Asked for once more, whichever of the two is older.
            let told = users.told.remove(&user.id);
            stale.extend(told.filter(|told| *told != mark).map(|_| user.id));
            if users.put(Known { user: user.clone(), mark, to, is_of_now: true }) {
                rows.push((user.id, row.into()));
            }
            learnt.push(user);
        }
        if !rows.is_empty() {
            self.hint(Command::KeepUsers(rows));
        }
        if !stale.is_empty() {
            self.hint(Command::AskUsers(stale));
        }
        learnt
    }

    /// What was kept of users in a run before, when the client was this user's.
    pub(crate) fn recall_users(&self, kept: Vec<(UserId, Bytes)>, to: Option<UserId>) {
        for (_, row) in kept {
            let Ok(said) = WireUser::decode(row) else { continue };
            let mark = said.mark;
            let user = parse_user(said);
            user.map(|user| self.users().put(Known { user, mark, to, is_of_now: false }));
        }
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of those asked for are done with; a server that doesn't say has looked at all.
pub(crate) fn looked_at(said: u32, asked: usize) -> usize {
    match said as usize {
        0 => asked,
        n => n.min(asked),
    }
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
