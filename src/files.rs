//! What the files that this program makes have in common.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// A builder of temporary files that become results: anybody may read them, less what the umask takes away. A
/// temporary file is its owner's alone otherwise.
pub(crate) fn temporary<'a>() -> Builder<'a, 'a> {
    let mut builder = Builder::new();
    permit(&mut builder);
    builder
}

/// Puts a file with `content` at `path`, in place of one that may be there: whole, or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = temporary().prefix(".part-").tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(unix)]
fn permit(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn permit(_builder: &mut Builder<'_, '_>) {}
