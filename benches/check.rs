//! The pure flow, step by step: `cargo bench --bench check`.

use bot_bottle::check::{Facts, check};
use bot_bottle::disk::Disk;
use bot_bottle::manifest::{Catalog, Files, Found, Layout, MemoryFiles, Source};
use bot_bottle::plan::draft;
use bot_bottle::provider::Start;
use bot_bottle::syntax::{Span, parse};
use divan::Bencher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() {
    // Compiling a schema is paid once a process, not once a manifest.
    let text = Text::new("/p/a.bottle.yaml", "env: {}\n".to_owned());
    text.with(|source, catalog| drop(check(source, catalog, &Facts::default())));
    divan::main();
}

/// A manifest in memory.
struct Text {
    files: MemoryFiles,
    path: PathBuf,
    text: String,
}

impl Text {
    fn new(path: impl Into<PathBuf>, text: String) -> Self {
        let path = path.into();
        let mut files = MemoryFiles::default();
        files.insert(path.clone(), text.as_bytes());
        Self { files, path, text }
    }

    fn with<T>(&self, work: impl FnOnce(&Arc<Source>, &Catalog<'_>) -> T) -> T {
        let layout = Layout { home: Some("/home/ada".into()) };
        let catalog = Catalog::new(&self.files, &layout);
        let source = catalog.source(&self.path).expect("a manifest");
        work(&source, &catalog)
    }
}

/// A bottle of about so many lines: variables and routes, as large bottles have them.
fn bottle(lines: usize) -> Text {
    let mut text = String::from("agent_provider:\n  auth_token: CLAUDE_TOKEN\nenv:\n");
    for i in 0..lines / 4 {
        text.push_str(&format!("  VARIABLE_{i}: value {i} # why\n"));
    }
    text.push_str("egress:\n  routes:\n");
    for i in 0..(lines * 3 / 4) / 4 {
        text.push_str(&format!(
            "    - host: api-{i}.example.com\n      auth: {{scheme: Bearer, token_ref: TOKEN_{i}}}\n      matches:\n        - {{paths: [{{type: prefix, value: /v{i}/}}], methods: [GET, POST]}}\n"
        ));
    }
    Text::new("/p/a.bottle.yaml", text)
}

/// The shipped examples, from the disk, with what they extend.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut all = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for name in Disk.list(&folder) {
            let path = folder.join(name);
            if path.is_dir() { folders.push(path) } else { all.push(path) }
        }
    }
    let layout = Layout::default();
    all.retain(|p| layout.identify(p).is_some());
    all
}

const LINES: [usize; 3] = [25, 60, 2000];

#[divan::bench(args = LINES)]
fn parse_bottle(bencher: Bencher, lines: usize) {
    let bottle = bottle(lines);
    bencher.bench(|| parse(&bottle.text, Span::new(0, bottle.text.len())));
}

#[divan::bench(args = LINES)]
fn check_bottle(bencher: Bencher, lines: usize) {
    bottle(lines).with(|source, catalog| {
        bencher.bench_local(|| check(source, catalog, &Facts::default()));
    });
}

#[divan::bench(args = LINES)]
fn plan_bottle(bencher: Bencher, lines: usize) {
    bottle(lines).with(|source, catalog| {
        let found = Found { source: source.clone(), manifest: source.manifests[0].clone() };
        bencher.bench_local(|| draft(&found, catalog, &Start::default()));
    });
}

#[divan::bench]
fn check_examples(bencher: Bencher) {
    let (paths, layout) = (examples(), Layout::default());
    bencher.bench_local(|| {
        let catalog = Catalog::new(&Disk, &layout);
        let sources = paths.iter().filter_map(|path| catalog.source(path));
        sources.map(|source| check(&source, &catalog, &Facts::default()).len()).sum::<usize>()
    });
}

#[divan::bench]
fn plan_examples(bencher: Bencher) {
    let (paths, layout) = (examples(), Layout::default());
    bencher.bench_local(|| {
        let catalog = Catalog::new(&Disk, &layout);
        let sources: Vec<_> = paths.iter().filter_map(|path| catalog.source(path)).collect();
        let manifests = sources.iter().flat_map(|s| s.manifests.iter().map(move |m| (s, m)));
        let found = manifests.map(|(s, m)| Found { source: s.clone(), manifest: m.clone() });
        found.filter(|f| draft(f, &catalog, &Start::default()).is_ok()).count()
    });
}
