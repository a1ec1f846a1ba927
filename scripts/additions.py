#!/usr/bin/env python3
"""Adds a toy rule, provider, backend, report format, editor feature and manifest field to a copy of the
sources, by the lists in docs/architecture.md, then builds the copy and uses each of them. It fails when an
addition needs a place that the lists lack. 4 min on two cores once the crates are built.

    scripts/additions.py [TARGET_DIR]      target/additions by default
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TARGET = Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "target/additions").resolve()


class Copy:
    """A copy of the tracked sources that can be changed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        names = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, check=True, capture_output=True).stdout
        for name in names.decode().split("\0"):
            if name and (HERE / name).is_file():
                to = self.folder / name
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(HERE / name, to)

    def write(self, name, text):
        assert not (self.folder / name).exists(), name
        (self.folder / name).write_text(text)

    def insert(self, name, anchor, text):
        """Puts `text` behind the one place where `anchor` matches."""
        path = self.folder / name
        old = path.read_text()
        places = list(re.finditer(anchor, old, re.M))
        assert len(places) == 1, f"{name}: {anchor!r} is there {len(places)} times"
        end = places[0].end()
        path.write_text(old[:end] + text + old[end:])

    def run(self, *words, env_more=None, **options):
        env = os.environ | {"CARGO_TARGET_DIR": str(TARGET)} | (env_more or {})
        return subprocess.run(words, cwd=self.folder, env=env, text=True, **options)


def program(copy):
    """Another name for the program, so that the copy's takes no place of the real one below TARGET."""
    copy.insert("Cargo.toml", r'^\[\[bin\]\]\nname = "bot-bottle', "-toy")


def rule(copy):
    """The one of CONTRIBUTING.md, as a newcomer would copy it."""
    page = (HERE / "CONTRIBUTING.md").read_text()
    text = re.search(r"^ *````rust\n(.*?)^ *````$", page, re.M | re.S)[1]
    copy.write("src/check/rules/vague_name.rs", textwrap.dedent(text))
    line = re.search(r'`("vague-name" => [^`]*;)`', page)[1]
    copy.insert("src/check/rules/mod.rs", r"^registry! \{\n", f"    {line}\n")


def provider(copy):
    copy.write("src/provider/toy.rs", PROVIDER)
    copy.write("Dockerfile.toy", (HERE / "Dockerfile.codex").read_text())
    copy.insert("src/provider/mod.rs", r"^mod secret;\n", "mod toy;\n")
    copy.insert("src/provider/mod.rs", r"&codex::Codex", ", &toy::Toy")
    copy.insert("schema/bottle.schema.json", r'"enum": \[\n\s+"claude",\n', '"toy",\n')


def backend(copy):
    copy.write("src/engine/backend/toy.rs", BACKEND)
    kind = "src/engine/backend/kind.rs"
    copy.insert(kind, r"^pub enum BackendKind \{\n", "    /// A toy.\n    Toy,\n")
    copy.insert(kind, r"\[Self::Bubblewrap, Self::Container\(Engine::Docker\), ", "Self::Toy, ")
    for word in ("pub const fn name(self)", "pub const fn described(self)", "pub const fn uses_image(self)"):
        answer = "false" if "uses" in word else '"toy"'
        place = re.escape(word) + r"[^{]*\{\n\s*match self \{\n(?=\s*Self::Bubblewrap)"
        copy.insert(kind, place, f"Self::Toy => {answer},\n")
    copy.insert("src/engine/backend/mod.rs", r"^pub\(crate\) mod seccomp;\n", "mod toy;\n")
    arm = "Choice::Of(BackendKind::Toy) => Ok(Box::new(toy::Toy::find(host)?)),\n"
    copy.insert("src/engine/backend/mod.rs", r"^    match choice \{\n", arm)


