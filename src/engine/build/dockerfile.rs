//! What a Dockerfile takes from outside: paths of its context, images, addresses.
//!
//! Where this cannot be known beforehand the whole context counts as taken, with the reason; where
//! a builder might take more than was listed, it does not find it, for the archive holds nothing else.

use super::arguments::{mount, sources};
use super::lines::{self, Instruction, Reading};
use super::pattern::Pattern;
use super::refused::refused;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Which paths of the context a build takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// These paths and patterns, relative to the context; `""` is the folder itself.
    Named(BTreeSet<String>),
    /// All of it, for what is taken cannot be known beforehand.
    Whole {
        /// Why, as the rest of a sentence that begins with the instruction.
        because: String,
    },
}

impl Wanted {
    /// Whether it names a path, or a folder that the path lies in.
    pub(super) fn takes(&self, path: &str, work: &mut u64) -> bool {
        let Self::Named(names) = self else { return true };
        let path = Path::new(path);
        names.iter().any(|name| {
            let pattern = name.contains(['*', '?', '[']).then(|| Pattern::new(name));
            path.starts_with(name)
                || pattern.is_some_and(|pattern| {
                    path.ancestors().any(|above| pattern.matches(above.as_os_str().as_encoded_bytes(), work))
                })
        })
    }
}

/// What a text says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub wanted: Wanted,
    pub syntax: Option<String>,
    pub images: Vec<String>,
    pub fetched: Vec<String>,
    pub has_run: bool,
    /// Each instruction that asks for more of the host than a build is given.
    pub refused: Vec<String>,
}

/// Reads a Dockerfile.
pub(super) fn facts(text: &str) -> Facts {
    let script = lines::read(text, Reading::NEWEST);
    let mut reader = Reader { escape: script.escape, ..Reader::default() };
    if let Some(syntax) = script.syntax.as_deref().filter(|s| !is_usual(s)) {
        reader.whole(format!("# syntax={syntax} is a language of its own"));
    }
    script.instructions.iter().for_each(|instruction| reader.instruction(instruction));
    let readings = Reading::EVERY.map(|reading| lines::read(text, reading));
    let all = || readings.iter().flat_map(|s| &s.instructions);
    let refused: BTreeSet<_> = all().filter_map(refused).collect();
    Facts {
        wanted: match reader.whole {
            Some(because) => Wanted::Whole { because },
            None => Wanted::Named(reader.named),
        },
        syntax: script.syntax,
        images: reader.images,
        fetched: reader.fetched,
        // An older builder sees a command where a newer one sees text.
        has_run: all().any(|i| i.name == "RUN"),
        refused: refused.into_iter().collect(),
    }
}

/// Docker's own frontends read what is read here; another may read anything.
fn is_usual(syntax: &str) -> bool {
    let name = syntax.strip_prefix("docker.io/").unwrap_or(syntax);
    let name = name.split([':', '@']).next().unwrap_or_default();
    ["docker/dockerfile", "docker/dockerfile-upstream"].contains(&name)
}

#[derive(Default)]
struct Reader {
    escape: char,
    named: BTreeSet<String>,
    whole: Option<String>,
    images: Vec<String>,
    fetched: Vec<String>,
    /// Names of the stages so far, and how many there are.
    stages: Vec<String>,
    count: usize,
    /// The defaults of `ARG` in front of the first stage.
    defaults: BTreeMap<String, String>,
}

impl Reader {
    fn instruction(&mut self, instruction: &Instruction) {
        match instruction.name.as_str() {
            "FROM" => self.from(&instruction.rest),
            "ARG" if self.count == 0 => self.argument(&instruction.rest),
            "COPY" | "ADD" => self.copy(instruction),
            "RUN" => instruction.flags.iter().for_each(|flag| self.run_flag(flag)),
            _ => {}
        }
    }

    fn whole(&mut self, because: String) {
        self.whole.get_or_insert(because);
    }

    fn from(&mut self, rest: &str) {
        let words: Vec<_> = rest.split_whitespace().collect();
        if let Some(image) = words.first() {
            self.image(image);
        }
        self.count += 1;
        if let [_, kind, name, ..] = words.as_slice()
            && kind.eq_ignore_ascii_case("as")
        {
            self.stages.push(name.to_ascii_lowercase());
        }
    }

