//! The line from handles to the driver. It doesn't keep the client alive: only `Client` does.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use parlour_protocol::{
    generated::{BulkRpc, ControlRpc},
    ids::UserId,
    prost::Message,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{driver::Command, error::CallError, transfer::Transfers, users::Users};

/// The client is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

#[derive(Clone, Debug)]
pub(crate) struct Handle {
    commands: mpsc::WeakSender<Command>,
    cancels: mpsc::UnboundedSender<u64>,
    tokens: Arc<AtomicU64>,
    pub(crate) users: Arc<Mutex<Users>>,
    pub(crate) me: watch::Receiver<Option<UserId>>,
    pub(crate) transfers: Transfers,
}

/// Tells the driver when the future that waits for an answer is dropped. It wakes it, too: what it
/// finds out by itself it would find out only with the next thing that happens.
struct Guard<'a> {
    handle: &'a Handle,
    token: u64,
    is_answered: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            // At most one for each command.
            let _ = self.handle.cancels.send(self.token);
        }
    }
}

impl Handle {
    pub(crate) fn new(
        commands: mpsc::WeakSender<Command>,
        cancels: mpsc::UnboundedSender<u64>,
        me: watch::Receiver<Option<UserId>>,
        transfers: Transfers,
    ) -> Self {
        let (tokens, users) = (Arc::default(), Arc::default());
        Handle { commands, cancels, tokens, users, me, transfers }
    }

    pub(crate) async fn command(&self, command: Command) -> Result<(), Gone> {
        let sender = self.commands.upgrade().ok_or(Gone)?;
        sender.send(command).await.map_err(|_| Gone)
    }

    /// For what is only a hint: when the driver is that busy, the hint is lost.
    pub(crate) fn hint(&self, command: Command) {
        if let Some(sender) = self.commands.upgrade() {
            let _ = sender.try_send(command);
        }
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Gone> {
        self.ask_as(self.next_token(), command).await
    }

    async fn ask_as<T>(
        &self,
        token: u64,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        self.command(command(reply)).await?;
        // Before the waiting, so that the answer is unwanted already when it tells.
        let mut guard = Guard { handle: self, token, is_answered: false };
        let answered = answer.await;
        guard.is_answered = true;
        answered.map_err(|_| Gone)
    }

    fn next_token(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) async fn call<R: ControlRpc>(
        &self,
        request: R::Request,
    ) -> Result<R::Response, CallError> {
        let token = self.next_token();
        let (method, body) = (R::METHOD.id, request.encode_to_vec().into());
        let asked = self.ask_as(token, |reply| Command::Call { token, method, body, reply }).await;
        let body = asked.map_err(|Gone| CallError::Closed)??;
        R::Response::decode(body).map_err(|_| CallError::Malformed)
    }

    /// The items of a bulk answer, once all of them are there.
    pub(crate) async fn ask_bulk<R: BulkRpc>(
        &self,
        request: R::Request,
    ) -> Result<Vec<Bytes>, CallError> {
        let (method, body) = (R::METHOD.id, request.encode_to_vec().into());
        let asked = self.ask(|reply| Command::Ask { method, body, reply }).await;
        asked.map_err(|Gone| CallError::Closed)?
    }
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
