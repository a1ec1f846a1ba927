//! What is logged: a level for each part of the program.

use tracing::Metadata;
use tracing::level_filters::LevelFilter;

/// The parts that log: folders and files below `src`.
const PARTS: [&str; 6] = ["check", "cli", "disk", "egress", "engine", "lsp"];
/// The levels, each with what the ones before it let through.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// How much each part of the program logs.
///
/// Not `tracing-subscriber`'s `EnvFilter`: that also lets through what other crates log, and among that
/// are headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter([LevelFilter; PARTS.len()]);

/// A directive that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{directive}` is neither LEVEL nor PART=LEVEL; a level is one of {}, a part one of {}, and commas stand \
     between several", LEVELS.map(|(name, _)| name).join(", "), PARTS.join(", ")
)]
pub struct FilterError {
    /// It, fit to be shown.
    pub directive: String,
}

impl Filter {
    /// What `-v`, given so many times, asks for; `None` for 0.
    pub fn of_flag(times: u8) -> Option<Self> {
        let level = match times {
            0 => return None,
            1 => LevelFilter::INFO,
            _ => LevelFilter::TRACE,
        };
        Some(Self::all(level))
    }

    /// The stages and requests, without details.
    pub fn usual() -> Self {
        Self::all(LevelFilter::INFO)
    }

    fn all(level: LevelFilter) -> Self {
        Self([level; PARTS.len()])
    }

    /// Reads `debug`, or `egress=trace,engine=debug`; a level without a part is that of all the others.
    ///
    /// # Errors
    /// The first directive that is neither.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::all(LevelFilter::OFF);
        let mut parts = Vec::new();
        for directive in text.split(',') {
            let wrong = || FilterError { directive: crate::check::shown(directive.trim()) };
            let (part, level) = match directive.split_once('=') {
                None => (None, directive),
                Some((part, level)) => {
                    let part = PARTS.iter().position(|p| *p == part.trim()).ok_or_else(wrong)?;
                    (Some(part), level)
                }
            };
            let level = level_of(level).ok_or_else(wrong)?;
            match part {
                None => filter = Self::all(level),
                Some(part) => parts.push((part, level)),
            }
        }
        parts.into_iter().for_each(|(part, level)| filter.0[part] = level);
        Ok(filter)
    }

    /// Whether what a line of our code says is let through.
    pub(super) fn lets(&self, metadata: &Metadata<'_>) -> bool {
        let index = part(metadata.target()).and_then(|part| PARTS.iter().position(|p| *p == part));
        index.is_some_and(|index| *metadata.level() <= self.0[index])
    }

    /// The level of the part that says most.
    pub(super) fn most(&self) -> LevelFilter {
        self.0.into_iter().max().unwrap_or(LevelFilter::OFF)
    }
}

/// The part that a module belongs to; `None` for one of another crate.
pub(super) fn part(module: &str) -> Option<&str> {
    module.strip_prefix("bot_bottle::").and_then(|rest| rest.split("::").next())
}

fn level_of(name: &str) -> Option<LevelFilter> {
    let name = name.trim().to_ascii_lowercase();
    LEVELS.iter().find(|(level, _)| *level == name).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Vec<LevelFilter> {
        Filter::parse(text).expect(text).0.to_vec()
    }

    #[test]
    fn a_part_has_its_own_level_wherever_it_stands() {
        let (off, debug, trace) = (LevelFilter::OFF, LevelFilter::DEBUG, LevelFilter::TRACE);
        assert_eq!(levels("debug"), [debug; 6]);
        assert_eq!(levels("egress=trace, engine=DEBUG"), [off, off, off, trace, debug, off]);
        assert_eq!(levels("egress=trace,debug"), [debug, debug, debug, trace, debug, debug]);
        assert_eq!(levels("debug,egress=off"), [debug, debug, debug, off, debug, debug]);
    }

    #[test]
    fn what_is_no_directive_is_named_and_so_is_what_there_is() {
        for (text, wrong) in [
            ("loud", "loud"),
            ("h2=trace", "h2=trace"),
            ("debug,", ""),
            ("egress", "egress"),
            ("egress=", "egress="),
            ("egress=1", "egress=1"),
            ("a\u{1b}[2J", "a\u{fffd}[2J"),
        ] {
            let error = Filter::parse(text).expect_err(text);
            assert_eq!(error.directive, wrong);
            let shown = error.to_string();
            assert!(
                shown.contains("trace") && shown.contains("engine") && !shown.contains('\u{1b}'),
                "{shown}"
            );
        }
    }

    #[test]
    fn every_part_is_a_module() {
        for part in PARTS {
            let base = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            assert!(base.join(part).is_dir() || base.join(format!("{part}.rs")).is_file(), "{part}");
        }
        assert_eq!(part("bot_bottle::egress::proxy::exchange"), Some("egress"));
        assert_eq!((part("h2::codec"), part("bot_bottle_x::egress")), (None, None));
    }
}
