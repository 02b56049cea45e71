//! What of the configuration concerns browsers.

use serde::Deserialize;

use super::{Config, ConfigError};
use crate::web::Origins;

/// `[web]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Web {
    /// Whether browsers may connect.
    pub enabled: bool,
    /// Pages of other hosts that may.
    pub origins: Vec<String>,
}

impl Default for Web {
    fn default() -> Self {
        Web { enabled: true, origins: vec![] }
    }
}

impl Web {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let problem =
            "is no list of \"*\" or of origins such as \"https://app.example.org\", without a path";
        let key = "web.origins";
        let is_list = self.origins.iter().all(|origin| Origins::is_one(origin));
        is_list.then_some(()).ok_or(ConfigError::Value { key, problem })
    }
}

impl Config {
    /// Pages that may connect.
    pub fn origins(&self) -> Origins {
        Origins::new(self.web.origins.clone())
    }

    /// The port of QUIC as clients reach it, given where it listens.
    pub(crate) fn public_port(&self, listens: u16) -> u16 {
        let port = self.accounts.address.as_deref().and_then(|address| address.rsplit_once(':'));
        port.and_then(|(_, port)| port.parse().ok()).unwrap_or(listens)
    }
}
