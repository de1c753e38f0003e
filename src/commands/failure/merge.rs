use std::path::PathBuf;

use crate::job::{JobId, Partition};
use crate::words::{and_more, is_are};

/// The maximum number of missing shares that are listed.
const NAMED: usize = 8;

/// The reason why folders cannot be merged. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Two folders have worked on one job independently.
    #[error("merge {} and {}: both have worked on job {job}{}", one.display(), other.display(), and_more(*more as u64))]
    Conflict {
        /// The job.
        job: JobId,
        /// The first folder.
        one: PathBuf,
        /// The second folder.
        other: PathBuf,
        /// The number of further jobs with this conflict.
        more: usize,
    },
    /// Two folders have different requests for one job.
    #[error("merge {} and {}: job {job} has a different request in each", one.display(), other.display())]
    Plans {
        /// The job.
        job: JobId,
        /// The first folder.
        one: PathBuf,
        /// The second folder.
        other: PathBuf,
    },
    /// A picture of one job has the name that another job's picture would have.
    #[error("merge {}: {name} is a picture of job {job}, and would be the picture of job {other}", folder.display())]
    SameName {
        /// The picture.
        name: String,
        /// The job that it belongs to.
        job: JobId,
        /// The job whose picture name it has.
        other: JobId,
        /// The folder that contains it.
        folder: PathBuf,
    },
    /// Two folders were edited by different backends.
    #[error("merge {} and {}: different backends made their pictures", one.display(), other.display())]
    Backends {
        /// The first folder.
        one: PathBuf,
        /// The second folder.
        other: PathBuf,
    },
    /// Some shares were not given.
    #[error("merge: {} missing", missing(shares))]
    Missing {
        /// The missing shares.
        shares: Vec<Partition>,
    },
    /// The output folder is a share itself, and would no longer be one.
    #[error("merge into {}: it is share {share} of the manifest", out.display())]
    IntoShare {
        /// The share.
        share: Partition,
        /// The folder.
        out: PathBuf,
    },
    /// The output folder has jobs that no given folder knows.
    #[error("merge into {}: it has worked on job {job}, which is in none of the given folders", out.display())]
    Foreign {
        /// One of the jobs.
        job: JobId,
        /// The folder.
        out: PathBuf,
    },
    /// The output folder did not exist, and has a journal now.
    #[error("merge into {}: another run or merge has created it in the meantime", out.display())]
    Appeared {
        /// The folder.
        out: PathBuf,
    },
}

impl MergeError {
    /// Returns a hint for the user.
    pub fn hint(&self) -> String {
        match self {
            MergeError::Conflict { .. } => {
                "it may have been paid for in both: leave one of the folders out. If one was compacted after it continued and \
                 its journal-until-….jsonl is gone, merge into a new folder"
                    .to_owned()
            }
            MergeError::Plans { .. } => "run the same manifest in both, or leave one of them out".to_owned(),
            MergeError::SameName { other, .. } => format!("give {other} another id, or leave the folder out"),
            MergeError::Backends { .. } => "merge the folders of each backend separately".to_owned(),
            MergeError::Missing { .. } => {
                "give the folders of all shares. Or merge without the missing ones with --partial; a run of the manifest in \
                 the merged folder then pays for their jobs"
                    .to_owned()
            }
            MergeError::IntoShare { .. } => "choose another folder with -o; the shares are not changed".to_owned(),
            MergeError::Foreign { out, .. } => {
                format!("give {} as well, to include it; or choose another folder with -o", out.display())
            }
            MergeError::Appeared { .. } => {
                "nothing was changed in it: run the same command again, or choose another folder with -o".to_owned()
            }
        }
    }
}

fn missing(shares: &[Partition]) -> String {
    let mut named: Vec<String> = shares.iter().take(NAMED).map(|share| format!("share {share}")).collect();
    if shares.len() > NAMED {
        named.push(format!("{} more", shares.len() - NAMED));
    }
    format!("{} {}", named.join(", "), is_are(shares.len() as u64))
}
