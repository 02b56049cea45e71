//! The command line, and what it says about the client.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Parser;
use parlour::{Builder, Client, NoToken, Token, Trust};

/// A chat in the terminal.
#[derive(Debug, Parser)]
#[command(name = "parlour-chat", version, about)]
pub(crate) struct Args {
    /// The server
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    /// A file with the token, read again whenever a new one is needed
    #[arg(long, value_name = "FILE", required_unless_present = "token_env")]
    token_file: Option<PathBuf>,
    /// An environment variable with the token
    #[arg(long, value_name = "VAR", conflicts_with = "token_file")]
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
        match &self.cache {
            Some(cache) => Ok(cache.clone()),
            None => default_cache(&self.token()?, &self.address),
        }
    }

    /// A client as the flags say.
    pub(crate) fn client(&self) -> Result<Builder, String> {
        // Said before there is a screen, rather than asked for again and again on it.
        self.token()?;
        let cache = self.cache()?;
        if let Some(folder) = cache.parent() {
            fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        Ok(Client::builder()
            .address(&self.address)
            .token(self.token_provider())
            .trust(self.trust()?)
            .cache(cache)
            .agent(concat!("parlour-chat/", env!("CARGO_PKG_VERSION"))))
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

fn at(path: &Path, error: &std::io::Error) -> String {
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
fn state_folder() -> Option<PathBuf> {
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
