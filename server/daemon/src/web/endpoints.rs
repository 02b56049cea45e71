//! Where browsers may connect, as they read it before they do: one document, the same for everybody.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{WEBSOCKET_PATH, WEBTRANSPORT_PATH};
use crate::tls::Certificates;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// The port of QUIC, as clients reach it.
    pub(crate) port: u16,
    /// The one in use may be one that browsers trust by themselves.
    pub(crate) certificates: Arc<Certificates>,
    /// Where the hashes of generated certificates are kept.
    pub(crate) hashes: PathBuf,
    /// How people sign in.
    pub(crate) sign_in: SignIn,
}

/// How people come to a token.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// Whether the server keeps accounts of its own.
    pub(crate) accounts: bool,
    /// Whether its accounts have passkeys.
    pub(crate) passkeys: bool,
    /// Identity providers.
    pub(crate) providers: Vec<WebProvider>,
}

/// An identity provider, as the web client asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebProvider {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    /// Origins that it has to reach.
    pub(crate) asked: Vec<String>,
}

impl Endpoints {
    /// The document. The hashes are read each time: certificates change while the server runs.
    pub(crate) async fn document(&self) -> serde_json::Value {
        let text = match self.certificates.is_development() {
            true => tokio::fs::read_to_string(&self.hashes).await.ok(),
            false => None,
        };
        let hashes = text.iter().flat_map(|text| text.lines()).filter_map(decode_hex);
        let hashes: Vec<String> = hashes.map(|hash| STANDARD.encode(hash)).collect();
        json!({
            "webtransport": {
                "port": self.port,
                "path": WEBTRANSPORT_PATH,
                "certificate_hashes": hashes,
            },
            "websocket": { "path": WEBSOCKET_PATH },
            "sign_in": self.sign_in.document(),
        })
    }
}

impl SignIn {
    fn document(&self) -> serde_json::Value {
        let provider = |provider: &WebProvider| {
            json!({
                "name": provider.name,
                "issuer": provider.issuer,
                "client_id": provider.client_id,
                "scope": provider.scope,
            })
        };
        let providers: Vec<_> = self.providers.iter().map(provider).collect();
        json!({ "accounts": self.accounts, "passkeys": self.passkeys, "oidc": providers })
    }
}

fn decode_hex(line: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    (line.len() == 64).then(|| (0..64).step_by(2).map(byte).collect()).flatten()
}
