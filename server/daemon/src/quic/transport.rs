//! Transport parameters: every budget of a connection, before and after authentication.

use std::{sync::Arc, time::Duration};

use parlour_carriers::{Connection, Share};
use parlour_congestion::FlooredConfig;
use quinn::{
    AckFrequencyConfig, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt,
    crypto::rustls::QuicServerConfig,
};
use quinn_proto::HashedConnectionIdGenerator;

use crate::keys::ServerKeys;

/// Bidirectional streams before authentication: WebTransport's CONNECT, or the control lane.
const BIDI_BEFORE: u32 = 2;
/// Bulk lanes at first. The transport keeps a place for each that may be opened, and most clients
/// never have more than a few: with no more than these, its tables are half as large.
pub(super) const BULK_LANES_FIRST: u32 = 8;
/// Unidirectional streams: HTTP/3 needs three.
const UNI: u32 = 4;
/// Bytes a client may send before authentication.
const WINDOW_BEFORE: u32 = 64 * 1024;
/// Bytes a client may have under way on all streams afterwards.
pub(super) const WINDOW_AFTER: u32 = 2 * 1024 * 1024;
/// Bytes a client may have under way on one stream.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Bytes the server keeps for one client until they are acknowledged.
const SEND_WINDOW: u64 = 1024 * 1024;
/// What bulk lanes may fill of it: the rest is for what is live.
pub(super) const BULK_SHARE: Share = Share { bytes: SEND_WINDOW / 8 * 6, of: SEND_WINDOW };
/// What files may: history, which somebody may be waiting for, finds room beside them.
pub(super) const BLOB_SHARE: Share = Share { bytes: SEND_WINDOW / 8 * 5, of: SEND_WINDOW };
/// Bytes of datagrams that wait for one client.
const DATAGRAM_BYTES: usize = 64 * 1024;
const IDLE_FOR: Duration = Duration::from_secs(30);
/// A lost first packet would cost a second with the default of 333 ms.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Receivers acknowledge every tenth packet, or after this time, which is what QUIC has them do
/// without being asked (RFC 9000 section 18.2).
const ACK_DELAY: Duration = Duration::from_millis(25);
const ACK_EVERY: u32 = 10;

/// The endpoint's part: keys that outlive a restart, so that clients notice one at once.
pub fn endpoint_config(keys: &ServerKeys) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(keys.reset_key()));
    let cid_key = keys.connection_id_key();
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(cid_key)));
    // With it on, QUIC's first byte can't be told from STUN, DTLS and RTP (RFC 9443).
    config.grease_quic_bit(false);
    config
}

/// The connections' part.
pub fn server_config(
    tls: rustls::ServerConfig,
    keys: &ServerKeys,
) -> Result<ServerConfig, quinn::crypto::rustls::NoInitialCipherSuite> {
    let crypto = Arc::new(QuicServerConfig::try_from(tls)?);
    let mut config = ServerConfig::new(crypto, Arc::new(keys.retry_key()));
    config.transport_config(Arc::new(transport()));
    config.migration(true);
    // Retry tokens are good for as long as a handshake may take.
    config.retry_token_lifetime(Duration::from_secs(15));
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE_FOR).expect("30 s fit a VarInt");
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(ACK_EVERY))
        .max_ack_delay(Some(ACK_DELAY))
        // A gap is told at once, as without the extension: what was lost goes out again the sooner.
        .reordering_threshold(VarInt::from_u32(1));
    transport
        .max_concurrent_bidi_streams(BIDI_BEFORE.into())
        .max_concurrent_uni_streams(UNI.into())
        .receive_window(WINDOW_BEFORE.into())
        .stream_receive_window(STREAM_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(Some(DATAGRAM_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BYTES)
        .max_idle_timeout(Some(idle))
        .initial_rtt(INITIAL_RTT)
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(FlooredConfig::default()))
        .send_fairness(true);
    transport
}

/// Raises the budgets of a connection that was authenticated.
pub(super) fn raise(connection: &Connection) {
    connection.allow(BULK_LANES_FIRST + 1, WINDOW_AFTER);
}

/// As many bulk lanes as the protocol allows, for a client that uses them.
pub(super) fn raise_lanes(connection: &Connection) {
    let bulk = parlour_protocol::limits::BULK_LANES_MAX as u32;
    connection.allow(bulk + 1, WINDOW_AFTER);
}
