use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::JobView;
use crate::job::JobId;
use crate::run_folder::RunFolder;
use crate::words::and_more;

/// The maximum number of jobs that are listed.
const MAX_NAMED: usize = 10;

/// The maximum number of jobs that are printed.
const MAX_PRINTED: usize = 3;

/// Jobs that show exactly the same picture as an earlier job with another request, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DuplicatePictures {
    /// All of them.
    #[serde(flatten)]
    pub all: DuplicateJobs,
    /// Those that the last run has made, or that show a picture that it has made.
    #[serde(default)]
    pub new: DuplicateJobs,
}

/// Jobs with such pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DuplicateJobs {
    /// How many.
    pub jobs: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
}

impl DuplicateJobs {
    fn add(&mut self, job: &JobView) {
        self.jobs += 1;
        if self.ids.len() < MAX_NAMED {
            self.ids.push(job.id.to_string());
        }
    }
}

/// Finds duplicate pictures while jobs are added.
///
/// Per picture it keeps 17 bytes: eight of its hash, which collide by chance in one of thirty million batches of a
/// million pictures, four of the fingerprint of the first request with it, the number of its job, and whether the last run has
/// made it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DuplicatePictureFinder {
    /// The start of the last run.
    last_run: Option<Timestamp>,
    seen: HashMap<[u8; 8], FirstShown>,
    /// How many jobs were added.
    jobs: u32,
    pub(crate) found: DuplicatePictures,
    /// The first jobs that show the picture of a later one, by their places, with the id of the next such job. Either may
    /// be the one with the wrong picture.
    later: HashMap<u32, JobId>,
}

/// The first job that shows a picture.
#[derive(Clone, Copy, Debug)]
struct FirstShown {
    request: [u8; 4],
    /// The place of the job among all, from 0.
    job: u32,
    is_new: bool,
}

impl DuplicatePictureFinder {
    /// Returns a finder for a folder whose last run started at this time.
    pub(crate) fn new(last_run: Option<Timestamp>) -> DuplicatePictureFinder {
        DuplicatePictureFinder { last_run, ..DuplicatePictureFinder::default() }
    }

    /// Adds a job, and returns the place among all jobs, from 0, of the first one that shows one of its pictures for
    /// another request. If the color lock has corrected its pictures, the provider's pictures are compared instead.
    pub(crate) fn add(&mut self, job: &JobView) -> Option<u32> {
        let request = job.fingerprint.map_or([0; 4], |fingerprint| first(fingerprint.as_bytes()));
        let files = if job.originals.is_empty() { &job.files } else { &job.originals };
        let pictures: BTreeSet<[u8; 8]> = files.iter().map(|file| first(file.blake3.as_bytes())).collect();
        let is_new = self.last_run.is_some_and(|start| job.finished_at.is_some_and(|end| end >= start));
        let this = FirstShown { request, job: self.jobs, is_new };
        self.jobs = self.jobs.saturating_add(1);
        let shown = pictures.into_iter().map(|picture| *self.seen.entry(picture).or_insert(this));
        let others: Vec<FirstShown> = shown.filter(|first| first.request != request).collect();
        if !others.is_empty() {
            self.found.all.add(job);
        }
        if others.iter().any(|first| is_new || first.is_new) {
            self.found.new.add(job);
        }
        let earliest = others.iter().map(|first| first.job).min()?;
        self.later.entry(earliest).or_insert_with(|| job.id.clone());
        Some(earliest)
    }

    /// Returns a lookup for [`Twins::of`], once all jobs are added.
    pub(crate) fn twins(&self) -> Twins<'_> {
        Twins { later: &self.later, earlier: HashMap::new() }
    }
}

/// The jobs that show the same picture, while all jobs are gone through again.
#[derive(Debug)]
pub(crate) struct Twins<'a> {
    later: &'a HashMap<u32, JobId>,
    /// The ids of the first jobs, by their places.
    earlier: HashMap<u32, String>,
}

