use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OnceCell, Semaphore};

use crate::data_uri;
use crate::http::TlsError;
use crate::job::ImageSource;
use crate::outputs::{DownloadLimits, Downloader, Slot};
use crate::photo::Format;
use crate::sync::locked;

use super::copies::Copies;
use super::error::BeforeUnavailable;

/// The folder of a run in which fetched pictures are kept.
pub const BEFORE: &str = "before";

/// The maximum length in bytes of a picture before the edit, or of its `data:` URI.
const MAX_BYTES: u64 = 64 << 20;

/// The maximum number of remembered failures. It keeps a run's memory from growing with its manifest.
const MAX_REMEMBERED: usize = 1000;

/// The limits of fetching pictures that the manifest names by URL. Fetching must not burden their hosts.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The number of pictures that are fetched at once.
    pub at_once: usize,
    /// The number of consecutive failures after which a host is not asked again in the run.
    pub failures: u32,
}

impl Default for FetchLimits {
    fn default() -> FetchLimits {
        FetchLimits { at_once: 2, failures: 3 }
    }
}

/// The only fetch of a URL's picture in a run, and its result.
type Fetched = Arc<OnceCell<Result<PathBuf, Arc<BeforeUnavailable>>>>;

/// The pictures before the edit: local files, `data:` URIs, or pictures from URLs that are kept in the run's folder. A
/// URL is fetched for the first job of a run that was submitted after its last fetch.
#[derive(Debug)]
pub struct BeforePictures {
    folder: PathBuf,
    run_started: Timestamp,
    downloader: Downloader,
    limits: FetchLimits,
    slots: Arc<Semaphore>,
    fetched: Mutex<HashMap<String, Fetched>>,
    failures: Mutex<HashMap<String, u32>>,
}

