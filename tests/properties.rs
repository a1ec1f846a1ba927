//! What must hold for any text, tried on broken copies of every example there is.

use bot_bottle::check::report::{Checked, text};
use bot_bottle::check::{Diagnostic, Facts, Severity, apply, check, fix_all, page, rules};
use bot_bottle::manifest::{Catalog, Kind, Layout, MemoryFiles, Source, schema_text};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

const BOTTLE: &str = "/project/dev.bottle.yaml";

/// A manifest with all there is, in the styles that people write.
const LARGE: &str = r#"# A bottle
x-common: &common {path_allowlist: [/repos/acme/]}
extends: [base]
agent_provider: {template: claude, auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}
env:
  LOG_LEVEL: debug # a literal
  REGION: "${AWS_REGION}"
  TICKET: "?which ticket"
git:
  user: {name: Ada, email: ada@example.com}
egress:
  routes:
    - host: api.github.com
      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
      <<: *common
    - host: "*.example.com"
      matches:
        - {paths: [{type: prefix, value: /api/}], methods: [GET, POST]}
    - host: git.example.org
      git: read
      pipelock: {tls_passthrough: false, ssrf_ip_allowlist: [10.0.0.0/8]}
workspace:
  mode: copy
  mounts:
    - {source: ./docs, target: /docs, read_only: true}
resources: {cpus: 2, memory: 4GiB, pids: 512}
prompt: |
  Fix the failing tests.
  Then stop.
"#;

const AGENT: &str =
    "---\nbottle: dev\nskills: [review]\ngit: {user: {name: Bot}}\n---\nReview the last commit.\n";

/// Every example of every page, and these two: the path and the text.
static EXAMPLES: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(|| {
    let pages = rules::all().iter().map(page).flat_map(|p| [p.bad, p.good]);
    let place = |path: &str| match path.strip_prefix("~/") {
        Some(rest) => Path::new("/home/ada").join(rest),
        None => Path::new("/project").join(path),
    };
    let of_pages = pages.filter_map(|mut example| example.pop()).map(|f| (place(&f.path), f.text));
    let own = [
        (PathBuf::from(BOTTLE), LARGE.to_owned()),
        (PathBuf::from("/home/ada/.bot-bottle/agents/fix.md"), AGENT.to_owned()),
    ];
    of_pages.chain(own).collect()
});

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| Layout { home: Some("/home/ada".into()) });

fn project() -> MemoryFiles {
    let mut files = MemoryFiles::default();
    files.insert("/project/.git/HEAD", "");
    files.insert("/project/docs/index.md", "");
    files.insert("/project/base.bottle.yaml", "workspace: {mode: read_only}\nresources: {cpus: 1}\n");
    files.insert("/home/ada/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n");
    files
}

/// Looks at a text with all that can look at it.
fn found(path: &Path, text: &str) -> (Arc<Source>, Vec<Diagnostic>, String) {
    let files = project();
    let catalog = Catalog::new(&files, &LAYOUT);
    let source = Arc::new(Source::recognise(path, text, &LAYOUT, true).expect("a manifest"));
    let findings = check(&source, &catalog, &Facts::default());
    let checked = Checked::new(path.display().to_string(), text, findings.clone(), Vec::new());
    let rendered = text::render(&checked, text::Style::Plain);
    (source, findings, rendered)
}

fn fixed(path: &Path, text: &str, with_unsafe: bool) -> (Arc<str>, usize) {
    let files = project();
    let catalog = Catalog::new(&files, &LAYOUT);
    fix_all(path, text.into(), &catalog, &LAYOUT, &Facts::default(), with_unsafe)
}

/// A change of a text: where (in thousandths), how many bytes go, what comes.
type Change = (usize, usize, String);

