//! Invites: codes with which people make accounts of their own, at once or once somebody has let them
//! in. Decided on the directory's version, so that no more take one than may.

use parlour_protocol::{
    account::{AccountAction, AccountsChanged, KnockState, LoginMethod},
    directory::{Change, PutMembership, PutUser, change::Change as Wanted},
    ids::{InviteId, LoginId, OrgId, UserId},
    limits::{HANDLE_BYTES_MAX, KNOCK_NOTE_BYTES_MAX, PROFILE_NAME_BYTES_MAX},
    user::Profile,
    wire::{Error, ErrorReason, Newcomer, SignIn},
};
use prost::Message;

use super::{
    Account, audited,
    logins::Login,
    rows::{AccountRow, CodeRow, InviteRow, LoginRow, UseRow, invite_key, use_key},
    sign_in::{AccountNames, Decided, refused},
};
use crate::{
    directory::plan::{Known, handle_key, plan},
    draft::{Draft, OrgDraft, store_error},
    identity,
    limits::ACCOUNT_ROWS,
    node::Node,
    ports::{
        clock::Now,
        store::{Put, Scan},
    },
    records::{key, org_user},
    tables::Table,
};

/// Somebody who takes an invite.
pub(crate) struct Taker<'a> {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    /// The invite.
    pub(crate) id: InviteId,
    pub(crate) invite: &'a InviteRow,
    /// What they said of themselves.
    pub(crate) row: &'a UseRow,
}

impl Taker<'_> {
    /// Their account.
    fn account(&self, now: Now) -> Account {
        let row = AccountRow {
            subject: self.row.subject.clone(),
            org: self.invite.org.clone(),
            created_ms: now.unix_ms,
            ..AccountRow::default()
        };
        Account::new(self.org, self.user, row)
    }

    /// Their login, as they asked for it.
    fn login(&self, now: Now) -> Result<Login, Error> {
        let row = LoginRow {
            secret: self.row.secret.clone(),
            agent: self.row.agent.clone(),
            device: self.row.device.clone(),
            since_ms: now.unix_ms,
            used_ms: now.unix_ms,
            method: LoginMethod::Invite as i32,
            ..LoginRow::default()
        };
        let id = LoginId::parse(&self.row.login);
        let id = id.map_err(|_| Error::new(ErrorReason::DataDamaged, "a row is damaged"))?;
        Ok(Login { id, row })
    }

    /// What changes in the directory when they come.
    fn wanted(&self) -> Vec<Change> {
        let row = self.row;
        let name = (!row.name.is_empty()).then(|| row.name.clone());
        let handle = Some(row.subject.clone());
        let user = PutUser {
            subject: row.subject.clone(),
            role: Some(self.invite.role.clone()),
            profile: Some(Profile { name, handle, ..Profile::default() }),
            deactivated: None,
        };
        let nodes = self.invite.nodes.iter().map(|node| PutMembership {
            node: node.clone(),
            subject: row.subject.clone(),
            role: String::new(),
        });
        let nodes = nodes.map(Wanted::PutMembership);
        let changes = std::iter::once(Wanted::PutUser(user)).chain(nodes);
        changes.map(|change| Change { change: Some(change) }).collect()
    }
}

