//! Attachments over HTTP, under links that the protocol gives out: for pages, which show pictures and
//! play films by address, and for scripts. What is served can't run in a page.
//!
//! Ranges are those of RFC 9110 section 14, one at a time. An upload goes on as the draft
//! "Resumable Uploads for HTTP" has it: `HEAD` tells the `Upload-Offset`, `PUT` or `PATCH` sends what
//! is behind it.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::{StreamExt, stream};
use parlour_core::{
    blobs::{Begun, Downloading, Link, LinkedAttachment, LinkedUpload, Uploading},
    draft::Submit,
    node::Node,
};
use parlour_protocol::{
    blob::{Blob, Variant},
    wire::{BlobDownload, Error, ErrorReason},
};
use serde::{Deserialize, Serialize};

use super::errors::{reason_of, status_of};
use crate::{
    attachments::{commit, complete},
    metrics::{SharedMetrics, Transfer},
};

/// What these routes answer from.
#[derive(Clone)]
pub(crate) struct BlobParts {
    pub(crate) node: Arc<Node>,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) metrics: SharedMetrics,
}

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// Kinds that a page can show without anything running; all else is saved.
const SHOWN: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/x-wav",
    "audio/webm",
    "audio/mp4",
    "audio/flac",
    "audio/x-flac",
    "audio/aac",
    "audio/m4a",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
];

/// What may stand behind a link.
#[derive(Deserialize)]
pub(crate) struct Named {
    /// The name it is saved under.
    #[serde(default)]
    name: String,
}

/// `GET` and `HEAD` of an attachment.
pub(crate) async fn download(
    State(parts): State<BlobParts>,
    Path(token): Path<String>,
    Query(named): Query<Named>,
    headers: HeaderMap,
) -> Response {
    let link = match open(&parts, &token).await {
        Ok(Some(Link::Attachment(link))) => link,
        Ok(_) => return refusal(&gone()),
        Err(error) => return refusal(&error),
    };
    serve(&parts, link, &named.name, &headers).await.unwrap_or_else(|error| refusal(&error))
}

async fn serve(
    parts: &BlobParts,
    link: LinkedAttachment,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let whole = parts.node.begin_download(link.owner, link.download.clone()).await?;
    let size = whole.size();
    let is_preview = link.download.variant == Variant::Preview as i32;
    let hash: String = link.download.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}{}\"", if is_preview { ".preview" } else { "" });
    let mut answer = common_headers(whole.media_type(), name, &tag);
    let has_it = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if has_it.is_some_and(|tags| tags == "*" || tags.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    // The bytes under a tag never change, so that only another tag makes a range void.
    let is_same =
        headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes());
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, body, length) =
        match range.filter(|_| is_same).map(|range| parse_range(range, size)) {
            None | Some(Range::Ignored) => (StatusCode::OK, whole, size),
            Some(Range::Unsatisfiable) => {
                answer.insert(header::CONTENT_RANGE, value(&format!("bytes */{size}")));
                return Ok((StatusCode::RANGE_NOT_SATISFIABLE, answer).into_response());
            }
            Some(Range::Part { from, to }) => {
                let length = to - from + 1;
                let request = BlobDownload { offset: from, length, ..link.download };
                let part = parts.node.begin_download(link.owner, request).await?;
                answer.insert(header::CONTENT_RANGE, value(&format!("bytes {from}-{to}/{size}")));
                (StatusCode::PARTIAL_CONTENT, part, length)
            }
        };
    answer.insert(header::CONTENT_LENGTH, length.into());
    parts.metrics.transferred(Transfer::Download, length);
    Ok((status, answer, Body::from_stream(bytes_of(parts.node.clone(), body))).into_response())
}

