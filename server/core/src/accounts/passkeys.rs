//! Passkeys of accounts: kept by the hash of their credential's id, found by it when somebody signs in. A
//! question's state goes to the client sealed, with whom it was asked for; each is answered once.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    account::{LoginMethod, Passkey},
    ids::{OrgId, UserId},
    limits::{PASSKEY_STATE_BYTES_MAX, PASSKEYS_MAX},
    wire::{Error, ErrorReason, PasskeyChallenge, PasskeySignIn, SignIn},
};
use prost::Message;
use rustc_hash::FxHashMap;

use super::{
    Account,
    code::sha256,
    rows::{PasskeyRow, passkey_key},
    sign_in::{Decided, refused},
};
use crate::{
    draft::{Draft, store_error},
    limits::QUESTIONS_ANSWERED_MAX,
    node::Node,
    ports::{
        clock::Now,
        passkeys::{Answered, Asked, Passkeys},
        store::{Put, Scan},
    },
    records::org_user,
    tables::Table,
};

/// Of a question that nobody in particular was asked.
const ANYBODY: [u8; 16] = [0; 16];

/// Questions that were answered, until they can't be any more.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    answered: FxHashMap<[u8; 16], (u64, Bytes)>,
}

impl Questions {
    /// Takes note of an answer; `false` if another one came before, or if too many have come just now.
    /// The same one comes again where something else changed meanwhile.
    fn answer(&mut self, (challenge, expires_ms): ([u8; 16], u64), by: &Bytes, now: Now) -> bool {
        if let Some((_, before)) = self.answered.get(&challenge) {
            return before == by;
        }
        if self.answered.len() >= QUESTIONS_ANSWERED_MAX {
            self.answered.retain(|_, (expires_ms, _)| *expires_ms >= now.unix_ms);
        }
        let has_room = self.answered.len() < QUESTIONS_ANSWERED_MAX;
        if has_room {
            self.answered.insert(challenge, (expires_ms, by.clone()));
        }
        has_room
    }
}

/// A passkey as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) hash: Bytes,
    pub(crate) row: PasskeyRow,
}

impl Held {
    /// The writes that keep it, or remove it.
    pub(crate) fn puts(&self, account: &Account, is_kept: bool) -> [Put; 2] {
        let owner = org_user(account.org, account.user);
        let key = passkey_key(account.org, account.user, &self.hash);
        let value = is_kept.then(|| Bytes::from(self.row.encode_to_vec()));
        [
            Put { table: Table::PASSKEYS, key, value },
            Put { value: is_kept.then_some(owner), ..owner_end(self.hash.clone()) },
        ]
    }

    /// What its owner sees.
    pub(crate) fn view(&self) -> Passkey {
        Passkey {
            id: self.hash.clone(),
            name: self.row.name.clone(),
            created_ms: self.row.created_ms,
            used_ms: self.row.used_ms,
            model: self.row.model.clone(),
            is_synced: self.row.is_synced,
        }
    }
}

/// Nobody owns the passkey any more.
pub(crate) fn owner_end(hash: Bytes) -> Put {
    Put { table: Table::PASSKEY_OWNERS, key: hash, value: None }
}

impl Node {
    /// Who asks for passkeys, where there are any.
    pub(crate) fn passkeys(&self) -> Result<&Arc<dyn Passkeys>, Error> {
        self.accounts.issuer()?;
        let disabled = || Error::new(ErrorReason::PasskeysDisabled, "there are no passkeys here");
        self.accounts.passkeys.as_ref().ok_or_else(disabled)
    }

    /// A question that any passkey may answer.
    pub fn passkey_challenge(&self) -> Result<PasskeyChallenge, Error> {
        let passkeys = self.passkeys()?;
        let asked = passkeys.ask(self.now().unix_ms);
        Ok(PasskeyChallenge {
            challenge: Bytes::copy_from_slice(&asked.challenge),
            host: passkeys.host().to_owned(),
            state: self.sealed_question(ANYBODY, &asked),
            expires_ms: asked.expires_ms,
        })
    }