impl Twins<'_> {
    /// Returns the id of another job that shows the same picture as the next job, which has this place and id. `earlier`
    /// is what [`DuplicatePictureFinder::add`] has returned for it.
    pub(crate) fn of(&mut self, place: u32, id: &str, earlier: Option<u32>) -> Option<String> {
        let later = self.later.get(&place);
        if later.is_some() {
            self.earlier.insert(place, id.to_owned());
        }
        let earlier = earlier.and_then(|place| self.earlier.get(&place).cloned());
        earlier.or_else(|| later.map(JobId::to_string))
    }
}

impl DuplicatePictures {
    /// Returns the duplicates in the report of `folder`; none if there is no report.
    pub(crate) fn of_report(folder: &RunFolder) -> DuplicatePictures {
        read(&folder.report_page().with_file_name("summary.json")).unwrap_or_default()
    }

    /// Returns the same duplicates after a run that made no pictures.
    pub(crate) fn without_new(self) -> DuplicatePictures {
        DuplicatePictures { new: DuplicateJobs::default(), ..self }
    }

    /// Returns the text for the end of a run, which names only those that are new.
    pub(crate) fn after_run(&self) -> String {
        let earlier = self.all.jobs.saturating_sub(self.new.jobs);
        match (self.new.jobs, earlier) {
            (0, 1) => "1 job of an earlier run has the same picture as another; the report names it".to_owned(),
            (0, _) => format!("{earlier} jobs of earlier runs have the same picture as another; the report names them"),
            (_, 0) => self.new.to_string(),
            (_, _) => format!("{}; {earlier} more in earlier runs", self.new),
        }
    }
}

impl std::fmt::Display for DuplicateJobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let jobs = if self.jobs == 1 { "job has" } else { "jobs have" };
        let printed = &self.ids[..self.ids.len().min(MAX_PRINTED)];
        let (ids, more) = (printed.join(", "), and_more(self.jobs.saturating_sub(printed.len() as u64)));
        write!(
            formatter,
            "{} {jobs} the same picture as an earlier job: {ids}{more}; the provider may have mixed them up",
            self.jobs
        )
    }
}

fn read(summary: &Path) -> Option<DuplicatePictures> {
    #[derive(Deserialize)]
    struct Summary {
        alike: DuplicatePictures,
    }
    let bytes = std::fs::read(summary).ok()?;
    Some(serde_json::from_slice::<Summary>(&bytes).ok()?.alike)
}

