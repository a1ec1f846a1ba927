//! What goes to the client unasked. Nothing here holds up whoever posts it.

use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::mpsc;
use tower_lsp::Client;
use tower_lsp::jsonrpc;
use tower_lsp::ls_types::{notification, request};

/// How long a client may take to answer; later answers are nobody's.
const PATIENCE: Duration = Duration::from_secs(30);

type Send = Box<dyn FnOnce(Client) -> BoxFuture<'static, ()> + std::marker::Send>;

enum Parcel {
    /// Sent before the next parcel is looked at.
    Notification(Send),
    /// Sent, and its answer awaited apart, for so long or without end.
    Request(Send, Option<Duration>),
}

/// Posts to the client.
#[derive(Clone)]
pub(super) struct Outbox {
    parcels: mpsc::UnboundedSender<Parcel>,
}

impl Outbox {
    /// Starts the task that sends. Needs the runtime.
    pub(super) fn start(client: Client) -> Self {
        let (parcels, mut queue) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(parcel) = queue.recv().await {
                match parcel {
                    Parcel::Notification(send) => send(client.clone()).await,
                    Parcel::Request(send, None) => drop(tokio::spawn(send(client.clone()))),
                    Parcel::Request(send, Some(patience)) => {
                        tokio::spawn(tokio::time::timeout(patience, send(client.clone())));
                    }
                }
            }
        });
        Self { parcels }
    }

    /// Notifies; notifications arrive in the order in which they are posted.
    pub(super) fn notify<N: notification::Notification>(&self, params: N::Params)
    where
        N::Params: std::marker::Send + 'static,
    {
        self.post(Parcel::Notification(Box::new(|client| {
            Box::pin(async move { client.send_notification::<N>(params).await })
        })));
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
        self.post(Parcel::Request(send, patience));
    }

    fn post(&self, parcel: Parcel) {
        // A closed queue means that the conversation is over.
        let _ = self.parcels.send(parcel);
    }
}
