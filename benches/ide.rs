//! What an editor asks for, in a bottle of 60 and of 2,000 lines: `cargo bench --bench ide`.

use bot_bottle::check::Facts;
use bot_bottle::ide::{
    Snapshot, completion, definition, folding, format, inlay, links, on_type, references, rename, selection,
    symbols, tokens,
};
use bot_bottle::manifest::{Catalog, Layout, MemoryFiles};
use bot_bottle::syntax::Span;
use divan::{Bencher, black_box};
use std::path::Path;

fn main() {
    divan::main();
}

const LINES: [usize; 2] = [60, 2_000];

/// Runs `work` over a snapshot and the offset of a route's host in the middle of the text.
fn with(bencher: Bencher<'_, '_>, lines: usize, work: impl Fn(&Snapshot<'_>, usize)) {
    let mut text = String::from("agent_provider:\n  auth_token: TOKEN\nenv:\n  A: b\negress:\n  routes:\n");
    for i in 0..lines / 4 {
        text.push_str(&format!(
            "    - host: host{i}.example.com # why\n      auth: {{scheme: Bearer, token_ref: TOKEN_{i}}}\n      path_allowlist: [/a/{i}]\n      git: read\n"
        ));
    }
    let middle = text[..text.len() / 2].rfind("host: ").map_or(0, |i| i + "host: ".len());
    let mut files = MemoryFiles::default();
    files.insert("/p/a.bottle.yaml", text);
    let layout = Layout { home: Some("/h".into()) };
    let catalog = Catalog::new(&files, &layout);
    let source = catalog.source(Path::new("/p/a.bottle.yaml")).expect("a manifest");
    let workspace = [source.clone()];
    let snapshot =
        Snapshot { source: &source, catalog: &catalog, facts: Facts::default(), workspace: &workspace };
    bencher.bench_local(|| work(&snapshot, middle));
}

fn whole(snapshot: &Snapshot<'_>) -> Span {
    Span::new(0, snapshot.source.text.len())
}

macro_rules! asked {
    ($($name:ident: $work:expr;)*) => {
        $(#[divan::bench(args = LINES)]
        fn $name(bencher: Bencher<'_, '_>, lines: usize) {
            with(bencher, lines, $work);
        })*
    };
}

asked! {
    complete_host: |s, at| drop(black_box(completion::completion(s, at)));
    complete_key: |s, at| drop(black_box(completion::completion(s, at - 4)));
    define: |s, at| drop(black_box(definition::definition(s, at)));
    find_references: |s, at| drop(black_box(references::references(s, at, true)));
    rename_variable: |s, _| drop(black_box(rename::rename(s, 32, "OTHER")));
    outline: |s, _| drop(black_box(symbols::document_symbols(s.source)));
    search_workspace: |s, _| drop(black_box(symbols::workspace_symbols(s.workspace, "host1")));
    link: |s, _| drop(black_box(links::links(s)));
    fold: |s, _| drop(black_box(folding::folds(s.source)));
    select: |s, at| drop(black_box(selection::selection(s.source, at)));
    colour: |s, _| drop(black_box(tokens::tokens(s.source, whole(s))));
    hint: |s, _| drop(black_box(inlay::hints(s, whole(s))));
    format_formatted: |s, _| drop(black_box(format::format(s.source)));
    indent: |s, at| drop(black_box(on_type::on_enter(s.source, at - 6)));
}
