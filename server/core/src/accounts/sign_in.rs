//! Signing in: who shows something that is good gets a token, and what keeps the login.
//!
//! The client makes the secret it will come with the next time before it asks, and sends its hash. So
//! asking again after a lost answer is the same request, and a secret that two have used shows: to the
//! one who comes second it is of no use any more, and that they find out.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    account::LoginMethod,
    ids::{DeviceId, LoginId, OrgId, UserId},
    limits::{AGENT_BYTES_MAX, HANDLE_BYTES_MAX, PASSWORD_BYTES_MAX, SUBJECT_BYTES_MAX},
    wire::{Error, ErrorReason, KeptLogin, PasswordSignIn, SignIn, SignedIn, sign_in::How},
};
use prost::Message;

use super::{
    Account,
    code::{self, sha256},
    logins::{self, Login, ended_key},
    rows::{CodeRow, LoginRow, SpentRow},
};
use crate::{
    admission::revoked_key,
    directory::{Role, plan::handle_key},
    draft::{Draft, RowsDraft, store_error},
    identity,
    introduction::GUEST_SCOPE,
    kit::id_field,
    limits::ISSUED_AHEAD_MAX,
    node::Node,
    ports::{
        accounts::{Grant, NotNow},
        clock::Now,
        store::{Put, Shard},
    },
    records::{RevokedRow, key},
    tables::Table,
};

/// The answer to a sign-in, and what has to be committed before it is given. If that is refused because
/// something changed, ask again.
pub type Decided = (SignedIn, Option<Draft>);

impl Node {
    /// Decides on a sign-in.
    pub async fn sign_in(&self, request: &SignIn) -> Result<Decided, Error> {
        let decided = self.decide_sign_in(request).await?;
        if let Some(draft) = &decided.1 {
            self.count_for(draft).await.map_err(store_error)?;
        }
        Ok(decided)
    }

    async fn decide_sign_in(&self, request: &SignIn) -> Result<Decided, Error> {
        self.accounts.issuer()?;
        if request.next_hash.len() != 32 {
            return Err(Error::invalid("next_hash", "is not 32 bytes"));
        }
        id_field("device", DeviceId::parse(&request.device))?;
        if request.agent.len() > AGENT_BYTES_MAX {
            return Err(Error::invalid("agent", "is over 100 bytes"));
        }
        let now = self.now();
        match &request.how {
            Some(How::Kept(kept)) => self.keep(request, kept, now).await,
            Some(How::Password(password)) => self.by_password(request, password, now).await,
            Some(How::Code(by)) => {
                let (org, key) = code::parse(&by.code).ok_or_else(refused)?;
                let row: CodeRow = self.row(Table::CODES, &key).await?.ok_or_else(refused)?;
                if row.invite.is_empty() {
                    self.by_link(request, org, key, &row, now).await
                } else {
                    self.by_invite(request, org, &row, by.newcomer.as_ref(), now).await
                }
            }
            Some(How::Passkey(passkey)) => self.by_passkey(request, passkey, now).await,
            // Whoever takes sign-ins answers questions itself.
            Some(How::Question(_)) | None => Err(Error::invalid("how", "is missing")),
        }
    }

    /// A login goes on, with another secret from now on.
    async fn keep(&self, request: &SignIn, kept: &KeptLogin, now: Now) -> Result<Decided, Error> {
        let (org, user, id) = logins::parse_locator(&kept.login).ok_or_else(login_ended)?;
        let account = self.account(org, user).await?.ok_or_else(login_ended)?;
        let login = self.login(&account, id).await?.ok_or_else(login_ended)?;
        let is_ended = self.store.get(Table::REVOKED, &ended_key(org, id)).await;
        if is_ended.map_err(store_error)?.is_some()
            || !login.is_good(&account, now.unix_ms)
            || self.is_shut_out(org, user).await?
        {
            return Err(login_ended());
        }
        let shown = sha256(&kept.secret);
        if login.row.before == shown[..] && login.row.secret == request.next_hash {
            return Ok((self.signed_in(&account, &login, now).await?, None));
        }
        if login.row.before == shown[..] {
            // Two have used that secret. Whoever was first has what came after it, and it can't be told
            // which of them is the owner: they sign in anew.
            return self.end_copied(&account, id, now).await;
        }
        if login.row.secret != shown[..] {
            return Err(login_ended());
        }
        let before = login.row.before.clone();
        let row = LoginRow {
            secret: request.next_hash.clone(),
            before: login.row.secret.clone(),
            agent: request.agent.clone(),
            used_ms: now.unix_ms,
            ..login.row
        };
        let login = Login { id, row };
        // Shown once: of two who show it at the same time, one comes second and is found out.
        let shows = |secret: &[u8]| (Table::CODES_SPENT, shown_key(org, id, secret));
        let (table, key) = shows(&shown);
        let spent = SpentRow { of: login.locator(&account), ..SpentRow::default() };
        let value = Some(spent.encode_to_vec().into());
        let mut puts = vec![login.put(&account), Put { table, key, value }];
        if !before.is_empty() {
            let (table, key) = shows(&before);
            puts.push(Put { table, key, value: None });
        }
        let draft = RowsDraft {
            absent: vec![account.guard(), (Table::REVOKED, ended_key(org, id)), shows(&shown)],
            ..RowsDraft::new(Shard::Org(org), puts)
        };
        let signed_in = self.signed_in(&account, &login, now).await?;
        Ok((signed_in, Some(Draft::Rows(Box::new(draft)))))
    }

