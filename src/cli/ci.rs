//! What a CI service says about where it is.

use super::terminal;
use crate::check::report::Format;
use std::path::Path;

/// The way from the folder that a CI service counts paths from, which the variable names, to the
/// working folder: annotations of a check that ran in a subfolder would otherwise stand beside no
/// code. Empty, or a path that ends with `/`.
pub(super) fn prefix(variable: &str) -> String {
    let Some(root) = std::env::var_os(variable) else { return String::new() };
    let base = terminal::working_folder();
    match base.strip_prefix(Path::new(&root)) {
        Ok(way) if !way.as_os_str().is_empty() => format!("{}/", way.to_string_lossy()),
        _ => String::new(),
    }
}

/// What stands before paths in a report of this format.
pub(super) fn prefix_of(format: Format) -> String {
    match format {
        Format::Github | Format::Sarif => prefix("GITHUB_WORKSPACE"),
        Format::Gitlab => prefix("CI_PROJECT_DIR"),
        _ => String::new(),
    }
}
