//! What an operator does to a store that is not serving: check, copy, restore.

use std::{collections::BTreeMap, ops::ControlFlow};

use bytes::Bytes;

use crate::{
    kv::{
        engine::{Engine, EngineError},
        layout,
    },
    limits::{COPY_STEP_BYTES, COPY_STEP_ROWS},
};

/// One step of rows in key order from `from`, and where the next step begins.
pub(crate) fn rows_from<E: Engine>(
    engine: &E,
    from: &[u8],
) -> Result<(BTreeMap<Vec<u8>, Bytes>, Vec<u8>), EngineError> {
    let mut rows = BTreeMap::new();
    let mut bytes = 0;
    let mut next = vec![layout::END];
    engine.scan(from, &[layout::END], false, &mut |key, value| {
        bytes += key.len() + value.len();
        rows.insert(key.to_vec(), Bytes::copy_from_slice(value));
        if rows.len() < COPY_STEP_ROWS && bytes < COPY_STEP_BYTES {
            return ControlFlow::Continue(());
        }
        next = [key, &[0]].concat();
        ControlFlow::Break(())
    })?;
    Ok((rows, next))
}
