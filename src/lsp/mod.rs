//! The language server: the only place that knows the protocol.
//!
//! One thread reads standard input, one runs the protocol (`server`) and writes, and one owns
//! the documents (`owner`). Handlers hand their work to the owner before they first wait, so the
//! order of the messages holds; no handler waits for the client. The answers themselves are made
//! in [`crate::ide`], over byte offsets.

mod analysis;
mod capabilities;
mod client;
mod convert;
mod document;
mod frame;
mod launch;
mod lifetime;
mod outbox;
mod overlay;
mod owner;
mod position;
mod progress;
mod requests;
mod scan;
mod server;
mod session;
mod settings;
mod transport;
mod uri;
mod watch;

pub use launch::Operator;

use crate::log::warnings_also_to;
use crate::manifest::Layout;
use outbox::Outbox;
use std::io;
use tower_lsp::LspService;
use tower_lsp::ls_types::notification::LogMessage;
use tower_lsp::ls_types::{LogMessageParams, MessageType};
use tracing::Level;

/// How the conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With `shutdown` and `exit`, or because the client went away.
    Orderly,
    /// With `exit` before `shutdown`.
    Abrupt,
}

/// Serves one client on standard input and output until it leaves. Without an operator's
/// settings nothing is launched and nothing is known of runs.
///
/// # Errors
/// When the streams or the runtime cannot be had.
pub fn serve(layout: Layout, operator: Option<Operator>) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (gone, client_gone) = tokio::sync::mpsc::channel(1);
        let (frames, unwritten) = tokio::sync::mpsc::unbounded_channel();
        let (service, socket) = LspService::build(|client| {
            let outbox = Outbox::start(client, frames);
            let log = outbox.clone();
            warnings_also_to(move |level, text| {
                let typ = if level == Level::ERROR { MessageType::ERROR } else { MessageType::WARNING };
                log.notify::<LogMessage>(LogMessageParams { typ, message: text.to_owned() });
            });
            server::Server::new(outbox, layout, operator, gone)
        })
        .custom_method("window/workDoneProgress/cancel", server::Server::cancel_progress)
        .finish();
        transport::serve(service, socket, transport::stdio()?, unwritten, client_gone).await
    });
    // The thread that reads standard input may never return from it.
    runtime.shutdown_background();
    ended
}
