//! What is allowed in a batch and probably not meant, gathered job by job. Pure: the time is handed in.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};
use memchr::memchr;
use rayon::slice::ParallelSliceMut;
use smallvec::SmallVec;

use crate::color::{self, Hex};
use crate::job::{ImageRef, JobId, JobRef, Likeness, Rate, Size, is_shortened_number};

use super::expiry::expires_at;

/// How many images the model follows well; more are allowed.
const USUAL_IMAGES: usize = 3;

/// How many different colors are counted.
const COLORS: usize = 4096;

/// Gathers what there is to say about the jobs of a batch.
#[derive(Debug)]
pub struct Advice {
    now: Timestamp,
    rate: Rate,
    submits: u64,
    jobs: u64,
    crowded: Noted,
    colorless: Noted,
    expiring: Noted,
    garbled: Noted,
    shortened: Noted,
    templated: Noted,
    pages: Noted,
    edits: Vec<Edit>,
    /// How many ask for each size; the first ask for none.
    sizes: [u64; 1 + Size::NAMES.len()],
    colors: HashMap<Hex, u64, RandomState>,
}

/// What a job sends, in two halves, and its line: a million jobs are twelve megabytes.
#[derive(Clone, Copy, Debug)]
struct Edit([u32; 2], u32);

/// What there is to know of a job for advice. It is made of the job alone, wherever that is.
#[derive(Debug)]
pub struct Sketch {
    line: u64,
    likeness: Likeness,
    size: Option<Size>,
    colors: SmallVec<[Hex; 4]>,
    is_colorless: bool,
    is_crowded: bool,
    is_garbled: bool,
    is_shortened: bool,
    is_templated: bool,
    is_page: bool,
    /// When the first of its signed URLs ends.
    ends: Option<Timestamp>,
    /// Its id, where there may be something to say of it.
    id: Option<JobId>,
}

/// Something to say about some jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line of the first of them, and its id where it is known.
    pub first: (u64, Option<JobId>),
    /// What is the matter.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
}

/// Jobs of which the same is to be said.
#[derive(Debug, Default)]
struct Noted {
    count: u64,
    first: Option<(u64, Option<JobId>)>,
}

impl Noted {
    fn note(&mut self, job: &Sketch) {
        self.count += 1;
        self.first.get_or_insert_with(|| (job.line, job.id.clone()));
    }
}

impl Advice {
    /// Begins with nothing to say. `rate` is how fast submits will go out from `now` on.
    pub fn new(now: Timestamp, rate: Rate) -> Advice {
        Advice {
            now,
            rate,
            submits: 0,
            jobs: 0,
            crowded: Noted::default(),
            colorless: Noted::default(),
            expiring: Noted::default(),
            garbled: Noted::default(),
            shortened: Noted::default(),
            templated: Noted::default(),
            pages: Noted::default(),
            edits: Vec::new(),
            sizes: [0; 1 + Size::NAMES.len()],
            colors: HashMap::default(),
        }
    }

    /// Takes a job into account; `submits` says whether it will be submitted.
    pub fn take(&mut self, job: &Sketch, submits: bool) {
        self.jobs += 1;
        self.sizes[job.size.map_or(0, |size| 1 + size as usize)] += 1;
        for color in &job.colors {
            let is_full = self.colors.len() >= COLORS;
            match self.colors.entry(*color) {
                Entry::Occupied(mut count) => *count.get_mut() += 1,
                Entry::Vacant(free) if !is_full => drop(free.insert(1)),
                Entry::Vacant(_) => {}
            }
        }
        if job.is_colorless {
            self.colorless.note(job);
        }
        if job.is_crowded {
            self.crowded.note(job);
        }
        if job.is_garbled {
            self.garbled.note(job);
        }
        if job.is_shortened {
            self.shortened.note(job);
        }
        if job.is_templated {
            self.templated.note(job);
        }
        if job.is_page {
            self.pages.note(job);
        }
        let halves = [(job.likeness.0 >> 32) as u32, job.likeness.0 as u32];
        self.edits.push(Edit(halves, u32::try_from(job.line).unwrap_or(u32::MAX)));
        if submits {
            self.submits += 1;
            if job.ends.is_some_and(|end| end < self.turn()) {
                self.expiring.note(job);
            }
        }
    }

    /// When the last submit that was counted goes out.
    fn turn(&self) -> Timestamp {
        let wait = i64::try_from(self.rate.seconds_for(self.submits)).unwrap_or(i64::MAX);
        self.now.checked_add(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MAX)
    }

