//! # invalid-token-ref
//!
//! ## What it finds
//! A `token_ref` or `auth_token` that is no name of a variable: `${NAME}`, a name with a dash, text
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

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for token_ref in super::token_refs(ctx).filter(|t| !is_variable(&t.value)) {
        let text = token_ref.value.trim();
        let named = text.strip_prefix('$').map(|n| n.trim_start_matches('{').trim_end_matches('}'));
        let message = format!("`{}` is no name of a host variable", shown(&token_ref.value));
        let finding = out.at(&token_ref.place, message);
        match named.or(Some(text)).filter(|n| is_variable(n)) {
            Some(name) => {
                finding.help(format!("write the name alone: `{name}`"));
                finding.safe_fix(format!("write `{name}`"), super::replaced(&token_ref.place, name));
            }
            None => {
                finding.help("write the name of the variable that holds the credential, such as `GITHUB_TOKEN`");
            }
        }
    }
}
