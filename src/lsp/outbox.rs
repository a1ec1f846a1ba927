//! What goes to the client unasked. Nothing here holds up whoever posts it.

use super::frame::{self, Frame};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::mpsc;
use tower_lsp::Client;
use tower_lsp::jsonrpc;
use tower_lsp::ls_types::{notification, request};
use tracing::debug;

/// How long a client may take to answer; later answers are nobody's.
const PATIENCE: Duration = Duration::from_secs(30);

type Send = Box<dyn FnOnce(Client) -> BoxFuture<'static, ()> + std::marker::Send>;

/// A request: it is sent, and its answer awaited apart, for so long or without end.
type Question = (Send, Option<Duration>);

/// Posts to the client.
#[derive(Clone)]
pub(super) struct Outbox {
    /// Notifications are written as they are: tower-lsp would make a tree of them first, which is
    /// felt where a manifest has hundreds of findings.
    frames: mpsc::UnboundedSender<Frame>,
    requests: mpsc::UnboundedSender<Question>,
}

impl Outbox {
    /// Starts the task that asks; `frames` are written by the transport. Needs the runtime.
    pub(super) fn start(client: Client, frames: mpsc::UnboundedSender<Frame>) -> Self {
        let (requests, mut queue) = mpsc::unbounded_channel::<Question>();
        tokio::spawn(async move {
            while let Some((send, patience)) = queue.recv().await {
                match patience {
                    None => drop(tokio::spawn(send(client.clone()))),
                    Some(patience) => {
                        drop(tokio::spawn(tokio::time::timeout(patience, send(client.clone()))))
                    }
                }
            }
        });
        Self { frames, requests }
    }

    /// Notifies; notifications arrive in the order in which they are posted.
    pub(super) fn notify<N: notification::Notification>(&self, params: N::Params) {
        self.write(N::METHOD, params);
    }

    /// The same with parameters of the method's form.
    pub(super) fn write(&self, method: &'static str, params: impl Serialize) {
        #[derive(Serialize)]
        struct Notification<P> {
            jsonrpc: &'static str,
            method: &'static str,
            params: P,
        }
        debug!(method, "tells the client");
        let message = Notification { jsonrpc: "2.0", method, params };
        // What cannot be written as JSON does not come from here; a closed queue means that the
        // conversation is over.
        if let Ok(frame) = frame::frame(&message) {
            let _ = self.frames.send(frame);
        }
    }

    /// Asks, and hands the answer on if there is one in time.
    pub(super) fn request<R: request::Request>(
        &self,
        params: R::Params,
        then: impl FnOnce(jsonrpc::Result<R::Result>) + std::marker::Send + 'static,
    ) where
        R::Params: std::marker::Send + 'static,
        R::Result: std::marker::Send,
    {
        self.ask::<R>(params, Some(PATIENCE), then);
    }

    /// Asks a person, who may take as long as the conversation lasts.
    pub(super) fn request_of_a_person<R: request::Request>(
        &self,
        params: R::Params,
        then: impl FnOnce(jsonrpc::Result<R::Result>) + std::marker::Send + 'static,
    ) where
        R::Params: std::marker::Send + 'static,
        R::Result: std::marker::Send,
    {
        self.ask::<R>(params, None, then);
    }

    fn ask<R: request::Request>(
        &self,
        params: R::Params,
        patience: Option<Duration>,
        then: impl FnOnce(jsonrpc::Result<R::Result>) + std::marker::Send + 'static,
    ) where
        R::Params: std::marker::Send + 'static,
        R::Result: std::marker::Send,
    {
        let send: Send =
            Box::new(|client| Box::pin(async move { then(client.send_request::<R>(params).await) }));
        let _ = self.requests.send((send, patience));
    }
}
