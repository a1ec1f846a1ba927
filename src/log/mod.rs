//! What is done, step by step, for whoever looks for a fault: `-v` and `BOT_BOTTLE_LOG`.
//!
//! The rest of the program emits spans and events of the crate `tracing`; here they become lines. Events
//! of other crates are never written, at no level: some hold headers or whole messages. Every value
//! passes through [`crate::check`]'s way of showing a text, whoever wrote it. Without [`install`] an event
//! costs a look at one number.

mod file;
mod filter;
mod lines;

pub use file::LogFile;
pub use filter::{Filter, FilterError};

use std::sync::OnceLock;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

/// Says what is logged where no option does.
pub const VARIABLE: &str = "BOT_BOTTLE_LOG";

/// Where lines go.
#[derive(Debug)]
pub enum Sink {
    /// Standard error.
    Stderr,
    /// A file.
    File(LogFile),
}

/// Somebody who hears warnings besides.
type Listener = Box<dyn Fn(Level, &str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Begins to log, for the rest of the process. A second call has no effect.
pub fn install(filter: Filter, sink: Sink) {
    let subscriber = Registry::default().with(lines::Lines::new(filter, sink));
    // It fails where there is one already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Hands warnings and errors to somebody else too, as the language server's client, where anything is
/// logged at all.
pub fn warnings_also_to(listener: impl Fn(Level, &str) + Send + Sync + 'static) {
    if LevelFilter::current() != LevelFilter::OFF {
        let _ = LISTENER.set(Box::new(listener));
    }
}
