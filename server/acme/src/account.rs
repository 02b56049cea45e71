//! The account with a CA: made once, kept by the embedder as bytes, and its contacts brought up to
//! date.

use std::{fmt, sync::Arc};

use instant_acme::{AccountCredentials, BodyWrapper, ExternalAccountKey, NewAccount};
use serde_json::json;

use crate::{
    AcmeError,
    watched::{Ask, Note, Watched},
};

/// The key of an account that the CA knows otherwise (RFC 8555 section 7.3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct External {
    /// What the CA calls the key.
    pub id: String,
    /// The key itself, for HS256.
    pub key: Vec<u8>,
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("id", &self.id).finish_non_exhaustive()
    }
}

/// With whom an account is had, and who has it.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// The address of the CA's directory.
    pub directory: String,
    /// Whom the CA may write to, as URIs such as `mailto:admin@example.org`.
    pub contact: Vec<String>,
    /// Needed by some CAs to make an account.
    pub external: Option<External>,
}

/// An account that can order.
pub struct Account {
    pub(crate) inner: instant_acme::Account,
    note: Note,
}

/// An account, and what of it has to be kept from now on, where that isn't what was kept before.
pub struct Opened {
    /// The account.
    pub account: Account,
    /// A secret: whoever has it can order certificates for the names.
    pub keep: Option<Vec<u8>>,
}

impl Account {
    /// The account that was kept, or a new one. Whoever calls this has agreed to the CA's terms.
    pub async fn open(
        applicant: &Applicant,
        kept: Option<&[u8]>,
        ask: Arc<dyn Ask>,
    ) -> Result<Opened, AcmeError> {
        let note = Note::default();
        let client = Box::new(Watched::new(ask, note.clone()));
        let builder = instant_acme::Account::builder_with_http(client);
        let failed = |error| AcmeError::new(error, note.last());
        let contact: Vec<&str> = applicant.contact.iter().map(String::as_str).collect();
        let Some(kept) = kept else {
            let new = NewAccount {
                contact: &contact,
                terms_of_service_agreed: true,
                only_return_existing: false,
            };
            let external = applicant.external.as_ref();
            let external = external.map(|key| ExternalAccountKey::new(key.id.clone(), &key.key));
            let directory = applicant.directory.clone();
            let made = builder.create(&new, directory, external.as_ref()).await;
            let (inner, credentials) = made.map_err(|error| not_made(failed(error)))?;
            let keep = Some(kept_as(&applicant.contact, &json!(credentials)));
            return Ok(Opened { account: Account { inner, note }, keep });
        };
        let (known, credentials) = read(kept).ok_or(AcmeError::AccountDamaged)?;
        let parsed: AccountCredentials =
            serde_json::from_value(credentials.clone()).map_err(|_| AcmeError::AccountDamaged)?;
        let inner = builder.from_credentials(parsed).await.map_err(failed)?;
        let mut keep = None;
        if known != applicant.contact {
            inner.update_contacts(&contact).await.map_err(failed)?;
            keep = Some(kept_as(&applicant.contact, &credentials));
        }
        Ok(Opened { account: Account { inner, note }, keep })
    }

    pub(crate) fn failed(&self, error: instant_acme::Error) -> AcmeError {
        AcmeError::new(error, self.note.last())
    }
}

/// Looks whether a CA answers there.
pub async fn look(directory: &str, ask: Arc<dyn Ask>) -> Result<(), AcmeError> {
    let request = http::Request::get(directory).body(BodyWrapper::default());
    let request = request.map_err(|_| AcmeError::NotAcme("its address isn't one".into()))?;
    let answer = ask.ask(request).await.map_err(|why| AcmeError::Unreachable(why.to_string()))?;
    let status = answer.status().as_u16();
    let directory: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
    match directory.is_some_and(|directory| directory["newOrder"].is_string()) {
        true => Ok(()),
        false => Err(AcmeError::NotAcme(format!("it answers with {status} and no directory"))),
    }
}

/// What a CA refuses while an account is made is about the account.
fn not_made(error: AcmeError) -> AcmeError {
    match error {
        AcmeError::Refused(problem) | AcmeError::AccountGone(problem) => {
            AcmeError::NoAccount(problem)
        }
        other => other,
    }
}

fn kept_as(contact: &[String], credentials: &serde_json::Value) -> Vec<u8> {
    json!({ "contact": contact, "credentials": credentials }).to_string().into_bytes()
}

fn read(kept: &[u8]) -> Option<(Vec<String>, serde_json::Value)> {
    let mut kept: serde_json::Value = serde_json::from_slice(kept).ok()?;
    let contact = kept.get("contact")?.as_array()?;
    let contact = contact.iter().map(|one| one.as_str().map(str::to_owned));
    let contact = contact.collect::<Option<Vec<_>>>()?;
    Some((contact, kept.get_mut("credentials")?.take()))
}
