//! Where traces go, and how many of them.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Deserializer, de};

use super::{Config, ConfigError};
use crate::{
    limits::SERVICE_NAME_BYTES_MAX,
    traces::{Collector, PATH, Settings},
};

/// `[traces]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// The collector's base address; unset, nothing is traced.
    pub endpoint: Option<String>,
    /// What is sent along with every request.
    pub headers: Headers,
    /// Certificates that vouch for it.
    pub ca_file: Option<PathBuf>,
    /// Whether it is asked without TLS.
    pub allow_http: bool,
    /// What the server is called in traces.
    pub service_name: String,
    /// Which part of all calls is recorded, from 0 to 1.
    pub sample_ratio: f64,
    /// Whether whoever calls over HTTP may say that it belongs to a trace of theirs.
    pub parents: bool,
}

impl Default for Traces {
    fn default() -> Self {
        Traces {
            endpoint: None,
            headers: Headers::default(),
            ca_file: None,
            allow_http: false,
            service_name: "parlour".into(),
            sample_ratio: 0.01,
            parents: false,
        }
    }
}

/// Headers with secrets in them: what they say is never printed.
#[derive(Clone, Default, PartialEq)]
pub struct Headers(BTreeMap<String, String>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // What serde itself says of another type has the value in it.
        let wrong =
            || <D::Error as de::Error>::custom("expected headers like { Authorization = \"...\" }");
        let table = toml::Value::deserialize(from)?;
        let table = table.as_table().ok_or_else(wrong)?;
        let text = |(name, value): (&String, &toml::Value)| {
            value.as_str().map(|value| (name.clone(), value.to_owned())).ok_or_else(wrong)
        };
        table.iter().map(text).collect::<Result<_, _>>().map(Headers)
    }
}

/// Headers that the request has by itself.
const OUR_HEADERS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
];

impl Headers {
    /// As HTTP has them, if it does.
    fn parse(&self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.0 {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            if OUR_HEADERS.contains(&name) {
                return None;
            }
            headers.insert(name, value);
        }
        Some(headers)
    }
}

impl Config {
    /// How calls are traced, if they are.
    pub fn tracing(&self) -> Result<Option<Settings>, ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        let traces = &self.traces;
        if !(0.0..=1.0).contains(&traces.sample_ratio) {
            return wrong("traces.sample_ratio", "is not 0 to 1");
        }
        if !(1..=SERVICE_NAME_BYTES_MAX).contains(&traces.service_name.len()) {
            return wrong("traces.service_name", "is not 1 to 255 bytes");
        }
        let Some(headers) = traces.headers.parse() else {
            return wrong("traces.headers", "has one that HTTP doesn't take, or that isn't free");
        };
        let Some(endpoint) = &traces.endpoint else { return Ok(None) };
        if endpoint.trim_end_matches('/').ends_with(PATH) {
            return wrong("traces.endpoint", "ends with /v1/traces, which is added to it anyway");
        }
        let (ca_file, allow_http) = (traces.ca_file.clone(), traces.allow_http);
        let collector = Collector::new(endpoint, headers, ca_file, allow_http);
        let collector =
            collector.map_err(|problem| ConfigError::Value { key: "traces.endpoint", problem })?;
        Ok(Some(Settings {
            collector,
            service_name: traces.service_name.clone(),
            sample_ratio: traces.sample_ratio,
            takes_parents: traces.parents,
        }))
    }
}
