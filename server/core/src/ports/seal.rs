//! Sealing: small tokens that only this installation can open, such as resume tokens.

/// Seals and opens bytes with authenticated encryption.
pub trait Sealer: Send + Sync + 'static {
    /// Seals at most 400 bytes.
    fn seal(&self, plain: &[u8]) -> Vec<u8>;
    /// Opens what [`Sealer::seal`] made; `None` for anything else.
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>>;
}