fn bytes_of(
    node: Arc<Node>,
    downloading: Downloading,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold(Some((node, downloading)), |open| async {
        let (node, mut downloading) = open?;
        match downloading.read(&node).await {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => Some((Ok(bytes), Some((node, downloading)))),
            // The connection breaks off: there is no other way to say it by now.
            Err(error) => Some((Err(std::io::Error::other(error.to_string())), None)),
        }
    })
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn common_headers(media_type: &str, name: &str, tag: &str) -> HeaderMap {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_shown = SHOWN.contains(&kind.as_str());
    let (kind, how) = if is_shown {
        (kind.as_str(), "inline")
    } else {
        ("application/octet-stream", "attachment")
    };
    let disposition = match name.is_empty() {
        true => how.to_owned(),
        // RFC 8187: everything but the plainest characters is escaped.
        false => format!("{how}; filename*=UTF-8''{}", escaped(name)),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, max-age=3600, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    headers.into_iter().map(|(name, text)| (name, value(text))).collect()
}

fn escaped(name: &str) -> String {
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 255);
    let name = &name[..end.last().unwrap_or_default()];
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// The whole is as good an answer.
    Ignored,
    Unsatisfiable,
    Part {
        from: u64,
        to: u64,
    },
}

fn parse_range(text: &str, size: u64) -> Range {
    let Some(spec) = text.strip_prefix("bytes=").map(str::trim) else { return Range::Ignored };
    let Some((from, to)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Range::Ignored;
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(from) || !is_number(to) || from.is_empty() && to.is_empty() {
        return Range::Ignored;
    }
    // A number that doesn't fit is behind every end.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let (from, to) = match (from, to) {
        ("", last) => (size.saturating_sub(number(last)), if number(last) == 0 { 0 } else { size }),
        (from, "") => (number(from), size),
        (from, to) => (number(from), number(to).saturating_add(1).min(size)),
    };
    match from < to {
        true => Range::Part { from, to: to - 1 },
        false if !spec.starts_with('-') && from < size => Range::Ignored,
        false => Range::Unsatisfiable,
    }
}

/// What an upload has become.
#[derive(Serialize)]
struct Stored {
    hash: String,
    size: u64,
    media_type: String,
    #[serde(skip_serializing_if = "is_zero")]
    width: u32,
    #[serde(skip_serializing_if = "is_zero")]
    height: u32,
    #[serde(skip_serializing_if = "is_zero_long")]
    duration_ms: u64,
    has_preview: bool,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_zero_long(n: &u64) -> bool {
    *n == 0
}

impl From<Blob> for Stored {
    fn from(blob: Blob) -> Self {
        Stored {
            hash: blob.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            size: blob.size,
            media_type: blob.media_type,
            width: blob.width,
            height: blob.height,
            duration_ms: blob.duration_ms,
            has_preview: blob.has_preview,
        }
    }
}

/// `HEAD`, `PUT` and `PATCH` of an upload.
pub(crate) async fn upload(
    State(parts): State<BlobParts>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let link = match open(&parts, &token).await {
        Ok(Some(Link::Upload(link))) => link,
        Ok(_) => return refusal(&gone()),
        Err(error) => return refusal(&error),
    };
    let offset = headers.get(UPLOAD_OFFSET).map(|value| value.to_str().ok()?.parse().ok());
    let offset = match offset {
        None => 0,
        Some(Some(offset)) => offset,
        Some(None) => {
            return refusal(&Error::invalid("upload-offset", "is not a number of bytes"));
        }
    };
    let offset = (method != Method::HEAD).then_some(offset);
    // By itself, as whoever asks may go away in the middle of it.
    let taken = tokio::spawn(async move { take(&parts, link, offset, body).await }).await;
    match taken {
        Ok(taken) => taken.unwrap_or_else(|error| refusal(&error)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Takes what is behind `offset`, or tells how much there is.
async fn take(
    parts: &BlobParts,
    link: LinkedUpload,
    offset: Option<u64>,
    body: Body,
) -> Result<Response, Error> {
    let size = link.upload.size;
    // Whoever only asks, or is wrong, takes nothing over.
    let here = match parts.node.upload_progress(link.owner, link.upload.clone()).await? {
        Ok(here) => here,
        Err(blob) => return Ok((StatusCode::OK, Json(Stored::from(blob))).into_response()),
    };
    match offset {
        None => return Ok((StatusCode::NO_CONTENT, progress(here, size)).into_response()),
        Some(offset) if offset != here => {
            let error = Error::new(ErrorReason::RefConflict, "the server has another offset");
            return Ok((progress(here, size), refusal(&error)).into_response());
        }
        Some(_) => {}
    }
    let mut uploading = match parts.node.begin_upload(link.owner, link.upload).await? {
        Begun::Known(blob, draft) => {
            commit(&*parts.submit, draft).await?;
            return Ok((StatusCode::OK, Json(Stored::from(*blob))).into_response());
        }
        Begun::Open(uploading) => uploading,
    };
    let offset = uploading.offset();
    if let Err(error) = receive(&mut uploading, body).await {
        uploading.pause().await;
        return Err(error);
    }
    if uploading.offset() < size {
        let here = uploading.offset();
        uploading.pause().await;
        return Ok((StatusCode::ACCEPTED, progress(here, size)).into_response());
    }
    let blob = complete(parts.node.clone(), parts.submit.clone(), uploading).await?;
    parts.metrics.transferred(Transfer::Upload, size - offset);
    Ok((StatusCode::CREATED, Json(Stored::from(blob))).into_response())
}

/// All that comes; a body that is cut off is no error, what has come counts.
async fn receive(uploading: &mut Uploading, body: Body) -> Result<(), Error> {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(bytes)) = chunks.next().await {
        uploading.write(bytes).await?;
    }
    Ok(())
}

fn progress(offset: u64, size: u64) -> HeaderMap {
    [(UPLOAD_OFFSET, offset.into()), (UPLOAD_LENGTH, size.into())].into_iter().collect()
}

async fn open(parts: &BlobParts, token: &str) -> Result<Option<Link>, Error> {
    match BASE64_URL_SAFE_NO_PAD.decode(token) {
        Ok(sealed) => parts.node.open_link(&sealed).await,
        Err(_) => Ok(None),
    }
}

fn gone() -> Error {
    Error::new(ErrorReason::BlobNotFound, "the link is not valid, or its time is over")
}

/// An error as these routes have always told it.
fn refusal(error: &Error) -> Response {
    let body = serde_json::json!({ "reason": reason_of(error), "message": error.message });
    (status_of(error), Json(body)).into_response()
}

#[cfg(test)]
#[path = "blobs_tests.rs"]
mod tests;
