use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use crate::job::{Cents, Rate, SubmitRate};
use crate::journal::RECENT;
use crate::plan::ColorRules;

use super::PollSchedule;

/// The pace and the limits of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rate of submits.
    pub submits: SubmitRate,
    /// How many submits may go out at once after a pause.
    pub burst: NonZeroU32,
    /// The rate of polls.
    pub polls: Rate,
    /// How many polls of each prediction are exempt from that rate. With paced submits, these are paced as well.
    pub free_polls: u32,
    /// How many predictions may be in flight at once.
    pub in_flight: NonZeroU32,
    /// How many downloads may run at once.
    pub downloads: NonZeroU32,
    /// The limit of what the folder may cost over its whole life.
    pub budget: Option<Cents>,
    /// The limit of what the submits of this run may cost.
    pub budget_per_run: Option<Cents>,
    /// The highest price that a submit may have. A higher one is probably a mistake.
    pub price_limit: Cents,
    /// How long after the start of the run submitting ends.
    pub deadline: Option<Duration>,
    /// The wall-clock time at which submitting ends, if that is earlier.
    pub not_after: Option<Timestamp>,
    /// How long predictions in flight may take after the deadline.
    pub grace: Duration,
    /// How long a prediction may take.
    pub job_timeout: Duration,
    /// How long the provider may be unreachable, or fail for every job, before the run gives up.
    pub give_up_after: Duration,
    /// When predictions are polled.
    pub schedule: PollSchedule,
    /// How colors are checked and corrected.
    pub color: ColorRules,
    /// How many jobs that are finished for the run stay in memory.
    pub recent_jobs: usize,
}

const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            submits: SubmitRate::Fixed(Rate::per_minute(TEN)),
            burst: NonZeroU32::MIN,
            polls: Rate::per_second(TEN),
            free_polls: 0,
            in_flight: const { NonZeroU32::new(3).unwrap() },
            downloads: const { NonZeroU32::new(8).unwrap() },
            budget: None,
            budget_per_run: None,
            // Ten times the provider's published price.
            price_limit: Cents(70),
            deadline: None,
            not_after: None,
            grace: Duration::from_secs(300),
            job_timeout: Duration::from_secs(1800),
            give_up_after: Duration::from_secs(900),
            schedule: PollSchedule::default(),
            color: ColorRules::default(),
            recent_jobs: RECENT,
        }
    }
}
