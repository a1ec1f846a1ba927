//! Every rule against the examples of its own page: the bad one has the finding at the marked
//! lines and no other, the good one has none, and the fix turns the bad one into a good one.

use bot_bottle::check::report::{Checked, Other, text};
use bot_bottle::check::rules;
use bot_bottle::check::{
    Denied, Diagnostic, Example, Facts, Rule, Widened, apply, check, fix_all, normalised, page,
};
use bot_bottle::manifest::{Catalog, Layout, MemoryFiles, Source};
use bot_bottle::plan::{Change, Direction};
use libtest_mimic::{Arguments, Trial};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

const HOME: &str = "/home/ada";
const PROJECT: &str = "/project";
const MARK: &str = "# <- ";

fn layout() -> Layout {
    Layout { home: Some(HOME.into()) }
}

fn place(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => Path::new(HOME).join(rest),
        None => Path::new(PROJECT).join(path),
    }
}

/// The example's files as a user has them: without the marks.
fn files(example: &Example) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    for file in example {
        let text: String = file
            .text
            .lines()
            .map(|l| match l.find(MARK) {
                Some(at) => format!("{}\n", l[..at].trim_end()),
                None => format!("{l}\n"),
            })
            .collect();
        files.insert(place(&file.path), text);
    }
    files
}

/// The marks of the last file: the line from one, and the rule.
fn marks(example: &Example) -> Vec<(u32, String)> {
    let lines = example.last().expect("a file").text.lines().enumerate();
    lines
        .flat_map(|(i, l)| {
            let line = u32::try_from(i + 1).expect("few");
            l.split(MARK).skip(1).map(move |id| (line, id.trim().to_owned()))
        })
        .collect()
}

/// What is known beyond the files in these tests: some variables, and a run of a bottle `denied`.
fn facts() -> Facts<'static> {
    static ENV: LazyLock<HashSet<String>> = LazyLock::new(|| {
        ["GITHUB_TOKEN", "ANTHROPIC_API_KEY", "BOT_BOTTLE_CLAUDE_OAUTH_TOKEN"]
            .into_iter()
            .map(str::to_owned)
            .collect()
    });
    static DENIED: LazyLock<Vec<Denied>> = LazyLock::new(|| {
        vec![Denied {
            file: "/project/denied.bottle.yaml".into(),
            bottle: "denied".to_owned(),
            host: "api.github.com".to_owned(),
            method: "POST".to_owned(),
            path: Some("/repos/acme/api/pulls".to_owned()),
            code: bot_bottle::egress::code::Code::Method,
            count: 3,
            first: "2026-01-01T00:00:00Z".to_owned(),
        }]
    });
    static WIDENED: LazyLock<Vec<Widened>> = LazyLock::new(|| {
        let change = Change {
            direction: Direction::Widened,
            area: "egress",
            subject: "api.github.com".to_owned(),
            before: String::new(),
            after: "every path".to_owned(),
        };
        vec![Widened { file: "/project/widened.bottle.yaml".into(), manifest: "widened".to_owned(), change }]
    });
    Facts { env_names: Some(&ENV), denied: &DENIED, widened: &WIDENED, ..Facts::default() }
}

fn found(example: &Example) -> (Arc<Source>, Vec<Diagnostic>, Checked) {
    let (files, layout) = (files(example), layout());
    let catalog = Catalog::new(&files, &layout);
    let path = place(&example.last().expect("a file").path);
    let source = catalog.source(&path).expect("a manifest");
    let findings = check(&source, &catalog, &facts());
    let others = findings
        .iter()
        .flat_map(|f| &f.related)
        .filter(|r| r.file != source.path)
        .filter_map(|r| Some((r.file.clone(), catalog.source(&r.file)?)))
        .map(|(path, source)| Other::new(path.clone(), shown(&path), &source.text))
        .collect();
    let checked = Checked::new(shown(&path), &source.text, findings.clone(), others);
    (source, findings, checked)
}

fn shown(path: &Path) -> String {
    path.display().to_string().replace(HOME, "~").replace("/project/", "")
}

fn the_bad_example_has_the_finding_where_it_is_marked_and_no_other(rule: &'static Rule) {
    let page = page(rule);
    let (_, findings, checked) = found(&page.bad);
    let seen: Vec<_> =
        findings.iter().map(|f| (checked.range(f.span).0.line, f.rule.id.to_owned())).collect();
    assert_eq!(seen, marks(&page.bad), "{}", text::render(&checked, text::Style::Plain));
    assert!(findings.iter().any(|f| f.rule == rule), "{} is not in its own example", rule.id);
}

