//! # secret-literal
//!
//! ## What it finds
//! Text that looks like a credential, anywhere in a manifest: known prefixes, JSON Web Tokens,
//! private keys, URLs with a password, long random-looking values. The value is never shown.
//!
//! ## Why it matters
//! A manifest is read by people and programs, kept in git and copied. A credential in it is known
//! to all of them, and one in `env` or in the prompt is the agent's as well. It belongs into a host
//! variable; a route with `auth` names that variable, and the egress alone sends the value.
//!
//! ## Bad
//! ```yaml
//! env:
//!   GITHUB_TOKEN: ghp_‹36 characters› # <- secret-literal
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: ghp_‹36 characters›} # <- secret-literal
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```

use crate::check::{Context, Sink};
use crate::manifest::{Body, looks_secret, looks_secret_under, secrets_in};
use crate::syntax::{Node, Span, Value};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if let Some(root) = ctx.root {
        visit(ctx, root, &mut Vec::new(), out);
    }
    if let (true, Body::After(body)) = (ctx.first, ctx.source.body) {
        for (span, what) in parts(ctx, body) {
            report(span, what, &["prompt"], out);
        }
    }
}

/// What came through an alias is reported where it is written.
fn visit<'n>(ctx: &Context<'_>, node: &'n Node, path: &mut Vec<&'n str>, out: &mut Sink<'_>) {
    if node.origin.is_some() {
        return;
    }
    if let Value::Scalar(scalar) = &node.value {
        let found = match path[..] {
            ["env", name] => looks_secret_under(name, &scalar.text),
            _ => looks_secret(&scalar.text),
        };
        let Some(what) = found else { return };
        let prose = scalar.text.contains(char::is_whitespace);
        let parts = if prose { parts(ctx, node.span) } else { Vec::new() };
        for (span, what) in if parts.is_empty() { vec![(node.span, what)] } else { parts } {
            report(span, what, path, out);
        }
    }
    for entry in node.entries().iter().filter(|e| e.key.origin.is_none()) {
        if let Some(what) = looks_secret(&entry.key.text) {
            report(entry.key.span, what, path, out);
        }
        path.push(&entry.key.text);
        visit(ctx, &entry.value, path, out);
        path.pop();
    }
    for item in node.items() {
        visit(ctx, item, path, out);
    }
}

/// The places in a longer text.
fn parts(ctx: &Context<'_>, span: Span) -> Vec<(Span, &'static str)> {
    let start = span.start as usize;
    let found = secrets_in(span.of(ctx.text())).into_iter();
    found.map(|f| (Span::new(start + f.range.start, start + f.range.end), f.what)).collect()
}

fn report(span: Span, what: &str, path: &[&str], out: &mut Sink<'_>) {
    let help = match path {
        ["env", ..] => {
            "remove it here and revoke it; give the route of the host that wants it `auth` with a token_ref, \
             and the guest never holds it"
        }
        [.., "token_ref" | "auth_token" | "api_key"] => {
            "write the NAME of the host variable that holds it, and revoke this one"
        }
        ["prompt", ..] => "remove it and revoke it: the agent reads every word of its prompt",
        _ => "remove it and revoke it; a credential belongs into a host variable",
    };
    out.span(span, None, format!("this looks like {what}, and whoever reads the manifest has it")).help(help);
}
