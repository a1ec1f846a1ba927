//! # skill-not-found
//!
//! ## What it finds
//! A skill that has no folder `~/.claude/skills/<name>` on this host.
//!
//! ## Why it matters
//! There is nothing to copy into the guest, so the agent works without the skill.
//!
//! ## Bad
//! ```markdown ~/.claude/skills/review/SKILL.md
//! Review as we do.
//! ```
//! ```yaml
//! skills: [reviwe] # <- skill-not-found
//! ```
//!
//! ## Good
//! ```markdown ~/.claude/skills/review/SKILL.md
//! Review as we do.
//! ```
//! ```yaml
//! skills: [review]
//! ```

use crate::check::{Context, Sink, listed, shown};
use crate::manifest::{FileKind, is_name};
use crate::provider::SKILLS;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(home) = &ctx.catalog.layout.home else { return };
    let (files, dir) = (ctx.catalog.files, home.join(SKILLS));
    let is_folder = |name: &str| files.kind(&dir.join(name)) == Some(FileKind::Dir);
    for skill in ctx.skills().iter().filter(|s| is_name(&s.value) && !is_folder(&s.value)) {
        let names: Vec<String> =
            files.list(&dir).into_iter().filter(|n| is_name(n) && is_folder(n)).collect();
        let message = format!("there is no skill `{}` in ~/{SKILLS}", shown(&skill.value));
        let finding = out.at(&skill.place, message);
        let names = names.iter().map(String::as_str);
        match super::nearest(&skill.value, names.clone()) {
            Some(meant) => {
                finding.help(format!("did you mean `{meant}`?"));
                finding.unsafe_fix(format!("use `{meant}`"), super::replaced(&skill.place, meant));
            }
            None if names.len() == 0 => {
                finding.help("there are none yet; make a folder with a SKILL.md in it");
            }
            None => {
                finding.help(format!("the skills are {}", listed(names)));
            }
        }
    }
}
