//! # unsupported
//!
//! ## What it finds
//! A field that this version reads and does not carry out: `git.remotes`, with which it refuses to
//! launch, and `supervise: true`, without which its walls are only stricter, as a warning.
//!
//! ## Why it matters
//! Whoever writes such a field relies on it. That it has no effect is better known here than from a
//! launch that is refused, or from a question that never comes.
//!
//! ## Bad
//! ```yaml dev.bottle.yaml
//! git:
//!   remotes: # <- unsupported
//!     git.example.com: {Name: site, Upstream: "ssh://git@git.example.com/acme/site.git"}
//! supervise: true # <- unsupported
//! ```
//!
//! ## Good
//! ```yaml dev.bottle.yaml
//! egress:
//!   routes:
//!     - host: git.example.com
//!       git: write
//!       auth: {scheme: Basic, token_ref: GITHUB_TOKEN}
//! ```

use crate::check::{Context, Severity, Sink};
use crate::plan::{Unsupported, unsupported};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    // The manifest's own: a parent's is reported there.
    for (what, place) in ctx.bottle.iter().flat_map(unsupported) {
        let (why, help) = match what {
            Unsupported::GitRemotes => (
                "git over SSH is not carried out by this version, and a launch is refused",
                "remove it; a route with `git: read` or `git: write` carries git over HTTPS",
            ),
            Unsupported::Supervise => (
                "nobody is asked yet about a request that no route allows, which is refused at once",
                "remove it, or say in a comment why it stays",
            ),
        };
        let finding = out.at(place, format!("`{}` has no effect: {why}", what.field()));
        finding.help(help);
        if !what.refused() {
            finding.severity(Severity::Warning);
        }
    }
}
