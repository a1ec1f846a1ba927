//! # invalid-env-name
//!
//! ## What it finds
//! A key of `env` that is not a valid variable name, and a `${…}` whose inside is none.
//!
//! ## Why it matters
//! A shell cannot read such a variable, and a name with `=` in it would set another one.
//!
//! ## Bad
//! ```yaml
//! env:
//!   LOG-LEVEL: debug # <- invalid-env-name
//! ```
//!
//! ## Good
//! ```yaml
//! env:
//!   LOG_LEVEL: debug
//! ```

use crate::check::{Context, Edit, Sink, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(env) = ctx.root.filter(|_| ctx.bottle.is_some()).and_then(|r| r.get("env")) else { return };
    for key in env.entries().iter().map(|e| &e.key).filter(|k| !is_variable(&k.text)) {
        let message = format!("`{}` is not a valid variable name", shown(&key.text));
        let finding = out.span(key.span, key.origin, message);
        finding.help("write letters, digits and `_`, and no digit first");
        let mended = key.text.trim().replace(['-', '.', ' '], "_");
        if key.origin.is_none() && is_variable(&mended) && env.get(&mended).is_none() {
            let edit = Edit { span: key.span, text: mended.clone() };
            finding.unsafe_fix(format!("rename it to `{mended}`"), vec![edit]);
        }
    }
    for variable in ctx.bottle.iter().flat_map(|b| &b.env) {
        let inside = variable.value.value.strip_prefix("${").and_then(|v| v.strip_suffix('}'));
        // A second `${` makes it no reference at all, which `invalid-value` reports.
        if let Some(name) = inside.filter(|n| !is_variable(n) && !n.contains("${")) {
            let message = format!("`{}` is not the name of a host variable", shown(name));
            out.at(&variable.value.place, message)
                .help("write `${NAME}`; there are no defaults and no expressions");
        }
    }
}

/// Whether text is a name of a variable: `[A-Za-z_][A-Za-z0-9_]*`.
pub(super) fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