    /// Ends a login whose secret was copied; asked again, it isn't there.
    async fn end_copied(&self, account: &Account, id: LoginId, now: Now) -> Result<Decided, Error> {
        let (puts, closes) = logins::end(account, &[id], now.unix_ms);
        let draft =
            RowsDraft { closes: Some(closes), ..RowsDraft::new(Shard::Org(account.org), puts) };
        Ok((SignedIn::default(), Some(Draft::Rows(Box::new(draft)))))
    }

    async fn by_password(
        &self,
        request: &SignIn,
        by: &PasswordSignIn,
        now: Now,
    ) -> Result<Decided, Error> {
        let fits = (1..=SUBJECT_BYTES_MAX).contains(&by.user.len())
            && (1..=SUBJECT_BYTES_MAX).contains(&by.org.len())
            && by.password.len() <= PASSWORD_BYTES_MAX;
        if !fits {
            return Err(refused());
        }
        let org = identity::org_id(&by.org);
        // Guesses count by the name that is typed: whether two names are one account is not told.
        let typed = identity::user_id(org, &by.user);
        let (user, account) = self.named(org, &by.user).await?;
        let hash = account.as_ref().map(|account| account.row.password.clone());
        let hash = hash.filter(|hash| !hash.is_empty());
        if !self.check_password(typed, by.password.clone(), hash, now).await? {
            return Err(refused());
        }
        let account = account.ok_or_else(refused)?;
        if self.is_shut_out(org, user).await? {
            return Err(refused());
        }
        self.new_login(request, &account, LoginMethod::Password, vec![], now).await
    }

