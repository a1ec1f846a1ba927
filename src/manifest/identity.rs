//! Which files are manifests, by their layout and names.

use std::path::{Path, PathBuf};

/// The two kinds of manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The walls: provider, environment, egress.
    Bottle,
    /// The work: which bottle, prompt, skills.
    Agent,
}

impl Kind {
    /// In a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bottle => "bottle",
            Self::Agent => "agent",
        }
    }
}

/// The two ways in which a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// YAML.
    Yaml,
    /// Markdown with YAML frontmatter.
    Markdown,
}

/// Whose a manifest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Location {
    /// Below `$HOME/.bot-bottle`: the user's own.
    Home,
    /// Below a project's `.bot-bottle`.
    Project,
    /// Anywhere else.
    Elsewhere,
}

/// What a path says about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Bottle or agent.
    pub kind: Kind,
    /// YAML or Markdown.
    pub carrier: Carrier,
    /// The file's name without its suffix.
    pub name: String,
    /// Whose it is.
    pub location: Location,
    /// The path alone does not prove it: a Markdown file in a folder `bottles` or `agents` that
    /// belongs to no `.bot-bottle`. It is a manifest if its frontmatter says so.
    pub tentative: bool,
}

/// Where the user's own manifests lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The user's home folder, absolute.
    pub home: Option<PathBuf>,
}

impl Layout {
    /// `$HOME/.bot-bottle`.
    pub fn store(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(".bot-bottle"))
    }

    /// `$HOME/.bot-bottle/bottles`.
    pub fn bottles(&self) -> Option<PathBuf> {
        self.store().map(|store| store.join("bottles"))
    }

    /// Whose a path is.
    pub fn location(&self, path: &Path) -> Location {
        if self.store().is_some_and(|store| path.starts_with(store)) {
            Location::Home
        } else if path.ancestors().skip(1).any(|a| a.ends_with(".bot-bottle")) {
            Location::Project
        } else {
            Location::Elsewhere
        }
    }

    /// What the path says, or `None` if no manifest has such a path.
    pub fn identify(&self, path: &Path) -> Option<Identity> {
        // Hidden files are editors' locks and other programs' leftovers (`.#dev.md`, `._dev.md`).
        let file = path.file_name()?.to_str().filter(|file| !file.starts_with('.'))?;
        let (kind, carrier, name, tentative) = match yaml_name(file) {
            Some((kind, name)) => (kind, Carrier::Yaml, name, false),
            None => {
                let name = file.strip_suffix(".md")?;
                let folder = path.parent()?;
                let kind = match folder.file_name()?.to_str()? {
                    "bottles" => Kind::Bottle,
                    "agents" => Kind::Agent,
                    _ => return None,
                };
                let proven = folder.parent().is_some_and(|p| p.ends_with(".bot-bottle"));
                (kind, Carrier::Markdown, name, !proven)
            }
        };
        Some(Identity { kind, carrier, name: name.to_owned(), location: self.location(path), tentative })
    }

    /// The same for a file that a person named: any YAML or Markdown file may be a manifest, and
    /// its top-level keys tell which kind.
    pub fn identify_named(&self, path: &Path, has_bottle_key: bool) -> Identity {
        if let Some(identity) = self.identify(path) {
            return identity;
        }
        let kind = if has_bottle_key { Kind::Agent } else { Kind::Bottle };
        let carrier = match path.extension().and_then(|e| e.to_str()) {
            Some("md" | "markdown") => Carrier::Markdown,
            _ => Carrier::Yaml,
        };
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Identity { kind, carrier, name, location: self.location(path), tentative: false }
    }
}

/// The kind and name of a YAML manifest's file name.
fn yaml_name(file: &str) -> Option<(Kind, &str)> {
    if matches!(file, "bottle.yaml" | "bottle.yml") {
        return Some((Kind::Bottle, "bottle"));
    }
    let suffixes = [
        (".bottle.yaml", Kind::Bottle),
        (".bottle.yml", Kind::Bottle),
        (".agent.yaml", Kind::Agent),
        (".agent.yml", Kind::Agent),
    ];
    suffixes.into_iter().find_map(|(suffix, kind)| {
        file.strip_suffix(suffix).filter(|name| !name.is_empty()).map(|name| (kind, name))
    })
}

/// Whether text is a name: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_name(text: &str) -> bool {
    name_problem(text).is_none()
}

/// What keeps text from being a name.
pub fn name_problem(text: &str) -> Option<&'static str> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match text.as_bytes() {
        [] => Some("it is empty"),
        [b'-', ..] => Some("it begins with `-`"),
        bytes if !bytes.iter().all(|b| allowed(*b)) => {
            Some("it holds something other than lower-case letters, digits and `-`")
        }
        bytes if bytes.len() > 63 => Some("it is longer than 63 characters"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_names_tell_what_a_file_is() {
        let layout = Layout { home: Some("/home/ada".into()) };
        let seen = |path: &str| {
            layout.identify(Path::new(path)).map(|i| (i.kind, i.carrier, i.name, i.location, i.tentative))
        };
        use {Carrier::*, Kind::*, Location::*};
        assert_eq!(
            seen("/home/ada/.bot-bottle/bottles/dev.md"),
            Some((Bottle, Markdown, "dev".into(), Home, false))
        );
        assert_eq!(
            seen("/p/.bot-bottle/agents/fix.md"),
            Some((Agent, Markdown, "fix".into(), Project, false))
        );
        assert_eq!(
            seen("/p/examples/bottles/dev.md"),
            Some((Bottle, Markdown, "dev".into(), Elsewhere, true))
        );
        assert_eq!(seen("/p/bottle.yaml"), Some((Bottle, Yaml, "bottle".into(), Elsewhere, false)));
        assert_eq!(seen("/p/bottle.yml"), Some((Bottle, Yaml, "bottle".into(), Elsewhere, false)));
        assert_eq!(seen("/p/dev.bottle.yml"), Some((Bottle, Yaml, "dev".into(), Elsewhere, false)));
        assert_eq!(seen("/p/fix.agent.yaml"), Some((Agent, Yaml, "fix".into(), Elsewhere, false)));
        for other in ["/p/a.yaml", "/p/README.md", "/p/.bottle.yaml", "/p/docs/agents.md"] {
            assert_eq!(seen(other), None, "{other}");
        }
        for lock in
            ["/h/.bot-bottle/bottles/.#dev.md", "/h/.bot-bottle/bottles/._dev.md", "/p/.dev.bottle.yaml"]
        {
            assert_eq!(seen(lock), None, "{lock}");
        }
    }

    #[test]
    fn names_are_short_and_lower_case() {
        for good in ["a", "0", "a-b-9", &"a".repeat(63)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "A", "a_b", "a.b", "é", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
