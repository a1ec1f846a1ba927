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

use crate::check::shown;
use crate::check::{Context, Sink};
use crate::egress::address::Range;
use crate::manifest::ViolationKind;
use crate::plan::memory_bytes;
use crate::plan::{EnvValue, env_value};
use crate::provider::guest_folder;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::InvalidValue { expected } = &violation.kind else { continue };
        let path = shown(&violation.path);
        out.span(violation.span, violation.origin, format!("this is not a valid value for `{path}`"))
            .help(format!("write {expected}"));
    }
    agents_folder(ctx, out);
    let Some(bottle) = &ctx.bottle else { return };
    for variable in &bottle.env {
        let value = &variable.value.value;
        let whole = value.starts_with("${") && value.ends_with('}') && !value[2..].contains("${");
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        if value.contains(control) {
            out.at(
                &variable.value.place,
                "this holds a control character, which no environment should carry",
            )
            .help("take it out; a program of the guest can make it where it is needed");
        }
        if value.contains("${") && !whole {
            out.at(
                &variable.value.place,
                "`${NAME}` is only taken from the host where it is the whole value",
            )
            .help("put the whole text into a host variable, or write it out");
        }
    }
    for range in bottle.egress.iter().flat_map(|e| &e.value).flat_map(|r| &r.pipelock.ssrf_ip_allowlist) {
        if Range::parse(&range.value).is_none() {
            out.at(&range.place, "this is neither an address nor a CIDR range")
                .help("write it like `10.0.0.0/8`");
        }
    }
    if let Some(memory) = bottle.resources.as_ref().and_then(|r| r.value.memory.as_ref()) {
        let reported = ctx.violations.iter().any(|v| v.span == memory.place.span);
        if memory_bytes(&memory.value).is_none() && !reported {
            out.at(&memory.place, "this is not an amount of memory").help("write it like `4GiB`");
        }
    }
}

/// A variable that says where the agent's own folder is: the plan writes there.
fn agents_folder(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(resolved), Some(name)) = (ctx.resolved(), ctx.provider().and_then(|p| p.folder_env())) else {
        return;
    };
    if ctx.bottle.is_none() {
        return;
    }
    let Some(variable) = resolved.bottle.env.iter().find(|v| v.name.value == name) else { return };
    let why = match env_value(name, variable.value.value.clone()) {
        // Its value is known at the launch, which judges it the same way.
        EnvValue::Host(_) => return,
        EnvValue::Ask(_) => Some("is asked for at the launch, when the plan is made already"),
        EnvValue::Literal(path) | EnvValue::SecretLiteral(path) => {
            let mounts = resolved.bottle.workspace.iter().flat_map(|w| &w.value.mounts);
            let within = |target: &str| std::path::Path::new(&path).starts_with(target);
            let mounted = mounts.filter_map(|m| m.target.as_ref()).any(|t| within(&t.value));
            guest_folder(&path).err().or(mounted.then_some("lies in a mount"))
        }
    };
    let Some(why) = why else { return };
    out.at(
        &variable.value.place,
        format!("`{name}` is the agent's own folder, and {} {why}", shown(&variable.value.value)),
    )
    .help("write an absolute path of the guest, such as `/home/node/.codex`, or `${NAME}`");
}
