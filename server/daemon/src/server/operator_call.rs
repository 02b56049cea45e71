//! Calls of the protocol that an operator makes, without a connection.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parlour_core::{
    identity,
    node::{Auth, Caller, Link},
};
use parlour_protocol::{
    generated::{ControlRpc, Lane, METHODS, method},
    ids::{DeviceId, SessionId},
    limits::SUBJECT_BYTES_MAX,
    wire::{Delivery, Error},
};

use prost::Message;

use super::operator::Operator;
use crate::{admin::Response, calls, traces::Via};

/// What the organization's log says of who did it.
pub(super) const OPERATOR: &str = "operator";

impl Operator {
    /// Makes the call.
    pub(super) async fn call(
        &self,
        org: &str,
        number: u32,
        body: &str,
    ) -> Result<Response, String> {
        let body = STANDARD.decode(body).map_err(|_| "the body is not base64")?;
        let body = self.carry_out(org, number, Bytes::from(body)).await?;
        Ok(Response::Called { body: STANDARD.encode(body) })
    }

    /// The same of a call that is made here.
    pub(super) async fn make<R: ControlRpc>(
        &self,
        org: &str,
        request: &R::Request,
    ) -> Result<R::Response, String> {
        let body = Bytes::from(request.encode_to_vec());
        let answer = self.carry_out(org, R::METHOD.id, body).await?;
        R::Response::decode(answer).map_err(|error| error.to_string())
    }

    async fn carry_out(&self, org: &str, number: u32, body: Bytes) -> Result<Bytes, String> {
        if org.is_empty() || org.len() > SUBJECT_BYTES_MAX {
            return Err("an organization's name is 1 to 255 bytes".into());
        }
        if method(number).is_none_or(|method| method.lane != Lane::Control) {
            return Err("no such method on the control lane".into());
        }
        let caller = operator_of(org);
        let (node, submit) = (&self.shared.node, &*self.shared.submit);
        let span = self.shared.traces.call(number, Via::Operator);
        let called = calls::call(node, submit, &caller, number, body, span).await;
        called.map_err(|error| in_words(&error))
    }
}

fn operator_of(org: &str) -> Arc<Caller> {
    let id = identity::org_id(org);
    let mut scopes: Vec<Arc<str>> = METHODS.iter().map(|method| method.scope.into()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    Arc::new(Caller {
        user: identity::operator_id(id),
        org: id,
        org_name: org.into(),
        subject: OPERATOR.into(),
        name: OPERATOR.into(),
        device: DeviceId::from_bytes([0; 16]),
        session: SessionId::from_bytes([0; 16]),
        delivery: Delivery::Focused,
        intents: None,
        link: Link::default(),
        auth: Mutex::new(Auth {
            expires_at_ms: u64::MAX,
            issued_at_ms: 0,
            key_id: OPERATOR.into(),
            token_id: None,
            scopes,
        }),
        revoked: AtomicBool::new(false),
    })
}

fn in_words(error: &Error) -> String {
    let mut text = error.message.clone();
    for violation in &error.violations {
        text += &format!("; {} {}", violation.field, violation.problem);
    }
    text
}