impl BeforePictures {
    /// Returns the pictures of the run in the folder `run`. Nothing is touched before the first picture is needed.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(run: &Path, limits: FetchLimits) -> Result<BeforePictures, TlsError> {
        let bounds = DownloadLimits {
            max_bytes: MAX_BYTES,
            attempts: 2,
            wait: Duration::from_secs(20),
            silence: Duration::from_secs(15),
            min_speed: 1000,
            whole: Duration::from_secs(60),
        };
        Ok(BeforePictures {
            folder: run.join(BEFORE),
            run_started: Timestamp::now(),
            downloader: Downloader::of_inputs(bounds)?,
            limits,
            slots: Arc::new(Semaphore::new(limits.at_once)),
            fetched: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// Returns a local copy of a picture as it was when its job was submitted.
    pub(super) async fn local_copy(
        &self,
        image: &ImageSource,
        submitted_at: Option<Timestamp>,
    ) -> Result<ImageSource, Arc<BeforeUnavailable>> {
        match image {
            ImageSource::Url(url) => {
                // One fetch per run is enough: its jobs are submitted and checked within hours.
                let copy =
                    self.fetched(url, submitted_at.map_or(self.run_started, |at| at.min(self.run_started))).await?;
                Ok(ImageSource::File(copy))
            }
            ImageSource::File(_) | ImageSource::Data(_) => Ok(image.clone()),
        }
    }

    /// Reads the bytes of a local picture.
    pub(super) fn bytes(image: &ImageSource) -> Result<Vec<u8>, BeforeUnavailable> {
        match image {
            ImageSource::File(path) => Ok(read(path)?),
            ImageSource::Data(uri) if uri.len() as u64 > MAX_BYTES => Err(too_large().into()),
            ImageSource::Data(uri) => Ok(data_uri::decode(uri)?),
            ImageSource::Url(_) => Err(BeforeUnavailable::Elsewhere),
        }
    }

    /// Returns the local copy of the picture at a URL, as it was at `at_time`. It is fetched at most once per run.
    async fn fetched(&self, url: &str, at_time: Timestamp) -> Result<PathBuf, Arc<BeforeUnavailable>> {
        if let Some(copy) = self.copies(url).await?.at(at_time) {
            return Ok(copy.to_owned());
        }
        let cell = {
            let mut fetched = locked(&self.fetched);
            Arc::clone(fetched.entry(url.to_owned()).or_default())
        };
        let found = cell.get_or_init(|| self.fetch(url)).await.clone();
        let mut fetched = locked(&self.fetched);
        // A fetched picture is in the folder. Only failures are remembered, and not all of them.
        if found.is_ok() || fetched.len() > MAX_REMEMBERED {
            fetched.remove(url);
        }
        found
    }

    async fn fetch(&self, url: &str) -> Result<PathBuf, Arc<BeforeUnavailable>> {
        let mut slot = Slot::of(&self.slots).await;
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let count = |count: &dyn Fn(u32) -> u32| {
            let mut failures = locked(&self.failures);
            let failures = failures.entry(host.clone()).or_default();
            *failures = count(*failures);
            *failures
        };
        let copies = self.copies(url).await?;
        if let Some(copy) = copies.at(self.run_started) {
            return Ok(copy.to_owned());
        }
        // An earlier copy is most likely still the same.
        let or_newest = |cause: BeforeUnavailable| copies.newest().map(Path::to_owned).ok_or_else(|| cause.into());
        if count(&|failures| failures) >= self.limits.failures {
            return or_newest(BeforeUnavailable::LeftAlone { host });
        }
        match self.download(url, &mut slot).await {
            Ok(path) => {
                count(&|_| 0);
                Ok(path)
            }
            Err(cause) => {
                count(&|failures| failures + 1);
                // The query may be a signature that would give readers of the log access to the picture.
                let url = url.split(['?', '#']).next().unwrap_or_default();
                tracing::info!(url, %cause, "the picture before could not be fetched");
                or_newest(cause)
            }
        }
    }

    /// Returns the local copies of a URL. The lookup can be slow. It runs on a thread where it delays no submit and no
    /// poll.
    async fn copies(&self, url: &str) -> Result<Copies, BeforeUnavailable> {
        let (folder, url) = (self.folder.clone(), url.to_owned());
        let found = tokio::task::spawn_blocking(move || Copies::of(&folder, &url)).await;
        Ok(found.map_err(io::Error::other)?)
    }

    async fn download(&self, url: &str, slot: &mut Slot) -> Result<PathBuf, BeforeUnavailable> {
        let bytes = self
            .downloader
            .fetch(url, &self.folder, slot, || Ok(Vec::new()))
            .await
            .map_err(BeforeUnavailable::Fetch)?;
        let format = Format::sniff(&bytes).ok_or(BeforeUnavailable::NoPicture)?;
        let copies = self.copies(url).await?;
        let kept = tokio::task::spawn_blocking(move || copies.keep(&bytes, format));
        Ok(kept.await.unwrap_or_else(|error| Err(io::Error::other(error)))?)
    }
}

/// Returns the local copy of `image` in the run's folder, as it was at `at_time`, or else the newest. Returns `None` if
/// there is none. Only pictures that are named by URL have copies.
pub fn cached(run: &Path, image: &ImageSource, at_time: Option<Timestamp>) -> Option<PathBuf> {
    let ImageSource::Url(url) = image else { return None };
    let folder = run.join(BEFORE);
    // A run that checks no colors keeps none.
    let copies = folder.exists().then(|| Copies::of(&folder, url))?;
    let then = at_time.and_then(|at_time| copies.at(at_time));
    then.or(copies.newest()).map(Path::to_owned)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> io::Error {
    io::Error::other(format!("it has over {} MiB", MAX_BYTES >> 20))
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
        let copy = Copies::of(&run.path().join(BEFORE), url).keep(b"a picture", Format::Png).unwrap();
        assert_eq!(pictures.local_copy(&ImageSource::Url(url.into()), None).await.unwrap(), ImageSource::File(copy));
        assert_eq!(remembered(), 0, "it lies in the folder");
        for number in 0..MAX_REMEMBERED + 50 {
            assert!(pictures.local_copy(&ImageSource::Url(format!("file:///{number}")), None).await.is_err());
        }
        assert!(remembered() <= MAX_REMEMBERED, "{}", remembered());
    }

    /// A shop with one photo, which it may replace, and the number of requests for it.
    #[derive(Clone, Default)]
    struct Shop(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Shop {
        async fn open(&self) -> ImageSource {
            let shop = self.clone();
            let photo = move || {
                let mut asked = shop.0.lock().unwrap();
                asked.1 += 1;
                let content = asked.0.clone();
                async move { if content.is_empty() { Err(axum::http::StatusCode::GONE) } else { Ok(content) } }
            };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/mug.png", listener.local_addr().unwrap());
            let router = axum::Router::new().route("/mug.png", axum::routing::get(photo));
            tokio::spawn(async move { axum::serve(listener, router).await });
            ImageSource::Url(url)
        }

        fn shows(&self, word: &str) {
            let content = if word.is_empty() { Vec::new() } else { [b"\x89PNG\r\n\x1a\n", word.as_bytes()].concat() };
            self.0.lock().unwrap().0 = content;
        }

        fn was_asked(&self) -> usize {
            self.0.lock().unwrap().1
        }
    }

    #[tokio::test]
    async fn a_photo_that_is_gone_is_not_said_to_be_an_output() {
        let (run, shop) = (tempfile::tempdir().unwrap(), Shop::default());
        let pictures = BeforePictures::new(run.path(), FetchLimits::default()).unwrap();
        let printed = pictures.local_copy(&shop.open().await, None).await.unwrap_err().to_string();
        assert!(printed.starts_with("the picture is no longer at its URL (HTTP 410"), "{printed}");
    }

    #[tokio::test]
    async fn a_photo_that_is_replaced_under_its_url_is_the_one_before_of_what_is_submitted_later() {
        let (run, shop) = (tempfile::tempdir().unwrap(), Shop::default());
        let image = shop.open().await;
        let tonight = || BeforePictures::new(run.path(), FetchLimits::default()).unwrap();
        let seen = async |pictures: &BeforePictures, submitted_at| {
            let found = pictures.local_copy(&image, Some(submitted_at)).await?;
            let content = BeforePictures::bytes(&found)?;
            Ok::<_, Arc<BeforeUnavailable>>(String::from_utf8_lossy(&content[8..]).into_owned())
        };
        let (first, night) = (Timestamp::now(), tonight());
        shop.shows("red");
        assert_eq!(seen(&night, first).await.unwrap(), "red");
        assert_eq!(seen(&night, Timestamp::now()).await.unwrap(), "red");
        assert_eq!(shop.was_asked(), 1, "once a run");

        shop.shows("blue");
        let (second, night) = (Timestamp::now(), tonight());
        assert_eq!(seen(&night, first).await.unwrap(), "red");
        assert_eq!(shop.was_asked(), 1, "what was submitted before is judged by what was there then");
        assert_eq!(seen(&night, second).await.unwrap(), "blue");
        assert_eq!(seen(&night, first).await.unwrap(), "red");
        assert_eq!(shop.was_asked(), 2);

        let (third, night) = (Timestamp::now(), tonight());
        assert_eq!(seen(&night, third).await.unwrap(), "blue");
        assert_eq!(shop.was_asked(), 3);
        assert_eq!(std::fs::read_dir(run.path().join(BEFORE)).unwrap().count(), 2, "one that stays is kept once");

        shop.shows("");
        let (fourth, night) = (Timestamp::now(), tonight());
        assert_eq!(seen(&night, fourth).await.unwrap(), "blue", "the one before is better than none");
        let show = |at: Timestamp| cached(run.path(), &image, Some(at)).unwrap();
        assert_ne!(show(first), show(fourth));
    }
}