def report(copy):
    copy.write("src/check/report/toy.rs", REPORT)
    mod = "src/check/report/mod.rs"
    copy.insert(mod, r"^pub mod text;\n", "mod toy;\n")
    copy.insert(mod, r"^    Concise,\n", "    /// A toy.\n    Toy,\n")
    # What the compiler asks for.
    for here in (r"pub fn head\(&self\)", r"pub fn tail\(&self"):
        copy.insert(mod, here + r"[^{]*\{\n\s*match self\.format \{\n", "Format::Toy => String::new(),\n")
    for here in (r"pub fn unreadable\(&mut self", r"pub fn stale_is_wrong\(&mut self"):
        place = here + r"[^{]*\{\n\s*let \(text, written\) = match self\.format \{\n"
        copy.insert(mod, place, "Format::Toy => return String::new(),\n")
    place = r"pub fn file\(&mut self[^{]*\{\n\s*let \(text, written\) = match self\.format \{\n"
    copy.insert(mod, place, "Format::Toy => (toy::render(checked), Written::Plain),\n")
    copy.insert("src/cli/check/mod.rs", r"^    /// A line a finding\.\n    Concise,\n", "    /// A toy.\n    Toy,\n")
    copy.insert("src/cli/check/mod.rs", r"=> Format::Concise,\n", "Some(FormatArg::Toy) => Format::Toy,\n")


def feature(copy):
    copy.write("src/ide/toy.rs", FEATURE)
    copy.insert("src/ide/mod.rs", r"^pub mod tokens;\n", "pub mod toy;\n")
    copy.write("src/lsp/requests/toy.rs", REQUEST)
    copy.insert("src/lsp/requests/mod.rs", r"^pub\(super\) mod tokens;\n", "pub(super) mod toy;\n")
    copy.insert("src/lsp/server.rs", r"structure, symbols, tokens,", " toy,")
    copy.insert("src/lsp/server.rs", r"^impl LanguageServer for Server \{\n", HANDLER)
    offer = "color_provider: Some(ColorProviderCapability::Simple(true)),\n"
    copy.insert("src/lsp/capabilities.rs", r"^        capabilities: ServerCapabilities \{\n", offer)


def field(copy):
    schema = '"toy": {"description": "Which toy.", "type": "string", "examples": ["one"]},\n'
    copy.insert("schema/bottle.schema.json", r'^(?=    "supervise": \{)', schema)
    copy.insert("src/manifest/model.rs", r"^pub struct Bottle \{\n", "    /// Which toy.\n    pub toy: Option<Located<String>>,\n")
    copy.insert("src/plan/mod.rs", r"^pub struct Plan \{\n", "    /// Which toy.\n    pub toy: Option<String>,\n")
    # What the compiler asks for.
    copy.insert("src/manifest/read.rs", r"^    Bottle \{\n", '        toy: get("toy").and_then(|n| reader.text(n)),\n')
    copy.insert("src/manifest/resolve.rs", r"^    Bottle \{\n", "        toy: child.toy.or(base.toy),\n")
    copy.insert("src/plan/build.rs", r"^    Ok\(Plan \{\n", "        toy: bottle.toy.as_ref().map(|toy| toy.value.clone()),\n")
    for name in ("src/manifest/named_paths.rs", "src/plan/unsupported.rs"):
        copy.insert(name, r"^    let Bottle \{\n", "        toy: _,\n")
    for name in ("src/plan/guest_policy.rs", "src/plan/render.rs"):
        copy.insert(name, r"^    let Plan \{\n", "        toy: _,\n")
    copy.insert("src/plan/grants.rs", r"^    let Plan \{\n", "        toy,\n")
    copy.insert("src/plan/grants.rs", r"^(?=    let Resources \{ cpus: _)", '    lines.extend(toy.iter().map(|toy| ("toy", toy.clone())));\n')
    copy.insert("src/plan/compare/contents.rs", r"^    let Plan \{\n", "        toy,\n")
    parts = '    all.extend(toy.iter().map(|toy| ("literal", "toy".to_owned(), toy.clone())));\n'
    copy.insert("src/plan/compare/contents.rs", r"^(?=    all\n\})", parts)
    # What tests/leaves.rs asks for.
    copy.insert("tests/leaves.rs", r'^(?=        "extends\.\[\]" => )', '        "toy" => [json!("one"), json!("two")],\n')
    copy.insert("src/plan/bare.rs", r"^        Plan \{\n", "            toy: None,\n")


