//! A client that reads what waits for it and keeps it.

use std::sync::Arc;

use bytes::Bytes;
use parlour_core::{chain::Chains, draft::ConnId, node::Caller};
use parlour_protocol::{
    frame::Splitter,
    ids::UserId,
    wire::{Error, Event, EventFrame, ServerFrame, event_frame, reply, server_frame},
};
use prost::Message;

pub struct Client {
    pub id: ConnId,
    pub caller: Arc<Caller>,
    pub user: UserId,
    pub(crate) next_call: u64,
    pub(crate) chains: Arc<Chains>,
    pub(crate) control: Splitter,
    pub(crate) event: Splitter,
    /// It has been disconnected: the place may be used again.
    pub is_gone: bool,
    pub replies: Vec<(u64, Result<Bytes, Error>)>,
    pub frames: Vec<event_frame::Frame>,
    pub notices: Vec<server_frame::Frame>,
}

impl Client {
    /// Every room event heard, in order.
    pub fn heard(&self) -> Vec<Event> {
        let frames = self.frames.iter();
        frames
            .filter_map(|frame| match frame {
                event_frame::Frame::RoomEvents(events) => Some(events.events.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }
}

impl Client {
    pub(crate) fn read(&mut self) {
        while let Some(frame) = self.control.next_frame().unwrap() {
            match ServerFrame::decode(frame).unwrap().frame {
                Some(server_frame::Frame::Reply(reply)) => {
                    let result = match reply.result.unwrap() {
                        reply::Result::Body(body) => Ok(body),
                        reply::Result::Error(error) => Err(error),
                    };
                    self.replies.push((reply.id, result));
                }
                frame => self.notices.extend(frame),
            }
        }
        while let Some(frame) = self.event.next_frame().unwrap() {
            self.frames.extend(EventFrame::decode(frame).unwrap().frame);
        }
    }
}
