//! The calls over HTTP as an OpenAPI 3.1 document, made from the contract: its comments are the
//! descriptions, and what the JSON module reads and writes is what the schemas say.

mod comments;
mod schema;

use std::sync::LazyLock;

use bytes::Bytes;
use parlour_core::hooks::HOOK_PATH;
use parlour_protocol::generated::Lane;
use serde_json::{Map, Value, json};

use crate::json::{CONTRACT, Entry};
use comments::comment;
use schema::Schemas;

/// Why a call is refused, by status.
const REFUSALS: &[(&str, &str)] = &[
    ("400", "The request isn't what it has to be; `violations` name the fields."),
    ("401", "The token is missing, malformed, expired or revoked."),
    ("403", "The caller may not do that, or the token lacks a scope."),
    ("404", "What the request names isn't there, or isn't there for the caller."),
    ("409", "It can't be done as things are."),
    ("413", "The request is too large."),
    ("415", "The content type isn't `application/json`."),
    ("429", "A bound or rate is reached. Where waiting helps, `Retry-After` says how long."),
    ("500", "A bug of the server, or data that are damaged."),
    ("503", "The server can't now; `Retry-After` says when to ask again."),
];

const ABOUT: &str = "Every call of the Parlour protocol that makes sense without a connection, as a \
    POST of JSON. Messages are in proto3's JSON mapping. Fields of bytes are base64; ids may also be \
    given as UUIDs, hashes in hexadecimal digits, and the bodies of messages as objects. With `?plain` \
    answers are written that way, too. A call that changes something carries a `clientRef`, a UUIDv7 of \
    the caller's: made again with the same one it is answered as it was the first time.";

/// The document, as it is served.
pub fn document() -> &'static Bytes {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
        let mut text = serde_json::to_string_pretty(&describe()).expect("JSON is text");
        text.push('\n');
        text.into()
    });
    &DOCUMENT
}

fn describe() -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    let offered = CONTRACT.methods.iter().filter(|(_, entry)| !entry.method.needs_connection);
    for (name, entry) in offered {
        let path = format!("/parlour/v1/rpc/{name}");
        paths.insert(path, json!({ "post": operation(name, entry, &mut schemas) }));
    }
    paths.insert(format!("{HOOK_PATH}{{secret}}"), json!({ "post": hook() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Parlour",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The same token as on a connection.",
                },
            },
            "parameters": { "plain": plain() },
            "responses": refusals(),
            "schemas": schemas.finish(),
        },
    })
}

fn tags() -> Vec<Value> {
    let mut services: Vec<_> = CONTRACT
        .methods
        .values()
        .filter(|entry| !entry.method.needs_connection)
        .map(|entry| entry.described.parent_service().clone())
        .collect();
    services.sort_by(|a, b| a.name().cmp(b.name()));
    services.dedup_by(|a, b| a.name() == b.name());
    let tag = |service: &prost_reflect::ServiceDescriptor| {
        let about = comment(&service.parent_file(), service.path());
        match about.is_empty() {
            true => json!({ "name": service.name() }),
            false => json!({ "name": service.name(), "description": about }),
        }
    };
    services.iter().map(tag).collect()
}

fn operation(name: &str, entry: &Entry, schemas: &mut Schemas) -> Value {
    let described = &entry.described;
    let about = comment(&described.parent_file(), described.path());
    let summary = about.split_inclusive(". ").next().unwrap_or_default().trim();
    let mut about = about.clone();
    if !entry.method.scope.is_empty() {
        about += &format!("\n\nThe token needs the scope `{}`.", entry.method.scope);
    }
    let mut responses = by_status();
    responses.insert("200".to_owned(), success(entry, schemas));
    json!({
        "operationId": name,
        "tags": [described.parent_service().name()],
        "summary": summary,
        "description": about,
        "parameters": [{ "$ref": "#/components/parameters/plain" }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas.message(&entry.request()) } },
        },
        "responses": responses,
    })
}

/// Posting by a hook, which is no call of the protocol.
fn hook() -> Value {
    let mut responses = by_status();
    // Its address is what a token would be.
    responses.remove("401");
    responses.remove("403");
    let done = json!({
        "type": "object",
        "required": ["ok", "seq"],
        "properties": { "ok": { "type": "boolean" }, "seq": { "type": "integer", "minimum": 1 } },
    });
    responses.insert(
        "200".to_owned(),
        json!({ "description": "Said.", "content": { "application/json": { "schema": done } } }),
    );
    let post = json!({
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": { "type": "string", "minLength": 1, "description": "1 byte to 16 KiB." },
            "client_ref": {
                "type": ["string", "null"],
                "description": "A UUIDv7: the same post is said once, however often it comes.",
            },
        },
    });
    json!({
        "operationId": "postByHook",
        "tags": ["HookService"],
        "summary": "Posts a message by an incoming webhook.",
        "description": "Posts a message into the hook's room, under the hook's name. The address is the \
            secret that `HookService.CreateHook` has told. Other fields are left alone.",
        "security": [],
        "parameters": [{
            "name": "secret",
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": post } },
        },
        "responses": responses,
    })
}

/// Refusals by status, as references.
fn by_status() -> Map<String, Value> {
    let refusal = |(status, _): &(&str, &str)| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }))
    };
    REFUSALS.iter().map(refusal).collect()
}

fn success(entry: &Entry, schemas: &mut Schemas) -> Value {
    let response = schemas.message(&entry.response());
    match entry.method.lane {
        Lane::Control => json!({
            "description": "Done.",
            "content": { "application/json": { "schema": response } },
        }),
        Lane::Bulk => json!({
            "description": "A line of JSON for each item, and a last one that says how it ended: an \
                answer without `end` or `error` was cut off. The schema is that of a line.",
            "content": { "application/x-ndjson": { "schema": {
                "oneOf": [
                    only("item", response),
                    only("end", json!({ "type": "object" })),
                    only("error", json!({ "$ref": "#/components/schemas/Error" })),
                ],
            } } },
        }),
    }
}

fn only(name: &str, schema: Value) -> Value {
    json!({
        "type": "object",
        "required": [name],
        "properties": { name: schema },
        "additionalProperties": false,
    })
}

fn plain() -> Value {
    json!({
        "name": "plain",
        "in": "query",
        "required": false,
        "description": "Ids as UUIDs, hashes in hexadecimal digits and bodies of events as objects, \
            instead of base64.",
        "schema": { "type": "string", "enum": ["1", "true"] },
    })
}

fn refusals() -> Map<String, Value> {
    let refusal = |(status, about): &(&str, &str)| {
        let wait = json!({
            "description": "Seconds to wait.",
            "schema": { "type": "integer", "minimum": 1 },
        });
        let headers = match *status {
            "429" | "503" => json!({ "Retry-After": wait }),
            _ => json!({}),
        };
        let answer = json!({
            "description": about,
            "headers": headers,
            "content": {
                "application/json": { "schema": only("error", json!({ "$ref": "#/components/schemas/Error" })) },
            },
        });
        (status.to_string(), answer)
    };
    REFUSALS.iter().map(refusal).collect()
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
