//! A strict client: the server as a child process, every message checked against the protocol.
#![allow(dead_code, unreachable_pub)]

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tower_lsp::ls_types;

/// Longer than anything here takes, so that a hang is a failure and not a wait for ever.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A home and a workspace on the disk.
pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// Files by path: below `~/` for the home, else below the workspace.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let world = Self { dir: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir_all(world.root()).expect("the workspace");
        std::fs::create_dir_all(world.home()).expect("the home");
        // A container is not given root's own folder.
        let _ = std::os::unix::fs::chown(world.root(), Some(1000), Some(1000));
        for (path, text) in files {
            world.write(path, text);
        }
        world
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("ws")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home().join(rest),
            None => self.root().join(path),
        }
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// The program in this home and workspace; what lies in `~/bin` is on its PATH.
    pub fn program(&self) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bot-bottle"));
        command.env("HOME", self.home()).env("PATH", format!("{}:{path}", self.path("~/bin").display()));
        command.env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME").current_dir(self.root());
        command
    }

    pub fn uri(&self, path: &str) -> String {
        ls_types::Uri::from_file_path(self.path(path)).expect("a URI").as_str().to_owned()
    }
}

/// A client.
pub struct Client {
    pub child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next: i64,
    /// Requests of ours that have no answer yet.
    waiting: HashSet<i64>,
    /// Answers that came before they were waited for.
    answers: HashMap<i64, Value>,
    /// The latest diagnostics of each document, with their version.
    pub pushed: HashMap<String, (Option<i64>, Vec<Value>)>,
    /// Every other notification and request of the server, in order.
    pub others: Vec<Value>,
    /// Requests of the server that get no answer.
    pub unanswered: HashSet<String>,
    versions: HashMap<String, i64>,
}

/// What a client can do that takes everything, and pushes or pulls.
pub fn able(pulls: bool) -> Value {
    let mut all = json!({
        "general": { "positionEncodings": ["utf-16"] },
        "window": { "workDoneProgress": true, "showDocument": { "support": true } },
        "workspace": {
            "configuration": true,
            "workspaceFolders": true,
            "didChangeConfiguration": { "dynamicRegistration": true },
            "didChangeWatchedFiles": { "dynamicRegistration": true, "relativePatternSupport": true },
            "diagnostics": { "refreshSupport": true },
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] },
        },
        "textDocument": {
            "publishDiagnostics": {
                "relatedInformation": true, "tagSupport": { "valueSet": [1, 2] },
                "codeDescriptionSupport": true, "dataSupport": true, "versionSupport": true,
            },
            "codeAction": {
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["", "quickfix", "source"] } },
                "isPreferredSupport": true, "dataSupport": true,
            },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "completion": { "completionItem": { "snippetSupport": true } },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "definition": { "linkSupport": true },
        },
        "experimental": { "botBottle": { "terminal": false } },
    });
    if pulls {
        all["textDocument"]["diagnostic"] = json!({ "dynamicRegistration": false });
    }
    all
}

fn server(world: &World) -> Command {
    let mut command = world.program();
    command.arg("lsp").env("BOT_BOTTLE_TEST_NAME", "x");
    command
}

impl Client {
    /// A client of everything, with pushed diagnostics, in a workspace.
    pub fn start(world: &World) -> Self {
        Self::with(world, able(false), Value::Null)
    }

    /// A client that can do what is said.
    pub fn with(world: &World, capabilities: Value, options: Value) -> Self {
        Self::of(world, server(world), capabilities, options)
    }

    /// The same of a server that was started with this command.
    pub fn of(world: &World, server: Command, capabilities: Value, options: Value) -> Self {
        let mut client = Self::process(server);
        let root = ls_types::Uri::from_file_path(world.root()).expect("a URI");
        let params = json!({
            "processId": std::process::id(),
            "rootUri": null,
            "capabilities": capabilities,
            "initializationOptions": options,
            "workspaceFolders": [{ "uri": root.as_str(), "name": "ws" }],
        });
        let answer = client.request("initialize", params);
        typed::<ls_types::InitializeResult>(&answer);
        client.notify("initialized", json!({}));
        client
    }

    /// The process alone.
    pub fn spawn(world: &World) -> Self {
        Self::process(server(world))
    }