    /// An image, unless it is a stage of this file.
    fn image(&mut self, name: &str) {
        let name = self.expanded(name);
        let stage = name.parse().is_ok_and(|n: usize| n < self.count)
            || self.stages.contains(&name.to_ascii_lowercase())
            || name == "scratch";
        if !stage && !name.is_empty() && !self.images.contains(&name) {
            self.images.push(name);
        }
    }

    fn argument(&mut self, mut rest: &str) {
        while !rest.trim_start().is_empty() {
            let (word, after) = lines::word(rest.trim_start(), self.escape);
            rest = after;
            if let Some((name, value)) = word.split_once('=') {
                let value = self.expanded(value);
                self.defaults.insert(name.to_owned(), value);
            }
        }
    }

    /// A text with the defaults of `ARG` in it; the text itself where one has none.
    fn expanded(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
                Some(found) => found,
                None => {
                    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    after.split_at(end.unwrap_or(after.len()))
                }
            };
            let (name, default) = name.split_once(":-").or(name.split_once('-')).unwrap_or((name, ""));
            match self.defaults.get(name).map(String::as_str).or(Some(default)).filter(|v| !v.is_empty()) {
                Some(value) => out.push_str(value),
                None => return text.to_owned(),
            }
            rest = tail;
        }
        out + rest
    }

    fn copy(&mut self, instruction: &Instruction) {
        let Instruction { name, flags, rest, on_build: _ } = instruction;
        let from = flags.iter().rev().find_map(|f| f.strip_prefix("from=")).filter(|f| !f.is_empty());
        if let Some(image) = from {
            return self.image(image);
        }
        match sources(rest) {
            None => self.whole(format!("`{name} {rest}` is not a list that can be read")),
            Some(sources) => sources.iter().for_each(|source| self.source(name, source)),
        }
    }

    fn source(&mut self, name: &str, source: &str) {
        let remote =
            ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|s| source.starts_with(s));
        if name == "ADD" && remote {
            if !self.fetched.iter().any(|f| f == source) {
                self.fetched.push(source.to_owned());
            }
            return;
        }
        if source.contains(['$', '\\', '\'', '"', '`']) {
            return self.whole(format!("what `{name} {source}` names depends on the build"));
        }
        self.named.insert(clean(source));
    }

    fn run_flag(&mut self, flag: &str) {
        let Some(fields) = flag.strip_prefix("mount=").map(mount) else { return };
        let get =
            |names: &[&str]| fields.iter().rev().find(|(k, _)| names.contains(&k.as_str())).map(|(_, v)| v);
        let kind = get(&["type"]).map_or("bind", String::as_str);
        if let Some(image) = get(&["from"]).filter(|f| !f.is_empty()) {
            return self.image(image);
        }
        if kind != "tmpfs" && kind != "secret" && kind != "ssh" && kind != "cache" {
            let source = get(&["source", "src"]).map_or("", String::as_str).to_owned();
            if source.contains(['$', '\\', '*', '?', '[']) {
                return self.whole(format!("what `RUN --mount={source}` names depends on the build"));
            }
            self.named.insert(clean(&source));
        }
    }
}

