use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;

/// The two things that a journal asks of a disk, apart so that a simulated one can lose what was not synced.
pub trait Disk: Send + 'static {
    /// Writes `bytes` at the end. They may be lost until [`Disk::sync`] has returned.
    fn append(&mut self, bytes: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send;

    /// Makes all that was appended durable.
    fn sync(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// A file opened for appending.
#[derive(Clone, Debug)]
pub struct FileDisk {
    file: Arc<File>,
}

impl FileDisk {
    /// Takes a file that was opened for appending.
    pub fn new(file: Arc<File>) -> FileDisk {
        FileDisk { file }
    }

    /// Runs `work` where it may block.
    async fn blocking(&self, work: impl FnOnce(&File) -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || work(&file)).await.map_err(io::Error::other)?
    }
}

impl Disk for FileDisk {
    async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.blocking(move |mut file| file.write_all(&bytes)).await
    }

    async fn sync(&mut self) -> io::Result<()> {
        self.blocking(File::sync_data).await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_is_asked_to_sync_and_its_answer_counts() {
        // What cannot be synced takes writes gladly: only who asks the kernel learns of it.
        let mut disk = FileDisk::new(Arc::new(File::options().append(true).open("/dev/null").unwrap()));
        disk.append(b"{}\n".to_vec()).await.unwrap();
        assert!(disk.sync().await.is_err());
    }
}
