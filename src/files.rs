//! Functions for writing files and folders, and for locking files.

mod lock;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

pub(crate) use lock::{LockError, lock_file, lock_holder, share_lock};

/// The beginning of the names of drafts. No job id begins with a dot.
const DRAFT: &str = ".dyehouse-draft-";

/// What earlier versions wrote before and after the [`RANDOM`] characters of a draft's name.
const EARLIER_DRAFTS: [(&str, &str); 5] =
    [(".incoming-", ".part"), (".part-", ""), (".journal-", ""), (".plan-", ""), (".draft-", "")];

/// The number of random characters in the name of a draft.
const RANDOM: usize = 6;

/// Creates a draft in `folder`, a file that gets its name when it is complete. Unlike other temporary files, its
/// permissions follow the umask. An error does not contain its temporary name, which no reader knows.
pub(crate) fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    permit(&mut builder);
    builder.prefix(DRAFT).rand_bytes(RANDOM).tempfile_in(folder).map_err(|error| {
        let text = error.to_string();
        let cause = text.split(" at path ").next().unwrap_or_default();
        io::Error::new(error.kind(), cause.to_owned())
    })
}

/// Whether `name` is that of a draft.
pub(crate) fn is_draft(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let random = |(before, after)| name.strip_prefix(before)?.strip_suffix(after);
    name.starts_with(DRAFT) || EARLIER_DRAFTS.into_iter().filter_map(random).any(|random| random.len() == RANDOM)
}

/// Returns the paths of the drafts in `folder`. There are none if it does not exist.
pub(crate) fn drafts_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => {
            let drafts = entries?.flatten().filter(|entry| is_draft(&entry.file_name()));
            Ok(drafts.map(|entry| entry.path()).collect())
        }
    }
}

/// Removes the drafts that dead processes left in `folder`. No process may be writing one.
///
/// # Errors
///
/// The path that cannot be read or removed, and why.
pub(crate) fn remove_drafts(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let drafts = drafts_in(folder).map_err(|cause| (folder.to_owned(), cause))?;
    drafts.into_iter().try_for_each(|draft| match fs::remove_file(&draft) {
        // An aborted download removes its own file.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err((draft, error)),
        _ => Ok(()),
    })
}

/// Atomically writes `content` to `path`, replacing an existing file. After a crash or a power loss, the file has
/// either the complete old content or the complete new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(content))
}

/// Writes a file like [`replace`], with the output of `write`.
pub(crate) fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    put(path, |file| write(file).and_then(|()| file.sync_all()))
}

/// Writes a file like [`replace_with`], without waiting for the disk. A power loss may leave any content, so this is for
/// caches that are validated when they are read.
pub(crate) fn replace_cache(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    put(path, write)
}

fn put(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = draft_in(folder_of(path))?;
    write(file.as_file_mut())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Moves a file. Between two disks, it is copied, and the copy is durable before the source is removed.
pub(crate) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let folder = folder_of(to);
            let mut copy = draft_in(folder)?;
            io::copy(&mut File::open(from)?, copy.as_file_mut())?;
            copy.as_file().sync_all()?;
            copy.persist(to).map_err(|error| error.error)?;
            sync_folder(folder)?;
            fs::remove_file(from)
        }
        moved => moved,
    }
}

/// Returns a copy of an error, for all that failed with it.
pub(crate) fn copy_of(error: &io::Error) -> io::Error {
    let code = error.raw_os_error().map(io::Error::from_raw_os_error);
    code.unwrap_or_else(|| io::Error::new(error.kind(), error.to_string()))
}

/// Returns the folder of the file `path`, which is the working directory if it has none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder and its missing parents, and syncs their directory entries, so that a power loss does not remove
/// them.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let above = path.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty());
    let missing: Vec<&Path> = above.take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path).map_err(|error| DanglingLink::on_the_way_to(path).map_or(error, io::Error::other))?;
    // An existing folder may have been created by a process that died before it was synced.
    std::iter::once(path).chain(missing).try_for_each(|made| match made.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    })
}

/// The reason why a folder cannot be created: a link on its path leads nowhere, often to a disk that is not mounted. The
/// operating system only says that the link exists.
#[derive(Debug, thiserror::Error)]
#[error("{link} is a link to {}, which does not exist", target.display())]
pub(crate) struct DanglingLink {
    /// The path of the link, or `it` if that is the whole path.
    link: String,
    target: PathBuf,
}

impl DanglingLink {
    /// What a user can do about it.
    pub(crate) const HINT: &str = "is the disk mounted? Mount it, then run again";

    /// Whether it is the cause of an error.
    pub(crate) fn caused(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<DanglingLink>)
    }

    fn on_the_way_to(path: &Path) -> Option<DanglingLink> {
        let link = path.ancestors().find(|path| path.is_symlink() && !path.exists())?;
        let named = if link == path { "it".to_owned() } else { link.display().to_string() };
        Some(DanglingLink { link: named, target: fs::read_link(link).ok()? })
    }
}

/// Makes the directory entries of a folder durable. Otherwise, a power loss can undo a rename or remove a new file.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing, because folders cannot be synced on this system.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns an error if the folder is not writable. Nothing is written.
#[cfg(unix)]
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?)
}

/// Does nothing, because permissions cannot be checked without writing on this system.
#[cfg(not(unix))]
pub(crate) fn check_writable(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn permit(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn permit(_builder: &mut Builder<'_, '_>) {}

/// Whether two paths lead to the same file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let is_same = || -> io::Result<bool> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let [one, other] = [one.metadata()?, other.metadata()?].map(|found| (found.dev(), found.ino()));
            Ok(one == other)
        }
        #[cfg(not(unix))]
        Ok(one.canonicalize()? == other.canonicalize()?)
    };
    is_same().unwrap_or(false)
}

/// Returns the first line of a file, with its line feed.
pub(crate) fn first_line(path: &Path) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Reads bytes of `file` from `offset` into `buffer`, independently of its cursor. Returns their number, which is 0 at
/// the end.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, buffer, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_draft_does_not_name_it() {
        let place = tempfile::tempdir().unwrap();
        let error = replace(&place.path().join("missing/file"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("No such file") && !error.to_string().contains(DRAFT), "{error}");
    }

    #[test]
    fn make_folder_creates_parents_and_accepts_existing_folders() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("runs/spring");
        make_folder(&folder).unwrap();
        make_folder(&folder).unwrap();
        assert!(folder.is_dir());
        fs::write(place.path().join("file"), "").unwrap();
        assert!(make_folder(&place.path().join("file/spring")).is_err());
    }
}
