//! Frames on standard input and output.
//!
//! In place of tower-lsp's own loop, which ends at the first malformed message, and starts
//! handlers in no certain order.

use super::Ended;
use super::frame::{Frame, frame};
use super::server::Server;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Instant;
use tokio::sync::mpsc;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tower_lsp::{ClientSocket, ExitedError, LspService};
use tower_service::Service;
use tracing::{Level, debug, enabled, info, warn};

/// The largest message that is read. A manifest of 4 MiB, escaped, has less.
const MAX_MESSAGE: usize = 32 << 20;
/// The longest header line that is read.
const MAX_HEADER: u64 = 4096;
/// Requests that may wait for their answers at once; further messages wait to be read.
const MAX_RUNNING: usize = 256;
/// Messages that may be read ahead.
const READ_AHEAD: usize = 1024;

/// A message from the client.
enum Incoming {
    /// A request or a notification.
    Call(Request),
    /// The answer to one of ours.
    Reply(Response),
    /// What is neither.
    Malformed(Error),
}

/// The two directions of a connection.
pub(super) struct Stdio {
    incoming: mpsc::Receiver<Incoming>,
    out: File,
}

/// Takes standard input and output.
pub(super) fn stdio() -> io::Result<Stdio> {
    // Without the standard library's buffers: a frame is one write.
    let input = File::from(rustix::io::dup(rustix::stdio::stdin())?);
    let out = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    let (sender, incoming) = mpsc::channel(READ_AHEAD);
    std::thread::Builder::new().name("lsp-reader".to_owned()).spawn(move || {
        let mut input = BufReader::new(input);
        while let Ok(Some(message)) = read(&mut input) {
            if sender.blocking_send(message).is_err() {
                break;
            }
        }
    })?;
    Ok(Stdio { incoming, out })
}

/// Runs the conversation.
///
/// Every call is started in the order in which it was read, and runs until it first waits before
/// the next is started.
pub(super) async fn serve(
    mut service: LspService<Server>,
    socket: ClientSocket,
    mut stdio: Stdio,
    mut frames: mpsc::UnboundedReceiver<Frame>,
    mut client_gone: mpsc::Receiver<()>,
) -> io::Result<Ended> {
    let (mut requests, mut replies) = socket.split();
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            message = stdio.incoming.recv(), if running.len() < MAX_RUNNING => match message {
                None => return Ok(Ended::Orderly),
                Some(Incoming::Call(call)) if call.method() == "exit" => {
                    let orderly = service.inner().is_shut_down();
                    return Ok(if orderly { Ended::Orderly } else { Ended::Abrupt });
                }
                Some(Incoming::Call(call)) => {
                    let asked = Asked::of(&call);
                    let mut answer = service.call(call).map(|answer| {
                        asked.into_iter().for_each(Asked::answered);
                        answer
                    });
                    match (&mut answer).now_or_never() {
                        Some(answer) => respond(&mut stdio.out, answer)?,
                        None => running.push(answer),
                    }
                }
                // An answer to no question of ours is nobody's.
                Some(Incoming::Reply(reply)) => drop(replies.send(reply).await),
                Some(Incoming::Malformed(error)) => {
                    warn!(code = error.code.code(), "a message that cannot be read");
                    write(&mut stdio.out, &Response::from_error(Id::Null, error))?;
                }
            },
            Some(answer) = running.next(), if !running.is_empty() => respond(&mut stdio.out, answer)?,
            Some(frame) = frames.recv() => if !service.inner().is_shut_down() {
                stdio.out.write_all(&frame)?;
            },
            Some(request) = requests.next() => {
                debug!(method = request.method(), "asks the client");
                write(&mut stdio.out, &without_null(request))?;
            }
            Some(()) = client_gone.recv() => return Ok(Ended::Orderly),
        }
    }
}

/// A request in the log: its id and how long it took, and of what it says nothing.
struct Asked {
    id: String,
    begun: Instant,
}

impl Asked {
    /// `None` for a notification, and where nothing is logged.
    fn of(call: &Request) -> Option<Self> {
        if !enabled!(Level::INFO) {
            return None;
        }
        let Some(id) = call.id() else {
            info!(method = call.method(), "notification");
            return None;
        };
        info!(id = %id, method = call.method(), "request");
        Some(Self { id: id.to_string(), begun: Instant::now() })
    }

