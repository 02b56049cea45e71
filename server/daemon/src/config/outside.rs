//! What the server asks of others: where webhooks and links lead, and whose tokens it takes.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{Config, ConfigError};
use crate::{
    auth::oidc::{Organization, Provider},
    limits::OIDC_PROVIDERS_MAX,
    outside::{Network, NetworkError, Reach, Target},
    previews::Visitor,
    web::{Origins, WebProvider, host_of},
};

/// `[webhooks]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Webhooks {
    /// Whether anything is posted anywhere.
    pub enabled: bool,
    /// Ranges of addresses that may be posted to besides public ones, and without TLS.
    pub allow_private: Vec<String>,
    /// After how long without anything taken a webhook is stopped, in seconds.
    pub give_up_after_s: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Webhooks { enabled: true, allow_private: vec![], give_up_after_s: 3 * 24 * 3600 }
    }
}

/// `[previews]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Previews {
    /// Whether links in messages are visited.
    pub enabled: bool,
    /// Ranges of addresses that links may lead to besides public ones, and at any port.
    pub allow_private: Vec<String>,
}

/// `[[auth.oidc]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Oidc {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// What their `aud` has to have one of.
    pub audiences: Vec<String>,
    /// Where its keys are; unset, it is asked for that.
    pub jwks_url: Option<String>,
    /// The organization that all its users are in.
    pub organization: Option<String>,
    /// Or the claim that says it.
    pub organization_claim: Option<String>,
    /// The claim with who a user is.
    #[serde(default = "subject_claim")]
    pub subject_claim: String,
    /// The claims with what a user is called.
    #[serde(default = "name_claims")]
    pub name_claims: Vec<String>,
    /// Scopes that its tokens may give.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Certificates that vouch for it.
    pub ca_file: Option<PathBuf>,
    /// Whether it is asked without TLS.
    #[serde(default)]
    pub allow_http: bool,
    /// How soon after another look keys are looked for, in seconds.
    #[serde(default = "look_gap_s")]
    pub look_gap_s: u64,
    /// What the web client is to it, if people sign in with it there.
    pub web_client: Option<String>,
    /// What the web client calls it.
    pub web_title: Option<String>,
    /// What the web client asks for.
    #[serde(default = "web_scope")]
    pub web_scope: String,
    /// Origins, besides the issuer's, that the web client asks for tokens.
    #[serde(default)]
    pub web_origins: Vec<String>,
}

fn look_gap_s() -> u64 {
    30
}

fn web_scope() -> String {
    "openid profile offline_access".into()
}

fn subject_claim() -> String {
    "sub".into()
}

fn name_claims() -> Vec<String> {
    ["name", "preferred_username"].map(String::from).to_vec()
}

impl Config {
    /// The addresses that may be posted to besides public ones.
    pub(crate) fn networks(&self) -> Result<Vec<Network>, ConfigError> {
        networks(&self.webhooks.allow_private, "webhooks.allow_private")
    }

    /// The addresses of reverse proxies.
    pub(crate) fn proxies(&self) -> Result<Vec<Network>, ConfigError> {
        networks(&self.http.proxies, "http.proxies")
    }

    /// Whoever visits links in messages, where that is configured.
    pub(crate) fn visitor(&self) -> Result<Option<Visitor>, ConfigError> {
        let allowed = self.previewed_networks()?;
        Ok(self.previews.enabled.then(|| Visitor::new(allowed)))
    }

    /// The addresses that links may lead to besides public ones.
    pub(super) fn previewed_networks(&self) -> Result<Vec<Network>, ConfigError> {
        networks(&self.previews.allow_private, "previews.allow_private")
    }

