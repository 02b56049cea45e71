//! Signatures as the Standard Webhooks have them (standardwebhooks.com): whoever has the secret knows that
//! a post is ours, which one it is, and when it was made.

use base64::{Engine, engine::general_purpose::STANDARD};
use parlour_core::ports::posts::Post;
use ring::hmac;

/// Names an event of a webhook: the same however often it is posted.
pub(super) fn id_of(post: &Post) -> String {
    format!("{}_{}_{}", post.webhook, post.room, post.seq)
}

/// The value of `webhook-signature`.
pub(super) fn signature(secret: &[u8], id: &str, timestamp: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
