use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use crate::job::{Cents, Rate, SubmitRate};
use crate::plan::ColorRules;

use super::PollSchedule;

/// How a run is paced and bounded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How fast submits go out.
    pub submits: SubmitRate,
    /// How many submits may go out at once after a pause.
    pub burst: NonZeroU32,
    /// How fast polls go out.
    pub polls: Rate,
    /// How many polls of each prediction go out beside that rate: with submits that are paced, they are paced as well.
    pub free_polls: u32,
    /// How many predictions may be in work at once.
    pub in_flight: NonZeroU32,
    /// How many downloads may be under way at once.
    pub downloads: NonZeroU32,
    /// The ceiling of what the folder may cost over its whole life.
    pub budget: Option<Cents>,
    /// The ceiling of what the submits of this run alone may cost.
    pub budget_per_run: Option<Cents>,
    /// What a submit may cost. A price above it is more likely a mistake than a price.
    pub price_limit: Cents,
    /// How long after its beginning submitting ends.
    pub deadline: Option<Duration>,
    /// When submitting ends by the clock on the wall, if that is earlier.
    pub not_after: Option<Timestamp>,
    /// How long what is in flight may take after the deadline.
    pub grace: Duration,
    /// How long a prediction may take.
    pub job_timeout: Duration,
    /// How long the provider may be out of reach, or fail for every job, before the run gives up.
    pub give_up_after: Duration,
    /// When predictions are asked for.
    pub schedule: PollSchedule,
    /// What is done about colors.
    pub color: ColorRules,
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
            // Ten times what the provider's page says.
            price_limit: Cents(70),
            deadline: None,
            not_after: None,
            grace: Duration::from_secs(300),
            job_timeout: Duration::from_secs(1800),
            give_up_after: Duration::from_secs(900),
            schedule: PollSchedule::default(),
            color: ColorRules::default(),
        }
    }
}
