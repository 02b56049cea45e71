//! A newcomer, whom the server hasn't answered yet.

use std::{net::SocketAddr, sync::Arc};

use quinn_proto::ConnectionError;

use crate::{
    connection::Connection,
    endpoint::Inner,
    routes::{Routes, respond},
};

/// See the module. Dropped, it is refused.
pub struct Incoming {
    proto: Option<quinn_proto::Incoming>,
    endpoint: Arc<Inner>,
}

impl Incoming {
    pub(crate) fn new(proto: quinn_proto::Incoming, endpoint: Arc<Inner>) -> Self {
        Incoming { proto: Some(proto), endpoint }
    }

    fn proto(&self) -> &quinn_proto::Incoming {
        self.proto.as_ref().expect("it is taken only by what consumes the newcomer")
    }

    /// Where the first packet says it comes from.
    pub fn remote_address(&self) -> SocketAddr {
        self.proto().remote_address()
    }

    /// Whether the newcomer has shown that it gets what is sent there.
    pub fn remote_address_validated(&self) -> bool {
        self.proto().remote_address_validated()
    }

    /// Begins the handshake; [`Connection::connected`] waits for its end.
    pub fn accept(mut self) -> Result<Connection, ConnectionError> {
        let proto = self.proto.take().expect("it is taken only once");
        self.endpoint.accept(proto)
    }

    /// Lets the newcomer show that it gets what is sent to its address (RFC 9000 section 8.1.2);
    /// `false` if it has already, and is refused.
    pub fn retry(mut self) -> bool {
        let proto = self.proto.take().expect("it is taken only once");
        let routes = &mut *self.endpoint.routes();
        routes.response.clear();
        match routes.proto.retry(proto, &mut routes.response) {
            Ok(retry) => {
                respond(&*self.endpoint.socket, &retry, &routes.response);
                true
            }
            Err(error) => {
                refuse(error.into_incoming(), routes, &self.endpoint);
                false
            }
        }
    }

    /// Says no.
    pub fn refuse(self) {}
}

fn refuse(proto: quinn_proto::Incoming, routes: &mut Routes, endpoint: &Inner) {
    routes.response.clear();
    let refusal = routes.proto.refuse(proto, &mut routes.response);
    respond(&*endpoint.socket, &refusal, &routes.response);
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(proto) = self.proto.take() {
            refuse(proto, &mut self.endpoint.routes(), &self.endpoint);
        }
    }
}
