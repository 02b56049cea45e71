//! Accounts: hashes that hide nothing, tokens that are believed, and sign-ins done by hand.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parlour_core::{
    accounts::sign_in::Decided,
    draft::{Draft, Refused, Submission, Then},
    ports::{
        Task,
        accounts::{Grant, Issuer, NotNow},
    },
};
use parlour_protocol::{
    account::CreateSignInLinkRequest,
    directory::{
        Change, ChangeDirectoryRequest, NodeKind, PutNode, PutUser, change::Change as What,
    },
    generated::rpc,
    user::Profile,
    wire::{
        CodeSignIn, Error, ErrorReason, KeptLogin, Newcomer, PasswordSignIn, SignIn, SignedIn,
        sign_in::How,
    },
};
use sha2::{Digest, Sha256};

use crate::Server;

/// Tokens as [`crate::parts::Trusting`] reads them.
pub(crate) struct Open;

impl Issuer for Open {
    fn token_ms(&self) -> u64 {
        3_600_000
    }

    fn issue(&self, grant: &Grant) -> Result<String, NotNow> {
        let scopes = grant.scopes.join(",");
        let (id, made, ends) = (&grant.token_id, grant.issued_at_ms, grant.expires_at_ms);
        Ok(format!("{}/{id}/{made}/{ends}/{scopes}", grant.subject))
    }

    fn hash(&self, password: String) -> Task<'_, Result<String, NotNow>> {
        Box::pin(async move { Ok(format!("hash of {password}")) })
    }

    fn check(&self, password: String, hash: Option<String>) -> Task<'_, Result<bool, NotNow>> {
        Box::pin(async move { Ok(hash == Some(format!("hash of {password}"))) })
    }
}

/// A sign-in that will be followed by one with that secret.
pub fn sign_in(how: How, next: &[u8; 32]) -> SignIn {
    SignIn {
        how: Some(how),
        next_hash: Bytes::copy_from_slice(&Sha256::digest(next)),
        device: Bytes::from_static(&[7; 16]),
        agent: "test".into(),
    }
}

pub fn by_code(code: &str) -> How {
    How::Code(CodeSignIn { code: code.into(), newcomer: None })
}

pub fn by_invite(code: &str, subject: &str) -> How {
    let newcomer = Newcomer {
        subject: subject.into(),
        name: format!("The {subject}"),
        note: "it's me".into(),
    };
    How::Code(CodeSignIn { code: code.into(), newcomer: Some(newcomer) })
}

pub fn by_password(user: &str, password: &str) -> How {
    let (org, user, password) = ("acme".into(), user.into(), password.into());
    How::Password(PasswordSignIn { org, user, password })
}

pub fn kept(login: &Bytes, secret: &[u8; 32]) -> How {
    How::Kept(KeptLogin { login: login.clone(), secret: Bytes::copy_from_slice(secret) })
}

impl Server {
    /// Decides on a sign-in, without committing anything.
    pub fn decide(&mut self, request: &SignIn) -> Result<Decided, Error> {
        self.runtime.block_on(self.node.sign_in(request))
    }

    /// Commits what was decided.
    pub fn try_commit(&mut self, draft: Draft) -> Result<(), Refused> {
        self.try_commit_all(vec![draft]).remove(0)
    }

    /// Commits what was decided at the same time.
    pub fn try_commit_all(&mut self, drafts: Vec<Draft>) -> Vec<Result<(), Refused>> {
        let results: Vec<_> = drafts
            .into_iter()
            .map(|draft| {
                let result = Arc::new(Mutex::new(None));
                let to = result.clone();
                let then = Then::Callback(Box::new(move |result| {
                    *to.lock().unwrap() = Some(result.map(drop));
                }));
                self.hub.handle_submission(Submission { draft, then });
                result
            })
            .collect();
        self.run();
        results.into_iter().map(|result| result.lock().unwrap().take().unwrap()).collect()
    }

    /// Signs in, as the driver does.
    pub fn sign_in(&mut self, request: &SignIn) -> Result<SignedIn, Error> {
        for _ in 0..8 {
            let (signed_in, draft) = self.decide(request)?;
            let Some(draft) = draft else { return Ok(signed_in) };
            match self.try_commit(draft) {
                Ok(()) if !signed_in.token.is_empty() => return Ok(signed_in),
                Ok(()) | Err(Refused::Stale | Refused::Exists) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        panic!("it is never decided");
    }
}

/// A server with a directory of `alice` and `bob` and a team, and an admin.
pub fn acme() -> (Server, usize) {
    let mut server = Server::new();
    let admin = server.connect("admin");
    let node = |kind: NodeKind, key: &str| {
        What::PutNode(PutNode {
            key: key.into(),
            kind: kind as i32,
            parent: (!key.is_empty()).then(String::new),
            name: Some(format!("the {key}")),
            ..PutNode::default()
        })
    };
    let person = |subject: &str| {
        let handle = Some(format!("{subject}.handle"));
        let profile = Some(Profile { handle, ..Profile::default() });
        What::PutUser(PutUser { subject: subject.into(), profile, ..PutUser::default() })
    };
    let changes = [
        node(NodeKind::Organization, ""),
        node(NodeKind::Team, "team"),
        person("alice"),
        person("bob"),
    ];
    let changes = changes.map(|change| Change { change: Some(change) }).to_vec();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
    (server, admin)
}

pub fn link(server: &mut Server, admin: usize, subject: &str) -> String {
    let request = CreateSignInLinkRequest { subject: subject.into(), valid_s: 0 };
    server.call::<rpc::CreateSignInLink>(admin, &request).unwrap().code
}

/// Signed in by a link, with the secret `[n; 32]`.
pub fn by_link(server: &mut Server, admin: usize, subject: &str, n: u8) -> SignedIn {
    let code = link(server, admin, subject);
    server.sign_in(&sign_in(by_code(&code), &[n; 32])).unwrap()
}

pub fn reason(error: &Error) -> ErrorReason {
    ErrorReason::try_from(error.reason).unwrap()
}
