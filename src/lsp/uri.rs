//! Files as the protocol names them.

use std::path::{Path, PathBuf};
use tower_lsp::ls_types::Uri;

/// The path of a `file:` URI.
pub(super) fn file_path(uri: &Uri) -> Option<PathBuf> {
    let ours = uri.scheme().as_str().eq_ignore_ascii_case("file");
    let path = uri.to_file_path().filter(|_| ours)?;
    path.is_absolute().then(|| crate::manifest::join(Path::new("/"), &path))
}

/// The URI of a path.
pub(super) fn file_uri(path: &Path) -> Option<Uri> {
    Uri::from_file_path(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_and_only_a_file_has_one() {
        let path = |uri: &str| file_path(&uri.parse().expect("a URI"));
        assert_eq!(path("file:///a/b%20c/%C3%A9.md"), Some("/a/b c/é.md".into()));
        assert_eq!(path("file:///a/../../etc/x"), Some("/etc/x".into()));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("vscode-remote://host/a/b"), None);
    }
}