    fn answered(self) {
        let ms = format!("{:.1}", self.begun.elapsed().as_secs_f64() * 1000.0);
        info!(id = self.id, ms, "answered");
    }
}

fn respond(out: &mut File, answer: Result<Option<Response>, ExitedError>) -> io::Result<()> {
    match answer {
        Ok(Some(response)) => write(out, &response),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// tower-lsp writes `"params": null` where a method has none; JSON-RPC has them left out.
fn without_null(request: Request) -> Request {
    if request.params() != Some(&Value::Null) {
        return request;
    }
    let (method, id, _) = request.into_parts();
    let bare = Request::build(method);
    match id {
        Some(id) => bare.id(id).finish(),
        None => bare.finish(),
    }
}

fn write(out: &mut File, message: &impl Serialize) -> io::Result<()> {
    out.write_all(&frame(message)?)
}

/// The next message; `None` at the end of the input.
fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = read_header(input)? else { return Ok(None) };
    if length > MAX_MESSAGE {
        let skipped = io::copy(&mut input.take(length as u64), &mut io::sink())?;
        let whole = skipped == length as u64;
        return Ok(whole.then(|| Incoming::Malformed(Error::invalid_request())));
    }
    let mut body = vec![0; length];
    match input.read_exact(&mut body) {
        Ok(()) => Ok(Some(parse(&body))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The length of the next body; `None` at the end of the input. Lines that are no header of ours
/// are passed over.
fn read_header(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim_ascii();
        match (text.is_empty(), length) {
            (true, Some(length)) => return Ok(Some(length)),
            (true, None) => {}
            (false, _) => length = content_length(text).or(length),
        }
    }
}

fn content_length(line: &[u8]) -> Option<usize> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
}

fn parse(body: &[u8]) -> Incoming {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return Incoming::Malformed(Error::parse_error());
    };
    let parsed = if message.get("method").is_some() {
        serde_json::from_value(message).map(Incoming::Call)
    } else {
        serde_json::from_value(message).map(Incoming::Reply)
    };
    parsed.unwrap_or_else(|_| Incoming::Malformed(Error::invalid_request()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(input: &[u8]) -> Vec<&'static str> {
        let mut input = BufReader::new(input);
        let mut all = Vec::new();
        while let Some(message) = read(&mut input).expect("readable") {
            all.push(match message {
                Incoming::Call(_) => "call",
                Incoming::Reply(_) => "reply",
                Incoming::Malformed(_) => "malformed",
            });
        }
        all
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn no_parameters_are_left_out_and_not_null() {
        let request = Request::build("workspace/diagnostic/refresh").params(Value::Null).id(1).finish();
        let written = serde_json::to_string(&without_null(request)).expect("JSON");
        assert_eq!(written, r#"{"jsonrpc":"2.0","method":"workspace/diagnostic/refresh","id":1}"#);
    }

    #[test]
    fn a_malformed_message_does_not_end_the_conversation() {
        let call = framed(r#"{"jsonrpc":"2.0","method":"exit"}"#);
        let reply = framed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
        let deep = framed(&"[".repeat(100_000));
        let bad = [framed("{"), framed("[1]"), framed("\u{fffd}"), deep].concat();
        assert_eq!(
            kinds(format!("{bad}{call}noise\r\n\r\n{reply}").as_bytes()),
            ["malformed", "malformed", "malformed", "malformed", "call", "reply"]
        );
    }

    #[test]
    fn headers_are_read_in_any_case_and_order() {
        let body = r#"{"jsonrpc":"2.0","method":"x"}"#;
        let text =
            format!("content-type: application/x; charset=utf-8\ncontent-LENGTH:{}\n\n{body}", body.len());
        assert_eq!(kinds(text.as_bytes()), ["call"]);
        assert!(kinds(b"Content-Length: 10\r\n\r\n{}").is_empty());
        assert!(kinds(b"Content-Length: -1\r\n\r\n").is_empty());
    }

    #[test]
    fn a_message_without_end_is_passed_over_unread() {
        let mut text = format!("Content-Length: {}\r\n\r\n", MAX_MESSAGE + 1).into_bytes();
        text.resize(text.len() + MAX_MESSAGE + 1, b'x');
        text.extend_from_slice(framed(r#"{"jsonrpc":"2.0","method":"x"}"#).as_bytes());
        assert_eq!(kinds(&text), ["malformed", "call"]);
    }
}
