//! One line for each event, and for the beginning and the end of each span:
//!
//! ```text
//! TIME LEVEL PART SPAN{FIELDS} … : TEXT KEY=VALUE …
//! ```

use super::filter::{Filter, part};
use super::{LISTENER, Sink};
use crate::check::shown;
use crate::shown::{Written, no_commands};
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::{Instant, SystemTime};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Writes the lines that a filter lets through.
pub(super) struct Lines {
    filter: Filter,
    sink: Sink,
}

/// What is kept of a span.
struct Kept {
    begun: Instant,
    fields: Fields,
}

impl Lines {
    pub(super) fn new(filter: Filter, sink: Sink) -> Self {
        Self { filter, sink }
    }

    fn line<S>(&self, metadata: &Metadata<'_>, within: Option<SpanRef<'_, S>>, fields: &Fields)
    where
        S: for<'a> LookupSpan<'a>,
    {
        let time = humantime::format_rfc3339_millis(SystemTime::now());
        let level = metadata.level().as_str().to_ascii_lowercase();
        let mut line = format!("{time} {level} {}", part(metadata.target()).unwrap_or_default());
        for span in within.into_iter().flat_map(|span| span.scope().from_root()) {
            let _ = write!(line, " {}", span.name());
            if let Some(kept) = span.extensions().get::<Kept>().filter(|k| !k.fields.values.is_empty()) {
                let _ = write!(line, "{{{}}}", kept.fields.values.trim_start());
            }
        }
        let _ = write!(line, ": {}{}", fields.text, fields.values);
        self.write(*metadata.level(), &no_commands(&line, Written::Plain));
    }

    fn write(&self, level: Level, line: &str) {
        let ended = format!("{line}\n");
        match &self.sink {
            // One write a line. A reader that went away is no reason to stop.
            Sink::Stderr => drop(io::stderr().lock().write_all(ended.as_bytes())),
            Sink::File(file) => file.write(&ended),
        }
        if level <= Level::WARN
            && let Some(listener) = LISTENER.get()
        {
            listener(level, line);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.filter.lets(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.filter.lets(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Kept { begun: Instant::now(), fields });
        self.line(attributes.metadata(), Some(span), &Fields::saying("begins"));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.line(event.metadata(), context.event_span(event), &fields);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let begun = span.extensions().get::<Kept>().map(|kept| kept.begun);
        let Some(begun) = begun else { return };
        let mut fields = Fields::saying("ended");
        let _ = write!(fields.values, " ms={}", milliseconds(begun));
        let metadata = span.metadata();
        self.line(metadata, Some(span), &fields);
    }
}

/// Since a moment, with a tenth.
fn milliseconds(since: Instant) -> String {
    format!("{:.1}", since.elapsed().as_secs_f64() * 1000.0)
}

/// The fields of an event or a span, fit to be shown.
#[derive(Default)]
struct Fields {
    /// The sentence.
    text: String,
    /// ` key=value` for each of the others.
    values: String,
}

impl Fields {
    fn saying(text: &str) -> Self {
        Self { text: text.to_owned(), values: String::new() }
    }

    /// The one way of a value into a line.
    fn add(&mut self, field: &Field, value: &str) {
        let value = shown(value);
        if field.name() == "message" {
            self.text = value;
            return;
        }
        // A value that holds a blank or a quote could look like several.
        let plain = |c: char| c.is_alphanumeric() || "-_./:+@*[]\u{fffd}…".contains(c);
        let _ = match value.chars().all(plain) && !value.is_empty() {
            true => write!(self.values, " {}={value}", field.name()),
            false => write!(self.values, " {}={value:?}", field.name()),
        };
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogFile;
    use tracing::subscriber::with_default;
    use tracing::{debug, info, info_span};
    use tracing_subscriber::layer::SubscriberExt;

    /// What is logged of some work, without the times.
    fn logged(filter: &str, work: impl FnOnce()) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let sink = Sink::File(LogFile::open(&path).expect("a file"));
        let lines = Lines::new(Filter::parse(filter).expect("a filter"), sink);
        with_default(tracing_subscriber::Registry::default().with(lines), work);
        let text = std::fs::read_to_string(&path).expect("text");
        let bare = |line: &str| line.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        text.lines().map(bare).collect()
    }

    #[test]
    fn a_line_says_where_and_within_what() {
        let lines = logged("debug,lsp=info", || {
            let _launch = info_span!(target: "bot_bottle::engine", "launch", bottle = "dev").entered();
            debug!(target: "bot_bottle::egress::proxy", request = 7, host = "a.test", "arrived");
            debug!(target: "bot_bottle::lsp", "too much");
        });
        assert_eq!(lines[0], "info engine launch{bottle=dev}: begins");
        assert_eq!(lines[1], "debug egress launch{bottle=dev}: arrived request=7 host=a.test");
        assert!(lines[2].starts_with("info engine launch{bottle=dev}: ended ms="), "{lines:?}");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn no_value_moves_a_terminal_forges_a_field_or_shows_a_credential() {
        let token = format!("{}{}", "ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let hostile = "x\u{1b}]0;t\u{7}\r\n::error::y decision=allowed\u{202e} ##[z]\"";
        let lines = logged("trace", || {
            let _span = info_span!(target: "bot_bottle::engine", "stage", name = hostile).entered();
            info!(target: "bot_bottle::egress", host = hostile, debugged = ?hostile, shown = %token, "{hostile}{token}");
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        for line in &lines {
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
            assert!(!line.contains("##[") && !line.contains(&token), "{line:?}");
            assert!(!line.contains(" host=x ") && line.contains("\\\""), "{line:?}");
        }
    }

    #[test]
    fn what_other_crates_say_is_never_written() {
        let lines = logged("trace", || {
            info!(target: "h2::codec", "a header");
            info!(target: "tower_lsp::transport", "a message");
            info!(target: "bot_bottle", "no part");
        });
        assert!(lines.is_empty(), "{lines:?}");
    }
}
