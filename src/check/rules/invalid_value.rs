//! # invalid-value
//!
//! ## What it finds
//! A value of the right type that is not one of those allowed, and that no rule of its own speaks
//! of: an unknown `mode`, a negative limit, an address range that is none, `${NAME}` in the middle
//! of a text.
//!
//! ## Why it matters
//! A launch refuses it, or, worse, it would be taken for something else: `${NAME}` is only read
//! from the host where it is the whole value.
//!
//! ## Bad
//! ```yaml
//! workspace:
//!   mode: readonly # <- invalid-value
//! env:
//!   URL: "https://${HOST}/x" # <- invalid-value
//! ```
//!
//! ## Good
//! ```yaml
//! workspace:
//!   mode: read_only
//! env:
//!   URL: "${HOST_URL}"
//! ```

use crate::check::{Context, Sink};
use crate::egress::address::Range;
use crate::check::shown;
use crate::manifest::ViolationKind;
use crate::plan::memory_bytes;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::InvalidValue { expected } = &violation.kind else { continue };
        let path = shown(&violation.path);
        out.span(violation.span, violation.origin, format!("this is no value for `{path}`"))
            .help(format!("write {expected}"));
    }
    let Some(bottle) = &ctx.bottle else { return };
    for variable in &bottle.env {
        let value = &variable.value.value;
        let whole = value.starts_with("${") && value.ends_with('}') && !value[2..].contains("${");
        if value.contains("${") && !whole {
            out.at(&variable.value.place, "`${NAME}` is only taken from the host where it is the whole value")
                .help("put the whole text into a host variable, or write it out");
        }
    }
    for range in bottle.egress.iter().flat_map(|e| &e.value).flat_map(|r| &r.pipelock.ssrf_ip_allowlist) {
        if Range::parse(&range.value).is_none() {
            out.at(&range.place, "this is no address and no CIDR range").help("write it like `10.0.0.0/8`");
        }
    }
    if let Some(memory) = bottle.resources.as_ref().and_then(|r| r.value.memory.as_ref()) {
        let reported = ctx.violations.iter().any(|v| v.span == memory.place.span);
        if memory_bytes(&memory.value).is_none() && !reported {
            out.at(&memory.place, "this is no amount of memory").help("write it like `4GiB`");
        }
    }
}
