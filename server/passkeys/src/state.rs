//! What is remembered between a question to a browser and its answer: a version, what it is for, when
//! it ends, the challenge, and what the library wants to have again.

use crate::{error::PasskeyError, limits};

const VERSION: u8 = 1;

/// A question to a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// What the authenticator is to sign, for the browser: `challenge` in the options.
    pub challenge: [u8; 16],
    /// What has to come back with the answer, at most
    /// [`STATE_BYTES_MAX`](limits::STATE_BYTES_MAX). Whoever may change it may answer for
    /// others: it goes to the client sealed.
    pub state: Vec<u8>,
}

/// What a state is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Register = 1,
    SignIn = 2,
}

/// A question that may have been answered before: a state is good until it has expired, and only who
/// remembers the challenges of those accepted so far can tell that one comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The question's challenge, which no other has.
    pub challenge: [u8; 16],
    /// From when on the state isn't accepted any more, in Unix milliseconds.
    pub expires_ms: u64,
}

impl Pending {
    /// The question that this state is of, whether it has expired or not.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::Malformed`] for what is no state.
    pub fn of(state: &[u8]) -> Result<Self, PasskeyError> {
        let (_, pending, _) = split(state)?;
        Ok(pending)
    }
}

pub(crate) fn encode(kind: Kind, challenge: [u8; 16], now_ms: u64, rest: &[u8]) -> Begun {
    let expires_ms = now_ms.saturating_add(limits::VALIDITY_MS);
    let mut state = vec![VERSION, kind as u8];
    state.extend(expires_ms.to_be_bytes());
    state.extend(challenge);
    state.extend(rest);
    Begun { challenge, state }
}

/// What the library wants to have again, where the state is of this kind and good.
pub(crate) fn decode(kind: Kind, state: &[u8], now_ms: u64) -> Result<&[u8], PasskeyError> {
    let (found, pending, rest) = split(state)?;
    if found != kind as u8 {
        return Err(PasskeyError::Challenge);
    }
    if now_ms >= pending.expires_ms {
        return Err(PasskeyError::Expired);
    }
    Ok(rest)
}

fn split(state: &[u8]) -> Result<(u8, Pending, &[u8]), PasskeyError> {
    let malformed = PasskeyError::Malformed;
    if state.len() > limits::STATE_BYTES_MAX {
        return Err(malformed);
    }
    let (&[version, kind], rest) = state.split_first_chunk().ok_or(malformed)?;
    let (expires, rest) = rest.split_first_chunk().ok_or(malformed)?;
    let (challenge, rest) = rest.split_first_chunk().ok_or(malformed)?;
    if version != VERSION {
        return Err(malformed);
    }
    let expires_ms = u64::from_be_bytes(*expires);
    Ok((kind, Pending { challenge: *challenge, expires_ms }, rest))
}
