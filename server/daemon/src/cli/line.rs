//! The operator's way to the running server, for one organization: calls of the protocol, with every
//! scope.

use base64::{Engine, engine::general_purpose::STANDARD};
use parlour_daemon::{
    Config,
    admin::{self, Request, Response, Status},
    data::DataFolder,
};
use parlour_protocol::generated::ControlRpc;
use prost::Message;

use super::{Common, Outcome, existing_data, fail};

/// The way to the running server, for one organization.
pub(super) struct Line {
    pub(super) data: DataFolder,
    pub(super) config: Config,
    pub(super) org: String,
}

impl Line {
    /// To the server of that configuration.
    pub(super) fn open(common: &Common, org: String) -> Outcome<Self> {
        let config = common.load()?;
        Ok(Line { data: existing_data(&config)?, config, org })
    }

    /// Makes one call.
    pub(super) async fn call<R: ControlRpc>(&self, request: &R::Request) -> Outcome<R::Response> {
        let request = Request::Call {
            org: self.org.clone(),
            method: R::METHOD.id,
            body: STANDARD.encode(request.encode_to_vec()),
        };
        let Response::Called { body } = self.ask(&request).await? else {
            return fail("the server answered something else");
        };
        Ok(R::Response::decode(&STANDARD.decode(body)?[..])?)
    }

    /// How the server is.
    pub(super) async fn status(&self) -> Outcome<Status> {
        match self.ask(&Request::Status).await? {
            Response::Status(status) => Ok(status),
            _ => fail("the server answered something else"),
        }
    }

    async fn ask(&self, request: &Request) -> Outcome<Response> {
        Ok(admin::ask(&self.data.admin_socket(), request).await?)
    }
}
