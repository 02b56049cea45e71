//! Memory does what every adapter does.

use super::Memory;
use crate::conformance;

#[tokio::test]
async fn it_conforms() {
    conformance::run(&Memory::default()).await;
}
