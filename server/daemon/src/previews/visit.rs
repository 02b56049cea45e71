//! A visit where a link leads: through the same door as what webhooks post, each step of a redirection
//! checked anew, no further than a few of them, and no more of the page than has its head.

use std::borrow::Cow;

use axum::http::header;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::page::{self, Page};
use crate::{
    limits::{PREVIEW_BYTES_MAX, PREVIEW_REDIRECTS_MAX, PREVIEW_WITHIN},
    outside::{Answer, Ask, Network, OutsideError, Over, Reach, Target, get, with_systems_roots},
};

/// Why nothing can be said of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VisitError {
    /// Nobody goes to where it leads.
    NotAllowed,
    /// There was no answer that could be read, or too many redirections.
    Failed,
    /// A host on the way is asked often enough.
    Limited,
}

/// Whoever visits.
pub(crate) struct Visitor {
    reach: Reach,
    // Without one nothing is visited over TLS.
    tls: Option<TlsConnector>,
}

/// Whether a link is one that may be visited, as far as it says itself.
pub(super) fn leads_to_a_page(link: &str) -> bool {
    Target::parse(&encoded(link)).is_ok()
}

/// Whether a host may be asked once more, by its name or address.
pub(super) type Admit<'a> = &'a (dyn Fn(&str) -> bool + Sync);

impl Visitor {
    /// Goes to public addresses, and to these.
    pub(crate) fn new(allowed: Vec<Network>) -> Self {
        let tls = with_systems_roots().inspect_err(|error| {
            tracing::warn!(%error, "no certificate can be checked: no link is visited over tls");
        });
        Visitor { reach: Reach::Pages(allowed.into()), tls: tls.ok() }
    }

    /// What the page says of itself that a link leads to; `None` where it says nothing. Each host on the way
    /// is asked only where `admit` lets it.
    pub(super) async fn visit(
        &self,
        link: &str,
        admit: Admit<'_>,
    ) -> Result<Option<Page>, VisitError> {
        let whole = timeout(PREVIEW_WITHIN, self.follow(link, admit)).await;
        whole.unwrap_or(Err(VisitError::Failed))
    }

    async fn follow(&self, link: &str, admit: Admit<'_>) -> Result<Option<Page>, VisitError> {
        let mut link = encoded(link).into_owned();
        for _ in 0..=PREVIEW_REDIRECTS_MAX {
            let target = Target::parse(&link).map_err(|_| VisitError::NotAllowed)?;
            target.check(&self.reach).map_err(|_| VisitError::NotAllowed)?;
            if !admit(&target.host()) {
                return Err(VisitError::Limited);
            }
            let ask = Ask {
                accept: "text/html,application/xhtml+xml",
                within: PREVIEW_WITHIN,
                body_max: PREVIEW_BYTES_MAX,
                over: Over::Cut,
            };
            let answer = get(&target, &self.reach, self.tls.as_ref(), ask).await;
            let answer = answer.map_err(|error| match error {
                OutsideError::NotAllowed | OutsideError::NoTarget => VisitError::NotAllowed,
                _ => VisitError::Failed,
            })?;
            if !answer.status.is_redirection() {
                return read(&answer);
            }
            let to = answer.header(header::LOCATION).ok_or(VisitError::Failed)?;
            link = joined(&target, to);
        }
        Err(VisitError::Failed)
    }
}

fn read(answer: &Answer) -> Result<Option<Page>, VisitError> {
    if !answer.status.is_success() {
        return Err(VisitError::Failed);
    }
    let kind = answer.header(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let is_page = ["text/html", "application/xhtml+xml"].iter().any(|page| kind.starts_with(page));
    if !is_page {
        return Ok(None);
    }
    let declared = kind.split_once("charset=").map(|(_, charset)| charset);
    Ok(text(&answer.body, declared).and_then(|html| page::read(&html)))
}

/// A page's text, in the two encodings that nearly all are in; `None` for another one.
fn text<'a>(bytes: &'a [u8], declared: Option<&str>) -> Option<Cow<'a, str>> {
    let declared = match declared {
        Some(declared) => Some(first_word(declared)),
        // Where the answer says nothing, the page itself does, near its beginning.
        None => {
            let head =
                String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
            head.split_once("charset=").map(|(_, charset)| first_word(charset))
        }
    };
    match declared.as_deref().unwrap_or("utf-8") {
        "utf-8" | "utf8" | "us-ascii" => Some(String::from_utf8_lossy(bytes)),
        "iso-8859-1" | "latin1" | "latin-1" | "iso8859-1" | "windows-1252" => {
            Some(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into())
        }
        _ => None,
    }
}

fn first_word(text: &str) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.trim_start_matches(['"', '\'', ' ']).chars().take_while(is_name).collect()
}

/// A link as HTTP has it: what isn't ASCII behind the host is written in hexadecimal, and what stands
/// behind `#` is nobody else's.
fn encoded(link: &str) -> Cow<'_, str> {
    let link = link.split('#').next().unwrap_or_default();
    if link.is_ascii() {
        return link.into();
    }
    let host_at = link.find("://").map_or(0, |at| at + 3);
    let path_at = link[host_at..].find(['/', '?']).map_or(link.len(), |at| host_at + at);
    let mut out = link[..path_at].to_owned();
    for byte in link[path_at..].bytes() {
        match byte.is_ascii() {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out.into()
}

/// Where a redirection leads, seen from where it was found (RFC 3986 section 5.2, without its rarer forms).
fn joined(from: &Target, to: &str) -> String {
    let scheme = if from.is_secure { "https" } else { "http" };
    let to = encoded(to.trim());
    let has_scheme = to.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if has_scheme {
        return to.into_owned();
    }
    if to.starts_with("//") {
        return format!("{scheme}:{to}");
    }
    let origin = format!("{scheme}://{}", from.authority);
    let path = from.path.split('?').next().unwrap_or("/");
    match to.chars().next() {
        Some('/') => format!("{origin}{to}"),
        Some('?') => format!("{origin}{path}{to}"),
        None => format!("{origin}{}", from.path),
        _ => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{origin}{folder}{to}")
        }
    }
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
