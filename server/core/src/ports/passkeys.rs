//! Passkeys: who asks for them and judges the answers (Web Authentication level 3, section 7). It keeps
//! nothing; what is to be remembered between question and answer is a state that comes back.

/// A question to a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What the authenticator is to sign; no other question has it.
    pub challenge: [u8; 16],
    /// What has to come back with the answer, at most 300 bytes. Whoever may change it may answer for
    /// others.
    pub state: Vec<u8>,
    /// Until when it may be answered, Unix milliseconds.
    pub expires_ms: u64,
}

/// A passkey as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The credential's id, at most 1,023 bytes.
    pub id: Vec<u8>,
    /// All that is needed to judge its answers, at most 2 KiB.
    pub encoded: Vec<u8>,
    /// The authenticator's model (AAGUID).
    pub model: [u8; 16],
    /// Whether it is copied to the user's other devices.
    pub is_synced: bool,
}

/// An answer of a passkey, as a browser gave it. Nothing of it is known to be true.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// The credential's id.
    pub id: &'a [u8],
    /// Whose it is said to be.
    pub user: &'a [u8],
    /// What the browser says of the question.
    pub client_data_json: &'a [u8],
    /// What the authenticator says of itself.
    pub authenticator_data: &'a [u8],
    /// Over both.
    pub signature: &'a [u8],
}

/// Why an answer isn't accepted, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAccepted(pub String);

/// Asks for passkeys and judges the answers.
pub trait Passkeys: Send + Sync + 'static {
    /// The host that passkeys are kept under.
    fn host(&self) -> &str;

    /// What browsers show for it.
    fn name(&self) -> &str;

    /// The algorithms of keys, best first (COSE).
    fn algorithms(&self) -> &[i32];

    /// Asks for a new passkey of that user.
    fn ask_new(&self, user: [u8; 16], now_ms: u64) -> Asked;

    /// The passkey that answers.
    fn judge_new(
        &self,
        state: &[u8],
        client_data_json: &[u8],
        attestation_object: &[u8],
        now_ms: u64,
    ) -> Result<Kept, NotAccepted>;

    /// Asks any passkey.
    fn ask(&self, now_ms: u64) -> Asked;

    /// The passkey that answers, as it is to be kept from now on.
    fn judge(
        &self,
        state: &[u8],
        encoded: &[u8],
        answer: &Answered<'_>,
        now_ms: u64,
    ) -> Result<Kept, NotAccepted>;

    /// The challenge of a state, and until when it may be answered; `None` for what is no state.
    fn pending(&self, state: &[u8]) -> Option<([u8; 16], u64)>;
}
