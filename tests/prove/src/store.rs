//! Opening a store from a proof, and driving it without async around it.

use std::{path::Path, sync::Arc};

use parlour_adapters::{Kind, OpenError, Options, any};
use parlour_core::ports::store::Store;
use tokio::runtime::{Builder, Runtime};

/// A small runtime.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime needs only threads")
}

/// Options as the proofs use them: a small cache, so that pages are written and read again.
pub(crate) fn options(path: &Path) -> Options {
    Options { cache_bytes: 8 << 20, reserve_bytes: 0, ..Options::new(path) }
}

/// Opens the store in `path`.
pub(crate) fn open(
    runtime: &Runtime,
    kind: Kind,
    options: Options,
) -> Result<Arc<dyn Store>, OpenError> {
    runtime.block_on(any::open(kind, options))
}