    /// Whether the password is right, unless too many wrong ones came before.
    pub(crate) async fn check_password(
        &self,
        user: UserId,
        password: String,
        hash: Option<String>,
        now: Now,
    ) -> Result<bool, Error> {
        let attempts = || self.accounts.attempts.lock().expect("no panic while the lock is held");
        if let Some(wait) = attempts().wait(user, now.elapsed) {
            let error = Error::new(ErrorReason::RateLimited, "too many wrong passwords");
            return Err(error.after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)));
        }
        // Counted before it is checked, so that guesses made at once count, too.
        attempts().handle_wrong(user, now.elapsed);
        let checked = self.accounts.issuer()?.check(password, hash).await;
        match checked {
            Ok(true) => attempts().handle_right(user),
            Ok(false) => {}
            Err(NotNow) => attempts().handle_unchecked(user),
        }
        checked.map_err(not_now)
    }

    /// The account that a subject or a handle names, and whose it would be if there is none.
    async fn named(&self, org: OrgId, name: &str) -> Result<(UserId, Option<Account>), Error> {
        let user = identity::user_id(org, name);
        if let Some(account) = self.account(org, user).await? {
            return Ok((user, Some(account)));
        }
        if name.len() > HANDLE_BYTES_MAX {
            return Ok((user, None));
        }
        let owner = self.store.get(Table::HANDLES, &handle_key(org, name)).await;
        match owner.map_err(store_error)?.and_then(|owner| UserId::parse(&owner).ok()) {
            Some(owner) => Ok((owner, self.account(org, owner).await?)),
            None => Ok((user, None)),
        }
    }

    /// With a link, which is good once.
    async fn by_link(
        &self,
        request: &SignIn,
        org: OrgId,
        key: Bytes,
        row: &CodeRow,
        now: Now,
    ) -> Result<Decided, Error> {
        let user = UserId::parse(&row.user).map_err(|_| refused())?;
        let account = self.account(org, user).await?.ok_or_else(refused)?;
        if now.unix_ms > row.expires_ms
            || account.row.link != key
            || self.is_shut_out(org, user).await?
        {
            return Err(refused());
        }
        if let Some(spent) = self.row::<SpentRow>(Table::CODES_SPENT, &key).await? {
            // The same client, whose answer was lost; or somebody else.
            let id = LoginId::parse(&spent.login).map_err(|_| refused())?;
            let login = self.login(&account, id).await?.ok_or_else(refused)?;
            let is_same = spent.secret == request.next_hash
                && login.row.secret == request.next_hash
                && login.is_good(&account, now.unix_ms);
            if !is_same {
                return Err(refused());
            }
            return Ok((self.signed_in(&account, &login, now).await?, None));
        }
        self.new_login(request, &account, LoginMethod::Link, vec![key], now).await
    }

    /// A login more, made with these codes.
    pub(super) async fn new_login(
        &self,
        request: &SignIn,
        account: &Account,
        method: LoginMethod,
        codes: Vec<Bytes>,
        now: Now,
    ) -> Result<Decided, Error> {
        let id = LoginId::from_bytes(self.new_id(now.unix_ms));
        let login = Login::new(id, request, method as i32, now.unix_ms);
        let surplus = self.surplus(account, now.unix_ms).await?;
        let (mut puts, closes) = logins::end(account, &surplus, now.unix_ms);
        puts.push(login.put(account));
        // A change of the account that was decided before doesn't miss it.
        puts.extend(account.change(account.row.clone()));
        let mut absent = vec![account.guard()];
        for key in codes {
            let spent = SpentRow {
                login: id.to_field(),
                secret: request.next_hash.clone(),
                of: Bytes::new(),
            };
            let value = Some(spent.encode_to_vec().into());
            puts.push(Put { table: Table::CODES_SPENT, key: key.clone(), value });
            absent.push((Table::CODES_SPENT, key));
        }
        let closes = (!surplus.is_empty()).then_some(closes);
        let draft = RowsDraft { absent, closes, ..RowsDraft::new(Shard::Org(account.org), puts) };
        let signed_in = self.signed_in(account, &login, now).await?;
        Ok((signed_in, Some(Draft::Rows(Box::new(draft)))))
    }

    /// The answer: a token of the login.
    pub(crate) async fn signed_in(
        &self,
        account: &Account,
        login: &Login,
        now: Now,
    ) -> Result<SignedIn, Error> {
        let names = self.names(account).await?;
        self.signed_in_as(account, login, names, now).await
    }

    /// The same for one whom the directory doesn't know yet.
    pub(crate) async fn signed_in_as(
        &self,
        account: &Account,
        login: &Login,
        AccountNames { name, role }: AccountNames,
        now: Now,
    ) -> Result<SignedIn, Error> {
        let issuer = self.accounts.issuer()?;
        let mut scopes = account.row.scopes.clone();
        if role.as_deref() == Some(Role::GUEST) {
            scopes.push(GUEST_SCOPE.to_owned());
        }
        let issued_at_ms = self.issued_at(account, now).await?;
        let expires_at_ms = now.unix_ms + issuer.token_ms();
        let grant = Grant {
            subject: account.row.subject.as_str().into(),
            org: account.row.org.as_str().into(),
            name,
            scopes,
            token_id: login.token_id(),
            issued_at_ms,
            expires_at_ms,
        };
        Ok(SignedIn {
            token: issuer.issue(&grant).map_err(not_now)?,
            // Tokens count in whole seconds.
            token_expires_ms: expires_at_ms / 1000 * 1000,
            login: login.locator(account),
            subject: account.row.subject.clone(),
            org: account.row.org.clone(),
        })
    }

    /// When a token says it was made: in a second of its own behind the last end of all tokens, since
    /// those of the same second are refused.
    pub(crate) async fn issued_at(&self, account: &Account, now: Now) -> Result<u64, Error> {
        let key = revoked_key(account.org, b'u', account.user.to_bytes());
        let ended: Option<RevokedRow> = self.row(Table::REVOKED, &key).await?;
        let free_ms = ended.map_or(0, |row| (row.at_ms / 1000 + 1) * 1000);
        // A clock that was far ahead when it was ended is no reason to date tokens far ahead.
        let is_near = free_ms <= now.unix_ms + ISSUED_AHEAD_MAX.as_millis() as u64;
        Ok(if is_near { free_ms.max(now.unix_ms) } else { now.unix_ms })
    }

    async fn names(&self, account: &Account) -> Result<AccountNames, Error> {
        let row = self.user_row(account.org, account.user).await.map_err(store_error)?;
        let name = row.map(|row| row.name).filter(|name| !name.is_empty());
        let directory = self.directory(account.org).await.map_err(store_error)?;
        let role = directory
            .read(|directory| directory.role(account.user).map(|role| role.name().to_owned()));
        Ok(AccountNames { name: name.unwrap_or_else(|| account.row.subject.clone()).into(), role })
    }

    /// Whether a user is deactivated.
    pub(crate) async fn is_shut_out(&self, org: OrgId, user: UserId) -> Result<bool, Error> {
        let directory = self.directory(org).await.map_err(store_error)?;
        Ok(directory.read(|directory| directory.is_deactivated(user)))
    }
}

/// How people and the directory call an account.
pub(crate) struct AccountNames {
    pub(crate) name: Arc<str>,
    pub(crate) role: Option<String>,
}

/// The one answer to whatever isn't right about a sign-in.
pub(crate) fn refused() -> Error {
    Error::new(ErrorReason::SignInRefused, "the sign-in is not right, or not good any more")
}

/// The key of a login's secret that was shown.
fn shown_key(org: OrgId, login: LoginId, hash: &[u8]) -> Bytes {
    key(&[org.as_bytes(), &sha256(&[&login.as_bytes()[..], hash].concat())])
}

fn login_ended() -> Error {
    Error::new(ErrorReason::LoginEnded, "the login is over")
}

pub(crate) fn not_now(_: NotNow) -> Error {
    Error::new(ErrorReason::RateLimited, "too many sign-ins at once")
}
