//! The console examples of the pages: their options exist, and what they show is what comes out.

use crate::denied::refused_hosts;
use crate::rig::{CLEAN, Project, git, repository};
use std::fs;
use std::path::{Path, PathBuf};

/// A command of a page, and what the page shows below it.
struct Example {
    page: String,
    words: Vec<String>,
    shown: Vec<String>,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder: PathBuf| fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path());
    let mut pages: Vec<_> = ["docs", "docs/ci", "examples"]
        .iter()
        .flat_map(|folder| in_folder(root.join(folder)))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    for path in pages() {
        let page = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a page").replace("\\\n", " ");
        for block in text.split("```console\n").skip(1) {
            for line in block.split("```").next().unwrap_or_default().lines() {
                match line.strip_prefix("$ ") {
                    Some(command) => {
                        let words = words(command);
                        all.push(Example { page: page.clone(), words, shown: Vec::new() });
                    }
                    None => all.last_mut().expect("a command first").shown.push(line.to_owned()),
                }
            }
        }
    }
    all
}

/// A command line without its comment and what a shell makes of it.
fn words(command: &str) -> Vec<String> {
    let command = command.replace("cargo run --release --", "bot-bottle");
    let command = command.split(" # ").next().unwrap_or_default();
    let plain = command.split_whitespace().take_while(|w| ![">", "<"].contains(w));
    plain.map(|w| w.trim_matches('\'').to_owned()).collect()
}

impl Example {
    /// Its arguments, where it is a command of this program.
    fn args(&self) -> Option<Vec<&str>> {
        let (first, rest) = self.words.split_first()?;
        (first == "bot-bottle").then(|| rest.iter().map(String::as_str).collect())
    }
}

#[test]
fn every_option_that_a_page_names_is_the_commands() {
    let project = Project::new(&[]);
    let mut seen = 0;
    for example in examples() {
        let Some(args) = example.args() else { continue };
        let Some((command, args)) = args.split_first() else { continue };
        let help = project.run(&[command, "--help"]).expect(0).out;
        for option in args.iter().take_while(|a| **a != "--").filter(|a| a.starts_with("--")) {
            let name = option.split('=').next().unwrap_or_default();
            let is = help
                .split_whitespace()
                .any(|w| w.trim_end_matches(',').split(['=', '[']).next() == Some(name));
            assert!(is, "{}: `{command}` has no {name}", example.page);
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen} commands");
}

/// The manifest at the head of the README.
const README: &str = "agent_provider:\n  auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN\negress:\n  routes:\n    - host: \
    api.github.com\n      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}\n      path_allowlist: [/repos/acme/]\n";

/// One of the older kind.
const OLD: &str = "agent_provider:\n  template: claude\negress:\n  routes:\n    - host: api.anthropic.com\n      auth: \
    {scheme: Bearer, token_ref: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}\n      role: claude_code_oauth\n";

/// The project that a page tells of: a repository, and what was changed since.
fn told_of(page: &str) -> Option<Project> {
    if page == "check.md" {
        return Some(refused_hosts(&[(2, "api.example.com"), (3, "api.example.com")]));
    }
    if page == "ci.md" {
        let project = repository(&[("dev.bottle.yaml", CLEAN)])?;
        git(&project.root(), &["update-ref", "refs/remotes/origin/main", "main"]);
        project.write("dev.bottle.yaml", format!("{CLEAN}    - host: api.example.com\n"));
        project.write(".bot-bottle-approved", "");
        return Some(project);
    }
    let project = repository(&[("dev.bottle.yaml", README)])?;
    project.write("dev.bottle.yaml", README.replace("      path_allowlist: [/repos/acme/]\n", ""));
    project.write("old.bottle.yaml", OLD);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &project.path("examples"));
    Some(project)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        match entry.path() {
            folder if folder.is_dir() => copy(&folder, &to),
            file => fs::copy(file, to).map(drop).expect("copied"),
        }
    }
}

/// Whether an output is what a page shows, where a line `…` is any lines, and `…` in a line any text.
fn alike(shown: &[String], output: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return output.is_empty() };
    if first == "…" {
        return (0..=output.len()).any(|skipped| alike(rest, &output[skipped..]));
    }
    let Some((line, others)) = output.split_first() else { return false };
    let fits = match first.split_once('…') {
        Some((start, end)) => line.starts_with(start) && line.ends_with(end),
        None => first == line.trim_end(),
    };
    fits && alike(rest, others)
}

#[test]
fn what_a_page_shows_is_what_comes_out() {
    let (mut code, mut compared, mut false_ones) = (0, 0, String::new());
    for example in examples().iter().filter(|e| !e.shown.is_empty()) {
        if example.words == ["echo", "$?"] {
            assert_eq!(example.shown, [code.to_string()], "{}: exit status", example.page);
            continue;
        }
        let Some(args) = example.args() else {
            continue;
        };
        let Some(project) = told_of(&example.page) else { return };
        let ran = project.run(&args);
        let output = format!("{}{}", ran.out, ran.err);
        let shown = example.shown.join("\n");
        let lines: Vec<_> = output.lines().collect();
        if !alike(&example.shown, &lines) {
            false_ones += &format!("{}: {args:?} says\n{output}\nand the page\n{shown}\n\n", example.page);
        }
        (code, compared) = (ran.code, compared + 1);
    }
    assert!(false_ones.is_empty(), "{false_ones}");
    assert!(compared >= 7, "{compared} outputs");
}

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a page")
}

#[test]
fn every_option_of_what_launches_has_its_row() {
    let pages = page("docs/launch.md") + &page("docs/configuration.md");
    let project = Project::new(&[]);
    for command in ["launch", "exec", "ps", "logs", "attach", "stop", "trust", "untrust", "egress"] {
        let help = project.run(&[command, "--help"]).expect(0).out;
        let options = help.lines().filter_map(|l| l.trim_start().strip_prefix("--"));
        for option in options.filter_map(|l| l.split([' ', '[', '=']).next()) {
            assert!(pages.contains(&format!("--{option}")), "{command} --{option} is on neither page");
        }
    }
}

#[test]
fn the_configuration_of_the_page_is_read_and_its_table_has_every_key() {
    let text = page("docs/configuration.md");
    let config = text.split("```yaml\n").nth(1).and_then(|t| t.split("```").next()).expect("an example");
    let project = Project::new(&[("~/.config/bot-bottle/config.yaml", config)]);
    project.run(&["ps"]).expect(0);
    let keys = |text: &str| {
        let first = text.lines().filter_map(|l| l.split(':').next()).map(str::to_owned);
        first.collect::<std::collections::BTreeSet<_>>()
    };
    let rows = text
        .lines()
        .filter_map(|l| l.strip_prefix("| `")?.split_once("` | `--").map(|(key, _)| key.to_owned()));
    assert_eq!(keys(config), rows.collect());
    // Which keys there are, the program says itself when it meets another.
    project.write("~/.config/bot-bottle/config.yaml", "none_of_these: 1\n");
    let said = project.run(&["ps"]).expect(2).err;
    let expected =
        said.split("expected one of").nth(1).unwrap_or_else(|| panic!("{said}")).split(" at line").next();
    let known = expected.unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned);
    assert_eq!(keys(config), known.collect());
}
