use std::sync::Arc;

use crate::job::EditRequest;
use crate::journal::{EditKey, Reroll};

use super::color_target::ColorTarget;

/// One thing to do, in the order of the manifest.
#[derive(Clone, Debug)]
pub struct Work {
    /// Which edit it is for.
    pub key: EditKey,
    /// What is to be done.
    pub task: Task,
    /// Whether the manifest still wants this edit.
    pub standing: Standing,
    /// What its color is compared with; `None` where no color was asked for, or nobody wants it checked.
    pub target: Option<Arc<ColorTarget>>,
}

/// What is to be done for an edit.
#[derive(Clone, Debug)]
pub enum Task {
    /// Submit it and follow it to its end.
    Submit(Arc<EditRequest>),
    /// The same for a re-roll of an edit that missed its color.
    Reroll(Arc<EditRequest>, Reroll),
    /// Follow the prediction that the journal knows to its end.
    Follow,
    /// Ask again for the prediction that was lost or took too long, and submit it again only if the provider does not
    /// know it, or says that it failed.
    FollowOrResubmit(Arc<EditRequest>),
    /// Publish the pictures that the journal says were fetched, or follow the prediction where they are gone.
    Recover,
    /// Bring the pictures back that the journal says were completed under an earlier manifest.
    Reinstate,
    /// Look after the color of what is completed: what that means is told from the journal when its turn comes.
    ReviewColor,
    /// Check the color of its pictures.
    Check,
    /// Correct the color of its picture, which is near.
    Correct,
}

impl Task {
    /// Whether it costs money.
    pub fn submits(&self) -> bool {
        matches!(self, Task::Submit(_) | Task::Reroll(..))
    }

    /// Whether it asks nothing of the API.
    pub fn is_local(&self) -> bool {
        matches!(self, Task::Reinstate | Task::ReviewColor | Task::Check | Task::Correct)
    }
}

/// Whether the manifest wants an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is what the manifest asks for, or nothing else is asked for under its id.
    Current,
    /// The manifest asks for another edit under its id: its pictures go aside.
    Superseded,
    /// It is a re-roll: its pictures go aside until they are known to be the better ones.
    Alternative,
}
