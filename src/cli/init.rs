//! `bot-bottle init`.

use super::{CLEAN, Failure, terminal};
use crate::manifest::{Layout, name_problem};
use crate::provider::{self, Provider};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Write a commented bottle to begin with. Asks nothing and overwrites nothing.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Which agent runs in the bottle.
    #[arg(long, value_name = "NAME", value_parser = template_names())]
    template: Option<String>,
    /// Also write an agent: the work to be done in the bottle. A bottle that is there is kept.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Write into ~/.bot-bottle, whose bottles need no `trust`.
    #[arg(long)]
    home: bool,
}

fn template_names() -> clap::builder::PossibleValuesParser {
    provider::all().iter().map(|p| p.template()).collect::<Vec<_>>().into()
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let provider = args.template.as_deref().and_then(provider::get).unwrap_or(provider::default());
    if let Some(problem) = args.agent.as_deref().and_then(name_problem) {
        return Err(Failure::usage(format!("that is not a name for an agent: {problem}")));
    }
    let starter = Starter::new(args, provider, &terminal::layout())?;
    // The agent's file is looked at first, so that of two files either both are written or none.
    if let Some((path, _)) = starter.agent.as_ref().filter(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(there(path));
    }
    let (path, text) = &starter.bottle;
    match create(path, text) {
        Ok(()) => report("wrote", path)?,
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(path, &error)),
        Err(_) if starter.agent.is_some() => report("kept", path)?,
        Err(_) => return Err(there(path)),
    }
    if let Some((path, text)) = &starter.agent {
        create(path, text).map_err(|e| failed(path, &e))?;
        report("wrote", path)?;
    }
    terminal::print(&starter.next(args, provider))?;
    Ok(CLEAN)
}

/// The files to write: path and text.
struct Starter {
    bottle: (PathBuf, String),
    agent: Option<(PathBuf, String)>,
}

impl Starter {
    fn new(args: &Args, provider: &dyn Provider, layout: &Layout) -> Result<Self, Failure> {
        let bottle = bottle(provider);
        if !args.home {
            let here = terminal::working_folder();
            let agent = |name: &String| {
                let text = format!("{AGENT_COMMENT}bottle: bottle\n{SKILLS}prompt: |\n  {PROMPT}\n");
                (here.join(format!("{name}.agent.yaml")), text)
            };
            return Ok(Self {
                bottle: (here.join("bottle.yaml"), bottle),
                agent: args.agent.as_ref().map(agent),
            });
        }
        let store = layout.store().ok_or_else(|| Failure::usage("HOME names no folder, so there is no ~"))?;
        let agent = |name: &String| {
            let text = format!("---\n{AGENT_COMMENT}bottle: dev\n{SKILLS}---\n{PROMPT}\n");
            (store.join("agents").join(format!("{name}.md")), text)
        };
        Ok(Self {
            bottle: (store.join("bottles/dev.md"), format!("---\n{bottle}---\nWhat this bottle is for.\n")),
            agent: args.agent.as_ref().map(agent),
        })
    }

    fn next(&self, args: &Args, provider: &dyn Provider) -> String {
        let file = terminal::shown(&self.agent.as_ref().unwrap_or(&self.bottle).0);
        let bottle = terminal::shown(&self.bottle.0);
        let mut steps = vec![
            (provider.starter().on_host.to_owned(), ""),
            (format!("bot-bottle plan {file}"), "what a launch would do"),
        ];
        if !args.home {
            steps.push((format!("bot-bottle trust {bottle}"), "what the bottle allows, and your yes to it"));
        }
        steps.push((format!("bot-bottle launch {file}"), ""));
        let line = |(i, (step, what)): (usize, &(String, &str))| {
            let gap = if what.is_empty() { "" } else { "    # " };
            format!("  {}. {step}{gap}{what}\n", i + 1)
        };
        format!("\nNext:\n{}", steps.iter().enumerate().map(line).collect::<String>())
    }
}

const AGENT_COMMENT: &str = "# An agent: the work, done in the bottle that it names.\n";
const SKILLS: &str = "# Folders of ~/.claude/skills that the agent gets.\n# skills: [review]\n";
const PROMPT: &str = "Run the tests. Mend what fails, one cause at a time, and stop when they pass.";

/// A bottle that says what the agent needs, and shows in comments what else it could.
fn bottle(provider: &dyn Provider) -> String {
    let (template, login) = (provider.template(), provider.starter());
    format!(
        "# A bottle: what a coding agent may do, and nothing else.\n\
         agent_provider:\n  \
           template: {template}\n  \
           # {}\n  \
           {}: {}\n  \
           # With an API key write `api_key: {}` in its place, the NAME of the variable that holds it.\n\
         \n\
         # The guest's environment: a literal, \"${{NAME}}\" from the host, or \"?a question\" at launch.\n\
         env:\n  \
           LOG_LEVEL: info\n\
         \n\
         # The ways out besides the agent's own service. What is not listed cannot be reached.\n\
         # `token_ref` is the NAME of a host variable; its value is added on the way out.\n\
         # egress:\n\
         #   routes:\n\
         #     - host: api.github.com\n\
         #       path_allowlist: [/repos/acme/]\n\
         #       auth: {{scheme: Bearer, token_ref: GITHUB_TOKEN}}\n\
         #     - host: api.example.com\n\
         #       auth: {{header: x-api-key, token_ref: EXAMPLE_KEY}}\n\
         #     - host: github.com\n\
         #       git: read\n\
         \n\
         # Limits of the guest.\n\
         # resources: {{cpus: 2, memory: 4GiB, pids: 512}}\n",
        login.meaning, login.field, login.value, login.key_variable
    )
}

/// Writes a file that is not there yet; a link in its place is something that is there.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn report(did: &str, path: &Path) -> io::Result<()> {
    terminal::print(&format!("{did} {}\n", terminal::shown(path)))
}

fn there(path: &Path) -> Failure {
    Failure::usage(format!("{} is already there", terminal::shown(path)))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", terminal::shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Facts, check};
    use crate::manifest::{Catalog, MemoryFiles};

    /// What the comments show is as right as the rest.
    #[test]
    fn every_starter_is_clean_with_its_comments_and_without() {
        for provider in provider::all() {
            let text = bottle(*provider);
            let shown = |l: &str| {
                l.strip_prefix("# ").filter(|l| !l.contains('`') && !l.ends_with('.')).map(str::to_owned)
            };
            let uncommented: String =
                text.lines().map(|l| shown(l).unwrap_or_else(|| l.to_owned()) + "\n").collect();
            assert!(uncommented.contains("\n    - host: github.com"), "{uncommented}");
            for text in [text, uncommented] {
                let mut files = MemoryFiles::default();
                files.insert("/p/bottle.yaml", text.as_bytes());
                let layout = Layout::default();
                let catalog = Catalog::new(&files, &layout);
                let source = catalog.source(Path::new("/p/bottle.yaml")).expect("a manifest");
                let found = check(&source, &catalog, &Facts::default());
                let found: Vec<_> = found.iter().map(|f| f.full_message()).collect();
                assert_eq!(found, Vec::<String>::new(), "{text}");
            }
        }
    }
}
