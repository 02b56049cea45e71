//! The command line, and what it says about the client.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Parser;
use parlour::{Builder, Client, LinkError, NoToken, SignIn, SignInLink, Token, Trust};

use crate::links;

/// A chat in the terminal.
#[derive(Debug, Parser)]
#[command(name = "parlour-chat", version, about)]
pub(crate) struct Args {
    /// A sign-in link or an invite. Without one, and without --address, the last one's account
    #[arg(value_name = "LINK", conflicts_with_all = ["address", "token_file", "token_env"])]
    link: Option<String>,
    /// With an invite: what your account is to be called, of a-z 0-9 . _ -
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// With an invite: what people call you
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// With an invite: a word for whoever lets you in
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// The server, for those who have a token
    #[arg(long, value_name = "HOST:PORT", requires = "token")]
    address: Option<String>,
    /// A file with the token, read again whenever a new one is needed
    #[arg(long, value_name = "FILE", group = "token", requires = "address")]
    token_file: Option<PathBuf>,
    /// An environment variable with the token
    #[arg(long, value_name = "VAR", group = "token", requires = "address")]
    token_env: Option<String>,
    /// Believe only the certificate with this hash, as `parlour serve` prints it
    #[arg(long, value_name = "SHA256", conflicts_with = "root_pem")]
    pin: Option<String>,
    /// Believe the authorities in this file instead of the system's
    #[arg(long, value_name = "FILE")]
    root_pem: Option<PathBuf>,
    /// Where messages are kept [default: a file per user and server in your state folder]
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Read commands from standard input and print what happens, line by line
    #[arg(long)]
    pub(crate) script: bool,
    /// With --script: how long anything may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl Args {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// Where messages are kept.
    pub(crate) fn cache(&self) -> Result<PathBuf, String> {
        match (&self.cache, &self.address) {
            (Some(cache), _) => Ok(cache.clone()),
            (None, Some(address)) => default_cache(&self.token()?, address),
            (None, None) => Ok(links::cache(&links::known(self.link.as_deref())?)?),
        }
    }

    /// A client as the flags say.
    pub(crate) fn client(&self) -> Result<Builder, String> {
        let Some(address) = &self.address else { return self.client_of_link() };
        // Said before there is a screen, rather than asked for again and again on it.
        self.token()?;
        let cache = self.cache()?;
        if let Some(folder) = cache.parent() {
            fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        Ok(Client::builder()
            .address(address)
            .token(self.token_provider())
            .trust(self.trust()?)
            .cache(cache)
            .agent(concat!("parlour-chat/", env!("CARGO_PKG_VERSION"))))
    }

    fn client_of_link(&self) -> Result<Builder, String> {
        let text = links::known(self.link.as_deref())?;
        let link: SignInLink = text.parse().map_err(|error: LinkError| error.to_string())?;
        let cache = self.cache()?;
        if let Some(folder) = cache.parent() {
            fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        let mut builder = Client::builder().link(&link);
        if link.is_invite()
            && let Some(account) = &self.account
        {
            let invite = SignIn::invite(link.code(), account, &self.name, &self.note);
            builder = builder.sign_in(invite);
        }
        if self.cache.is_none() {
            links::keep(&text)?;
        }
        Ok(builder.cache(cache).agent(concat!("parlour-chat/", env!("CARGO_PKG_VERSION"))))
    }

    fn token(&self) -> Result<String, String> {
        match (&self.token_file, &self.token_env) {
            (Some(file), _) => read_token(file),
            (None, Some(variable)) => {
                std::env::var(variable).map_err(|_| format!("no token in the variable {variable}"))
            }
            (None, None) => Err("no token: give --token-file or --token-env".to_owned()),
        }
    }

    fn token_provider(&self) -> Token {
        let file = self.token_file.clone();
        let variable = self.token_env.clone();
        Token::provider(move |_| {
            let token = match (&file, &variable) {
                (Some(file), _) => read_token(file).map_err(|_| NoToken),
                (None, Some(variable)) => std::env::var(variable).map_err(|_| NoToken),
                (None, None) => Err(NoToken),
            };
            std::future::ready(token)
        })
    }

    fn trust(&self) -> Result<Trust, String> {
        match (&self.pin, &self.root_pem) {
            (Some(pin), _) => {
                Trust::parse_sha256(pin).ok_or("--pin takes 64 hexadecimal digits".to_owned())
            }
            (None, Some(file)) => {
                Ok(Trust::RootPem(fs::read_to_string(file).map_err(|error| at(file, &error))?))
            }
            (None, None) => Ok(Trust::System),
        }
    }
}

pub(crate) fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn read_token(file: &Path) -> Result<String, String> {
    let token = fs::read_to_string(file).map_err(|error| at(file, &error))?;
    match token.trim() {
        "" => Err(format!("{} is empty", file.display())),
        token => Ok(token.to_owned()),
    }
}

/// A file of its own for each user and server, since a cache belongs to one user.
fn default_cache(token: &str, address: &str) -> Result<PathBuf, String> {
    let (user, organization) =
        claims(token).ok_or("the token is no JWT, so that the cache has no name: give --cache")?;
    let name: String = format!("{user}@{organization} {address}")
        .chars()
        .map(|c| if c.is_alphanumeric() || ".-_@".contains(c) { c } else { '_' })
        .collect();
    let folder = state_folder().ok_or("no home folder: give --cache")?;
    Ok(folder.join("parlour-chat").join(format!("{name}.sqlite")))
}

/// Whose token it says it is; the server is who checks it.
fn claims(token: &str) -> Option<(String, String)> {
    let payload = token.trim().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some((claims["sub"].as_str()?.to_owned(), claims["org"].as_str()?.to_owned()))
}

/// Where programs keep such things on this system.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local").join("state")))
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
