use std::fs::{self, File};
use std::io::{self, Write};

use crate::job::ContentHash;

use super::error::FolderError;
use super::folder::RunFolder;

/// The stamp of a folder's plan. If neither the inputs nor the plan have changed, the plan does not have to be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanStamp {
    /// The hash of all inputs.
    pub made_of: ContentHash,
    /// The hash of the plan.
    pub plan: ContentHash,
}

impl PlanStamp {
    /// Returns the hash of the folder's plan, if it was made from these inputs and is unchanged. No other process may
    /// be writing it.
    pub fn plan_of(folder: &RunFolder, made_of: ContentHash) -> Option<ContentHash> {
        let text = fs::read_to_string(folder.plan_stamp()).ok()?;
        let (known, plan) = text.trim_end().split_once(' ')?;
        if known.parse::<ContentHash>().ok()? != made_of {
            return None;
        }
        let (found, _) = ContentHash::of_all(File::open(folder.plan()).ok()?).ok()?;
        plan.parse().ok().filter(|plan| *plan == found)
    }

    /// Removes the stamp, so that the next run rebuilds the plan.
    ///
    /// # Errors
    ///
    /// It cannot be removed.
    pub fn remove(folder: &RunFolder) -> Result<(), FolderError> {
        let path = folder.plan_stamp();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FolderError::io("remove", path)(error)),
            _ => Ok(()),
        }
    }

    /// Writes the stamp. If that fails, the next run rebuilds the plan.
    pub fn put(self, folder: &RunFolder) {
        let PlanStamp { made_of, plan } = self;
        let text = format!("{made_of} {plan}\n");
        if fs::read_to_string(folder.plan_stamp()).is_ok_and(|known| known == text) {
            return;
        }
        if let Err(error) = crate::files::replace_cache(&folder.plan_stamp(), |file| file.write_all(text.as_bytes())) {
            tracing::debug!(%error, "the plan could not be marked");
        }
    }
}
