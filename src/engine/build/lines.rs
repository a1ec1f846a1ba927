//! The lines of a Dockerfile: directives, continuations, comments, here-documents.
//!
//! What a builder reads as an instruction depends on its age: an old one knows no here-documents,
//! and takes the escape directive only on the first line. [`read`] takes the reading that is wanted,
//! so that a question about safety can be asked of each.

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// What continues a line; `None` is what the text itself says.
    pub escape: Option<char>,
    /// Whether `<<EOF` begins a text that is no instruction.
    pub heredocs: bool,
}

impl Reading {
    /// As the newest builders read.
    pub(super) const NEWEST: Self = Self { escape: None, heredocs: true };

    /// Every way in which a builder may read.
    pub(super) const EVERY: [Self; 4] = [
        Self { escape: Some('\\'), heredocs: true },
        Self { escape: Some('\\'), heredocs: false },
        Self { escape: Some('`'), heredocs: true },
        Self { escape: Some('`'), heredocs: false },
    ];
}

/// A text taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// `# syntax=`, in whichever of its spellings.
    pub syntax: Option<String>,
    /// What continues a line and escapes a character.
    pub escape: char,
    /// The instructions, continuations joined.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Its name in capitals.
    pub name: String,
    /// The options in front, without the dashes: `from=build`.
    pub flags: Vec<String>,
    /// The rest.
    pub rest: String,
    /// Whether it stands behind `ONBUILD`.
    pub on_build: bool,
}

/// Takes a text apart. Never fails: what no builder accepts is an instruction that means nothing.
pub(super) fn read(text: &str, reading: Reading) -> Script {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
    let (syntax, stated) = directives(text, &lines);
    let escape = reading.escape.or(stated).unwrap_or('\\');
    let mut script = Script { syntax, escape, instructions: Vec::new() };
    let mut lines = lines.into_iter();
    while let Some(first) = lines.next() {
        if is_comment(first) || first.trim().is_empty() {
            continue;
        }
        let (mut line, mut more) = continued(first.trim_start(), escape);
        while more {
            let Some(next) = lines.next() else { break };
            if is_comment(next) || next.trim().is_empty() {
                continue;
            }
            let (part, again) = continued(next, escape);
            line.push_str(&part);
            more = again;
        }
        let Some(instruction) = instruction(&line, escape, false) else { continue };
        if reading.heredocs {
            for end in heredocs(&instruction, escape) {
                let closes = |line: &&str| {
                    let line = if end.tabs { line.trim_start_matches('\t') } else { line };
                    line == end.name
                };
                let _ = lines.by_ref().find(closes);
            }
        }
        script.instructions.push(instruction);
    }
    script
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// A line without the mark that continues it, and whether there was one.
fn continued(line: &str, escape: char) -> (String, bool) {
    let bare = line.trim_end_matches([' ', '\t']);
    match bare.strip_suffix(escape) {
        // Two of them are one that stands for itself.
        Some(rest) if !rest.ends_with(escape) => (rest.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

/// The frontend and the escape that the head of a text asks for.
fn directives(text: &str, lines: &[&str]) -> (Option<String>, Option<char>) {
    let (mut syntax, mut escape) = (None, None);
    let skipped = usize::from(lines.first().is_some_and(|l| l.starts_with("#!")));
    for line in lines.iter().skip(skipped) {
        let line = line.trim_start();
        let Some(rest) = line.strip_prefix('#').or_else(|| line.strip_prefix("//")) else { break };
        let Some((key, value)) = rest.split_once('=') else { break };
        match key.trim().to_ascii_lowercase().as_str() {
            "syntax" if syntax.is_none() => syntax = Some(value.trim().to_owned()),
            "escape" => escape = value.trim().chars().next(),
            key if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) => break,
            _ => {}
        }
    }
    // The third spelling is an object in front of the text.
    if syntax.is_none() && text.trim_start().starts_with('{') {
        let object = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>().next();
        let value = object.and_then(Result::ok);
        syntax = value.and_then(|v| Some(v.get("syntax")?.as_str()?.to_owned()));
    }
    (syntax, escape.filter(|c| ['\\', '`'].contains(c)))
}

fn instruction(line: &str, escape: char, on_build: bool) -> Option<Instruction> {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let name = name.to_ascii_uppercase();
    if name == "ONBUILD" {
        return instruction(rest, escape, true);
    }
    let (flags, rest) = flags(rest.trim_start(), escape);
    (!name.is_empty()).then(|| Instruction { name, flags, rest: rest.to_owned(), on_build })
}

/// The options in front of an instruction's arguments.
fn flags(mut rest: &str, escape: char) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    while let Some(option) = rest.strip_prefix("--") {
        let (word, after) = word(option, escape);
        rest = after.trim_start();
        if word.is_empty() {
            break;
        }
        flags.push(word);
    }
    (flags, rest)
}

/// The first word, quotes and escapes resolved, and what comes after it.
pub(super) fn word(text: &str, escape: char) -> (String, &str) {
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (word, &text[at..]),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(q) if c == q => quote = None,
            // Nothing is escaped in single quotes.
            _ if c == escape && quote != Some('\'') => word.extend(chars.next().map(|(_, c)| c)),
            _ => word.push(c),
        }
    }
    (word, "")
}

