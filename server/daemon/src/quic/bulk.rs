//! Bulk lanes: one call each, answered by items. Live lanes always go first.

use std::sync::Arc;

use bytes::Bytes;
use parlour_carriers::{RecvLane, SendLane};
use parlour_core::{
    kit::{ItemSink, SinkClosed},
    node::Caller,
    ports::Task,
};
use parlour_protocol::{
    frame::{self, Splitter},
    generated::Lane,
    limits::CONTROL_FRAME_BYTES_MAX,
    wire::{BulkCall, BulkEnd, BulkItem, CloseCode, bulk_item::Item},
};
use prost::Message;

use super::{
    Shared,
    lanes::{self, CALL_WITHIN},
    transport::BULK_SHARE,
};
use crate::{metrics::CallEnd, traces::Via};

/// Below the live lanes, whose priority is 0 and above.
const PRIORITY: i32 = -1;

struct StreamSink {
    stream: Arc<tokio::sync::Mutex<SendLane>>,
}

impl ItemSink for StreamSink {
    fn send(&mut self, item: Bytes) -> Task<'_, Result<(), SinkClosed>> {
        Box::pin(async move {
            let mut frame = frame::bulk_item(item);
            let mut stream = self.stream.lock().await;
            stream.write_all_chunks(&mut frame).await.map_err(|_| SinkClosed)
        })
    }
}

/// Serves one lane whose kind is known. `Err` with the code it was reset with, if the client broke a
/// rule.
pub(super) async fn serve(
    shared: &Shared,
    caller: Arc<Caller>,
    mut send: SendLane,
    mut recv: RecvLane,
    mut splitter: Splitter,
) -> Result<(), CloseCode> {
    let call = match read_call(&mut recv, &mut splitter).await {
        Ok(call) => call,
        Err(code) => {
            recv.stop(code as u32);
            send.reset(code as u32);
            return Err(code);
        }
    };
    send.set_priority(PRIORITY);
    send.keep_to(BULK_SHARE);
    let started = shared.node.now().elapsed;
    let span = shared.traces.call(call.method, Via::Quic);
    let stream = Arc::new(tokio::sync::Mutex::new(send));
    let sink = Box::new(StreamSink { stream: stream.clone() });
    let limited = shared.over_rate(&caller, call.method);
    let result = match limited {
        Some(error) => Err(error),
        None => shared.node.bulk(&caller, call.method, call.body, sink).await,
    };
    let end = match &result {
        Ok(()) => CallEnd::Ok,
        Err(error) => CallEnd::Error(error),
    };
    let took = shared.node.now().elapsed - started;
    shared.metrics.call_ended(call.method, Lane::Bulk, end, took);
    span.ended(end);
    let last = match result {
        Ok(()) => Item::End(BulkEnd {}),
        Err(error) => Item::Error(error),
    };
    let mut send = stream.lock().await;
    let _ = send.write_chunk(frame::encode(&BulkItem { item: Some(last) })).await;
    send.finish();
    Ok(())
}

async fn read_call(recv: &mut RecvLane, splitter: &mut Splitter) -> Result<BulkCall, CloseCode> {
    // Requests are no larger than on the control lane; only answers are.
    splitter.set_bytes_max(CONTROL_FRAME_BYTES_MAX);
    match lanes::next_frame(recv, splitter, CALL_WITHIN).await {
        Ok(Some(call)) => BulkCall::decode(call).map_err(|_| CloseCode::MalformedFrame),
        Ok(None) => Err(CloseCode::TruncatedFrame),
        Err(error) => Err(error.close_code()),
    }
}