PROVIDER = """//! A toy.

use super::{
    AgentFiles, FormerRole, GUEST_HOME, OwnField, PromptMode, Provider, Provision, Settings, ShippedImage, Start,
    Starter,
};

pub(super) struct Toy;

impl Provider for Toy {
    fn template(&self) -> &'static str {
        "toy"
    }

    fn starter(&self) -> Starter {
        Starter { field: "dockerfile", value: "''", meaning: "None.", on_host: "do nothing", key_variable: "TOY_KEY" }
    }

    fn own_fields(&self) -> &'static [OwnField] {
        &[]
    }

    fn former_roles(&self) -> &'static [FormerRole] {
        &[]
    }

    fn vendor_hosts(&self) -> &'static [&'static str] {
        &[]
    }

    fn image(&self) -> ShippedImage {
        ShippedImage {
            name: "bot-bottle-toy:latest",
            dockerfile: "Dockerfile.toy",
            text: include_str!("../../Dockerfile.toy"),
        }
    }

    fn files(&self) -> AgentFiles {
        AgentFiles { logins: &[".toy"], mixed: &[], records: &[".toy"], obeyed: &[], obeyed_folders: &[] }
    }

    fn provision(&self, _: &Settings<'_>, _: &Start) -> Provision {
        Provision {
            command: "toy",
            prompt_mode: PromptMode::AppendFile,
            image: self.image(),
            env_vars: Vec::new(),
            dirs: Vec::new(),
            files: Vec::new(),
            pre_copy: Vec::new(),
            verify: Vec::new(),
            egress_routes: Vec::new(),
            hidden_env_names: Vec::new(),
        }
    }

    fn argv(&self, _: &Start, _: Option<&str>) -> Vec<String> {
        vec!["toy".to_owned()]
    }

    fn skills_dir(&self, _: &Settings<'_>) -> String {
        format!("{GUEST_HOME}/.toy/skills")
    }
}
"""

BACKEND = """//! A toy.

use super::{Backend, BackendKind, Job, Stop, TrustStore};
use crate::engine::child::Prepared;
use crate::engine::error::Problem;
use crate::engine::guest::Guest;
use crate::engine::host::Host;
use crate::engine::looked::Looked;
use crate::engine::state::Run;
use crate::engine::tree::Owner;
use crate::plan::Plan;

pub(super) struct Toy(Owner);

impl Toy {
    pub(super) fn find(_: &Host) -> Result<Self, Problem> {
        Err(Problem::new("toy cannot be used", "it is a toy", "choose another backend"))
    }
}

impl Backend for Toy {
    fn kind(&self) -> BackendKind {
        BackendKind::Toy
    }

    fn owner(&self) -> Owner {
        self.0
    }

    fn check(&mut self, _: &Plan, _: &[&str], _: &Host, _: &Looked) -> Result<(), Problem> {
        Ok(())
    }

    fn image(&mut self, _: &Job<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn trust_stores(&self) -> Vec<TrustStore> {
        Vec::new()
    }

    fn start(&mut self, _: &Guest, _: &mut Run, _: &Job<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn command(&self, _: &[String], _: bool) -> std::io::Result<Prepared> {
        Err(std::io::Error::other("a toy"))
    }

    fn stop(&mut self) -> Result<(), String> {
        Ok(())
    }
}
"""

REPORT = """//! A toy.

use super::Checked;

pub(super) fn render(checked: &Checked) -> String {
    format!("{} toys\\n", checked.findings.len())
}
"""

