//! Every bound of a multiplexed connection.

/// Bytes of a client's lane before the server has given credit.
pub const CLIENT_CREDIT_FIRST: u64 = 32 * 1024;
/// Bytes of a server's lane before the client has given credit.
pub const SERVER_CREDIT_FIRST: u64 = 256 * 1024;
/// Bytes of one lane that may be under way or unread.
pub const WINDOW: u64 = 256 * 1024;
/// Bytes of all lanes together that may be under way or unread, besides what each has at first.
pub const WINDOWS_MAX: u64 = 2 * 1024 * 1024;
/// Lanes a client may open before it is told of more.
pub const LANES_FIRST: u32 = 2;
/// Bytes of a lane in one message: what comes of another lane waits no longer than for those.
pub const DATA_BYTES: usize = 16 * 1024;
/// Most bytes of a lane that a message may carry.
pub const DATA_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = DATA_BYTES_MAX + 16;
/// Bytes written to a lane that wait to be sent.
pub const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// Largest datagram.
pub const DATAGRAM_BYTES_MAX: usize = 1000;
/// Datagrams that wait on either side; older ones give way.
pub const DATAGRAMS_MAX: usize = 64;
/// Longest reason of a connection's end.
pub const REASON_BYTES_MAX: usize = 1024;
