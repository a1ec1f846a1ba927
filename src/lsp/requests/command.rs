//! `workspace/executeCommand`.

use crate::check::{page, rules};
use crate::ide::commands::{Command, run};
use crate::lsp::session::Session;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::{ExecuteCommandParams, LSPAny, MessageType, Uri};

/// Shows a rule's page; its argument is the rule.
pub(in crate::lsp) const EXPLAIN: &str = "bot-bottle.explain";

/// Every command that the server runs.
pub(in crate::lsp) fn all() -> Vec<String> {
    Command::ALL.iter().map(|c| c.id()).chain([EXPLAIN]).map(str::to_owned).collect()
}

/// The answer is text for a person: Markdown, but for the dry run. A client that shows no answers
/// gets it as a message too.
pub(in crate::lsp) fn execute(session: &Session, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
    let text = match (params.command.as_str(), Command::parse(&params.command)) {
        (EXPLAIN, _) => explain(&params.arguments)?,
        (_, Some(command)) => about_a_manifest(session, command, &params.arguments)?,
        (other, None) => {
            let known = all().join(", ");
            return Err(Error::invalid_params(format!("there is no command `{other}`; there are {known}")));
        }
    };
    if !session.abilities.shows_answers {
        session.message(MessageType::INFO, text.clone());
    }
    Ok(Some(Value::String(text)))
}

fn explain(arguments: &[Value]) -> Result<String> {
    let rule = arguments.first().and_then(Value::as_str).and_then(rules::get);
    let rule = rule.ok_or_else(|| Error::invalid_params("the argument must be a rule's id"))?;
    Ok(page(rule).markdown)
}

fn about_a_manifest(session: &Session, command: Command, arguments: &[Value]) -> Result<String> {
    let usage = || Error::invalid_params(format!("`{}` takes a document's URI and a name", command.id()));
    let uri: Uri =
        arguments.first().and_then(Value::as_str).and_then(|u| u.parse().ok()).ok_or_else(usage)?;
    let name = match arguments.get(1) {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str()),
        Some(_) => return Err(usage()),
    };
    let answer = session.look(&uri, |snapshot| run(snapshot, command, name));
    let answer = answer.ok_or_else(|| failed("the document is no manifest that can be read".to_owned()))?;
    answer.map_err(|error| failed(error.to_string()))
}

/// The protocol's `RequestFailed`.
fn failed(message: String) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: message.into(), data: None }
}
