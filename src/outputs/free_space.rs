//! The check that the disk has room for a picture before it is paid for.

use std::io;
use std::path::Path;

use super::error::{OutputError, disk};

/// The minimum free space before a submit, in bytes. The largest pictures take about 20 MiB, and several may be in
/// flight.
const MIN_FREE: u64 = 64 << 20;

/// Refuses a file system that is nearly full, because a picture that was paid for could not be saved.
pub(super) fn check(folder: &Path) -> Result<(), OutputError> {
    free(folder).map_or(Ok(()), enough).map_err(disk(folder))
}

fn enough(free: u64) -> io::Result<()> {
    if free >= MIN_FREE {
        return Ok(());
    }
    let (free, required) = (free >> 20, MIN_FREE >> 20);
    let message = format!("No space left on device: only {free} MiB free, and at least {required} MiB is required");
    Err(io::Error::new(io::ErrorKind::StorageFull, message))
}

/// Returns the free space in bytes; `None` if the file system does not report it.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok().filter(|found| found.f_blocks > 0)?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_submitted_without_space_for_several_pictures() {
        assert!(enough(MIN_FREE).is_ok());
        let refused = enough(MIN_FREE - 1).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        assert!(refused.to_string().contains("only 63 MiB free, and at least 64 MiB is required"), "{refused}");
        assert!(check(&std::env::temp_dir().join("no such folder")).is_ok(), "what is not known stops nothing");
    }
}