/// The end of a here-document.
struct End {
    name: String,
    /// Tabs in front of it do not count.
    tabs: bool,
}

fn heredocs(instruction: &Instruction, escape: char) -> Vec<End> {
    if !["RUN", "COPY", "ADD"].contains(&instruction.name.as_str()) || json(&instruction.rest).is_some() {
        return Vec::new();
    }
    let mut ends = Vec::new();
    let mut rest = instruction.rest.trim_start();
    while !rest.is_empty() {
        let (_, after) = word(rest, escape);
        ends.extend(heredoc(&rest[..rest.len() - after.len()], escape));
        rest = after.trim_start();
    }
    ends
}

/// `<<EOF`, `3<<-"EOF"`: the word of a here-document, quotes still around its name.
fn heredoc(raw: &str, escape: char) -> Option<End> {
    let raw = raw.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let name = raw.strip_prefix('-').unwrap_or(raw);
    let tabs = name.len() < raw.len();
    (!name.is_empty() && !name.contains('<')).then(|| End { name: word(name, escape).0, tabs })
}

/// Whether a word of `COPY` or `ADD` is a here-document rather than a path.
pub(super) fn is_heredoc(raw: &str) -> bool {
    heredoc(raw, '\\').is_some()
}

/// The JSON form of an instruction's arguments.
pub(super) fn json(rest: &str) -> Option<Vec<String>> {
    rest.trim_start().starts_with('[').then(|| serde_json::from_str(rest.trim()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, reading: Reading) -> Vec<String> {
        read(text, reading).instructions.into_iter().map(|i| format!("{} {}", i.name, i.rest)).collect()
    }

    #[test]
    fn lines_are_joined_as_a_builder_joins_them() {
        let text = "\u{feff}# a comment\r\nfrom a \\\r\n  # between\n\n  as b\nRUN x \\\\\nRUN y\\  \nz\n";
        assert_eq!(names(text, Reading::NEWEST), ["FROM a   as b", "RUN x \\\\", "RUN yz"]);
        let text = "# escape=`\nRUN dir c:\\\nCOPY a `\n b\n";
        assert_eq!(names(text, Reading::NEWEST), ["RUN dir c:\\", "COPY a  b"]);
        // After anything else it is a comment.
        assert_eq!(names("FROM a\n# escape=`\nCOPY a `\n", Reading::NEWEST), ["FROM a", "COPY a `"]);
        assert_eq!(names("COPY a \\", Reading::NEWEST), ["COPY a"]);
    }

    #[test]
    fn a_heredoc_is_text_for_the_builders_that_know_it() {
        let text = "RUN <<EOF cat 3<<-'X Y'\nCOPY no /\nEOF\n\t\tX Y\nCOPY a /\nRUN [\"<<EOF\"]\nCOPY b /\n";
        assert_eq!(
            names(text, Reading::NEWEST),
            ["RUN <<EOF cat 3<<-'X Y'", "COPY a /", "RUN [\"<<EOF\"]", "COPY b /"]
        );
        let old = Reading { escape: None, heredocs: false };
        assert!(names(text, old).contains(&"COPY no /".to_owned()));
        assert_eq!(names("ONBUILD COPY <<E /x\nCOPY a /\nE\n", Reading::NEWEST), ["COPY <<E /x"]);
        assert_eq!(names("RUN a <<<E\nCOPY a /\n", Reading::NEWEST).len(), 2);
    }

    #[test]
    fn a_frontend_is_found_in_each_spelling() {
        let syntax = |text: &str| read(text, Reading::NEWEST).syntax;
        for text in [
            "# syntax=example.com/f:1\nFROM a",
            "#!/usr/bin/env x\n# check=skip=all\n#  SYNTAX =  example.com/f:1  \nFROM a",
            "// syntax = example.com/f:1\n",
            "{\"syntax\": \"example.com/f:1\"}\nanything",
        ] {
            assert_eq!(syntax(text).as_deref(), Some("example.com/f:1"), "{text}");
        }
        assert_eq!(syntax("\n# syntax=example.com/f:1\nFROM a"), None);
        assert_eq!(syntax("# a comment\n# syntax=example.com/f:1\nFROM a"), None);
    }

    #[test]
    fn options_are_read_without_their_quotes() {
        let read =
            read("copy --from=\"a b\" --chown=x\\ y -- --z /\nRUN --netw\\\nork=host x", Reading::NEWEST);
        assert_eq!(read.instructions[0].flags, ["from=a b", "chown=x y"]);
        assert_eq!(read.instructions[0].rest, "--z /");
        assert_eq!(read.instructions[1].flags, ["network=host"]);
    }
}
