//! Manifests that must be refused: each rule's own bad example, by itself, through an agent, through a
//! child, and under a comment that would silence it. The language server's tests use them too.

use bot_bottle::check::{Diagnostic, Example, Facts, Group, Rule, Severity, check, page};
use bot_bottle::check::{Matter, rules};
use bot_bottle::manifest::{Catalog, Kind, Layout, MemoryFiles, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MARK: &str = "# <- ";

/// A manifest that is refused.
pub(crate) struct Case {
    /// Which rule, and how.
    pub(crate) what: String,
    /// Every file, as paths of the test's project and home.
    pub(crate) files: Vec<(String, String)>,
    /// The manifest's file.
    pub(crate) file: String,
    /// Its name where the file holds several.
    pub(crate) name: Option<String>,
}

/// Every case of every rule of level error.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // What a comparison finds is not a manifest's own error, and hinders no launch.
    let own = |r: &&Rule| r.severity == Severity::Error && r.group != Group::Editor;
    for rule in rules::all().iter().filter(own) {
        let files = files(&page(rule).bad);
        let (source, findings) = judged(&files);
        let (file, text) = files.last().expect("a file").clone();
        let broken = broken(&source, &findings, rule);
        assert!(!broken.is_empty(), "{}: no error in its own example", rule.id);
        let several = source.manifests.len() > 1;
        for (kind, name) in &broken {
            let mut add = |how: &str, more: Option<(String, String)>, changed: Option<String>| {
                let mut files = files.clone();
                if let (Some(text), Some(last)) = (changed, files.last_mut()) {
                    last.1 = text;
                }
                let (file, name) = match &more {
                    Some((file, _)) => (file.clone(), None),
                    None => (file.clone(), several.then(|| name.clone())),
                };
                files.extend(more);
                cases.push(Case { what: format!("{} {how}", rule.id), files, file, name });
            };
            add("by itself", None, None);
            if rule.matter != Matter::Judgement {
                add("under a comment", None, Some(silenced(&text, &findings, rule)));
            }
            if *kind == Kind::Bottle {
                // In the same folder, where its name is known whatever it is.
                let quoted = serde_json::Value::from(name.as_str());
                let agent = (path_beside(&file, "zz.agent.yaml"), format!("bottle: {quoted}\nprompt: x\n"));
                add("through an agent", Some(agent), None);
                let child =
                    (path_beside(&file, "zz.bottle.yaml"), format!("extends: {quoted}\nenv: {{A: b}}\n"));
                add("through a child", Some(child), None);
            }
        }
    }
    cases
}

/// An example as a person has it on the disk.
pub(crate) fn files(example: &Example) -> Vec<(String, String)> {
    let without = |line: &str| line.find(MARK).map_or(line, |at| line[..at].trim_end()).to_owned() + "\n";
    example.iter().map(|f| (f.path.clone(), f.text.lines().map(without).collect())).collect()
}

fn place(path: &str) -> PathBuf {
    path.strip_prefix("~/").map_or_else(|| Path::new("/p").join(path), |rest| Path::new("/h").join(rest))
}

/// The findings of the example's last file, in memory.
pub(crate) fn judged(files: &[(String, String)]) -> (Arc<Source>, Vec<Diagnostic>) {
    let mut memory = MemoryFiles::default();
    files.iter().for_each(|(path, text)| memory.insert(place(path), text.as_bytes()));
    let layout = Layout { home: Some("/h".into()) };
    let catalog = Catalog::new(&memory, &layout);
    let source = catalog.source(&place(&files.last().expect("a file").0)).expect("a manifest");
    let findings = check(&source, &catalog, &Facts::default());
    (source, findings)
}

/// The names of the manifests in which an error of a rule stands.
fn broken(source: &Source, findings: &[Diagnostic], rule: &Rule) -> Vec<(Kind, String)> {
    let errors: Vec<_> =
        findings.iter().filter(|f| f.rule == rule && f.severity == Severity::Error).collect();
    let holds = |index: usize| {
        let start = |i: usize| source.tree.documents.get(i).map_or(u32::MAX, |d| d.span.start);
        let from = if index == 0 { 0 } else { start(index) };
        errors.iter().any(|f| (from..start(index + 1)).contains(&f.span.start))
    };
    let manifests = source.manifests.iter().filter(|m| holds(m.document));
    manifests.map(|m| (m.kind, m.name.clone())).collect()
}

/// Writes a comment above each finding of the rule that would silence it.
pub(crate) fn silenced(text: &str, findings: &[Diagnostic], rule: &Rule) -> String {
    let mut out = text.to_owned();
    let mut starts: Vec<_> =
        findings.iter().filter(|f| f.rule == rule).map(|f| f.span.start as usize).collect();
    starts.sort_unstable();
    for start in starts.into_iter().rev() {
        let line = out[..start].rfind('\n').map_or(0, |i| i + 1);
        let indent: String = out[line..].chars().take_while(|c| *c == ' ').collect();
        out.insert_str(line, &format!("{indent}# bot-bottle: ignore[{}] it is fine\n", rule.id));
    }
    out
}

/// A manifest beside another, in a folder where it is one.
fn path_beside(path: &str, name: &str) -> String {
    match path.strip_prefix("~/") {
        Some(_) => name.to_owned(),
        None => Path::new(path).with_file_name(name).display().to_string(),
    }
}