    /// The identity providers whose keys are fetched.
    pub fn providers(&self) -> Result<Vec<Provider>, ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        let all = &self.auth.oidc;
        if all.len() > OIDC_PROVIDERS_MAX {
            return wrong("auth.oidc.issuer", "is there more than 16 times");
        }
        for (i, oidc) in all.iter().enumerate() {
            let is_taken = |other: &Oidc| other.issuer == oidc.issuer;
            if all[..i].iter().any(is_taken) || self.auth.issuer.as_ref() == Some(&oidc.issuer) {
                return wrong("auth.oidc.issuer", "is the same as another one, or as auth.issuer");
            }
        }
        let mut providers: Vec<Provider> = all.iter().map(provider).collect::<Result<_, _>>()?;
        // Who speaks for whatever organization its tokens name doesn't for one that has a provider.
        let fixed: Vec<String> = all.iter().filter_map(|oidc| oidc.organization.clone()).collect();
        for provider in &mut providers {
            if let Organization::Claim { except, .. } = &mut provider.organization {
                except.clone_from(&fixed);
            }
        }
        Ok(providers)
    }

    /// Those of them that people sign in with in the web client.
    pub(crate) fn web_providers(&self) -> Vec<WebProvider> {
        let shown = |oidc: &Oidc| {
            let origins = oidc.web_origins.iter().cloned();
            Some(WebProvider {
                client_id: oidc.web_client.clone()?,
                name: oidc
                    .web_title
                    .clone()
                    .unwrap_or_else(|| host_of(host(&oidc.issuer)).to_owned()),
                scope: oidc.web_scope.clone(),
                asked: std::iter::once(origin_of(&oidc.issuer).to_owned()).chain(origins).collect(),
                issuer: oidc.issuer.clone(),
            })
        };
        self.auth.oidc.iter().filter_map(shown).collect()
    }
}

/// Host and port of an address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    url.split_inclusive(host(url)).next().unwrap_or_default()
}

fn networks(texts: &[String], key: &'static str) -> Result<Vec<Network>, ConfigError> {
    let problem = "has what is no range of addresses, such as 10.0.0.0/8";
    let wrong = |_: NetworkError| ConfigError::Value { key, problem };
    texts.iter().map(|text| text.parse().map_err(wrong)).collect()
}

fn provider(oidc: &Oidc) -> Result<Provider, ConfigError> {
    let wrong = |key, problem| Err(ConfigError::Value { key, problem });
    // A name may turn out to be this host's; that is seen when it is looked up.
    let is_asked = |url: &str| {
        let target = Target::parse(url);
        target.is_ok_and(|target| target.check(&Reach::Named(oidc.allow_http)).is_ok())
            && !url.contains('#')
    };
    if !is_asked(&oidc.issuer) || oidc.issuer.contains('?') {
        return wrong("auth.oidc.issuer", "is not an address of https");
    }
    if oidc.jwks_url.as_deref().is_some_and(|url| !is_asked(url)) {
        return wrong("auth.oidc.jwks_url", "is not an address of https");
    }
    if oidc.audiences.is_empty() || oidc.audiences.iter().any(String::is_empty) {
        return wrong("auth.oidc.audiences", "must name who its tokens are meant for");
    }
    let organization = match (&oidc.organization, &oidc.organization_claim) {
        (Some(org), None) if (1..=255).contains(&org.len()) => Organization::Fixed(org.clone()),
        (None, Some(claim)) if !claim.is_empty() => {
            Organization::Claim { name: claim.clone(), except: vec![] }
        }
        _ => {
            let problem = "must be there (1 to 255 bytes), or organization_claim instead of it";
            return wrong("auth.oidc.organization", problem);
        }
    };
    if oidc.web_client.as_ref().is_some_and(|client| !oidc.audiences.contains(client)) {
        return wrong("auth.oidc.web_client", "is not among the provider's audiences");
    }
    let is_origin = |origin: &String| origin != "*" && Origins::is_one(origin);
    if !oidc.web_origins.iter().all(is_origin) {
        return wrong("auth.oidc.web_origins", "is no list of origins, without paths");
    }
    if !(1..=3600).contains(&oidc.look_gap_s) {
        return wrong("auth.oidc.look_gap_s", "is not 1 to 3600");
    }
    Ok(Provider {
        issuer: oidc.issuer.clone(),
        audiences: oidc.audiences.clone(),
        jwks_url: oidc.jwks_url.clone(),
        organization,
        subject_claim: oidc.subject_claim.clone(),
        name_claims: oidc.name_claims.clone(),
        scopes: oidc.scopes.clone(),
        ca_file: oidc.ca_file.clone(),
        allow_http: oidc.allow_http,
        look_gap: Duration::from_secs(oidc.look_gap_s),
    })
}
