use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::api::BaseUrl;
use crate::job::{Backend, IdPattern, UncertainPolicy};
use crate::job::{Cents, Partition, Rate, SubmitRate, TimeOfDay};
use crate::notify::NoticeUrl;

use super::values::{Unrepeated, among, count, difference, dollars, time, whole};

const SELECTION: &str = "Selection";
const RATE: &str = "Rate";
const BUDGET: &str = "Budget";
const TIME_LIMITS: &str = "Time limits";
const COLOR: &str = "Color";

/// `dyehouse run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The manifest: CSV, YAML or JSON lines; `-` reads it from stdin
    pub manifest: PathBuf,
    /// The run's folder [default: runs/<the manifest's stem>; for the failed.csv of a report, the folder of that run]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The backend: `vibedream` (paid API) or `embedded` (this program)
    #[arg(long, value_name = "BACKEND", value_parser = among::<Backend>(Backend::NAMES))]
    pub backend: Option<Backend>,
    /// The origin of the API: https, or http on loopback [default: the provider]
    #[arg(long, env = "VIBEDREAM_BASE_URL", value_name = "URL", value_parser = Unrepeated(BaseUrl::parse))]
    pub base_url: Option<BaseUrl>,
    /// Print the summary as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Also write a JUnit file: one test case per job; wrong colors are failures, uncertain jobs are errors
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Only jobs whose id matches, such as 'mug-*'
    #[arg(long, help_heading = SELECTION, value_name = "GLOB")]
    pub only: Option<IdPattern>,
    /// Only the first N jobs, after --only
    #[arg(long, help_heading = SELECTION, allow_negative_numbers = true, value_name = "N", value_parser = whole::<usize>)]
    pub limit: Option<usize>,
    /// Only one share of the manifest, such as 2/8. Jobs are assigned by id, so eight processes with one folder each
    /// process every job exactly once. Rate and budget apply to each process [default folder: runs/catalog-2-of-8]
    #[arg(long, help_heading = SELECTION, value_name = "SHARE")]
    pub partition: Option<Partition>,
    /// Submit failed jobs again
    #[arg(long, help_heading = SELECTION)]
    pub retry_failed: bool,
    /// What to do with submits that may or may not have been accepted; `resubmit` may pay twice [default: hold]
    #[arg(long, help_heading = SELECTION, value_name = "WHAT", value_parser = among::<UncertainPolicy>(UncertainPolicy::NAMES))]
    pub uncertain: Option<UncertainPolicy>,
    /// Move the pictures of removed rows from `results/` to `earlier/`
    #[arg(long, help_heading = SELECTION)]
    pub prune: bool,
    /// The rate of submits, such as 2/s, 10/min or 600/h; `auto` finds the provider's limit [default: 10/min]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub rate: Option<SubmitRate>,
    /// How many predictions may be open at once [default: 3]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub in_flight: Option<NonZeroU32>,
    /// How many submits may be sent at once after a pause, with a fixed rate [default: 1]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub burst: Option<NonZeroU32>,
    /// The rate of polls, for all predictions together [default: 10/s, or one per second for each prediction in flight,
    /// whichever is more; the first two polls of each are then not counted]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub poll_rate: Option<Rate>,
    /// The most that the run's folder may ever cost, in dollars, such as 25 or 2.50
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget: Option<Cents>,
    /// The most that this run may cost, in dollars; each run has its own
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget_per_run: Option<Cents>,
    /// The most that one submit may cost, in dollars. After one that costs more, nothing is submitted. Near a budget,
    /// unanswered submits count at this price, so fewer run at once [default: 0.70]
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub price_limit: Option<Cents>,
    /// Stop submitting after this time, such as 90m or 6h, and finish open jobs
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time)]
    pub deadline: Option<Duration>,
    /// Stop submitting the next time it is this local time, such as 06:00. With a deadline too, the earlier one counts
    #[arg(long, help_heading = TIME_LIMITS, value_name = "HH:MM")]
    pub not_after: Option<TimeOfDay>,
    /// How long open jobs may take after --deadline or --not-after
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time, default_value = "5m")]
    pub grace: Duration,
    /// End the run if the API is unreachable, or fails for every job, for this long
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time, default_value = "15m")]
    pub give_up_after: Duration,
    /// The largest color difference (ΔE00) that counts as right [default: 2.5]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "ΔE", value_parser = difference)]
    pub tolerance: Option<f64>,
    /// Submit a job whose color is wrong again with another seed, at most N times; each is paid for [default: 0]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "N", value_parser = whole::<u32>)]
    pub reroll: Option<u32>,
    /// Correct results on this machine whose color is nearly right: within ΔE00 8, or the given value
    #[arg(long, help_heading = COLOR, value_name = "ΔE", value_parser = difference, num_args = 0..=1, require_equals = true, default_missing_value = "8")]
    pub color_lock: Option<f64>,
    /// Do not check the colors of results
    #[arg(long, help_heading = COLOR, conflicts_with_all = ["tolerance", "reroll", "color_lock"])]
    pub no_color_check: bool,
    /// Notifications at the end of the run.
    #[command(flatten)]
    pub notifications: Notifications,
}

/// Notifications at the end of a run, however it ends. None of them changes the run or its exit code.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Notifications")]
pub struct Notifications {
    /// Post the summary as JSON to this webhook, signed if DYEHOUSE_NOTIFY_SECRET is set [env: DYEHOUSE_NOTIFY_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub notify: Option<NoticeUrl>,
    /// Run this shell command with the summary as JSON on stdin, for at most 10 minutes
    #[arg(long, value_name = "CMD")]
    pub on_finish: Option<String>,
    /// Ping this monitor (healthchecks.io protocol: /start, no suffix on success, /fail) [env: DYEHOUSE_HEALTHCHECK_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub healthcheck: Option<NoticeUrl>,
    /// Write Prometheus metrics to this file, for the textfile collector of node_exporter
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// `dyehouse check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Request every image URL to verify that it is a picture. Nothing else makes network requests
    #[arg(long)]
    pub probe: bool,
    /// The rate of these requests [default: 20/s]
    #[arg(long, value_name = "RATE", requires = "probe")]
    pub probe_rate: Option<Rate>,
    /// The options of the run. Some have no effect on a check; they are accepted all the same.
    #[command(flatten)]
    pub run: Run,
}
