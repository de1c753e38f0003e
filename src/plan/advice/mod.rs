//! Warnings about jobs that are valid but probably not intended, collected job by job. No I/O: the time is a parameter.
//!
//! ```text
//! warning_kind  the kinds of warnings, with their messages
//! job_features  the features of a job that warnings depend on
//! named_color   colors that prompts name in words
//! bare_hex      hex codes without `#`
//! ```

mod bare_hex;
mod job_features;
mod named_color;
mod warning_kind;

pub use job_features::JobFeatures;

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use smallvec::SmallVec;

use crate::color::Hex;
use crate::job::{JobId, Rate, Size};

use job_features::NAMED_LINES;
use warning_kind::WarningKind;

/// The maximum number of different colors that are counted.
const COLORS: usize = 4096;

/// The number of requests whose jobs are named in the warning about equal ones. Naming all of a million would take more
/// memory than everything else.
const NAMED_JOBS: usize = 10_000;

/// The number of shards of request hashes, which are compared on all cores at the end. Filling one `HashSet<u64>` job
/// by job would add 0.24 s to the 0.71 s of CPU time, and 18 MiB to the 60 MiB, of a `check` of 1,000,000 rows
/// (`benches/checking.rs`), which may take twice the time of the csv crate.
const SHARDS: usize = 256;

/// Collects the warnings about the jobs of a batch.
#[derive(Debug)]
pub struct Advice {
    now: Timestamp,
    rate: Rate,
    submits: u64,
    jobs: u64,
    occurrences: [Occurrences; WarningKind::ALL.len()],
    /// The requests by the first byte of their hashes, each in the order of jobs.
    requests: Vec<Vec<RequestKey>>,
    /// The ids of the first two jobs with a request, among those that have a name.
    named: HashMap<u64, SmallVec<[JobId; 2]>, RandomState>,
    /// The number of jobs per size. The first counts jobs without a size.
    sizes: [u64; 1 + Size::NAMES.len()],
    colors: HashMap<Hex, u64, RandomState>,
}

/// The hash of a job's request in two halves, and its line. It takes 12 bytes, where a `u64` would make it 16.
#[derive(Clone, Copy, Debug)]
struct RequestKey([u32; 2], u32);

/// A warning about one or more jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line of the first job, and its id if known.
    pub first: (u64, Option<JobId>),
    /// The message.
    pub message: String,
    /// A hint for the user.
    pub hint: &'static str,
}

/// The jobs with the same warning.
#[derive(Debug, Default)]
struct Occurrences {
    count: u64,
    first: Option<(u64, Option<JobId>)>,
}

impl Advice {
    /// The name of the size of jobs without one.
    pub const DEFAULT_SIZE: &str = "default";

    /// Creates an empty collection. Submits are expected at `rate` from `now` on.
    pub fn new(now: Timestamp, rate: Rate) -> Advice {
        Advice {
            now,
            rate,
            submits: 0,
            jobs: 0,
            occurrences: Default::default(),
            requests: vec![Vec::new(); SHARDS],
            named: HashMap::default(),
            sizes: [0; 1 + Size::NAMES.len()],
            colors: HashMap::default(),
        }
    }

    /// Adds a job. `submits` is whether it will be submitted.
    pub fn add(&mut self, job: &JobFeatures, submits: bool) {
        self.jobs += 1;
        self.sizes[job.size.map_or(0, |size| 1 + size as usize)] += 1;
        for color in &job.colors {
            if let Some(count) = self.colors.get_mut(color) {
                *count += 1;
            } else if self.colors.len() < COLORS {
                self.colors.insert(*color, 1);
            }
        }
        for kind in job.kinds.iter() {
            self.note(kind, job);
        }
        let is_early = job.line <= NAMED_LINES && self.named.len() < NAMED_JOBS;
        if let Some(named) = job.named.as_ref().filter(|_| is_early) {
            let ids = self.named.entry(job.request_hash.0).or_default();
            if ids.len() < 2 {
                ids.push(named.id.clone());
            }
        }
        let halves = [(job.request_hash.0 >> 32) as u32, job.request_hash.0 as u32];
        let shard = (job.request_hash.0 >> 56) as usize % SHARDS;
        self.requests[shard].push(RequestKey(halves, u32::try_from(job.line).unwrap_or(u32::MAX)));
        if submits {
            self.submits += 1;
            let ends = job.named.as_ref().and_then(|named| named.ends);
            if ends.is_some_and(|end| end < self.turn()) {
                self.note(WarningKind::Expiring, job);
            }
        }
    }

