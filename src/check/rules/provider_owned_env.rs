//! # provider-owned-env
//!
//! ## What it finds
//! A variable of `env` that the provider sets itself, such as `CLAUDE_CODE_OAUTH_TOKEN` for claude
//! or `CODEX_CA_CERTIFICATE` for codex.
//!
//! ## Why it matters
//! The provider's value wins, so this one would do nothing; or it would be a real credential where
//! the provider puts a placeholder.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN
//! env:
//!   LOG_LEVEL: debug
//!   CLAUDE_CODE_OAUTH_TOKEN: "${CLAUDE_CODE_OAUTH_TOKEN}" # <- provider-owned-env
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN
//! env:
//!   LOG_LEVEL: debug
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(resolved), Some(provider)) = (ctx.resolved(), ctx.provider()) else { return };
    if ctx.bottle.is_none() {
        return;
    }
    for variable in &resolved.bottle.env {
        let name = variable.name.value.as_str();
        if !ctx.provided().env.contains(name) {
            continue;
        }
        let template = provider.template();
        let fields = provider.login_fields();
        let finding = out.at(&variable.name.place, format!("the provider {template} sets {name} itself"));
        finding.help(format!("remove it; the login is set with {}", fields.join(" or ")));
        if variable.name.place.file == ctx.source.path
            && let Some(edit) = super::remove_variable(ctx, name)
        {
            finding.unsafe_fix(format!("remove {name}"), vec![edit]);
        }
    }
}