fn change() -> impl Strategy<Value = Change> {
    let words = [
        "", " ", "\n", "\t", ":", "- ", "#", "[", "]", "{", "}", "\"", "'", "&a ", "*a", "<<: *a", "---\n",
        "null", "*", "é", "\0", "|", "? ",
    ];
    let text = prop_oneof![proptest::sample::select(words.to_vec()).prop_map(str::to_owned), "\\PC{0,6}"];
    (0..1000usize, 0..12usize, text)
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, gone, new) in changes {
        let at = at * bytes.len() / 1000;
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, new.bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn example() -> impl Strategy<Value = (PathBuf, String)> {
    (0..EXAMPLES.len()).prop_map(|i| EXAMPLES[i].clone())
}

/// A credential, put together from random letters, and the part that must never be seen.
fn secret() -> impl Strategy<Value = (String, String)> {
    ("[A-Za-z0-9]{40}", "[A-Z0-9]{16}", 0..8usize).prop_map(|(letters, capitals, kind)| {
        let joined = |parts: &[&str], with: &str| parts.join(with);
        let text = match kind {
            0 => joined(&["ghp", &letters[..36]], "_"),
            1 => joined(&["sk", "ant", "api03", &letters], "-"),
            2 => joined(&["github", "pat", &letters], "_"),
            3 => joined(&["AKIA", &capitals], ""),
            4 => joined(&["eyJhbGciOiJIUzI1NiJ9", &letters[..20], &letters[20..]], "."),
            5 => joined(&["xoxb", &capitals, &letters[..12]], "-"),
            6 => joined(&["glpat", &letters[..20]], "-"),
            _ => {
                return (
                    joined(&["https://ada", &format!("{}@db.example.com/x", &letters[..20])], ":"),
                    letters[..20].to_owned(),
                );
            }
        };
        (text.clone(), text)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_stops_the_checker((path, text) in example(), changes in prop::collection::vec(change(), 0..4), end in 0..=1000usize) {
        let text = changed(&text, &changes);
        let mut end = end * text.len() / 1000;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        for text in [&text[..end], &text] {
            let (source, findings, _) = found(&path, text);
            for finding in &findings {
                prop_assert!(text.get(finding.span.range()).is_some(), "{:?} of {:?}", finding.span, finding.rule);
                prop_assert!(!finding.message.is_empty());
                for edit in finding.fix.iter().flat_map(|f| &f.edits) {
                    prop_assert!(text.get(edit.span.range()).is_some());
                }
            }
            prop_assert!(!source.manifests.is_empty());
        }
    }

    #[test]
    fn what_the_schema_refuses_is_an_error((path, text) in example(), changes in prop::collection::vec(change(), 0..3)) {
        // Without comments nothing is silenced.
        let text = changed(&text, &changes).replace('#', "");
        let (source, findings, rendered) = found(&path, &text);
        let errors = findings.iter().any(|f| f.severity == Severity::Error);
        for manifest in &source.manifests {
            let Some(root) = source.root(manifest) else { continue };
            let refused = !VALIDATORS[usize::from(manifest.kind == Kind::Agent)].is_valid(&root.to_json());
            prop_assert!(!refused || errors, "{text}\n{rendered}");
        }
    }

    #[test]
    fn fixing_ends((path, text) in example(), changes in prop::collection::vec(change(), 0..3), with_unsafe: bool) {
        let text = changed(&text, &changes);
        let (source, findings, _) = found(&path, &text);
        if source.tree.problems.is_empty() {
            for finding in &findings {
                let Some(fix) = &finding.fix else { continue };
                let mended = apply(&text, &fix.edits);
                let (source, _, rendered) = found(&path, &mended);
                prop_assert!(source.tree.problems.is_empty(), "{text}\n→ {}:\n{mended}\n{rendered}", fix.title);
            }
        }
        let (once, _) = fixed(&path, &text, with_unsafe);
        let (twice, count) = fixed(&path, &once, with_unsafe);
        prop_assert_eq!(count, 0, "{}\n→\n{}\n→\n{}", text, once, twice);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn no_credential_is_ever_shown((path, text) in example(), (secret, part) in secret(), at in 0..1000usize) {
        let word = |c: char| c.is_ascii_alphanumeric() || "_./-@".contains(c);
        let starts: Vec<usize> = text.char_indices().filter(|(i, c)| word(*c) && !text[..*i].ends_with(word)).map(|(i, _)| i).collect();
        let start = starts[at * starts.len() / 1000];
        let end = start + text[start..].find(|c| !word(c)).unwrap_or(text.len() - start);
        let planted = format!("{}{secret}{}", &text[..start], &text[end..]);
        let (_, findings, rendered) = found(&path, &planted);
        prop_assert!(!rendered.contains(&part), "{rendered}");
        for finding in &findings {
            let related = finding.related.iter().map(|r| r.message.as_str());
            let title = finding.fix.iter().map(|f| f.title.as_str());
            for shown in [finding.message.as_str(), &finding.help].into_iter().chain(related).chain(title) {
                prop_assert!(!shown.contains(&part), "{:?}: {shown}", finding.rule);
            }
        }
    }
}

static VALIDATORS: LazyLock<[jsonschema::Validator; 2]> = LazyLock::new(|| {
    [Kind::Bottle, Kind::Agent].map(|kind| {
        let schema = serde_json::from_str(schema_text(kind)).expect("a schema");
        jsonschema::draft202012::new(&schema).expect("a schema")
    })
});

#[test]
fn the_examples_are_cut_at_every_byte() {
    for (path, text) in EXAMPLES.iter() {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            found(path, &text[..end]);
        }
    }
}
