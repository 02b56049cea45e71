//! The index in memory against the suite.

use std::sync::Arc;

use super::{MemorySearch, conformance};

#[tokio::test]
async fn memory_conforms() {
    conformance::run(|| Arc::new(MemorySearch::default())).await;
}
