use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// The reason why a file was not locked.
#[derive(Debug)]
pub(crate) enum LockError {
    /// The process with this name has locked it.
    Held(String),
    /// It cannot be opened, locked or written, as the verb says.
    Io(&'static str, io::Error),
}

/// Locks the file at `path`, and writes the name of this process into it. It is created if it does not exist. The
/// operating system releases the lock when the file is dropped, or when the process ends in any way. The existence of the
/// file has no meaning.
pub(crate) fn lock_file(path: &Path) -> Result<File, LockError> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = file.map_err(failed("open"))?;
    lock(&file).map_err(|error| refused(&mut file, error))?;
    let holder = format!("process {} (since {})\n", std::process::id(), jiff::Timestamp::now().strftime("%F %T UTC"));
    file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed("write"))?;
    Ok(file)
}

/// Locks the file at `path`, which must exist, together with others that only read.
pub(crate) fn share_lock(path: &Path) -> Result<File, LockError> {
    let mut file = File::open(path).map_err(failed("open"))?;
    file.try_lock_shared().map_err(|error| refused(&mut file, error))?;
    Ok(file)
}

/// Returns the name of the process that has locked the file at `path`; `None` if none has.
pub(crate) fn lock_holder(path: &Path) -> Option<String> {
    match share_lock(path) {
        Err(LockError::Held(holder)) => Some(holder),
        _ => None,
    }
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> LockError {
    move |cause| LockError::Io(action, cause)
}

/// Returns the error for a lock that was not given.
fn refused(file: &mut File, error: TryLockError) -> LockError {
    match error {
        TryLockError::WouldBlock => {
            let mut holder = String::new();
            // The holder is only used in messages, so it may be unknown.
            let _ = file.read_to_string(&mut holder);
            LockError::Held(if holder.trim().is_empty() { "another process" } else { holder.trim() }.to_owned())
        }
        TryLockError::Error(cause) => failed("lock")(cause),
    }
}

/// Locks the file exclusively. Waits for processes that briefly share the lock to read its holder: a status request
/// must not make a starting run fail.
fn lock(file: &File) -> Result<(), TryLockError> {
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => file.try_lock_shared()?,
            locked => return locked,
        }
        file.unlock().map_err(TryLockError::Error)?;
        std::thread::sleep(Duration::from_millis(1));
    }
}