impl Node {
    /// With an invite: makes the account, or knocks.
    pub(super) async fn by_invite(
        &self,
        request: &SignIn,
        org: OrgId,
        code: &CodeRow,
        newcomer: Option<&Newcomer>,
        now: Now,
    ) -> Result<Decided, Error> {
        let newcomer = newcomer.ok_or_else(|| Error::invalid("code.newcomer", "is missing"))?;
        check_newcomer(newcomer)?;
        let id = InviteId::parse(&code.invite).map_err(|_| refused())?;
        // Before rows are read: if one of them changes meanwhile, so does this.
        let directory = self.directory(org).await.map_err(store_error)?;
        let version = directory.head().seq;
        let invite: InviteRow =
            self.row(Table::INVITES, &invite_key(org, id)).await?.ok_or_else(refused)?;
        let user = identity::user_id(org, &newcomer.subject);
        let taken: Option<UseRow> = self.row(Table::INVITE_USES, &use_key(org, id, user)).await?;
        if let Some(taken) = taken {
            return self.taken_before(request, org, user, &taken, now).await;
        }
        if invite.revoked
            || now.unix_ms > invite.expires_ms
            || self.used(org, id).await?.0 >= invite.uses_max
        {
            return Err(refused());
        }
        if self.is_taken(org, user, &newcomer.subject).await? {
            return Err(subject_taken());
        }
        let login = LoginId::from_bytes(self.new_id(now.unix_ms));
        let mut row = UseRow {
            subject: newcomer.subject.clone(),
            name: newcomer.name.clone(),
            note: newcomer.note.clone(),
            at_ms: now.unix_ms,
            state: KnockState::Waiting as i32,
            login: login.to_field(),
            secret: request.next_hash.clone(),
            agent: request.agent.clone(),
            device: request.device.clone(),
        };
        if invite.knock {
            let event = AccountsChanged {
                actor: newcomer.subject.clone(),
                action: AccountAction::Knocked as i32,
                subject: newcomer.subject.clone(),
                invite: id.to_field(),
                ..AccountsChanged::default()
            };
            let puts = vec![use_put(org, id, user, &row)];
            let draft = OrgDraft { version, ..audited(directory, user, &event, puts) };
            return Ok((Default::default(), Some(Draft::Org(Box::new(draft)))));
        }
        row.state = KnockState::Joined as i32;
        let actor = newcomer.subject.clone();
        let taker = Taker { org, user, id, invite: &invite, row: &row };
        let mut draft = self.joining(&taker, &actor, now).await?;
        draft.version = version;
        let name = Some(&*newcomer.name).filter(|name| !name.is_empty());
        let names = AccountNames {
            name: name.unwrap_or(&newcomer.subject).into(),
            role: Some(invite.role.clone()),
        };
        let (account, login) = (taker.account(now), taker.login(now)?);
        let signed_in = self.signed_in_as(&account, &login, names, now).await?;
        Ok((signed_in, Some(Draft::Org(Box::new(draft)))))
    }

    /// Somebody who took it already, as the same client or as another one.
    async fn taken_before(
        &self,
        request: &SignIn,
        org: OrgId,
        user: UserId,
        taken: &UseRow,
        now: Now,
    ) -> Result<Decided, Error> {
        if taken.secret != request.next_hash {
            return Err(subject_taken());
        }
        match KnockState::try_from(taken.state) {
            Ok(KnockState::Waiting) => {
                let error = Error::new(ErrorReason::KnockWaiting, "somebody has to let you in");
                return Err(error.after_ms(KNOCK_AGAIN_MS));
            }
            Ok(KnockState::Joined) => {}
            _ => return Err(refused()),
        }
        let account = self.account(org, user).await?.ok_or_else(refused)?;
        let id = LoginId::parse(&taken.login).map_err(|_| refused())?;
        let login = self.login(&account, id).await?.ok_or_else(refused)?;
        let is_same = login.row.secret == request.next_hash;
        if !is_same || !login.is_good(&account, now.unix_ms) || self.is_shut_out(org, user).await? {
            return Err(refused());
        }
        Ok((self.signed_in(&account, &login, now).await?, None))
    }

    /// The draft that puts somebody into the directory, with their account and login. They took the
    /// invite, or somebody lets them in: that is the actor.
    pub(crate) async fn joining(
        &self,
        taker: &Taker<'_>,
        actor: &str,
        now: Now,
    ) -> Result<OrgDraft, Error> {
        let Taker { org, user, id, row, .. } = *taker;
        let directory = self.directory(org).await.map_err(store_error)?;
        let version = directory.head().seq;
        let mut known = Known::default();
        if let Some(user_row) = self.user_row(org, user).await.map_err(store_error)? {
            known.users.insert(user, user_row);
        }
        let owner = self.store.get(Table::HANDLES, &handle_key(org, &row.subject)).await;
        if let Some(owner) = owner.map_err(store_error)?.and_then(|it| UserId::parse(&it).ok()) {
            known.handles.insert(row.subject.clone(), owner);
        }
        let wanted = taker.wanted();
        let planned = directory.read(|directory| plan(directory, user, &wanted, known))?;
        let draft = planned.into_draft(directory, version, user, actor)?;
        let Draft::Org(mut draft) = draft else { unreachable!("a plan is of an organization") };
        let account = taker.account(now);
        draft.puts.extend(account.change(account.row.clone()));
        draft.absent.push(account.guard());
        draft.puts.push(taker.login(now)?.put(&account));
        let joined = UseRow { state: KnockState::Joined as i32, ..row.clone() };
        draft.puts.push(use_put(org, id, user, &joined));
        Ok(*draft)
    }

