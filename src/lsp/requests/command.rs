//! `workspace/executeCommand`.

use crate::check::{Cleared, page, rules};
use crate::engine::trust::Proposal;
use crate::engine::{Options, dry_run, outline};
use crate::ide::commands::{self, Command, cleared, pick};
use crate::lsp::launch::Wish;
use crate::lsp::session::Session;
use crate::shown::visible;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::{ExecuteCommandParams, MessageType, Uri};

/// Shows a rule's page; its argument is the rule.
pub(in crate::lsp) const EXPLAIN: &str = "bot-bottle.explain";

/// Every command that the server runs.
pub(in crate::lsp) fn all() -> Vec<String> {
    Command::ALL.iter().map(|c| c.id()).chain([EXPLAIN]).map(str::to_owned).collect()
}

/// What a command gives: text for a person to read, or nothing.
pub(in crate::lsp) enum Answer {
    /// Known at once.
    Text(Option<String>),
    /// Known after work that the owner must not wait for.
    Work(Box<dyn FnOnce() -> Result<Option<String>> + Send>),
}

impl Answer {
    /// The text, once the work is done.
    pub(in crate::lsp) async fn text(self) -> Result<Option<String>> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Work(work) => {
                tokio::task::spawn_blocking(work).await.map_err(|_| Error::internal_error())?
            }
        }
    }
}

/// Runs a command. Plans and pages are Markdown, the dry run is plain text.
pub(in crate::lsp) fn execute(session: &mut Session, params: ExecuteCommandParams) -> Result<Answer> {
    let arguments = params.arguments.as_slice();
    match (params.command.as_str(), Command::parse(&params.command)) {
        (EXPLAIN, _) => explain(arguments).map(|page| Answer::Text(Some(page))),
        (_, Some(command @ (Command::Plan | Command::DryRun))) => {
            about_a_manifest(session, command, arguments)
        }
        (_, Some(Command::Launch)) => {
            let (uri, name) = manifest(Command::Launch, arguments)?;
            let wish = arguments.get(2).map_or(Ok(Wish::default()), Wish::read);
            let wish =
                wish.map_err(|why| Error::invalid_params(format!("{}: {why}", Command::Launch.id())))?;
            session.launch(&uri, name, wish).map_err(failed)?;
            Ok(Answer::Text(None))
        }
        (_, Some(Command::Attach)) => {
            session.attach(run(arguments)?).map_err(failed)?;
            Ok(Answer::Text(None))
        }
        (_, Some(Command::Stop)) => {
            let stop = session.stop(run(arguments)?).map_err(failed)?;
            Ok(Answer::Work(Box::new(|| stop().map(|()| None).map_err(failed))))
        }
        (other, None) => {
            let known = all().join(", ");
            Err(Error::invalid_params(format!("there is no command `{other}`; there are {known}")))
        }
    }
}

/// Shows an answer to a person whose client does not.
pub(in crate::lsp) fn show(session: &Session, text: String) {
    if !session.abilities.shows_answers {
        session.message(MessageType::INFO, text);
    }
}

fn explain(arguments: &[Value]) -> Result<String> {
    let rule = arguments.first().and_then(Value::as_str).and_then(rules::get);
    let rule = rule.ok_or_else(|| Error::invalid_params("the argument must be a rule's id"))?;
    Ok(page(rule).markdown)
}

fn about_a_manifest(session: &Session, command: Command, arguments: &[Value]) -> Result<Answer> {
    let (uri, name) = manifest(command, arguments)?;
    let options =
        if command == Command::DryRun { Some(session.options(&uri).map_err(failed)?) } else { None };
    let answer = session.look(&uri, |snapshot| {
        let found = pick(snapshot, name)?;
        let cleared = cleared(&found, snapshot)?;
        let Some(options) = options else {
            return Ok(Answer::Text(Some(commands::page(cleared.plan()))));
        };
        let bottle = Proposal::of(&found, snapshot.catalog, &options.looked);
        let digest = bottle.and_then(|b| b.launch_digest(&found, snapshot.catalog)).unwrap_or_default();
        // A container engine takes its time to say that it does not run.
        Ok(Answer::Work(Box::new(move || Ok(Some(outcome(&cleared, &options, &digest))))))
    });
    let answer: std::result::Result<_, commands::CommandError> =
        answer.ok_or_else(|| failed("the document is not a manifest that can be read".to_owned()))?;
    answer.map_err(|error| failed(error.to_string()))
}

/// What a launch would do; where it would be refused, the first line says so and why.
fn outcome(cleared: &Cleared, options: &Options, digest: &str) -> String {
    let run = dry_run(cleared, options);
    let refused = run.refused.as_ref().map(|e| format!("will not launch: {}\n", visible(&e.to_string())));
    refused.unwrap_or_default() + &outline(cleared, &run, digest)
}

/// A document's URI and, if it is given, a manifest's name.
fn manifest(command: Command, arguments: &[Value]) -> Result<(Uri, Option<&str>)> {
    let uri = arguments.first().and_then(Value::as_str).and_then(|u| u.parse().ok());
    let name = text(arguments.get(1));
    uri.zip(name).ok_or_else(|| usage(command))
}

fn run(arguments: &[Value]) -> Result<Option<&str>> {
    text(arguments.first()).ok_or_else(|| Error::invalid_params("the argument must be a run's id or name"))
}

/// An argument that may be left out; `None` for what is not a text.
fn text(argument: Option<&Value>) -> Option<Option<&str>> {
    match argument {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => None,
    }
}

fn usage(command: Command) -> Error {
    let task = match command {
        Command::Launch => {
            ", and a task to run without a terminal, or `{task, resume, remoteControl, label, arguments}`"
        }
        _ => "",
    };
    Error::invalid_params(format!("`{}` takes a document's URI and a name{task}", command.id()))
}

/// The protocol's `RequestFailed`.
fn failed(message: String) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: message.into(), data: None }
}
