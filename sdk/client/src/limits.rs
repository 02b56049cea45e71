//! Every bound of the driver in one place; those of the protocol and of the state machines are in
//! their crates.

use std::time::Duration;

/// Commands of handles that wait for the driver; callers wait beyond that.
pub const COMMANDS_MAX: usize = 1024;
/// Changes an observer may be behind before it gets the whole list instead.
pub const FEED_DIFFS_MAX: usize = 4096;
/// Events an observer may be behind before the oldest are left out.
pub const EVENTS_MAX: usize = 100_000;
/// Bytes of events that wait to be written to the cache before history is read more slowly.
pub const UNWRITTEN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Inputs handled before outputs are looked at again.
pub const INPUTS_AT_ONCE: usize = 64;
/// As many of them as a read of a bulk lane counts for.
pub const BULK_READ_INPUTS: usize = 8;
/// Bytes read from a lane at once.
pub const READ_BYTES_MAX: usize = 256 * 1024;
/// Pieces read from a bulk lane at once; QUIC hands out a piece per packet.
pub const READ_CHUNKS_MAX: usize = 64;
/// Names of users that are remembered.
pub const USERS_MAX: usize = 10_000;
/// Changed users that wait for one observer; more, and the first are left out.
pub const USER_CHANGES_MAX: usize = 1000;

/// A handshake takes at most this long per address.
pub const DIAL_WITHIN: Duration = Duration::from_secs(8);
/// Where QUIC takes this long, a WebSocket is opened as well.
pub const FALLBACK_AFTER: Duration = Duration::from_millis(800);
/// A WebSocket's server says something at least half as often.
pub const SOCKET_SILENT_MAX: Duration = Duration::from_secs(45);
/// A WebSocket that was closed waits this long for the server's answer.
pub const SOCKET_CLOSES_WITHIN: Duration = Duration::from_secs(1);
/// Most bytes of a WebSocket's messages that wait before the kernel.
pub const SOCKET_BUFFER_BYTES_MAX: usize = 256 * 1024;
/// A handshake that takes this long gets a second one beside it, and so on.
pub const NEXT_DIAL_AFTER: Duration = Duration::from_millis(500);
/// The application gives a token within this time.
pub const TOKEN_WITHIN: Duration = Duration::from_secs(30);
/// The first connection is made within this time, or `connect` fails.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A closing connection may say so for this long.
pub const CLOSE_WITHIN: Duration = Duration::from_millis(500);
/// How often is looked whether a close was answered.
pub const ANSWERED_EVERY: Duration = Duration::from_millis(1);
/// A client that ends leaves its cache to the next within this time.
pub const CACHE_FREE_WITHIN: Duration = Duration::from_secs(2);
/// A failed write to the cache is tried again after this time.
pub const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// After this many failures in a row the cache is left as it is for a while.
pub const WRITE_FAILURES_MAX: u32 = 20;
/// A cache that was left is written anew after this time, and again after it where that fails.
pub const WRITE_ANEW_AFTER: Duration = Duration::from_secs(30);

/// QUIC: data in flight on one lane, towards this client.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// QUIC: data in flight on all lanes, towards this client. Every bulk lane may wait for the cache with
/// its window full, and files are read as fast as the application takes them: calls and events must
/// find room beside them.
pub const RECEIVE_WINDOW_BYTES: u32 =
    (parlour_protocol::limits::BULK_LANES_MAX as u32 + 2) * STREAM_WINDOW_BYTES;
/// QUIC: data in flight, from this client.
pub const SEND_WINDOW_BYTES: u64 = 2 * 1024 * 1024;
/// What files may fill of it: messages find room beside them.
pub const FILE_WINDOW_BYTES: u64 = SEND_WINDOW_BYTES / 4 * 3;
/// The socket's buffers, as far as the system allows: a round trip's worth of packets may come
/// while the client's task is busy, and what finds no room is lost and sent again, more slowly.
pub const SOCKET_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// QUIC: datagrams that wait to be read or sent.
pub const DATAGRAM_BUFFER_BYTES: usize = 64 * 1024;
/// QUIC: streams the server may open; it needs one.
pub const SERVER_UNI_LANES: u32 = 4;
/// QUIC: a packet at least this often, so that the path stays open.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// QUIC: the connection is lost after this silence.
pub const IDLE_MAX: Duration = Duration::from_secs(30);
/// QUIC: what a round trip is thought to take before one was measured. A lost first packet costs
/// a multiple of it.
pub const INITIAL_RTT: Duration = Duration::from_millis(100);

/// A token of the server's own is not used for the last of its time.
pub const TOKEN_SPARE: Duration = Duration::from_secs(30);

/// Bytes of a file that are read, written and hashed at once.
pub const FILE_PIECE_BYTES: usize = 256 * 1024;
/// A transfer that was cut off goes on after this time, once there is a connection.
pub const TRANSFER_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Each time that nothing has gone meanwhile the time is twice as long, so often at most.
pub const TRANSFER_DOUBLINGS_MAX: u32 = 6;
/// So often in a row nothing has gone; then the transfer fails.
pub const TRANSFER_CUTS_MAX: u32 = 20;
/// So often a transfer waits when the server asks it to; then it fails with what the server says.
pub const TRANSFER_DELAYS_MAX: u32 = 10;
