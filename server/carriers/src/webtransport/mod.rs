//! WebTransport over HTTP/3 (draft-ietf-webtrans-http3, in the forms that browsers speak, back to draft 02):
//! one session on a QUIC connection of its own, and nothing else that HTTP/3 could do. What messages look
//! like is `web-transport-proto`'s; here is who may come in, and which stream is what.

mod greeting;
mod headed;
mod session;

use parlour_quic::VarInt;

pub use greeting::{Refused, Request, accept};
pub use headed::Headed;
pub use session::Session;

/// The protocol that WebTransport clients agree on (RFC 9114 section 3.1).
pub const ALPN: &[u8] = b"h3";

/// Longest HTTP/3 frame that is taken: settings, a request, a capsule.
const FRAME_BYTES_MAX: usize = 16 * 1024;
/// Streams of the client's that speak for the connection: control, and two of QPACK.
const CRITICAL_MAX: usize = 3;
/// Lanes a client may open before it is welcomed.
const LANES_BEFORE: u32 = 2;
/// The connection ends as it should (RFC 9114 section 8.1).
const H3_NO_ERROR: u32 = 0x100;

/// A code of the protocol as HTTP/3 carries it on streams (draft-ietf-webtrans-http3, section 4.4).
pub(crate) fn stream_code(code: u32) -> VarInt {
    let code = web_transport_proto::error_to_http3(code);
    VarInt::from_u64(code).expect("the range of these codes is far below 2^62")
}
