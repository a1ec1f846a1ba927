//! # unknown-template
//!
//! ## What it finds
//! An `agent_provider.template` that names no provider.
//!
//! ## Why it matters
//! The template decides which agent runs, which routes it gets and how it logs in. Without it
//! there is no plan.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   template: claud # <- unknown-template
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: claude
//! ```

use crate::check::shown;
use crate::check::{Context, Edit, Sink};
use crate::provider;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(template) = ctx.bottle.as_ref().and_then(|b| b.provider.template.as_ref()) else { return };
    if provider::get(&template.value).is_some() {
        return;
    }
    let names: Vec<_> = provider::all().iter().map(|p| p.template()).collect();
    let meant = super::nearest(&template.value, names.iter().copied());
    let finding = out.at(&template.place, format!("there is no template `{}`", shown(&template.value)));
    finding.help(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the templates are {}", names.join(" and ")),
    });
    if let (Some(meant), None) = (meant, template.place.origin) {
        finding.unsafe_fix(
            format!("use `{meant}`"),
            vec![Edit { span: template.place.span, text: meant.to_owned() }],
        );
    }
}
