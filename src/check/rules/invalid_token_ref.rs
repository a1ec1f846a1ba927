//! # invalid-token-ref
//!
//! ## What it finds
//! A `token_ref` or `auth_token` that is not a valid variable name: `${NAME}`, a name with a dash, text
//! with spaces.
//!
//! ## Why it matters
//! The field takes the NAME of a host variable, never its value and never a reference to it. The
//! launch reads that variable itself and hands the value to the egress alone.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: "${GITHUB_TOKEN}"} # <- invalid-token-ref
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```

use super::invalid_env_name::is_variable;
use crate::check::{Context, Sink, shown};
use crate::provider::is_reserved;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let of_env =
        ctx.bottle.iter().flat_map(|b| &b.env).map(|v| &v.value).filter(|v| v.value.starts_with("${"));
    for name in super::token_refs(ctx).chain(of_env).filter(|name| is_reserved(&name.value)) {
        let message = format!(
            "`{}` is a name of the provider's own, for the login that it keeps on the host",
            shown(&name.value)
        );
        out.at(&name.place, message).help(
            "a manifest cannot send that login anywhere: with `template: codex` and `forward_host_credentials: true` \
             it goes to the provider's two hosts; for another credential name another variable",
        );
    }
    for token_ref in super::token_refs(ctx).filter(|t| !is_variable(&t.value) && !is_reserved(&t.value)) {
        let text = token_ref.value.trim();
        let named = text.strip_prefix('$').map(|n| n.trim_start_matches('{').trim_end_matches('}'));
        let message = format!("`{}` is not the name of a host variable", shown(&token_ref.value));
        let finding = out.at(&token_ref.place, message);
        match named.or(Some(text)).filter(|n| is_variable(n)) {
            Some(name) => {
                finding.help(format!("write the name alone: `{name}`"));
                finding.safe_fix(format!("write `{name}`"), super::replaced(&token_ref.place, name));
            }
            None => {
                finding
                    .help("write the name of the variable that holds the credential, such as `GITHUB_TOKEN`");
            }
        }
    }
}
