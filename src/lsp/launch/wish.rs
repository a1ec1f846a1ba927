//! How a launch from the editor is to begin.

use serde::Deserialize;
use serde_json::Value;

/// The third argument of `bot-bottle.launch`: a task as text, or these by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::lsp) struct Wish {
    /// One task, without a terminal.
    pub task: Option<String>,
    /// Go on with the last conversation.
    pub resume: bool,
    /// Let the vendor's remote control drive the session.
    pub remote_control: bool,
    /// What a person calls the run.
    pub label: Option<String>,
    /// Arguments for the agent, behind all others.
    pub arguments: Vec<String>,
}

impl Wish {
    /// Reads the argument; `null` is no wish.
    pub(in crate::lsp) fn read(argument: &Value) -> Result<Self, String> {
        match argument {
            Value::Null => Ok(Self::default()),
            Value::String(task) => Ok(Self { task: Some(task.clone()), ..Self::default() }),
            object => serde_json::from_value(object.clone()).map_err(|e| e.to_string()),
        }
    }

    /// The options of `bot-bottle launch` that say the same, but for the task.
    pub(in crate::lsp) fn options(&self) -> Vec<String> {
        let Self { task: _, resume, remote_control, label, arguments: _ } = self;
        let resume = resume.then(|| "--resume".to_owned());
        let remote = remote_control.then(|| "--remote-control".to_owned());
        let label = label.as_ref().map(|label| format!("--label={label}"));
        resume.into_iter().chain(remote).chain(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_alone_is_text_and_everything_else_has_a_name() {
        let read = |value: Value| Wish::read(&value);
        assert_eq!(read(Value::Null), Ok(Wish::default()));
        assert_eq!(read(json!("x")).expect("a task").task.as_deref(), Some("x"));
        let all =
            json!({ "resume": true, "remoteControl": true, "label": "a b", "arguments": ["--model", "x"] });
        let wish = read(all).expect("a wish");
        assert_eq!(wish.options(), ["--resume", "--remote-control", "--label=a b"]);
        assert_eq!(wish.arguments, ["--model", "x"]);
        for bad in
            [json!(3), json!({ "resum": true }), json!({ "resume": "yes" }), json!({ "arguments": "x" })]
        {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