/// Returns the first bytes of a hash.
fn first<const ALL: usize, const SOME: usize>(hash: &[u8; ALL]) -> [u8; SOME] {
    hash.first_chunk().copied().unwrap_or([0; SOME])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ContentHash, Fingerprint};
    use crate::report::ResultFile;

    fn job(id: &str, request: u8, pictures: &[&str]) -> JobView {
        let file = |content: &&str| ResultFile {
            path: format!("results/{id}.png").into(),
            bytes: 1,
            width: 1,
            height: 1,
            blake3: ContentHash::of(content.as_bytes()),
        };
        let fingerprint: Fingerprint = format!("{request:032x}").chars().rev().collect::<String>().parse().unwrap();
        let files = pictures.iter().map(file).collect();
        JobView { fingerprint: Some(fingerprint), files, ..JobView::new(JobId::new(id).unwrap(), "Make it red") }
    }

    fn found(jobs: &[JobView]) -> DuplicatePictures {
        let mut duplicate_pictures = DuplicatePictureFinder::default();
        for job in jobs {
            duplicate_pictures.add(job);
        }
        duplicate_pictures.found
    }

    fn named(ids: &[&str]) -> DuplicateJobs {
        DuplicateJobs { jobs: ids.len() as u64, ids: ids.iter().map(|id| (*id).to_owned()).collect() }
    }

    #[test]
    fn the_same_picture_for_two_different_requests_is_found() {
        let jobs = [job("a", 1, &["mug"]), job("b", 2, &["cup"]), job("c", 3, &["mug"]), job("d", 4, &["jug", "cup"])];
        let mut finder = DuplicatePictureFinder::default();
        assert_eq!(jobs.each_ref().map(|job| finder.add(job)), [None, None, Some(0), Some(1)]);
        insta::assert_snapshot!(found(&jobs).all, @"2 jobs have the same picture as an earlier job: c, d; the provider may have mixed them up");
    }

    #[test]
    fn each_of_two_jobs_with_the_same_picture_names_the_other() {
        let jobs = [job("a", 1, &["mug"]), job("b", 2, &["cup"]), job("c", 3, &["mug"]), job("d", 4, &["mug"])];
        let mut finder = DuplicatePictureFinder::default();
        let earlier = jobs.each_ref().map(|job| finder.add(job));
        let mut twins = finder.twins();
        let named = [0, 1, 2, 3].map(|place: usize| twins.of(place as u32, jobs[place].id.as_str(), earlier[place]));
        assert_eq!(named.each_ref().map(Option::as_deref), [Some("c"), None, Some("a"), Some("a")]);
    }

    #[test]
    fn the_end_of_a_run_names_only_duplicates_that_it_has_made() {
        let night = |number: i64| Timestamp::from_second(1_800_000_000 + number * 86_400).unwrap();
        let made = |id, request, picture, at: Timestamp| {
            let finished_at = Some(at + jiff::SignedDuration::from_secs(60));
            JobView { finished_at, ..job(id, request, &[picture]) }
        };
        let jobs = [
            made("a", 1, "mug", night(0)),
            made("b", 2, "mug", night(0)),
            made("c", 3, "cup", night(1)),
            made("d", 4, "cup", night(0)),
            made("e", 5, "mug", night(1)),
        ];
        let after = |last_run| {
            let mut finder = DuplicatePictureFinder::new(Some(last_run));
            for job in &jobs {
                finder.add(job);
            }
            finder.found
        };
        let found = after(night(1));
        assert_eq!((&found.all, &found.new), (&named(&["b", "d", "e"]), &named(&["d", "e"])));
        insta::assert_snapshot!(
            [after(night(0)), found.clone(), found.without_new()].map(|found| found.after_run()).join("\n"),
            @r"
        3 jobs have the same picture as an earlier job: b, d, e; the provider may have mixed them up
        2 jobs have the same picture as an earlier job: d, e; the provider may have mixed them up; 1 more in earlier runs
        3 jobs of earlier runs have the same picture as another; the report names them
        "
        );
    }

    #[test]
    fn similar_hashes_of_pictures_and_requests_are_distinguished() {
        let with_hash = |id: &str, request: u8, hash: &str| {
            let mut job = job(id, request, &["mug"]);
            job.files[0].blake3 = format!("{hash:0<64}").parse().unwrap();
            job
        };
        let jobs = [with_hash("a", 1, "0123456789abcd"), with_hash("b", 2, "0123456789abce")];
        assert_eq!(found(&jobs), DuplicatePictures::default());
        let mut jobs = [with_hash("a", 1, "01"), with_hash("b", 2, "01")];
        jobs[0].fingerprint = Some(format!("{:0<32}", "012345").parse().unwrap());
        jobs[1].fingerprint = Some(format!("{:0<32}", "012346").parse().unwrap());
        assert_eq!(found(&jobs).all.jobs, 1);
    }

    #[test]
    fn equal_requests_and_pictures_of_one_job_may_be_identical() {
        let jobs = [job("a", 1, &["mug", "mug"]), job("b", 1, &["mug"]), job("c", 2, &[]), job("d", 3, &[])];
        assert_eq!(found(&jobs), DuplicatePictures::default());
    }

    #[test]
    fn pictures_corrected_from_the_same_original_are_duplicates() {
        let corrected = |id, request, made: &[&str]| JobView {
            originals: job(id, request, &["mug"]).files,
            ..job(id, request, made)
        };
        let jobs = [corrected("a", 1, &["red mug"]), corrected("b", 2, &["blue mug"])];
        assert_eq!(found(&jobs).all, named(&["b"]));
    }

    #[test]
    fn only_the_first_of_many_duplicates_are_listed() {
        let jobs: Vec<JobView> = (0..14).map(|number| job(&format!("job-{number}"), number, &["mug"])).collect();
        let text = found(&jobs).all.to_string();
        assert!(text.starts_with("13 jobs have") && text.contains("job-1, job-2, job-3 and 10 more; the"), "{text}");
    }
}
