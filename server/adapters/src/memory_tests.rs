//! The memory store against the suite.

use std::sync::Arc;

use parlour_core::ports::store::Store;

use super::Memory;
use crate::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    conformance::run(|| async { Arc::new(Memory::new([7; 16])) as Arc<dyn Store> }).await;
}
