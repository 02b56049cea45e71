//! Passkeys of the server's own accounts, for the host that browsers reach it at.

use parlour_core::ports::passkeys::{Answered, Asked, Kept, NotAccepted, Passkeys};
use parlour_passkeys::{ALGORITHMS, Answer, Begun, Passkey, PasskeyError, Pending, RelyingParty};

use crate::{
    config::{Config, ConfigError},
    web::host_of,
};

/// Where no address is configured, the web client is on this machine.
const THIS_MACHINE: &str = "localhost";

/// Asks and judges.
pub(crate) struct OwnPasskeys(RelyingParty);

impl OwnPasskeys {
    /// For the host of `http.url`, or this machine; `None` where the configuration wants none, or the host
    /// is an address, which browsers keep no passkeys under.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, ConfigError> {
        if !config.accounts.passkeys {
            return Ok(None);
        }
        let origin = config.http.url.as_deref().map(origin_of);
        let named = config.accounts.passkey_host.as_deref();
        let of_url = origin.map(|origin| host_of(origin.split_once("://").map_or("", |it| it.1)));
        let host = named.or(of_url).unwrap_or(THIS_MACHINE);
        let mut origins: Vec<String> = origin.map(str::to_owned).into_iter().collect();
        origins.extend(config.web.origins.iter().filter(|origin| *origin != "*").cloned());
        // Pages of other hosts may connect, but browsers let them use no passkeys of this one.
        origins.retain(|origin| is_below(origin, host));
        match RelyingParty::new(host, host, &origins) {
            Ok(party) => Ok(Some(OwnPasskeys(party))),
            Err(_) if named.is_none() => Ok(None),
            Err(_) => {
                let problem = "is no host that browsers keep passkeys under";
                Err(ConfigError::Value { key: "accounts.passkey_host", problem })
            }
        }
    }
}

/// An address without its path.
fn origin_of(url: &str) -> &str {
    let host_at = url.find("://").map_or(0, |at| at + 3);
    let path_at = url[host_at..].find('/').map_or(url.len(), |at| host_at + at);
    &url[..path_at]
}

/// Whether a page of that origin may use passkeys of the host.
fn is_below(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let name = host_of(authority);
    let is_secure = scheme == "https" || host == THIS_MACHINE;
    let rest = name.strip_suffix(host);
    is_secure && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Passkeys for OwnPasskeys {
    fn host(&self) -> &str {
        self.0.id()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn algorithms(&self) -> &[i32] {
        &ALGORITHMS
    }

    fn ask_new(&self, user: [u8; 16], now_ms: u64) -> Asked {
        asked(self.0.begin_registration(&user, now_ms))
    }

    fn judge_new(
        &self,
        state: &[u8],
        client_data_json: &[u8],
        attestation_object: &[u8],
        now_ms: u64,
    ) -> Result<Kept, NotAccepted> {
        let made = self.0.register(state, client_data_json, attestation_object, now_ms);
        made.map(|passkey| kept(&passkey)).map_err(refused)
    }

    fn ask(&self, now_ms: u64) -> Asked {
        asked(self.0.begin_sign_in(now_ms))
    }

    fn judge(
        &self,
        state: &[u8],
        encoded: &[u8],
        answer: &Answered<'_>,
        now_ms: u64,
    ) -> Result<Kept, NotAccepted> {
        let stored = Passkey::decode(encoded).map_err(refused)?;
        let answer = Answer {
            id: answer.id,
            user: answer.user,
            client_data_json: answer.client_data_json,
            authenticator_data: answer.authenticator_data,
            signature: answer.signature,
        };
        let moved = self.0.sign_in(state, &stored, &answer, now_ms);
        moved.map(|passkey| kept(&passkey)).map_err(refused)
    }

    fn pending(&self, state: &[u8]) -> Option<([u8; 16], u64)> {
        Pending::of(state).ok().map(|pending| (pending.challenge, pending.expires_ms))
    }
}

fn asked(Begun { challenge, state }: Begun) -> Asked {
    let expires_ms = Pending::of(&state).map_or(0, |pending| pending.expires_ms);
    Asked { challenge, state, expires_ms }
}

fn kept(passkey: &Passkey) -> Kept {
    Kept {
        id: passkey.id().to_vec(),
        encoded: passkey.encode(),
        model: passkey.model(),
        is_synced: passkey.is_synced(),
    }
}

fn refused(why: PasskeyError) -> NotAccepted {
    NotAccepted(why.to_string())
}
