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

/// The reason why no color is off if a prompt is unclear. A wrong verdict would be paid for with re-rolls.
const UNCLEAR: &str =
    "the prompt names several colors, and which of them are requested is unclear: add a `color` column";

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
                if check.verdict == Verdict::Off && subject.is_unclear() {
                    check = Check::unmeasurable(asked, UNCLEAR);
                }
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

    /// Whether some of the colors may not be requested. A `color` column names one, so several are from the prompt.
    fn is_unclear(&self) -> bool {
        self.target.colors.len() > 1 && editor::requested_colors(&self.target.request.prompt).is_unclear
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

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;
    use crate::color::Tolerance;
    use crate::job::{EditRequest, Fingerprint, Switches};
    use crate::plan::ColorTarget;
    use crate::verify::FetchLimits;

    /// Writes a picture of a disc, and returns the file.
    fn disc(folder: &Path, name: &str, color: [u8; 3]) -> SavedFile {
        let path = folder.join(name);
        let is_inside = |x: u32, y: u32| (x as f32 - 60.0).hypot(y as f32 - 60.0) < 40.0;
        let picture = RgbImage::from_fn(120, 120, |x, y| Rgb(if is_inside(x, y) { color } else { [235; 3] }));
        picture.save_with_format(&path, ImageFormat::Png).unwrap();
        let content = std::fs::read(path).unwrap();
        let name = name.rsplit('/').next().unwrap().to_owned();
        SavedFile { name, bytes: content.len() as u64, blake3: ContentHash::of(&content), width: 120, height: 120 }
    }

    #[tokio::test]
    async fn a_result_is_never_off_if_it_is_unclear_which_colors_are_requested() {
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir(run.path().join("results")).unwrap();
        disc(run.path(), "before.png", [198, 40, 40]);
        let blue = disc(run.path(), "results/mug.png", [30, 144, 255]);
        let before = BeforePictures::new(run.path(), FetchLimits::default()).unwrap();
        let checker = ColorChecker::new(run.path(), before);
        for (prompt, verdict) in [
            ("Färbe das #C62828 um: #1E90FF", Verdict::Unmeasurable),
            ("Make the red mug #1E90FF and its white lid #F5C518", Verdict::Off),
            ("Change the mug to #F5C518", Verdict::Off),
            ("Change the mug from #C62828 to #1E90FF", Verdict::On),
        ] {
            let request = EditRequest {
                model: "m".into(),
                prompt: prompt.into(),
                images: vec![ImageSource::File(run.path().join("before.png"))],
                size: None,
                seed: None,
                switches: Switches::default(),
            };
            let target = ColorTarget {
                fingerprint: Fingerprint::of(&request, |_| Ok::<_, &str>(blue.blake3)).unwrap(),
                colors: editor::wanted(None, prompt),
                request: Arc::new(request),
            };
            let (files, target, tolerance) = (vec![blue.clone()], Arc::new(target), Tolerance::default());
            let check = checker.check(Subject { files, target, submitted_at: None, tolerance }).await;
            assert_eq!(check.verdict, verdict, "{prompt}: {:?}", check.reason);
            assert!(verdict != Verdict::Unmeasurable || check.reason.unwrap().contains("`color` column"), "{prompt}");
        }
    }
}
