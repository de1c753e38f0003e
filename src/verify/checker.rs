use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::Semaphore;

use crate::color::{COMPARED_SIDE, Check, Hex, Scope, Verdict, View, measure};
use crate::editor;
use crate::job::{ContentHash, ImageSource};
use crate::journal::SavedFile;
use crate::outputs::candidate_paths;
use crate::photo::Photo;
use crate::sync::locked;

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
    cores: Semaphore,
    views: Mutex<VecDeque<(ImageSource, Arc<View>)>>,
}

impl ColorChecker {
    /// Returns a checker for the run in the folder `run`.
    pub fn new(run: &Path, before: BeforePictures) -> ColorChecker {
        ColorChecker::on_cores(run, before, std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn on_cores(run: &Path, before: BeforePictures, cores: usize) -> ColorChecker {
        let inner = Inner { run: run.to_owned(), before, cores: Semaphore::new(cores), views: Mutex::default() };
        ColorChecker { inner: Arc::new(inner) }
    }
}

impl Verifier for ColorChecker {
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check> {
        let inner = Arc::clone(&self.inner);
        async move {
            let asked = subject.asked();
            let before = inner.local_copy_before(&subject).await;
            let checked = inner.on_core(move |inner| inner.worst(&subject, before)).await;
            checked.unwrap_or_else(|cause| Check::unmeasurable(asked, cause.to_string()))
        }
        .boxed()
    }

    fn correct(&self, subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>> {
        let inner = Arc::clone(&self.inner);
        async move {
            if subject.target.request.images.is_empty() {
                return Err(Uncorrected::NoPictureBefore);
            }
            let before = inner.local_copy_before(&subject).await.map_err(Uncorrected::WithoutBefore)?;
            inner.on_core(move |inner| inner.corrected(&subject, &before)).await?
        }
        .boxed()
    }
}

impl Inner {
    /// Does `work` on a thread of its own as soon as a core is free. Waiting for the network belongs before it, because
    /// it would hold up the checks of all other jobs. Pictures are read in it, so only some of them are in memory.
    async fn on_core<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, TaskFailed> {
        let _core = self.cores.acquire().await;
        let inner = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(TaskFailed)
    }

    /// Returns the place of the picture before the edit on this machine. It may have to be fetched.
    async fn local_copy_before(&self, subject: &Subject) -> Result<ImageSource, Arc<BeforeUnavailable>> {
        let image = subject.target.request.images.first().ok_or(BeforeUnavailable::NotNamed)?;
        self.before.local_copy(image, subject.submitted_at).await
    }

    /// Checks all pictures of a job, and returns the check of the worst.
    fn worst(&self, subject: &Subject, before: Result<ImageSource, Arc<BeforeUnavailable>>) -> Check {
        let before = before.and_then(|found| self.view_before(found));
        let mut worst: Option<Check> = None;
        for file in &subject.files {
            let check = self.check(file, subject, &before);
            let is_worse = |worst: &Check| severity(&check) > severity(worst);
            if worst.as_ref().is_none_or(is_worse) {
                worst = Some(check);
            }
        }
        worst.unwrap_or_else(|| Check::unmeasurable(subject.asked(), "there is no picture"))
    }

    fn check(&self, file: &SavedFile, subject: &Subject, before: &Result<Arc<View>, Arc<BeforeUnavailable>>) -> Check {
        let after = match self.view(file) {
            Ok(after) => after,
            Err(unseen) => return Check::unmeasurable(subject.asked(), unseen.to_string()),
        };
        let (colors, known) = (&subject.target.colors, before.as_deref().ok());
        let mut check = measure(known, &after, colors, subject.tolerance, subject.scope()).check;
        if check.verdict == Verdict::Off && subject.is_unclear() {
            check = Check::unmeasurable(subject.asked(), UNCLEAR);
        }
        if let (Err(cause), Some(reason)) = (before, &mut check.reason) {
            reason.push_str(&format!(" ({cause})"));
        }
        check
    }

    fn corrected(&self, subject: &Subject, before: &ImageSource) -> Result<Correction, Uncorrected> {
        let [file] = &subject.files[..] else {
            return Err(Uncorrected::SeveralPictures);
        };
        let [color] = subject.target.colors[..] else {
            return Err(Uncorrected::SeveralColors);
        };
        let after = Photo::decode(&self.encoded(file)?)?;
        let before = BeforePictures::bytes(before).map_err(|cause| Uncorrected::WithoutBefore(cause.into()))?;
        correct(&Photo::decode(&before)?, &after, color, subject.tolerance, subject.scope())
    }

    /// Returns a picture in the form in which it is compared.
    fn view(&self, file: &SavedFile) -> Result<View, CheckError> {
        if file.width.min(file.height) < MIN_SIDE {
            return Err(CheckError::TooSmall);
        }
        Ok(Photo::decode(&self.encoded(file)?)?.reduced(COMPARED_SIDE))
    }

    /// Returns the picture before the edit in the form in which it is compared.
    fn view_before(&self, found: ImageSource) -> Result<Arc<View>, Arc<BeforeUnavailable>> {
        let views = || locked(&self.views);
        if let Some((_, view)) = views().iter().find(|(known, _)| *known == found) {
            return Ok(Arc::clone(view));
        }
        let photo = Photo::decode(&BeforePictures::bytes(&found)?).map_err(BeforeUnavailable::from)?;
        let view = Arc::new(photo.reduced(COMPARED_SIDE));
        let mut views = views();
        views.push_front((found, Arc::clone(&view)));
        views.truncate(REMEMBERED);
        Ok(view)
    }

    /// Reads a picture from the subfolder of the run's folder that contains it.
    fn encoded(&self, file: &SavedFile) -> Result<Vec<u8>, PictureMissing> {
        let content = candidate_paths(&self.run, file).into_iter().find_map(|path| {
            path.metadata().ok().filter(|found| found.len() == file.bytes)?;
            std::fs::read(path).ok().filter(|content| ContentHash::of(content) == file.blake3)
        });
        content.ok_or(PictureMissing)
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

    /// Returns the request to make `image` blue, whose result is `file`.
    fn subject(prompt: &str, image: ImageSource, file: &SavedFile) -> Subject {
        let request = EditRequest {
            model: "m".into(),
            prompt: prompt.into(),
            images: vec![image],
            size: None,
            seed: None,
            switches: Switches::default(),
        };
        let target = ColorTarget {
            fingerprint: Fingerprint::of(&request, |_| Ok::<_, &str>(file.blake3)).unwrap(),
            colors: editor::wanted(None, prompt),
            request: Arc::new(request),
        };
        let (files, target, tolerance) = (vec![file.clone()], Arc::new(target), Tolerance::default());
        Subject { files, target, submitted_at: None, tolerance }
    }

    #[tokio::test]
    async fn a_host_that_does_not_answer_holds_up_no_other_check() {
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir(run.path().join("results")).unwrap();
        disc(run.path(), "before.png", [198, 40, 40]);
        let blue = disc(run.path(), "results/mug.png", [30, 144, 255]);
        let before = BeforePictures::new(run.path(), FetchLimits::default()).unwrap();
        let checker = ColorChecker::on_cores(run.path(), before, 1);
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mug.png", silent.local_addr().unwrap());
        let prompt = "Make the mug #1E90FF";
        let check = tokio::select! {
            biased;
            _ = checker.check(subject(prompt, ImageSource::Url(url), &blue)) => panic!("no picture before the edit"),
            check = checker.check(subject(prompt, ImageSource::File(run.path().join("before.png")), &blue)) => check,
        };
        assert_eq!(check.verdict, Verdict::On, "{:?}", check.reason);
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
            let image = ImageSource::File(run.path().join("before.png"));
            let check = checker.check(subject(prompt, image, &blue)).await;
            assert_eq!(check.verdict, verdict, "{prompt}: {:?}", check.reason);
            assert!(verdict != Verdict::Unmeasurable || check.reason.unwrap().contains("`color` column"), "{prompt}");
        }
    }
}
