//! What browsers need besides the protocol: which pages may connect, where to, and a WebSocket for networks
//! that let no UDP through.

mod endpoints;
mod files;
mod origins;
mod socket;

pub(crate) use endpoints::{Endpoints, SignIn, WebProvider};
pub(crate) use files::{File, are_there as has_files, find as find_file};
pub use origins::Origins;
pub(crate) use origins::host as host_of;
pub(crate) use socket::carry;

/// Where sessions over HTTP/3 are asked for.
pub const WEBTRANSPORT_PATH: &str = "/parlour/v1/wt";
/// Where WebSockets are opened.
pub const WEBSOCKET_PATH: &str = "/parlour/v1/ws";
/// Where clients read how they may connect.
pub const ENDPOINTS_PATH: &str = "/parlour/v1/endpoints";