    /// How many jobs have each size.
    pub fn sizes(&self) -> BTreeMap<&'static str, u64> {
        let names = ["as sent"].into_iter().chain(Size::NAMES);
        names.zip(self.sizes).filter(|(_, count)| *count > 0).collect()
    }

    /// How many jobs ask for each color, by its hex.
    pub fn colors(&self) -> BTreeMap<String, u64> {
        self.colors.iter().map(|(color, count)| (color.to_string(), *count)).collect()
    }

    /// All that there is to say.
    pub fn warnings(&mut self) -> Vec<Warning> {
        let twins = self.twins();
        // In a batch of recoloring nearly every prompt has a color; elsewhere a prompt without one is as it should be.
        let is_recoloring = self.colorless.count * 5 < self.jobs;
        let said = [
            (
                &self.crowded,
                "more than 3 images in a job",
                "the model follows up to 3 well; name them in the prompt as image 1, image 2 …",
            ),
            (
                &twins,
                "the same edit under another id: it is paid for each time",
                "drop it, or give it a `seed` of its own if several versions are meant",
            ),
            (
                &self.expiring,
                "a signed URL that expires before the job's turn comes",
                "sign it for longer, raise --rate, or run in parts with --limit",
            ),
            (
                &self.garbled,
                "a prompt has letters in it that were read in the wrong encoding, such as `Ã¶` for `ö`",
                "export the table anew as UTF-8, and look at the names with accents",
            ),
            (
                &self.shortened,
                "an id that a spreadsheet has shortened: digits of the number are lost",
                "format the column as text, and fill it again",
            ),
            (
                &self.templated,
                "a prompt with `{{` in it is sent as it is",
                "names are filled in where a YAML manifest has `rows:` and a `template:`",
            ),
            (
                &self.pages,
                "a link to a page that shows a picture, and not to the picture",
                "use the link that downloads it: Google Drive's has uc?export=download&id=…, Dropbox's ends in raw=1",
            ),
        ];
        let colorless = (
            &self.colorless,
            "no color in the prompt, while the other jobs have one",
            "name it by its hex, as in: Change the mug's color to #1E90FF (ocean)",
        );
        let said = said.into_iter().chain(is_recoloring.then_some(colorless));
        said.filter_map(|(noted, message, hint)| {
            let first = noted.first.clone()?;
            let message = match noted.count {
                1 => message.to_owned(),
                count => format!("{message} (and in {} more)", count - 1),
            };
            Some(Warning { first, message, hint })
        })
        .collect()
    }
}

impl Sketch {
    /// What there is to know of `job`; `likeness` is that of what it sends.
    pub fn of(job: &JobRef<'_>, likeness: Likeness) -> Sketch {
        let JobRef { request, line, .. } = job;
        let colors = match job.color.as_deref() {
            Some(color) => color.parse().into_iter().collect(),
            None => SmallVec::from_vec(color::asked(request.prompt)),
        };
        let is_colorless = colors.is_empty() && !names_a_color(request.prompt);
        let is_crowded = request.images.len() > USUAL_IMAGES;
        let end = |image: &ImageRef<'_>| match image {
            ImageRef::Url(url) => expires_at(url),
            ImageRef::Data(_) | ImageRef::File(_) => None,
        };
        let ends = request.images.iter().filter_map(end).min();
        let is_garbled = is_garbled(request.prompt);
        let is_page = request.images.iter().any(|image| matches!(image, ImageRef::Url(url) if is_page(url)));
        let is_shortened = is_shortened_number(job.id.as_str());
        let is_templated = memchr(b'{', request.prompt.as_bytes()).is_some() && request.prompt.contains("{{");
        let is_noted =
            is_colorless || is_crowded || is_garbled || is_shortened || is_templated || is_page || ends.is_some();
        let id = is_noted.then(|| job.id.to_id());
        let (line, size) = (*line, request.size);
        Sketch {
            line,
            likeness,
            size,
            colors,
            is_colorless,
            is_crowded,
            is_garbled,
            is_shortened,
            is_templated,
            is_page,
            ends,
            id,
        }
    }
}

impl Advice {
    /// The jobs that ask for what an earlier one asks for.
    fn twins(&mut self) -> Noted {
        self.edits.par_sort_unstable_by_key(|Edit([high, low], _)| u64::from(*high) << 32 | u64::from(*low));
        let alike = self.edits.chunk_by(|Edit(one, _), Edit(other, _)| one == other).filter(|edits| edits.len() > 1);
        let mut lines: Vec<u32> = Vec::new();
        for edits in alike {
            let first = lines.len();
            lines.extend(edits.iter().map(|Edit(_, line)| *line));
            // The first of them is no twin of an earlier one.
            lines[first..].sort_unstable();
            lines.remove(first);
        }
        let first = lines.iter().min().map(|line| (u64::from(*line), None));
        Noted { count: lines.len() as u64, first }
    }
}

/// Whether a prompt has UTF-8 in it that was read as Windows-1252.
fn is_garbled(prompt: &str) -> bool {
    let is_sign = |next: char| matches!(next, '\u{80}'..='\u{BF}' | 'Œ' | 'œ' | 'Š' | 'š' | 'Ÿ' | 'Ž' | 'ž' | 'ƒ' | '\u{2013}'..='\u{203A}' | '€' | '™');
    let pairs = || prompt.chars().zip(prompt.chars().skip(1));
    !prompt.is_ascii()
        && (prompt.contains("â€") || pairs().any(|(one, next)| matches!(one, 'Ã' | 'Â') && is_sign(next)))
}