fn the_good_example_has_no_finding(rule: &'static Rule) {
    let (_, findings, checked) = found(&page(rule).good);
    assert!(findings.is_empty(), "{}", text::render(&checked, text::Style::Plain));
}

fn the_finding_is_drawn_as_in_its_snapshot(rule: &'static Rule) {
    let (_, _, checked) = found(&page(rule).bad);
    insta::assert_snapshot!(format!("rule__{}", rule.id), text::render(&checked, text::Style::Plain));
}

fn the_page_says_what_why_and_how(rule: &'static Rule) {
    let page = page(rule);
    for heading in
        ["# ", "## What it finds", "## Why it matters", "## Bad", "## Good", "## How to silence it"]
    {
        assert!(page.markdown.contains(heading), "no {heading}");
    }
    assert!(page.markdown.starts_with(&format!("# {}\n", rule.id)));
}

fn the_fix_turns_bad_into_good(rule: &'static Rule) {
    let bad = page(rule).bad;
    let (source, _, _) = found(&bad);
    let (mut files, layout) = (files(&bad), layout());
    let fixed = {
        let catalog = Catalog::new(&files, &layout);
        let (fixed, count) = fix_all(&source.path, source.text.clone(), &catalog, &layout, &facts(), true);
        assert!(count > 0);
        fixed
    };
    files.insert(source.path.to_path_buf(), fixed.as_bytes());
    let catalog = Catalog::new(&files, &layout);
    let mended = catalog.source(&source.path).expect("a manifest");
    let left: Vec<_> = check(&mended, &catalog, &facts()).iter().map(Diagnostic::full_message).collect();
    assert!(left.is_empty(), "{left:?}\n{fixed}");
    insta::assert_snapshot!(format!("fixed__{}", rule.id), fixed);
}

/// The edits of a fix as they leave the server: no two touch, so no client can read them two ways.
fn the_fix_leaves_the_server_as_edits_that_do_not_touch(rule: &'static Rule) {
    let (source, findings, _) = found(&page(rule).bad);
    for fix in findings.iter().filter_map(|f| f.fix.as_ref()) {
        let sent = normalised(&fix.edits);
        assert!(sent.windows(2).all(|w| w[0].span.end < w[1].span.start), "{sent:?}");
        assert_eq!(apply(&source.text, &sent), apply(&source.text, &fix.edits));
    }
}

fn the_fix_keeps_crlf_and_the_byte_order_mark(rule: &'static Rule) {
    let bad = page(rule).bad;
    let (source, _, _) = found(&bad);
    let (files, layout) = (files(&bad), layout());
    let catalog = Catalog::new(&files, &layout);
    let fixed = |text: String| fix_all(&source.path, text.into(), &catalog, &layout, &facts(), true).0;
    let expected = format!("\u{feff}{}", fixed(source.text.to_string()).replace('\n', "\r\n"));
    let windows = format!("\u{feff}{}", source.text.replace('\n', "\r\n"));
    assert_eq!(*fixed(windows), *expected);
}

/// A property that every rule has, or every rule of a kind.
type Property = (&'static str, fn(&'static Rule));

macro_rules! properties {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), $name as fn(&'static Rule))),*] };
}

const OF_EVERY_RULE: [Property; 4] = properties![
    the_bad_example_has_the_finding_where_it_is_marked_and_no_other,
    the_good_example_has_no_finding,
    the_finding_is_drawn_as_in_its_snapshot,
    the_page_says_what_why_and_how,
];

const OF_A_FIX: [Property; 2] = properties![
    the_fix_leaves_the_server_as_edits_that_do_not_touch,
    the_fix_keeps_crlf_and_the_byte_order_mark
];

/// Where every finding of the bad example has a fix.
const OF_FIXES_FOR_ALL: [Property; 1] = properties![the_fix_turns_bad_into_good];

/// One test a rule and property, so that `cargo test unknown_role` runs those of `unknown-role`.
fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for rule in rules::all() {
        let (_, findings, _) = found(&page(rule).bad);
        let fixes = findings.iter().filter(|f| f.fix.is_some()).count();
        let of_a_fix = OF_A_FIX.iter().filter(|_| fixes > 0);
        let of_fixes = OF_FIXES_FOR_ALL.iter().filter(|_| fixes > 0 && fixes == findings.len());
        for (name, property) in OF_EVERY_RULE.iter().chain(of_a_fix).chain(of_fixes) {
            let name = format!("{}::{name}", rule.id.replace('-', "_"));
            trials.push(Trial::test(name, move || {
                property(rule);
                Ok(())
            }));
        }
    }
    assert!(trials.len() > 5 * rules::all().len(), "few rules have a fix: {}", trials.len());
    libtest_mimic::run(&arguments, trials).exit();
}