    fn note(&mut self, kind: WarningKind, job: &JobFeatures) {
        let occurrences = &mut self.occurrences[kind as usize];
        occurrences.count += 1;
        occurrences.first.get_or_insert_with(|| (job.line, job.named.as_ref().map(|named| named.id.clone())));
    }

    /// Returns the expected time of the last submit that was counted.
    fn turn(&self) -> Timestamp {
        let wait = i64::try_from(self.rate.seconds_for(self.submits)).unwrap_or(i64::MAX);
        self.now.checked_add(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MAX)
    }

    /// Returns the number of jobs per size.
    pub fn sizes(&self) -> BTreeMap<&'static str, u64> {
        let names = [Self::DEFAULT_SIZE].into_iter().chain(Size::NAMES.iter().copied());
        names.zip(self.sizes).filter(|(_, count)| *count > 0).collect()
    }

    /// Returns the number of jobs per color, by its hex code.
    pub fn colors(&self) -> BTreeMap<String, u64> {
        self.colors.iter().map(|(color, count)| (color.to_string(), *count)).collect()
    }

    /// Returns all warnings.
    pub fn warnings(&mut self) -> Vec<Warning> {
        let (duplicates, original) = self.duplicates();
        self.occurrences[WarningKind::Duplicate as usize] = duplicates;
        // In a recoloring batch, nearly every prompt has a color. In others, a prompt without one is normal.
        let is_recoloring = self.occurrences[WarningKind::Colorless as usize].count * 5 < self.jobs;
        let kinds = WarningKind::ALL.into_iter().filter(|kind| *kind != WarningKind::Colorless || is_recoloring);
        let warning = |kind: WarningKind| {
            let occurrences = &self.occurrences[kind as usize];
            let first = occurrences.first.clone()?;
            let (message, hint) = kind.words();
            let mut message = match &original {
                Some(id) if kind == WarningKind::Duplicate => {
                    format!("the same edit as {id}, under another id: it is paid for each time")
                }
                _ => message.to_owned(),
            };
            if occurrences.count > 1 {
                message.push_str(&format!(" (and in {} more)", occurrences.count - 1));
            }
            Some(Warning { first, message, hint })
        };
        let mut warnings: Vec<Warning> = kinds.filter_map(warning).collect();
        warnings.sort_by_key(|warning| warning.first.0);
        warnings
    }

    /// Returns the jobs with the same request as an earlier job, and the id of the job that the first of them repeats.
    fn duplicates(&self) -> (Occurrences, Option<JobId>) {
        let found = self.requests.par_iter().flat_map_iter(|requests| duplicates(requests));
        let (count, first) = found
            .map(|found| (1, Some(found)))
            .reduce(|| (0, None), |(some, one), (others, other)| (some + others, one.into_iter().chain(other).min()));
        let Some((line, hash)) = first else { return (Occurrences::default(), None) };
        let ids = self.named.get(&hash).map_or(&[][..], |ids| ids);
        // If only one of the two has a name, it is unknown which of them.
        let [original, duplicate] = if let [one, other] = ids { [Some(one), Some(other)] } else { [None, None] };
        (Occurrences { count, first: Some((u64::from(line), duplicate.cloned())) }, original.cloned())
    }
}