/// Whether a URL is one of those that people share, behind which there is a page.
fn is_page(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or(url.strip_prefix("http://")) else { return false };
    let (host, path) = memchr(b'/', rest.as_bytes()).map_or((rest, ""), |slash| (&rest[..slash], &rest[slash + 1..]));
    match host {
        "drive.google.com" => !path.starts_with("uc?"),
        "www.dropbox.com" | "dropbox.com" => !path.contains("dl=1") && !path.contains("raw=1"),
        "photos.app.goo.gl" | "photos.google.com" | "1drv.ms" | "onedrive.live.com" | "www.icloud.com" => true,
        _ => false,
    }
}

fn names_a_color(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let mut words = prompt.split(|character: char| !character.is_alphanumeric());
    words.any(|word| word.len() > 2 && color::is_name(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{EditRequest, ImageSource, Job, Switches};

    fn job(number: u64, prompt: &str, images: &[&str]) -> Job {
        Job {
            id: JobId::new(&format!("job-{number}")).unwrap(),
            request: EditRequest {
                model: "m".into(),
                prompt: prompt.into(),
                images: images.iter().map(|url| ImageSource::Url((*url).to_owned())).collect(),
                size: None,
                seed: None,
                switches: Switches::default(),
            },
            color: None,
            columns: Vec::new(),
            line: number + 1,
        }
    }

    fn said(jobs: &[Job]) -> Vec<String> {
        let mut advice = Advice::new("2026-11-24T00:00:00Z".parse().unwrap(), "10/min".parse().unwrap());
        for job in jobs {
            let likeness = Likeness::of(&job.request.borrowed(), |_| unreachable!("there are no files"));
            advice.take(&Sketch::of(&job.borrowed(), likeness), true);
        }
        advice.warnings().into_iter().map(|warning| format!("{}: {}", warning.first.0, warning.message)).collect()
    }

    #[test]
    fn what_was_probably_not_meant_is_told_once_with_its_first_job() {
        let four = ["https://x/1", "https://x/2", "https://x/3", "https://x/4"];
        let mut jobs: Vec<Job> =
            (0..20).map(|number| job(number, &format!("#1E90FF {number}"), &["https://x/a"])).collect();
        assert!(said(&jobs).is_empty());
        jobs.push(job(20, "make it nicer", &["https://x/a"]));
        jobs.push(job(21, "make it navy", &four));
        jobs.push(job(22, "make it teal", &four));
        jobs.push(job(23, "make it teal", &four));
        assert_eq!(
            said(&jobs),
            [
                "22: more than 3 images in a job (and in 2 more)",
                "24: the same edit under another id: it is paid for each time",
                "21: no color in the prompt, while the other jobs have one",
            ]
        );
    }

    #[test]
    fn prompts_that_were_read_wrong_and_links_to_pages_are_told() {
        let job = |number, prompt, url: &str| job(number, prompt, &[url]);
        let jobs = [
            job(0, "Mach die Tasse größer, São Paulo, SÃO: #1E90FF", "https://www.dropbox.com/s/x/a.jpg?raw=1"),
            job(1, "Mach die Tasse grÃ¶ÃŸer #1E90FF", "https://drive.google.com/file/d/1AbC/view?usp=sharing"),
            job(2, "Change the mugâ€™s color to #1E90FF", "https://drive.google.com/uc?export=download&id=1AbC"),
            job(3, "#1E90FF", "https://www.dropbox.com/s/x/a.jpg?dl=0"),
        ];
        assert_eq!(
            said(&jobs),
            [
                "2: a prompt has letters in it that were read in the wrong encoding, such as `Ã¶` for `ö` (and in 1 more)",
                "2: a link to a page that shows a picture, and not to the picture (and in 1 more)",
            ]
        );
    }

    #[test]
    fn an_id_that_has_lost_digits_is_told() {
        let job = |number, id: &str| Job { id: JobId::new(id).unwrap(), ..job(number, "#1E90FF", &["https://x/a"]) };
        let jobs = [job(1, "4.01E+12"), job(2, "4,02E+12"), job(3, "E+12"), job(4, "rose+1E")];
        let told = said(&jobs).into_iter().filter(|said| said.contains("shortened")).collect::<Vec<_>>();
        assert_eq!(told, ["2: an id that a spreadsheet has shortened: digits of the number are lost (and in 1 more)"]);
    }

    #[test]
    fn a_signed_url_must_outlive_the_wait() {
        let signed = "https://b.s3.amazonaws.com/a.png?X-Amz-Date=20261123T235900Z&X-Amz-Expires=120&X-Amz-Signature=x";
        let jobs: Vec<Job> = (0..12).map(|number| job(number, &format!("#1E90FF {number}"), &[signed])).collect();
        assert_eq!(said(&jobs), ["12: a signed URL that expires before the job's turn comes"]);
    }
}
