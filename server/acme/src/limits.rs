//! Every bound of this crate: how long a CA gets, how soon it is asked again, how much it may say.

use std::time::Duration;

/// How long a CA may take to look at the challenges of an order.
pub const CHECKED_WITHIN: Duration = Duration::from_secs(180);
/// How long it may take to issue the certificate then.
pub const ISSUED_WITHIN: Duration = Duration::from_secs(180);
/// The pause after the first attempt that a CA has refused; it doubles. Let's Encrypt takes five
/// failures an hour for a name, so the pauses of the first hour have to add up to more.
pub const AGAIN_FIRST: Duration = Duration::from_secs(300);
/// The pause after the first attempt that no CA has heard of; it doubles.
pub const UNREACHED_FIRST: Duration = Duration::from_secs(15);
/// The longest pause while the certificate in use holds for long.
pub const AGAIN_MAX: Duration = Duration::from_secs(12 * 3600);
/// The longest one where there is none, or it ends soon.
pub const AGAIN_MAX_URGENT: Duration = Duration::from_secs(3600);
/// The longest pause that a CA may ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// After a restart, from one attempt that a CA has heard of to the next: a server that is started
/// again and again makes five attempts an hour.
pub const RESTART_GAP: Duration = Duration::from_secs(12 * 60);
/// From one attempt to the next, whoever wishes it.
pub const WISH_GAP: Duration = Duration::from_secs(10);
/// How often a CA may be asked when to renew (RFC 9773 section 4.3.2): at most, and at least.
pub const RENEWAL_INFO_EVERY: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// How soon after a look that has failed.
pub const RENEWAL_INFO_AGAIN: Duration = Duration::from_secs(6 * 3600);
/// What is kept of a CA's explanation, in characters.
pub const DETAIL_CHARS_MAX: usize = 300;
/// Names in one certificate, which is what Let's Encrypt takes.
pub const NAMES_MAX: usize = 100;
/// Longest name, in bytes (RFC 1035 section 2.3.4).
pub const NAME_BYTES_MAX: usize = 253;
