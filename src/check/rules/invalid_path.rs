//! # invalid-path
//!
//! ## What it finds
//! A path that no request can have, or that is not compared the way it is written: one that does
//! not begin with `/`, a URL, a query, dot segments, an encoded slash, a `*` where only
//! `type: glob` knows wildcards, a regular expression that is none or too large.
//!
//! ## Why it matters
//! The egress compares the path of each request, in one spelling, with these. A pattern that can
//! never match closes the route, and one that means something else opens more than it says.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist:
//!         - repos/acme/ # <- invalid-path
//!         - /user/* # <- invalid-path
//!       matches:
//!         - paths:
//!             - type: regex
//!               value: "/repos/[0-9" # <- invalid-path
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist:
//!         - /repos/acme/
//!         - /user/
//!       matches:
//!         - paths:
//!             - type: regex
//!               value: "/repos/acme/[a-z]+/pulls/[0-9]+"
//! ```

use crate::check::{Context, Sink, shown};
use crate::egress::path::canonical_path;
use crate::egress::pattern::regex;
use crate::manifest::Located;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for route in super::routes(ctx) {
        for path in route.path_allowlist.iter().flat_map(|l| &l.value) {
            look(path, "prefix", out);
        }
        let entries = route.matches.iter().flat_map(|m| &m.value);
        for path in entries.filter_map(|e| e.paths.as_ref()).flatten() {
            look(&path.value, path.kind.as_ref().map_or("prefix", |k| &k.value), out);
        }
    }
}

fn look(path: &Located<String>, kind: &str, out: &mut Sink<'_>) {
    let text = path.value.as_str();
    if kind == "regex" && text.starts_with('/') {
        if let Err(why) = regex(text) {
            let text: String = text.chars().take(80).collect();
            out.at(
                &path.place,
                format!("`{}` is no regular expression for paths: {}", shown(&text), shown(&why)),
            )
            .help("write one that takes the whole path, such as `/repos/[a-z]+/pulls/[0-9]+`");
        }
        return;
    }
    let problem = if text.contains("://") {
        Some("it is a URL, and the host has its own field")
    } else if !text.starts_with('/') {
        Some("it does not begin with `/`")
    } else if text.contains(['?', '#']) {
        Some("it holds a query or a fragment, which are not compared")
    } else if kind != "glob" && text.contains('*') {
        Some("only `type: glob` in `matches` knows wildcards; here `*` is a character like any other")
    } else {
        canonical_path(text).err()
    };
    let Some(why) = problem else { return };
    let finding = out.at(&path.place, format!("`{}` is not a path that can match: {why}", shown(text)));
    match mended(text, kind).filter(|m| canonical_path(m).is_ok()) {
        Some(mended) => {
            finding.help(format!("write `{}`", shown(&mended)));
            finding.unsafe_fix(format!("write `{}`", shown(&mended)), super::replaced(&path.place, &mended));
        }
        None => {
            finding.help("write the path as a request has it, such as `/repos/acme/`");
        }
    }
}

/// The path that was probably meant.
fn mended(text: &str, kind: &str) -> Option<String> {
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => text.trim(),
    };
    let path = path.split(['?', '#']).next()?;
    let path = if kind == "prefix" { path.trim_end_matches('*') } else { path };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mended = format!("{slash}{path}");
    (mended != text && (kind == "glob" || !mended.contains('*'))).then_some(mended)
}
