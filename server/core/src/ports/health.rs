//! How the server is: what only whoever runs the node knows.

use std::fmt;

use parlour_protocol::health::GetHealthResponse;

/// Says how the server is.
pub trait Health: fmt::Debug + Send + Sync + 'static {
    /// As of now, without waiting for anything.
    fn health(&self) -> GetHealthResponse;
}
