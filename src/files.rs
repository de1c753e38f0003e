//! What the files that this program makes have in common.

use tempfile::Builder;

/// A builder of temporary files that become results: anybody may read them, less what the umask takes away. A
/// temporary file is its owner's alone otherwise.
pub(crate) fn temporary<'a>() -> Builder<'a, 'a> {
    let mut builder = Builder::new();
    permit(&mut builder);
    builder
}

#[cfg(unix)]
fn permit(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn permit(_builder: &mut Builder<'_, '_>) {}