    /// What comes back with the answer.
    pub(crate) fn sealed_question(&self, user: [u8; 16], asked: &Asked) -> Bytes {
        self.sealer.seal(&[&user[..], &asked.state].concat()).into()
    }

    /// The state in what has come back, if that user was asked.
    pub(crate) fn open_question(&self, user: [u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
        if sealed.len() > PASSKEY_STATE_BYTES_MAX {
            return None;
        }
        let plain = self.sealer.open(sealed)?;
        let state = plain.strip_prefix(&user[..])?;
        Some(state.to_vec())
    }

    /// Whether nothing else has answered that question before; `by` tells answers apart.
    pub(crate) fn answers_first(&self, state: &[u8], by: &Bytes, now: Now) -> Result<bool, Error> {
        let Some(pending) = self.passkeys()?.pending(state) else { return Ok(false) };
        let mut questions = self.accounts.questions.lock().expect("no panic while it is held");
        Ok(questions.answer(pending, by, now))
    }

    /// An account's passkeys, oldest first.
    pub(crate) async fn passkeys_of(&self, account: &Account) -> Result<Vec<Held>, Error> {
        let prefix = org_user(account.org, account.user);
        let scan = Scan::prefix(Table::PASSKEYS, prefix, PASSKEYS_MAX + 1);
        let rows = self.store.scan(scan).await.map_err(store_error)?;
        let held = |(key, row): &(Bytes, Bytes)| {
            let row = PasskeyRow::decode(row.clone()).ok()?;
            Some(Held { hash: key.slice(key.len().checked_sub(32)?..), row })
        };
        let mut all: Vec<Held> = rows.iter().filter_map(held).collect();
        all.sort_by_key(|held| held.row.created_ms);
        Ok(all)
    }

    /// Signs in with a passkey.
    pub(super) async fn by_passkey(
        &self,
        request: &SignIn,
        by: &PasskeySignIn,
        now: Now,
    ) -> Result<Decided, Error> {
        let passkeys = self.passkeys()?;
        let state = self.open_question(ANYBODY, &by.state).ok_or_else(refused)?;
        let hash = Bytes::copy_from_slice(&sha256(&by.id));
        let owner = self.store.get(Table::PASSKEY_OWNERS, &hash).await.map_err(store_error)?;
        let (org, user) = owner.as_deref().and_then(owner_of).ok_or_else(refused)?;
        let key = passkey_key(org, user, &hash);
        let row: PasskeyRow = self.row(Table::PASSKEYS, &key).await?.ok_or_else(refused)?;
        let answered = Answered {
            id: &by.id,
            user: &by.user,
            client_data_json: &by.client_data_json,
            authenticator_data: &by.authenticator_data,
            signature: &by.signature,
        };
        let judged = passkeys.judge(&state, &row.encoded, &answered, now.unix_ms);
        let kept = judged.map_err(|_| refused())?;
        let account = self.account(org, user).await?.ok_or_else(refused)?;
        if account.row.is_service || self.is_shut_out(org, user).await? {
            return Err(refused());
        }
        let row = PasskeyRow { encoded: kept.encoded.into(), used_ms: now.unix_ms, ..row };
        let (signed_in, draft) =
            self.new_login(request, &account, LoginMethod::Passkey, vec![], now).await?;
        // At the end, as whatever goes wrong before may be tried again.
        if !self.answers_first(&state, &request.next_hash, now)? {
            return Err(refused());
        }
        let puts = Held { hash, row }.puts(&account, true);
        let draft = draft.map(|draft| match draft {
            Draft::Rows(mut rows) => {
                rows.puts.extend(puts);
                Draft::Rows(rows)
            }
            other => other,
        });
        Ok((signed_in, draft))
    }
}

fn owner_of(row: &[u8]) -> Option<(OrgId, UserId)> {
    let (org, user) = row.split_at_checked(16)?;
    Some((OrgId::parse(org).ok()?, UserId::parse(user).ok()?))
}
