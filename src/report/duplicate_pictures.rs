use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::JobView;
use crate::run_folder::RunFolder;
use crate::words::and_more;

/// How many of them are named.
const MAX_NAMED: usize = 10;

/// Jobs that show exactly the same picture as an earlier job, byte for byte, though they asked for something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicatePictures {
    /// How many.
    pub jobs: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
}

/// Finds them while the jobs go by.
///
/// Of each picture it keeps twelve bytes: eight of its hash, which in a million pictures are the same by chance once in
/// thirty million batches, and four of the fingerprint of the request that it came of first.
#[derive(Clone, Debug, Default)]
pub(crate) struct DuplicatePictureFinder {
    seen: HashMap<[u8; 8], [u8; 4]>,
    pub(crate) found: DuplicatePictures,
}

impl DuplicatePictureFinder {
    /// Adds a job. A picture that the color lock corrected is left out, because it says nothing about its source.
    pub(crate) fn add(&mut self, job: &JobView) {
        let request = job.fingerprint.map_or([0; 4], |fingerprint| first(fingerprint.as_bytes()));
        let files = if job.originals.is_empty() { &job.files } else { &job.originals };
        let pictures: BTreeSet<[u8; 8]> = files.iter().map(|file| first(file.blake3.as_bytes())).collect();
        let others = pictures.into_iter().filter(|picture| *self.seen.entry(*picture).or_insert(request) != request);
        if others.count() > 0 {
            self.found.jobs += 1;
            if self.found.ids.len() < MAX_NAMED {
                self.found.ids.push(job.id.to_string());
            }
        }
    }
}

impl DuplicatePictures {
    /// Returns those that the report in `folder` names; none if there is no report.
    pub fn of_report(folder: &RunFolder) -> DuplicatePictures {
        read(&folder.report_page().with_file_name("summary.json")).unwrap_or_default()
    }
}

impl std::fmt::Display for DuplicatePictures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let jobs = if self.jobs == 1 { "job has" } else { "jobs have" };
        let (ids, more) = (self.ids.join(", "), and_more(self.jobs.saturating_sub(self.ids.len() as u64)));
        write!(
            formatter,
            "{} {jobs} exactly the same picture as an earlier job: {ids}{more}; check them: the provider may have mixed up pictures",
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

/// The first bytes of a hash.
fn first<const ALL: usize, const SOME: usize>(hash: &[u8; ALL]) -> [u8; SOME] {
    hash.first_chunk().copied().unwrap_or([0; SOME])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ContentHash, Fingerprint, JobId};
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
        jobs.iter().for_each(|job| duplicate_pictures.add(job));
        duplicate_pictures.found
    }

    #[test]
    fn a_picture_that_stands_under_two_different_requests_is_found() {
        let jobs = [job("a", 1, &["mug"]), job("b", 2, &["cup"]), job("c", 3, &["mug"]), job("d", 4, &["jug", "cup"])];
        insta::assert_snapshot!(found(&jobs), @"2 jobs have exactly the same picture as an earlier job: c, d; check them: the provider may have mixed up pictures");
    }

    #[test]
    fn pictures_and_requests_whose_first_bytes_are_the_same_are_told_apart() {
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
        assert_eq!(found(&jobs).jobs, 1);
    }

    #[test]
    fn the_same_request_twice_and_the_pictures_of_one_job_may_be_alike() {
        let jobs = [job("a", 1, &["mug", "mug"]), job("b", 1, &["mug"]), job("c", 2, &[]), job("d", 3, &[])];
        assert_eq!(found(&jobs), DuplicatePictures::default());
    }

    #[test]
    fn what_the_color_lock_made_of_one_picture_is_still_one_picture() {
        let corrected = |id, request, made: &[&str]| JobView {
            originals: job(id, request, &["mug"]).files,
            ..job(id, request, made)
        };
        let jobs = [corrected("a", 1, &["red mug"]), corrected("b", 2, &["blue mug"])];
        assert_eq!(found(&jobs), DuplicatePictures { jobs: 1, ids: vec!["b".to_owned()] });
    }

    #[test]
    fn of_a_whole_catalog_with_one_picture_the_first_are_named() {
        let jobs: Vec<JobView> = (0..14).map(|number| job(&format!("job-{number}"), number, &["mug"])).collect();
        let text = found(&jobs).to_string();
        assert!(text.starts_with("13 jobs have") && text.contains("job-10 and 3 more; check"), "{text}");
    }
}
