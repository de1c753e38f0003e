use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::Semaphore;

use crate::color::{COMPARED_SIDE, Check, Hex, Scope, Verdict, View, measure};
use crate::editor;
use crate::job::{ContentHash, ImageSource};
use crate::journal::SavedFile;
use crate::outputs::candidate_paths;
use crate::photo::{DecodeError, Photo};

use super::before::BeforePictures;
use super::correct::correct;
use super::error::CheckError;
use super::error::{BeforeUnavailable, PictureMissing, TaskFailed, Uncorrected};
use super::verifier::{Correction, Subject, Verifier};

/// The minimum side, in pixels, of a picture that can be measured.
const MIN_SIDE: u32 = 8;

/// The number of pictures before the edit that are cached. Rows of the same product follow each other.
const REMEMBERED: usize = 8;

/// A checker and corrector of the pictures of a run. It works on as many threads as there are cores.
#[derive(Clone, Debug)]
pub struct ColorChecker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    run: PathBuf,
    before: BeforePictures,
    slots: Semaphore,
    views: Mutex<VecDeque<(ImageSource, Arc<View>)>>,
}

impl ColorChecker {
    /// Returns a checker for the run in the folder `run`.
    pub fn new(run: &Path, before: BeforePictures) -> ColorChecker {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let inner = Inner { run: run.to_owned(), before, slots: Semaphore::new(cores), views: Mutex::default() };
        ColorChecker { inner: Arc::new(inner) }
    }
}

impl Verifier for ColorChecker {
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check> {
        let inner = Arc::clone(&self.inner);
        async move {
            let _slot = inner.slots.acquire().await;
            let mut worst: Option<Check> = None;
            for file in &subject.files {
                let check = inner.check(file, &subject).await;
                let is_worse = |worst: &Check| severity(&check) > severity(worst);
                if worst.as_ref().is_none_or(is_worse) {
                    worst = Some(check);
                }
            }
            worst.unwrap_or_else(|| Check::unmeasurable(subject.asked(), "there is no picture"))
        }
        .boxed()
    }

    fn correct(&self, subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>> {
        let inner = Arc::clone(&self.inner);
        async move {
            let _slot = inner.slots.acquire().await;
            let [file] = &subject.files[..] else {
                return Err(Uncorrected::SeveralPictures);
            };
            let encoded = inner.encoded(file).await?;
            let before = match subject.target.request.images.first() {
                Some(image) => {
                    let found = inner.before.local_copy(image, subject.submitted_at).await?;
                    BeforePictures::bytes(found).await.map_err(Arc::new)?
                }
                None => return Err(Uncorrected::NoPictureBefore),
            };
            let (colors, tolerance, scope) = (subject.target.colors.clone(), subject.tolerance, subject.scope());
            let work = move || {
                let [color] = colors[..] else {
                    return Err(Uncorrected::SeveralColors);
                };
                let after = Photo::decode(&encoded)?;
                correct(&Photo::decode(&before)?, &after, color, tolerance, scope)
            };
            blocking(work).await?
        }
        .boxed()
    }
}

impl Inner {
    async fn check(self: &Arc<Self>, file: &SavedFile, subject: &Subject) -> Check {
        let asked = subject.asked();
        match self.view(file).await {
            Err(unseen) => Check::unmeasurable(asked, unseen.to_string()),
            Ok(after) => {
                let before = self.before(subject).await;
                let (colors, tolerance, scope) = (subject.target.colors.clone(), subject.tolerance, subject.scope());
                let (before, missing) = match before {
                    Ok(before) => (Some(before), None),
                    Err(cause) => (None, Some(cause)),
                };
                let work = move || measure(before.as_deref(), &after, &colors, tolerance, scope).check;
                let mut check =
                    blocking(work).await.unwrap_or_else(|cause| Check::unmeasurable(asked, cause.to_string()));
                if let (Some(cause), Some(reason)) = (missing, &mut check.reason) {
                    reason.push_str(&format!(" ({cause})"));
                }
                check
            }
        }
    }

    /// Returns a picture in the form in which it is compared.
    async fn view(self: &Arc<Self>, file: &SavedFile) -> Result<View, CheckError> {
        if file.width.min(file.height) < MIN_SIDE {
            return Err(CheckError::TooSmall);
        }
        reduced(self.encoded(file).await?).await
    }

    /// Returns the picture before the edit in the form in which it is compared.
    async fn before(&self, subject: &Subject) -> Result<Arc<View>, Arc<BeforeUnavailable>> {
        let image = subject.target.request.images.first().ok_or(BeforeUnavailable::NotNamed)?;
        let found = self.before.local_copy(image, subject.submitted_at).await?;
        let views = || self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, view)) = views().iter().find(|(known, _)| *known == found) {
            return Ok(Arc::clone(view));
        }
        let encoded = BeforePictures::bytes(found.clone()).await?;
        let view = Arc::new(reduced::<BeforeUnavailable>(encoded).await?);
        let mut views = views();
        views.push_front((found, Arc::clone(&view)));
        views.truncate(REMEMBERED);
        Ok(view)
    }

    /// Reads a picture from the subfolder of the run's folder that contains it.
    async fn encoded(&self, file: &SavedFile) -> Result<Vec<u8>, PictureMissing> {
        let (run, file) = (self.run.clone(), file.clone());
        let work = move || {
            candidate_paths(&run, &file).into_iter().find_map(|path| {
                path.metadata().ok().filter(|found| found.len() == file.bytes)?;
                std::fs::read(path).ok().filter(|content| ContentHash::of(content) == file.blake3)
            })
        };
        blocking(work).await.ok().flatten().ok_or(PictureMissing)
    }
}

impl Subject {
    fn asked(&self) -> Hex {
        self.target.colors.first().copied().unwrap_or(Hex([0; 3]))
    }

    fn scope(&self) -> Scope {
        editor::scope(&self.target.request.prompt)
    }
}

/// Returns the severity that determines the worst of a job's pictures. Unlike in [`Check::badness`], an unmeasurable
/// picture is better than one that is known to miss its color.
fn severity(check: &Check) -> (u8, f64) {
    let verdict = match check.verdict {
        Verdict::On => 0,
        Verdict::Unmeasurable => 1,
        Verdict::Near => 2,
        Verdict::Off => 3,
    };
    (verdict, check.delta_e.unwrap_or_default())
}

/// Decodes and reduces a picture for its comparison.
async fn reduced<E: From<DecodeError> + From<TaskFailed>>(encoded: Vec<u8>) -> Result<View, E> {
    Ok(blocking(move || Photo::decode(&encoded).map(|photo| photo.reduced(COMPARED_SIDE))).await??)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TaskFailed> {
    Ok(tokio::task::spawn_blocking(work).await?)
}
