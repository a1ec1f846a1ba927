//! The launch's certificate authority in the guest's own trust stores.

use super::backend::TrustStore;
use super::guest::Bind;
use super::tree::Owner;
use std::io;
use std::path::Path;

/// Writes each store as the guest's own roots and the launch's certificate, and gives the mounts.
pub(crate) fn write(
    stores: Vec<TrustStore>,
    certificate: &str,
    run: &Path,
    owner: Owner,
) -> io::Result<Vec<Bind>> {
    let mut binds = Vec::new();
    for (number, store) in stores.into_iter().enumerate() {
        let path = run.join(format!("roots{number}.pem"));
        let mut bytes = store.roots;
        if bytes.last().is_some_and(|b| *b != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(certificate.as_bytes());
        binds.push(Bind::file(path, &bytes, store.guest_path, owner)?);
    }
    Ok(binds)
}
