//! Reading the file: unknown keys are refused with the nearest name, errors name the line, and
//! relative paths count from the file's own folder.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de};

use parlour_blobs::Scanner;

use super::{Config, KEYS, rates::is_log_filter};
use crate::limits::{ACCOUNT_TOKEN_S_MAX, LEEWAY_S_MAX, WEBHOOK_GIVE_UP_S};

/// Why there is no configuration.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("configuration {path} can't be read: {error}", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not TOML, or a value of the wrong type.
    #[error("configuration, line {line}: {problem}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A key nobody knows.
    #[error("configuration has no key {key}{hint}")]
    UnknownKey {
        /// The whole path of the key.
        key: String,
        /// The nearest name, as half a sentence.
        hint: String,
    },
    /// A value that can't be.
    #[error("configuration key {key} {problem}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A token key that isn't configured as its algorithm needs.
    #[error("token key {id}: {problem}")]
    Key {
        /// Its id.
        id: String,
        /// What is wrong.
        problem: String,
    },
}

/// What the command line says over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--http`
    pub http: Option<Listen>,
}

/// Where to listen, or nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub Option<SocketAddr>);

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Listen(None));
        }
        let address =
            text.parse().map_err(|_| "expected an address like 127.0.0.1:8080, or off")?;
        Ok(Listen(Some(address)))
    }
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|error| ConfigError::Read { path: path.into(), error })?;
        let mut config = Config::parse(&text)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Parses the text of a file; relative paths stay as they are.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        check_keys(&table, "")?;
        let config: Config = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        config.check()?;
        Ok(config)
    }

    /// Puts what the command line says over it.
    pub fn apply(&mut self, overrides: Overrides) {
        if let Some(data) = overrides.data {
            self.data = data;
        }
        if let Some(listen) = overrides.listen {
            self.listen = listen;
        }
        if let Some(http) = overrides.http {
            self.http.listen = http.0;
        }
    }

    fn resolve(&mut self, base: &Path) {
        let files = [
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.tls.acme.ca_file,
            &mut self.tls.acme.eab_key_file,
            &mut self.metrics.token_file,
            &mut self.blobs.path,
            &mut self.blobs.s3.secret_access_key_file,
            &mut self.blobs.s3.ca_file,
            &mut self.traces.ca_file,
        ];
        let keys = &mut self.auth.keys;
        let of_keys = keys.iter_mut().flat_map(|k| [&mut k.secret_file, &mut k.public_key_file]);
        let of_oidc = self.auth.oidc.iter_mut().map(|oidc| &mut oidc.ca_file);
        let optional = files.into_iter().chain(of_keys).chain(of_oidc).filter_map(Option::as_mut);
        let required = self.auth.key_sets.iter_mut().chain([&mut self.data]);
        for path in optional.chain(required) {
            *path = base.join(&*path);
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return wrong("tls.certificate", "needs tls.key beside it, and the other way round");
        }
        if self.tls.certificate.is_none() && self.tls.names.is_empty() {
            return wrong("tls.names", "needs at least one name");
        }
        self.acme()?;
        if !(1..=1024 * 1024).contains(&self.store.cache_mb) {
            return wrong("store.cache_mb", "must be between 1 and 1048576");
        }
        if self.store.reserve_mb > 1024 * 1024 {
            return wrong("store.reserve_mb", "is over 1048576");
        }
        self.check_blobs()?;
        self.web.check()?;
        let is_url = |url: &str| {
            (url.starts_with("http://") || url.starts_with("https://")) && !url.ends_with('/')
        };
        if self.http.url.as_deref().is_some_and(|url| !is_url(url)) {
            return wrong(
                "http.url",
                "must begin with http:// or https://, and not end with a slash",
            );
        }
        if !(16..=4000).contains(&self.search.memory_mb) {
            return wrong("search.memory_mb", "must be between 16 and 4000");
        }
        if !(5..=ACCOUNT_TOKEN_S_MAX).contains(&self.accounts.token_s) {
            return wrong("accounts.token_s", "must be between 5 and 86400");
        }
        let is_address = |address: &str| {
            address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            })
        };
        if self.accounts.address.as_deref().is_some_and(|address| !is_address(address)) {
            return wrong("accounts.address", "is not host:port");
        }
        if self.auth.leeway_s > LEEWAY_S_MAX {
            return wrong("auth.leeway_s", "is over 300");
        }
        self.limits.check()?;
        self.networks()?;
        self.proxies()?;
        self.providers()?;
        self.previewed_networks()?;
        self.tracing()?;
        let (least, most) = WEBHOOK_GIVE_UP_S;
        if !(least..=most).contains(&self.webhooks.give_up_after_s) {
            return wrong("webhooks.give_up_after_s", "is not 1 to 2592000");
        }
        if self.drain.deadline_s > 3600 {
            return wrong("drain.deadline_s", "is over 3600");
        }
        if self.drain.jitter_s.is_some_and(|jitter| jitter > self.drain.deadline_s) {
            return wrong("drain.jitter_s", "is over drain.deadline_s");
        }
        if !is_log_filter(&self.log.level) {
            return wrong(
                "log.level",
                "is no level such as info and no filter such as parlour=debug",
            );
        }
        self.key_sources().map(|_| ())
    }

    fn check_blobs(&self) -> Result<(), ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        if self.blobs.size_max_mb > 1024 * 1024 {
            return wrong("blobs.size_max_mb", "is over 1048576");
        }
        let scanner = self.blobs.scanner.as_deref();
        if scanner.is_some_and(|scanner| Scanner::parse(scanner).is_none()) {
            return wrong("blobs.scanner", "is neither an address with a port nor a path");
        }
        self.blobs.s3.check(self.blobs.size_max_mb)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    ConfigError::Syntax { line, problem: error.message().replace('\n', " ") }
}

fn check_keys(table: &toml::Table, prefix: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let is_section = KEYS.iter().any(|key| key.section() == path);
        match value {
            toml::Value::Table(inner) if is_section => check_keys(inner, &path)?,
            toml::Value::Array(rows) if is_section => {
                for row in rows.iter().filter_map(toml::Value::as_table) {
                    check_keys(row, &path)?;
                }
            }
            _ if is_section || KEYS.iter().any(|key| key.path == path) => {}
            _ => return Err(ConfigError::UnknownKey { hint: hint(&path), key: path }),
        }
    }
    Ok(())
}

/// The nearest key, if there is one near: by its whole path, or by its last name elsewhere.
fn hint(path: &str) -> String {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |key: &str| {
        let whole = strsim::damerau_levenshtein(path, key);
        whole.min(strsim::damerau_levenshtein(&last(path), &last(key)) + 1)
    };
    let names =
        KEYS.iter().flat_map(|key| [key.path, key.section()]).filter(|name| !name.is_empty());
    let nearest = names.map(|name| (distance(name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + path.len() / 4 => {
            format!("; did you mean {name}?")
        }
        _ => "; `parlour config --print-default` shows them all".into(),
    }
}

/// An address, or `"off"`.
pub(super) fn address_or_off<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(|Listen(address)| address).map_err(de::Error::custom)
}
