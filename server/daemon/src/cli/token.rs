//! `parlour token`: signs a token, for trying out, for tests and for scripts. In production
//! whoever knows the users signs them.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use parlour_daemon::{
    Config,
    auth::{KeySource, Signer, TokenRequest},
    clock,
    data::DataFolder,
    keys::{OWN_TOKEN_KEY_ID, own_token_key},
};

use super::{Common, Failure, Outcome, fail};

#[derive(Args)]
pub(super) struct Token {
    /// The user within the organization.
    #[arg(long)]
    sub: String,
    /// The organization.
    #[arg(long)]
    org: String,
    /// The name shown to others.
    #[arg(long)]
    name: Option<String>,
    /// How long it is valid: a number and s, m, h or d.
    #[arg(long, default_value = "12h", value_parser = duration)]
    ttl: Duration,
    /// Scopes, separated by spaces, such as "admin:sessions".
    #[arg(long)]
    scope: Option<String>,
    /// The token's own id, to revoke it by [default: a random one].
    #[arg(long)]
    jti: Option<String>,
    /// The key's id: which configured key signs, or what --key is called at the server.
    #[arg(long)]
    kid: Option<String>,
    /// A private key in PKCS#8 PEM (ES256, RS256, EdDSA) or a base64 secret (HS256).
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Token {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let config = common.load()?;
        for text in [&self.sub, &self.org] {
            if !(1..=parlour_protocol::limits::SUBJECT_BYTES_MAX).contains(&text.len()) {
                return fail("--sub and --org have 1 to 255 bytes");
            }
        }
        let signer = self.signer(&config)?;
        let now = clock::unix_ms() / 1000;
        let request = TokenRequest {
            sub: self.sub,
            org: self.org,
            name: self.name,
            scope: self.scope,
            jti: Some(self.jti.unwrap_or_else(random_id)),
            aud: config.auth.audience.clone(),
            iss: config.auth.issuer.clone(),
            iat: now,
            exp: now + self.ttl.as_secs(),
        };
        say!("{}", signer.sign(&request)?);
        Ok(())
    }

    /// The key named on the command line, or a configured secret, or the data folder's own.
    fn signer(&self, config: &Config) -> Outcome<Signer> {
        if let Some(path) = &self.key {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))?;
            return Ok(Signer::from_text(self.kid.clone(), &text)?);
        }
        let sources = config.key_sources()?;
        if sources.is_empty() {
            if self.kid.as_deref().is_some_and(|kid| kid != OWN_TOKEN_KEY_ID) {
                return fail("no key of that id is configured");
            }
            let data = DataFolder::open(&config.data)?;
            let is_new = !data.token_key().exists();
            let source = own_token_key(&data)?;
            if is_new {
                // Mostly what was wanted before a first start; of a mistyped folder it is the only sign.
                eprintln!("a new key was made in {}", data.keys().display());
            }
            return sign_with(&source).unwrap_or_else(|| fail("the server's own key is no secret"));
        }
        let wanted = |source: &&KeySource| match (source, &self.kid) {
            (KeySource::Secret { id, .. } | KeySource::SecretFile { id, .. }, Some(kid)) => {
                id == kid
            }
            _ => true,
        };
        let signer = sources.iter().filter(wanted).find_map(sign_with);
        signer.unwrap_or_else(|| {
            fail("no such HS256 key is configured; name a private one with --key")
        })
    }
}

fn sign_with(source: &KeySource) -> Option<Outcome<Signer>> {
    let signer = |id: &String, secret: &str| {
        Signer::from_text(Some(id.clone()), secret).map_err(Failure::from)
    };
    match source {
        KeySource::Secret { id, secret } => Some(signer(id, secret)),
        KeySource::SecretFile { id, path } => Some(
            fs::read_to_string(path)
                .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))
                .and_then(|secret| signer(id, &secret)),
        ),
        _ => None,
    }
}

fn random_id() -> String {
    clock::random::<12>().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number and s, m, h or d, such as 12h".to_owned();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(seconds).filter(|s| (1..=100 * 365 * 24 * 3600).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| "must be between 1s and a hundred years".into())
}