/// A path of the context without `.`, `..` and doubled slashes; it cannot leave the context.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(text: &str) -> Vec<String> {
        match facts(text).wanted {
            Wanted::Named(names) => names.into_iter().collect(),
            Wanted::Whole { because } => vec![format!("whole: {because}")],
        }
    }

    #[test]
    fn what_a_dockerfile_copies_is_listed() {
        for (text, expected) in [
            ("FROM a\nRUN COPY x y\n", [].as_slice()),
            ("COPY a b /\n", &["a", "b"]),
            ("ADD ./a/../b//c /x/\n", &["b/c"]),
            ("COPY ../../etc/x /\n", &["etc/x"]),
            ("COPY . /\n", &[""]),
            ("COPY [\"a b\", \"c\", \"/\"]\n", &["a b", "c"]),
            ("COPY --chown=1:1 --from=build a /\nCOPY --chown=1 x /\n", &["x"]),
            ("COPY --from= a /\n", &["a"]),
            ("ONBUILD COPY a /\n", &["a"]),
            ("COPY <<EOF /x\nCOPY no /\nEOF\nCOPY a <<E /d/\nE\n", &["a"]),
            ("RUN --mount=type=bind,source=s,target=/s x\n", &["s"]),
            ("RUN --mount=target=/s x\n", &[""]),
            ("RUN --mount=type=cache,target=/c --mount=type=bind,from=i,src=/x,target=/y z\n", &[]),
            ("ADD https://example.com/x git@example.com:a/b.git /\n", &[]),
            ("copy \\\n# no\n a \\\n\n b /\n", &["a", "b"]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
        for text in [
            "COPY $X /\n",
            "COPY \"a b\" /\n",
            "COPY [\"a\", 1] /\n",
            "COPY a\\ b /\n",
            "RUN --mount=source=${X} y\n",
            "# syntax=example.com/other\nFROM a\n",
        ] {
            assert!(named(text)[0].starts_with("whole: "), "{text}");
        }
        assert_eq!(named("# syntax=docker/dockerfile:1.7\nCOPY a /\n"), ["a"]);
    }

    #[test]
    fn images_and_addresses_are_listed() {
        let text = "ARG V=22 BASE=\"node:${V}\"\nFROM ${BASE} AS Build\nFROM scratch\nFROM build AS two\n\
             COPY --from=build /a /\nCOPY --from=0 /a /\nCOPY --from=later /a /\nFROM x as later\n\
             RUN --mount=from=tools,target=/t t\nFROM $NOPE\nFROM --platform=linux/amd64 y:${T:-1}\n\
             ADD https://example.com/a /\n";
        let facts = facts(text);
        assert_eq!(facts.images, ["node:22", "later", "x", "tools", "$NOPE", "y:1"]);
        assert_eq!(facts.fetched, ["https://example.com/a"]);
        assert!(facts.has_run && facts.refused.is_empty());
    }

    /// An instruction in one of its many forms, and the sources that it names.
    fn copy() -> impl Strategy<Value = (String, Vec<String>)> {
        let source = "[a-z][a-z0-9._-]{0,6}(/[a-z0-9][a-z0-9._-]{0,4}){0,2}";
        let name = prop::sample::select(vec!["COPY", "copy", "Add", "ONBUILD COPY", "onbuild ADD"]);
        let flag = prop::sample::select(vec!["", "--chown=1:1", "--link --chmod=755", "--from="]);
        let gap = prop::sample::select(vec![" ", "  ", " \\\n", "\t\\  \r\n # no, \\\n\n", " \\\n\n"]);
        (name, flag, prop::collection::vec(source, 1..4), gap, any::<bool>()).prop_map(
            |(name, flag, sources, gap, json)| {
                let mut words = sources.clone();
                words.push("/to/".to_owned());
                let rest = if json { serde_json::to_string(&words).expect("JSON") } else { words.join(gap) };
                (format!("{name}{gap}{flag}{}{rest}\n", if flag.is_empty() { "" } else { gap }), sources)
            },
        )
    }

    proptest! {
        #[test]
        fn every_source_is_found(
            copies in prop::collection::vec(copy(), 0..6),
            other in prop::sample::select(vec![
                "FROM a\n", "# COPY x /\n", "RUN <<E\nCOPY x /\nE\n", "RUN a \\\n COPY b\n", "\n", "LABEL a=\"COPY x /\"\n",
            ]),
        ) {
            let (texts, sources): (Vec<_>, Vec<_>) = copies.into_iter().unzip();
            let text = format!("{other}{}", texts.join(other));
            let expected: BTreeSet<String> = sources.concat().iter().map(|s| clean(s)).collect();
            prop_assert_eq!(facts(&text).wanted, Wanted::Named(expected), "{}", text);
        }

        #[test]
        fn no_text_is_too_strange(text in "(COPY|ADD|RUN|FROM|ONBUILD|#|--|from=|mount=|<<|\\[|\\]|\"|'|\\$|\\{|\\}|\\\\|`|E|\n|\r| |\t|,|=|/|é|\u{0}){0,60}") {
            let _ = facts(&text);
        }

        #[test]
        fn no_bytes_are_too_strange(text in any::<String>()) {
            let _ = facts(&text);
        }
    }
}