    /// How many took an invite, less those who were declined; and the rows of all.
    pub(crate) async fn used(
        &self,
        org: OrgId,
        id: InviteId,
    ) -> Result<(u32, Vec<(UserId, UseRow)>), Error> {
        let mut scan = Scan::prefix(Table::INVITE_USES, invite_key(org, id), ACCOUNT_ROWS);
        let mut uses = vec![];
        loop {
            let rows = self.store.scan(scan.clone()).await.map_err(store_error)?;
            uses.extend(rows.iter().filter_map(|(key, row)| {
                let user = UserId::parse(key.get(32..)?).ok()?;
                Some((user, UseRow::decode(row.clone()).ok()?))
            }));
            let Some((last, _)) = rows.last().filter(|_| rows.len() == ACCOUNT_ROWS) else { break };
            scan.from = key(&[last, &[0]]);
        }
        let counts = |row: &UseRow| row.state != KnockState::Declined as i32;
        let used = uses.iter().filter(|(_, row)| counts(row)).count();
        Ok((used as u32, uses))
    }

    /// Whether somebody is called that, with an account or without.
    pub(crate) async fn is_taken(
        &self,
        org: OrgId,
        user: UserId,
        subject: &str,
    ) -> Result<bool, Error> {
        for (table, key) in [
            (Table::ACCOUNTS, org_user(org, user)),
            (Table::USERS, org_user(org, user)),
            (Table::HANDLES, handle_key(org, subject)),
        ] {
            if self.store.get(table, &key).await.map_err(store_error)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What the organization's log calls whoever isn't a person.
const RESERVED: [&str; 2] = ["operator", "parlour"];

/// Whether nobody may be called that, as the organization's log calls whoever isn't a person so.
pub fn is_reserved(subject: &str) -> bool {
    RESERVED.contains(&subject)
}

/// The answer to a name that is somebody's.
pub(crate) fn subject_taken() -> Error {
    Error::new(ErrorReason::SubjectTaken, "somebody is called that already")
}

/// When whoever waits asks again.
const KNOCK_AGAIN_MS: u64 = 5_000;

/// The write of somebody who took an invite.
pub(crate) fn use_put(org: OrgId, id: InviteId, user: UserId, row: &UseRow) -> Put {
    let value = Some(row.encode_to_vec().into());
    Put { table: Table::INVITE_USES, key: use_key(org, id, user), value }
}

/// What a new account may be called.
pub(crate) fn check_subject(field: &str, subject: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if !(1..=HANDLE_BYTES_MAX).contains(&subject.len()) || !subject.bytes().all(plain) {
        return Err(Error::invalid(field, "is not 1 to 32 of a-z 0-9 . _ -"));
    }
    if is_reserved(subject) { Err(subject_taken()) } else { Ok(()) }
}

fn check_newcomer(newcomer: &Newcomer) -> Result<(), Error> {
    check_subject("code.newcomer.subject", &newcomer.subject)?;
    if newcomer.name.len() > PROFILE_NAME_BYTES_MAX {
        return Err(Error::invalid("code.newcomer.name", "is over 200 bytes"));
    }
    if newcomer.note.len() > KNOCK_NOTE_BYTES_MAX {
        return Err(Error::invalid("code.newcomer.note", "is over 500 bytes"));
    }
    Ok(())
}