FEATURE = """//! A toy.

use super::Snapshot;
use crate::syntax::Span;

/// The first letter of a document, which is where the toy lies.
pub fn toys(snapshot: &Snapshot<'_>) -> Vec<Span> {
    snapshot.source.text.chars().next().map(|c| Span::new(0, c.len_utf8())).into_iter().collect()
}
"""

REQUEST = """//! `textDocument/documentColor`.

use crate::ide;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{Color, ColorInformation, DocumentColorParams};

pub(in crate::lsp) fn colors(session: &Session, params: DocumentColorParams) -> Vec<ColorInformation> {
    let color = Color { red: 1.0, green: 0.0, blue: 0.0, alpha: 1.0 };
    let all = session.view(&params.text_document.uri, |view| {
        let toys = ide::toy::toys(&view.snapshot);
        toys.into_iter().map(|toy| ColorInformation { range: view.lines.range(toy), color }).collect()
    });
    all.unwrap_or_default()
}
"""

HANDLER = """    async fn document_color(&self, params: DocumentColorParams) -> Result<Vec<ColorInformation>> {
        self.owner.ask(|session, _| Ok(toy::colors(session, params))).await
    }

"""


def frame(message):
    body = json.dumps({"jsonrpc": "2.0"} | message)
    return f"Content-Length: {len(body.encode())}\r\n\r\n{body}"


def used(copy):
    """What each addition does once it is built."""
    program = str(TARGET / "debug/bot-bottle-toy")
    (copy.folder / "try").mkdir()
    copy.write("try/toy.bottle.yaml", "toy: one\nagent_provider: {template: toy}\n")
    copy.write("try/test.bottle.yaml", "env: {A: b}\n")
    run = lambda *words, **more: copy.run(program, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout
    try_it = "try/toy.bottle.yaml"
    said = {
        "a rule": ("vague-name", run("check", "try/test.bottle.yaml")),
        "its page": ("Its name is all that", run("explain", "vague-name")),
        "a report format": ("1 toys", run("check", "--format", "toy", "try/test.bottle.yaml")),
        "a provider": ("bot-bottle-toy:latest", run("plan", try_it)),
        "a backend": ("it is a toy", run("launch", "--dry-run", "--backend", "toy", try_it)),
        "a manifest field": ("toy          one", run("launch", "--dry-run", "--backend", "bubblewrap", try_it)),
    }
    uri = (copy.folder / try_it).as_uri()
    text = {"uri": uri, "languageId": "bottle", "version": 1, "text": "toy: one\n"}
    talk = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": text}},
        {"id": 2, "method": "textDocument/documentColor", "params": {"textDocument": {"uri": uri}}},
        {"id": 3, "method": "shutdown"},
        {"method": "exit"},
    ]
    said["an editor feature"] = ('"red":1', conversation([program, "lsp"], talk))
    return said


def conversation(command, talk):
    """The server's answers, each awaited before the next message."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    answers = ""
    for message in talk:
        server.stdin.write(frame(message).encode())
        server.stdin.flush()
        while "id" in message:
            length = int(server.stdout.readline().split(b":")[1])
            server.stdout.readline()
            answer = server.stdout.read(length).decode()
            answers += answer + "\n"
            if json.loads(answer).get("id") == message["id"]:
                break
    server.stdin.close()
    server.wait(timeout=30)
    return answers


def main():
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(folder)
        for add in (program, rule, provider, backend, report, feature, field):
            add(copy)
        copy.run("cargo", "build", "--locked", "--quiet", check=True)
        passed = failed = 0
        for what, (wanted, text) in used(copy).items():
            if wanted in text:
                passed += 1
            else:
                failed += 1
                print(f"not ok - {what}: no `{wanted}` in:\n{text}")
        # The tests that hold what an addition must bring: pages, examples, and that every leaf is seen.
        copy.run("cargo", "test", "--locked", "--quiet", "--test", "rules", "--test", "language", "--test", "leaves",
                 check=True, env_more={"INSTA_UPDATE": "always"})
        passed += 1
        print(f"additions: {passed} passed, {failed} failed")
        sys.exit(failed > 0)


main()
