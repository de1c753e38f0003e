//! The plan: compares what the manifest asks for with what the journal has recorded. No I/O. The advice about a batch
//! uses all cores.

mod advice;
mod color_review;
mod color_step;
mod color_target;
mod decision;
mod decision_counts;
mod expiry;
mod planned_job;
mod seeds;
mod work;
mod work_list;

pub use advice::{Advice, JobFeatures, Warning};
pub use color_review::{ColorLock, ColorRules, UncertainReroll};
pub use color_step::{ColorStep, DecisionPoint, first_color_step, is_retouched, next_for_color, unfinished_reroll};
pub use color_target::ColorTarget;
pub use decision::{Choices, Decision, FailedPolicy, Kept, KnownEdit, decide, with_color_review};
pub use decision_counts::{Decided, DecisionCounts};
pub use planned_job::{PlannedJob, count};
pub use seeds::unused_seed;
pub use work::{Standing, Task, Work};
pub use work_list::{JobRow, orphans, unfinished, work};