/// Returns the lines and the hashes of requests that equal an earlier one.
fn duplicates(requests: &[RequestKey]) -> impl Iterator<Item = (u32, u64)> {
    let mut seen = HashSet::with_capacity_and_hasher(requests.len(), RandomState::default());
    let hash = |RequestKey([high, low], _): &RequestKey| u64::from(*high) << 32 | u64::from(*low);
    let is_duplicate = move |request: &&RequestKey| !seen.insert(hash(request));
    requests.iter().filter(is_duplicate).map(move |request| (request.1, hash(request)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{EditRequest, ImageSource, Job, RequestHash, Switches};

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

    fn printed(jobs: &[Job]) -> Vec<String> {
        let mut advice = Advice::new("2026-11-24T00:00:00Z".parse().unwrap(), "10/min".parse().unwrap());
        for job in jobs {
            let request_hash = RequestHash::of(&job.request.borrowed(), |_| Err("there are no files")).unwrap();
            advice.add(&JobFeatures::of(&job.borrowed(), request_hash), true);
        }
        advice.warnings().into_iter().map(|warning| format!("{}: {}", warning.first.0, warning.message)).collect()
    }

    #[test]
    fn each_likely_mistake_is_reported_once_with_its_first_job() {
        let four = ["https://x/1", "https://x/2", "https://x/3", "https://x/4"];
        let mut jobs: Vec<Job> =
            (0..20).map(|number| job(number, &format!("#1E90FF {number}"), &["https://x/a"])).collect();
        assert!(printed(&jobs).is_empty());
        jobs.push(job(20, "make it nicer", &["https://x/a"]));
        jobs.push(job(21, "make it navy", &four));
        jobs.push(job(22, "make it teal", &four));
        jobs.push(job(23, "make it teal", &four));
        assert_eq!(
            printed(&jobs),
            [
                "21: no color in the prompt, but other jobs have one",
                "22: more than 3 images in a job (and in 2 more)",
                "24: the same edit as job-22, under another id: it is paid for each time",
            ]
        );
    }

    #[test]
    fn garbled_prompts_and_links_to_web_pages_are_reported() {
        let job = |number, prompt, url: &str| job(number, prompt, &[url]);
        let jobs = [
            job(0, "Mach die Tasse größer, São Paulo, SÃO: #1E90FF", "https://www.dropbox.com/s/x/a.jpg?raw=1"),
            job(1, "Mach die Tasse grÃ¶ÃŸer #1E90FF", "https://drive.google.com/file/d/1AbC/view?usp=sharing"),
            job(2, "Change the mugâ€™s color to #1E90FF", "https://drive.google.com/uc?export=download&id=1AbC"),
            job(3, "#1E90FF", "https://www.dropbox.com/s/x/a.jpg?dl=0"),
        ];
        assert_eq!(
            printed(&jobs),
            [
                "2: a prompt has letters that were read in the wrong encoding, such as `Ã¶` for `ö` (and in 1 more)",
                "2: a link to a page that shows a picture, and not to the picture (and in 1 more)",
            ]
        );
    }

    #[test]
    fn invalid_hex_codes_and_colors_other_than_the_checked_one_are_reported() {
        let asks = |number, prompt, color: &str| Job {
            color: Some(color.parse().unwrap()),
            ..job(number, prompt, &["https://x/a"])
        };
        let jobs = [
            job(0, "make it #1E90F, please", &["https://x/a"]),
            job(1, "make it #B222222", &["https://x/a"]),
            job(2, "order #12345 in #1E90FF, #addition, #12o", &["https://x/a"]),
            asks(3, "from #FF0000 to #1E90FF", "#1E90FF"),
            asks(4, "make it #B22222", "#1E90FF"),
            asks(5, "make it #1e90ff", "#1E90FF"),
            asks(6, "make it dodgerblue", "#1E90FF"),
            asks(7, "change it to navy", "#B22222"),
        ];
        let kinds = printed(&jobs);
        assert!(
            kinds.contains(
                &"1: the prompt contains `#` and digits that are not a valid color (and in 1 more)".to_owned()
            ),
            "{kinds:?}"
        );
        let other = "5: the prompt names another color than the one that is checked (and in 1 more)";
        assert!(kinds.contains(&other.to_owned()), "{kinds:?}");
    }

    #[test]
    fn letters_instead_of_zeros_are_reported() {
        let jobs = [job(0, "make it #1E9OFF", &["https://x/a"]), job(1, "#1E90FF, #facade, #good", &["https://x/a"])];
        assert_eq!(
            printed(&jobs),
            [
                "1: the prompt contains `#` and digits that are not a valid color",
                "2: the prompt names several colors, and which of them are requested is unclear",
            ]
        );
    }

    #[test]
    fn a_code_without_its_sign_is_reported_unless_a_color_is_checked() {
        let colored = Job { color: Some(Hex([30, 144, 255])), ..job(3, "make it 1E90FF", &["https://x/a"]) };
        let jobs = [
            job(0, "make it #1E90FF", &["https://x/a"]),
            job(1, "Change the bottle to # 1e90ff", &["https://x/a"]),
            job(2, "Change the bottle to 0x1E90FF", &["https://x/a"]),
            colored,
            job(4, "Change it to #1E90FF (in 1E90FF)", &["https://x/a"]),
        ];
        let told = "2: the prompt has a color code without `#`: no color is checked (and in 1 more)";
        assert_eq!(printed(&jobs), [told]);
    }

    #[test]
    fn hashtags_in_any_script_are_not_reported() {
        for prompt in [
            "#1E90FF for the #house\u{2019}s door",
            "#1E90FF, #vogue\u{2014}style",
            "#1E90FF #cliché",
            "#1E90FF #ab\u{2026}",
        ] {
            assert!(printed(&[job(0, prompt, &["https://x/a"])]).is_empty(), "{prompt}");
        }
    }

    #[test]
    fn an_invisible_character_in_a_hex_code_is_reported() {
        for (prompt, is_told) in [
            ("make it #1E\u{200b}90FF", true),
            ("make it #\u{200b}1E90FF", true),
            ("make it #1E90FF\u{200b} (ocean)", false),
            ("#1E90FF #\u{200d}add", true),
            ("#1E90FF for #fac\u{ad}tory", false),
        ] {
            assert_eq!(!printed(&[job(0, prompt, &["https://x/a"])]).is_empty(), is_told, "{prompt}");
        }
    }

    #[test]
    fn markup_and_spreadsheet_errors_in_prompts_are_reported() {
        let prompts = [
            "<p>make it #1E90FF</p>",
            "make it #1E90FF&nbsp;",
            "a & b_c < d: #1E90FF, R&D; salt & a dash;",
            "#1E90FF _x000D_",
            "the &eacute;toile, #1E90FF",
            "make the <i>mug</i> #1E90FF",
            "2 &ndash; #1E90FF",
        ];
        let jobs: Vec<Job> = (0..).zip(prompts).map(|(number, prompt)| job(number, prompt, &["https://x/a"])).collect();
        let told = "1: the prompt contains HTML, such as `<p>` or `&nbsp;`, or `_x000D_` from a spreadsheet";
        assert_eq!(printed(&jobs), [format!("{told} (and in 5 more)")]);
    }

    #[test]
    fn prompts_that_a_script_has_made_from_empty_cells_are_reported() {
        for (prompt, is_told) in [
            ("Change the nan to #1E90FF", true),
            ("Change the None to #1E90FF", true),
            ("Change the  to #1E90FF", true),
            ("Change the mug  to #1E90FF.  Keep the rest", false),
            ("Make it #1E90FF. None of the others", false),
            ("Change nanna's mug to #1E90FF", false),
        ] {
            assert_eq!(!printed(&[job(0, prompt, &["https://x/a"])]).is_empty(), is_told, "{prompt}");
        }
    }

    #[test]
    fn an_id_that_has_lost_digits_is_reported() {
        let job = |number, id: &str| Job { id: JobId::new(id).unwrap(), ..job(number, "#1E90FF", &["https://x/a"]) };
        let jobs = [job(1, "4.01E+12"), job(2, "4,02E+12"), job(3, "E+12"), job(4, "rose+1E")];
        let kinds = printed(&jobs).into_iter().filter(|printed| printed.contains("shortened")).collect::<Vec<_>>();
        assert_eq!(kinds, ["2: an id that a spreadsheet has shortened: digits of the number are lost (and in 1 more)"]);
    }

    #[test]
    fn a_signed_url_must_outlive_the_wait() {
        let signed = "https://b.s3.amazonaws.com/a.png?X-Amz-Date=20261123T235900Z&X-Amz-Expires=120&X-Amz-Signature=x";
        let jobs: Vec<Job> = (0..12).map(|number| job(number, &format!("#1E90FF {number}"), &[signed])).collect();
        assert_eq!(printed(&jobs), ["12: a signed URL that expires before the job is submitted"]);
    }
}
