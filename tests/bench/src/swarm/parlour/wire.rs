//! What a client writes: its hello, calls on the control lane, bulk lanes.

use bytes::{Bytes, BytesMut};
use parlour_protocol::generated::{BulkRpc, ControlRpc};
use parlour_protocol::prost::Message;
use parlour_protocol::wire::{
    BulkCall, Call, ClientFrame, Delivery, Hello, LaneKind, LaneOpen, Ping, client_frame,
};
use parlour_protocol::{REV_MAX, REV_MIN, frame, ids, limits};
use quinn_proto::Dir;

use super::Parlour;
use super::member::{Lane, Purpose, Stage};
use crate::harness::{Outcome, during};
use crate::swarm::Client;

impl Parlour {
    /// The first frame of the control lane.
    pub(super) fn greet(&mut self, client: Client) -> Outcome {
        let member = &mut self.members[client];
        let listens = self.world.listening.is_none_or(|listening| member.user < listening);
        let delivery = if listens { Delivery::All } else { Delivery::Focused };
        let hello = Hello {
            min_rev: REV_MIN,
            max_rev: REV_MAX,
            features: Vec::new(),
            token: self.world.token(member.user),
            device: Bytes::copy_from_slice(&member.device),
            resume: member.resume.clone(),
            delivery: delivery.into(),
            agent: "parlour-bench".to_owned(),
            intents: Vec::new(),
        };
        member.stage = Stage::Greeted;
        let Some(connection) = self.quic.connection(client) else { return Ok(()) };
        member.control = connection.streams().open(Dir::Bi);
        if member.control.is_none() {
            return Err("no control lane".to_owned());
        }
        self.say(client, client_frame::Frame::Hello(hello))
    }

    /// A call on the control lane.
    pub(super) fn call<R: ControlRpc>(
        &mut self,
        client: Client,
        id: u64,
        request: &R::Request,
    ) -> Outcome {
        let body = request.encode_to_vec().into();
        self.say(
            client,
            client_frame::Frame::Call(Call { id, method: R::METHOD.id, body, chain: 0 }),
        )
    }

    /// A ping with which a server may send more to an address that is new to it.
    pub(super) fn ping_padded(&mut self, client: Client) -> Outcome {
        let padding = Bytes::from_static(&[0; limits::MOVED_PADDING_BYTES]);
        self.say(client, client_frame::Frame::Ping(Ping { nonce: 0, padding }))
    }

    fn say(&mut self, client: Client, frame: client_frame::Frame) -> Outcome {
        let bytes = frame::encode(&ClientFrame { frame: Some(frame) });
        self.members[client].waiting.extend_from_slice(&bytes);
        self.write_control(client)
    }

    /// Writes what the control lane takes.
    pub(super) fn write_control(&mut self, client: Client) -> Outcome {
        let member = &mut self.members[client];
        let Some(control) = member.control else { return Ok(()) };
        if member.waiting.is_empty() {
            return Ok(());
        }
        let Some(connection) = self.quic.connection(client) else { return Ok(()) };
        match connection.send_stream(control).write(&member.waiting) {
            Ok(written) => {
                member.waiting.drain(..written);
                Ok(())
            }
            Err(quinn_proto::WriteError::Blocked) => Ok(()),
            Err(error) => Err(format!("control lane: {error}")),
        }
    }

    /// A call on a lane of its own.
    pub(super) fn bulk_call<R: BulkRpc>(
        &mut self,
        client: Client,
        request: &R::Request,
        purpose: Purpose,
    ) -> Outcome {
        let mut bytes = BytesMut::new();
        frame::encode_into(&LaneOpen { kind: LaneKind::Bulk.into() }, &mut bytes);
        let body = request.encode_to_vec().into();
        frame::encode_into(&BulkCall { method: R::METHOD.id, body }, &mut bytes);
        let Some(connection) = self.quic.connection(client) else { return Ok(()) };
        let id = connection.streams().open(Dir::Bi).ok_or("no bulk lane is free")?;
        let mut stream = connection.send_stream(id);
        let written = stream.write(&bytes).map_err(during("bulk lane"))?;
        if written < bytes.len() {
            return Err("a bulk lane doesn't take a call".to_owned());
        }
        stream.finish().map_err(during("bulk lane"))?;
        let frames = frame::Splitter::new(limits::BULK_FRAME_BYTES_MAX);
        self.members[client].bulk.insert(id, Lane { frames, purpose });
        Ok(())
    }

    /// A UUIDv7 no other send has.
    pub(super) fn client_ref(&mut self) -> Bytes {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.random.to_be_bytes());
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ms = since.map_or(0, |since| since.as_millis() as u64);
        Bytes::copy_from_slice(&ids::uuid_v7(ms, random))
    }
}
