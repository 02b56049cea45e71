//! The port's bounds on one batch, checked before anything else looks at it.

use parlour_core::ports::store::{
    BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX, RECORD_BYTES_MAX, Refusal, STATE_BYTES_MAX,
    VALUE_BYTES_MAX,
};

/// Bytes of records, keys, values and states.
pub(crate) fn size(batch: &Batch) -> usize {
    let absent = batch.absent.iter().map(|(_, key)| key.len());
    let appends = batch.appends.iter().flat_map(|append| {
        append.records.iter().map(|record| record.len()).chain([append.state.len()])
    });
    let puts =
        batch.puts.iter().map(|put| put.key.len() + put.value.as_ref().map_or(0, |v| v.len()));
    let erases = batch.erases.iter().map(|erase| erase.record.len());
    absent.chain(appends).chain(puts).chain(erases).sum()
}

/// Refuses what is over a bound of the port.
pub(crate) fn check(batch: &Batch) -> Result<(), Refusal> {
    let keys = batch.absent.iter().all(|(_, key)| key.len() <= KEY_BYTES_MAX);
    let appends = batch.appends.iter().all(|append| {
        append.state.len() <= STATE_BYTES_MAX
            && append.records.iter().all(|record| record.len() <= RECORD_BYTES_MAX)
    });
    let puts = batch.puts.iter().all(|put| {
        put.key.len() <= KEY_BYTES_MAX
            && put.value.as_ref().is_none_or(|value| value.len() <= VALUE_BYTES_MAX)
    });
    let erases = batch.erases.iter().all(|erase| erase.record.len() <= RECORD_BYTES_MAX);
    if keys && appends && puts && erases && size(batch) <= BATCH_BYTES_MAX {
        Ok(())
    } else {
        Err(Refusal::TooLarge)
    }
}