    fn process(mut server: Command) -> Self {
        let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server");
        let (sender, messages) = channel();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            messages,
            next: 1,
            waiting: HashSet::new(),
            answers: HashMap::new(),
            pushed: HashMap::new(),
            others: Vec::new(),
            unanswered: HashSet::new(),
            versions: HashMap::new(),
        }
    }

    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("an open input").write_all(bytes).expect("a server that reads");
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and waits for nothing.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        self.waiting.insert(id);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a request, whole.
    pub fn answer(&mut self, id: i64) -> Value {
        self.until(|client| client.answers.remove(&id))
    }

    /// Asks, and gives the result; an error is a failure.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Asks, and gives the error; a result is a failure.
    pub fn refused(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// Takes in messages until something is there.
    pub fn until<T>(&mut self, mut there: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(thing) = there(self) {
                return thing;
            }
            match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("not within {DEADLINE:?}; last: {:?}", self.others.last())
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the server ended"),
            }
        }
    }

    /// Takes in what has come and what comes until the server has answered this.
    pub fn settle(&mut self) {
        let answer = self.refused("bot-bottle/nothing", Value::Null);
        assert_eq!(answer["code"], -32601);
    }

    fn take(&mut self, message: Value) {
        let keys: Vec<_> = message.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(message["jsonrpc"], "2.0");
        match (message.get("method"), message.get("id")) {
            (None, Some(id)) => {
                assert_eq!(keys.len(), 3, "{message}");
                let Some(id) = id.as_i64() else {
                    self.others.push(message);
                    return;
                };
                assert!(self.waiting.remove(&id), "an answer to nothing: {message}");
                self.answers.insert(id, message);
            }
            (Some(method), None) => {
                let method = method.as_str().expect("a method").to_owned();
                if method == "textDocument/publishDiagnostics" {
                    let params: ls_types::PublishDiagnosticsParams = typed(&message["params"]);
                    let all = params.diagnostics.iter().map(|d| json!(d)).collect();
                    let version = params.version.map(i64::from);
                    self.pushed.insert(params.uri.as_str().to_owned(), (version, all));
                } else {
                    self.others.push(message);
                }
            }
            (Some(method), Some(id)) => {
                let method = method.as_str().expect("a method").to_owned();
                let result = match method.as_str() {
                    "workspace/configuration" => json!([null]),
                    _ => Value::Null,
                };
                let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
                self.others.push(message);
                if !self.unanswered.contains(&method) {
                    self.send(&answer);
                }
            }
            (None, None) => panic!("neither a request nor an answer: {message}"),
        }
    }

    /// Opens a document; the language is the one that VS Code would give it without us.
    pub fn open(&mut self, uri: &str, text: &str) {
        let language = if uri.ends_with(".md") { "markdown" } else { "yaml" };
        self.open_as(uri, language, text);
    }

    pub fn open_as(&mut self, uri: &str, language: &str, text: &str) {
        self.versions.insert(uri.to_owned(), 1);
        let item = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    /// Sends changes as one version.
    pub fn change(&mut self, uri: &str, changes: Value) -> i64 {
        let version = self.versions.get_mut(uri).expect("an open document");
        *version += 1;
        let version = *version;
        let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
        version
    }

    /// Replaces the whole text.
    pub fn replace(&mut self, uri: &str, text: &str) -> i64 {
        self.change(uri, json!([{ "text": text }]))
    }

    /// The pushed diagnostics of the latest version.
    pub fn diagnostics(&mut self, uri: &str) -> Vec<Value> {
        let version = self.versions.get(uri).copied();
        self.until(|client| client.pushed.get(uri).filter(|(v, _)| *v == version).map(|(_, all)| all.clone()))
    }

    /// Waits for pushed diagnostics with exactly these codes, in any order.
    pub fn wait_for(&mut self, uri: &str, codes: &[&str]) -> Vec<Value> {
        let mut wanted = codes.to_vec();
        wanted.sort_unstable();
        self.until(|client| {
            let (_, all) = client.pushed.get(uri)?;
            let mut seen: Vec<_> = all.iter().filter_map(|d| d["code"].as_str()).collect();
            seen.sort_unstable();
            (seen == wanted).then(|| all.clone())
        })
    }

    pub fn close(&mut self, uri: &str) {
        self.versions.remove(uri);
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    /// Says good-bye and gives the exit status.
    pub fn leave(mut self) -> ExitStatus {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.ended()
    }

    /// Closes the server's input.
    pub fn hang_up(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server is still there");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One message, its frame exact.
fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut header = String::new();
    if output.read_line(&mut header).ok()? == 0 {
        return None;
    }
    let length = header.strip_prefix("Content-Length: ").expect("a length").trim_end();
    let length: usize = length.parse().expect("a number");
    let mut blank = String::new();
    output.read_line(&mut blank).ok()?;
    assert_eq!(blank, "\r\n");
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

/// A value as the protocol's type, with nothing unknown in it and nothing lost.
pub fn typed<T: DeserializeOwned + Serialize>(value: &Value) -> T {
    let typed: T = serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value}"));
    let back = serde_json::to_value(&typed).expect("JSON");
    assert_eq!(&back, value, "something was lost");
    typed
}

/// The place of the mark `$0` in a text, and the text without it.
pub fn marked(text: &str) -> (String, Value) {
    let at = text.find("$0").expect("a mark");
    (text.replace("$0", ""), position(text, at))
}

/// The position of an offset, in UTF-16.
pub fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let column: usize = before.rsplit('\n').next().unwrap_or("").chars().map(char::len_utf16).sum();
    json!({ "line": line, "character": column })
}

/// The part of a text at a range in UTF-16.
pub fn at(text: &str, range: &Value) -> String {
    let offset = |p: &Value| {
        let line = p["line"].as_u64().expect("a line") as usize;
        let mut left = p["character"].as_u64().expect("a column") as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut offset = start;
        for c in text[start..].chars() {
            if left < c.len_utf16() {
                break;
            }
            left -= c.len_utf16();
            offset += c.len_utf8();
        }
        offset
    };
    text[offset(&range["start"])..offset(&range["end"])].to_owned()
}

/// Applies the protocol's edits.
pub fn apply(text: &str, edits: &Value) -> String {
    let mut all: Vec<_> = edits.as_array().expect("edits").clone();
    all.sort_by_key(|e| {
        let start = &e["range"]["start"];
        std::cmp::Reverse((start["line"].as_u64(), start["character"].as_u64()))
    });
    let mut out = text.to_owned();
    for edit in all {
        let range = &edit["range"];
        let empty = json!({ "line": 0, "character": 0 });
        let before = at(&out, &json!({ "start": empty, "end": range["start"] }));
        let whole = at(&out, range);
        let after = &out[before.len() + whole.len()..];
        out = [&before, edit["newText"].as_str().expect("text"), after].concat();
    }
    out
}

pub fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().filter_map(|d| d["code"].as_str()).collect()
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}
