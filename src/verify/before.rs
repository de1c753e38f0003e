use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};

use crate::http::TlsError;
use crate::job::{ContentHash, ImageSource};
use crate::outputs::{DownloadLimits, Downloader, Slot, decode};
use crate::photo::Format;

/// The folder of a run in which fetched pictures are kept.
pub const BEFORE: &str = "before";

/// The most bytes of a picture before.
const MOST_BYTES: u64 = 64 << 20;

/// The most failures that are remembered, so that a run's memory does not grow with its manifest.
const MOST_REMEMBERED: usize = 1000;

/// How pictures are fetched that the manifest names by URL: they are somebody's shop, and are asked gently.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// How many are fetched at once.
    pub at_once: usize,
    /// After how many failures in a row a host is left alone for the rest of the run.
    pub failures: u32,
}

impl Default for FetchLimits {
    fn default() -> FetchLimits {
        FetchLimits { at_once: 2, failures: 3 }
    }
}

/// The one fetch of a URL's picture in a run, and what came of it.
type Fetched = Arc<OnceCell<Result<PathBuf, String>>>;

/// The pictures before: from this machine, from the manifest itself, or fetched once and kept in the run's folder.
#[derive(Debug)]
pub struct BeforePictures {
    folder: PathBuf,
    downloader: Downloader,
    limits: FetchLimits,
    slots: Arc<Semaphore>,
    fetched: Mutex<HashMap<String, Fetched>>,
    failures: Mutex<HashMap<String, u32>>,
}

impl BeforePictures {
    /// Those of the run in the folder `run`. Nothing is touched before the first is asked for.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(run: &Path, limits: FetchLimits) -> Result<BeforePictures, TlsError> {
        let bounds = DownloadLimits {
            most_bytes: MOST_BYTES,
            attempts: 2,
            silence: Duration::from_secs(15),
            whole: Duration::from_secs(60),
        };
        Ok(BeforePictures {
            folder: run.join(BEFORE),
            downloader: Downloader::of_inputs(bounds)?,
            limits,
            slots: Arc::new(Semaphore::new(limits.at_once)),
            fetched: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// The bytes of a picture before.
    ///
    /// # Errors
    /// Why it is not at hand, as a fragment.
    pub(super) async fn bytes(&self, image: &ImageSource) -> Result<Vec<u8>, String> {
        let path = match image {
            ImageSource::File(path) => path.clone(),
            ImageSource::Data(uri) => {
                let decoded = decode(uri, MOST_BYTES).ok_or_else(|| "it is no data: URI".to_owned())?;
                return decoded.map_err(|error| error.to_string());
            }
            ImageSource::Url(url) => self.fetched(url).await?,
        };
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        read.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| error.to_string())
    }

    /// The local copy of a picture that is named by its URL, which is fetched at most once a run.
    async fn fetched(&self, url: &str) -> Result<PathBuf, String> {
        let cell = {
            let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(fetched.entry(url.to_owned()).or_default())
        };
        let found = cell.get_or_init(|| self.fetch(url)).await.clone();
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        // What was fetched lies in the folder: only failures are remembered, and of those not all.
        if found.is_ok() || fetched.len() > MOST_REMEMBERED {
            fetched.remove(url);
        }
        found
    }

    async fn fetch(&self, url: &str) -> Result<PathBuf, String> {
        if let Some(path) = kept(&self.folder, url) {
            return Ok(path);
        }
        let mut slot = Slot::of(&self.slots).await;
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let count = |count: &dyn Fn(u32) -> u32| {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let failures = failures.entry(host.clone()).or_default();
            *failures = count(*failures);
            *failures
        };
        if count(&|failures| failures) >= self.limits.failures {
            return Err(format!("{host} did not answer, and is not asked any more in this run"));
        }
        match self.download(url, &mut slot).await {
            Ok(path) => {
                count(&|_| 0);
                Ok(path)
            }
            Err(cause) => {
                count(&|failures| failures + 1);
                // What follows may be a signature that opens the picture to whoever reads the log.
                let url = url.split(['?', '#']).next().unwrap_or_default();
                tracing::info!(url, cause, "the picture before could not be fetched");
                Err(cause)
            }
        }
    }

    async fn download(&self, url: &str, slot: &mut Slot) -> Result<PathBuf, String> {
        let bytes = self.downloader.fetch(url, slot, || Ok(Vec::new())).await.map_err(|error| error.to_string())?;
        let format = Format::sniff(&bytes).ok_or("it is no picture")?;
        let path = self.folder.join(format!("{}.{}", name(url), format.extension()));
        let target = path.clone();
        let kept = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(target.parent().unwrap_or(&target))?;
            crate::files::replace(&target, &bytes)
        });
        kept.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| error.to_string())?;
        Ok(path)
    }
}

/// The local copy of `image` in the run's folder, if there is one.
pub(super) fn cached(run: &Path, image: &ImageSource) -> Option<PathBuf> {
    match image {
        ImageSource::Url(url) => kept(&run.join(BEFORE), url),
        ImageSource::Data(_) | ImageSource::File(_) => None,
    }
}

fn kept(folder: &Path, url: &str) -> Option<PathBuf> {
    let name = name(url);
    let paths = Format::ALL.iter().map(|format| folder.join(format!("{name}.{}", format.extension())));
    paths.into_iter().find(|path| path.is_file())
}

/// What the copy of a URL's picture is called: nothing of the URL can leave the folder, and two URLs never meet.
fn name(url: &str) -> String {
    let mut name = ContentHash::of(url.as_bytes()).to_string();
    name.truncate(32);
    name
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it has over {} MiB", MOST_BYTES >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_does_not_grow_with_the_pictures_of_a_run() {
        let run = tempfile::tempdir().unwrap();
        let pictures = BeforePictures::new(run.path(), FetchLimits::default()).unwrap();
        let remembered = || pictures.fetched.lock().unwrap().len();
        let url = "https://shop.example/mug.png?signature=secret";
        std::fs::create_dir(run.path().join(BEFORE)).unwrap();
        std::fs::write(run.path().join(BEFORE).join(format!("{}.png", name(url))), b"a picture").unwrap();
        assert_eq!(pictures.bytes(&ImageSource::Url(url.into())).await.unwrap(), b"a picture");
        assert_eq!(remembered(), 0, "it lies in the folder");
        for number in 0..MOST_REMEMBERED + 50 {
            assert!(pictures.bytes(&ImageSource::Url(format!("file:///{number}"))).await.is_err());
        }
        assert!(remembered() <= MOST_REMEMBERED, "{}", remembered());
    }
}
