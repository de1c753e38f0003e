use std::sync::Arc;

use crate::job::EditRequest;
use crate::journal::{EditKey, Reroll};

use super::color_target::ColorTarget;

/// A unit of work, in the order of the manifest.
#[derive(Clone, Debug)]
pub struct Work {
    /// The key of the edit.
    pub key: EditKey,
    /// The task.
    pub task: Task,
    /// The relation between the manifest and this edit.
    pub standing: Standing,
    /// The target that its color is compared with; `None` if no color was requested, or colors are not checked.
    pub target: Option<Arc<ColorTarget>>,
}

/// The task of an edit.
#[derive(Clone, Debug)]
pub enum Task {
    /// Submit it, and poll it until it ends.
    Submit(Arc<EditRequest>),
    /// Submit a re-roll of an edit that missed its color, and poll it until it ends.
    Reroll(Arc<EditRequest>, Reroll),
    /// Poll the recorded prediction until it ends.
    Follow,
    /// Poll the prediction that was lost or took too long, and submit again only if the provider does not know it or
    /// reports that it failed.
    FollowOrResubmit(Arc<EditRequest>),
    /// Publish the pictures that were fetched, or poll the prediction if they are missing.
    Recover,
    /// Move back the pictures that were completed under an earlier manifest.
    Reinstate,
    /// Review the color of a completed edit. The next step is derived from the journal when it is its turn.
    ReviewColor,
    /// Check the color of its pictures.
    Check,
    /// Correct the color of its picture, which is near the requested color.
    Correct,
}

impl Task {
    /// Whether it costs money.
    pub fn submits(&self) -> bool {
        matches!(self, Task::Submit(_) | Task::Reroll(..))
    }

    /// Whether it makes no request to the API.
    pub fn is_local(&self) -> bool {
        matches!(self, Task::Reinstate | Task::ReviewColor | Task::Check | Task::Correct)
    }
}

/// The relation between the manifest and an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The manifest asks for it, or for no other edit with its id.
    Current,
    /// The manifest asks for another edit with its id, or for none and the run prunes, so its pictures are saved aside.
    Superseded,
    /// It is a re-roll, whose pictures are kept aside until they are known to be better.
    Alternative,
}
