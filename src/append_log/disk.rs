use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;

/// The operations of a disk that a journal needs. A simulated disk can lose what was not synced.
pub trait Disk: Send + 'static {
    /// Appends `bytes`. They may be lost until [`Disk::sync`] has returned.
    fn append(&mut self, bytes: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send;

    /// Makes all appended bytes durable.
    fn sync(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Returns its length in bytes before anything is appended; `None` if its lines cannot be read again. All jobs of
    /// a run then stay in memory.
    fn length(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// A file opened for appending.
#[derive(Clone, Debug)]
pub struct FileDisk {
    file: Arc<File>,
    /// The bytes appended since the last sync. They are written and synced in one blocking call.
    appended: Vec<u8>,
}

impl FileDisk {
    /// Wraps a file that was opened for appending.
    pub fn new(file: Arc<File>) -> FileDisk {
        FileDisk { file, appended: Vec::new() }
    }
}

impl Disk for FileDisk {
    fn length(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.file.metadata()?.len()))
    }

    async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.appended.extend(bytes);
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        let (file, appended) = (Arc::clone(&self.file), std::mem::take(&mut self.appended));
        let written = tokio::task::spawn_blocking(move || {
            (&*file).write_all(&appended)?;
            file.sync_data()
        });
        written.await.map_err(io::Error::other)?
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn errors_of_the_sync_call_are_returned() {
        // A device that cannot be synced accepts writes without an error. Only a sync detects it.
        let mut disk = FileDisk::new(Arc::new(File::options().append(true).open("/dev/null").unwrap()));
        disk.append(b"{}\n".to_vec()).await.unwrap();
        assert!(disk.sync().await.is_err());
    }
}
