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
    /// Read jobs from this file: CSV, YAML or JSON lines; `-` is stdin
    pub manifest: PathBuf,
    /// Keep the run in this folder. By default, that is `runs/` and the name of the manifest, and for a failed.csv the
    /// folder of its run
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Edit with `vibedream` (the paid API) or `embedded` (this program) [default: vibedream]
    #[arg(long, value_name = "BACKEND", hide_possible_values = true, value_parser = among::<Backend>(Backend::NAMES))]
    pub backend: Option<Backend>,
    /// Send requests to this origin: https, or http on this machine [default: the provider]
    #[arg(long, env = "VIBEDREAM_BASE_URL", hide_env_values = true, value_name = "URL", value_parser = Unrepeated(BaseUrl::parse))]
    pub base_url: Option<BaseUrl>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write a JUnit file too, with a test case for each job
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Take only jobs whose id matches, such as 'mug-*'
    #[arg(long, help_heading = SELECTION, value_name = "GLOB")]
    pub only: Option<IdPattern>,
    /// Take only the first N jobs, after --only
    #[arg(long, help_heading = SELECTION, allow_negative_numbers = true, value_name = "N", value_parser = whole::<usize>)]
    pub limit: Option<usize>,
    /// Take only this share of the jobs, such as 2/8; each share has its own folder, rate and budget
    #[arg(long, help_heading = SELECTION, value_name = "SHARE")]
    pub partition: Option<Partition>,
    /// Submit failed jobs again
    #[arg(long, help_heading = SELECTION)]
    pub retry_failed: bool,
    /// Either `hold` back submits that may have been accepted, or `resubmit` them, which may pay twice [default: hold]
    #[arg(long, help_heading = SELECTION, value_name = "WHAT", hide_possible_values = true, value_parser = among::<UncertainPolicy>(UncertainPolicy::NAMES))]
    pub uncertain: Option<UncertainPolicy>,
    /// Move pictures of removed rows to earlier/
    #[arg(long, help_heading = SELECTION)]
    pub prune: bool,
    /// Submit at this rate, such as 2/s, 10/min or 600/h; `auto` finds the provider's limit [default: 10/min]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub rate: Option<SubmitRate>,
    /// Keep at most N predictions open at once [default: 3]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub in_flight: Option<NonZeroU32>,
    /// Submit up to N at once after a pause, with a fixed rate [default: 1]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub burst: Option<NonZeroU32>,
    /// Poll all predictions together at this rate [default: 10/s, or 1/s for each one in flight if that is more]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub poll_rate: Option<Rate>,
    /// Spend at most this in all runs of the folder, such as 25 or 2.50
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget: Option<Cents>,
    /// Spend at most this in each run
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget_per_run: Option<Cents>,
    /// Submit nothing more after a submit that costs more than this [default: 0.70]
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub price_limit: Option<Cents>,
    /// Stop submitting after this time, such as 90m or 6h
    #[arg(long, help_heading = TIME_LIMITS, value_name = "TIME", value_parser = time)]
    pub deadline: Option<Duration>,
    /// Stop submitting at this local time, such as 06:00
    #[arg(long, help_heading = TIME_LIMITS, value_name = "HH:MM")]
    pub not_after: Option<TimeOfDay>,
    /// Let open jobs finish for this long after that
    #[arg(long, help_heading = TIME_LIMITS, value_name = "TIME", value_parser = time, default_value = "5m")]
    pub grace: Duration,
    /// Give up if the API is unreachable, or fails for every job, for this long
    #[arg(long, help_heading = TIME_LIMITS, value_name = "TIME", value_parser = time, default_value = "15m")]
    pub give_up_after: Duration,
    /// Count color differences up to this ΔE00 as right [default: 2.5]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "ΔE", value_parser = difference)]
    pub tolerance: Option<f64>,
    /// Submit jobs with a wrong color again with other seeds, up to N times each, all paid for [default: 0]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "N", value_parser = whole::<u32>)]
    pub reroll: Option<u32>,
    /// Correct colors that are nearly right on this machine: up to ΔE00 8, or up to this value
    #[arg(long, help_heading = COLOR, value_name = "ΔE", value_parser = difference, num_args = 0..=1, require_equals = true, default_missing_value = "8")]
    pub color_lock: Option<f64>,
    /// Do not check colors
    #[arg(long, help_heading = COLOR, conflicts_with_all = ["tolerance", "reroll", "color_lock"])]
    pub no_color_check: bool,
    /// Notifications at the end of the run.
    #[command(flatten)]
    pub notifications: Notifications,
}

/// The options that no journal and no report repeats, each with a value: what the user decides each time, and what may
/// contain secrets, because many people read journals and reports.
pub(crate) const UNRECORDED: [&str; 4] = ["--uncertain", "--notify", "--healthcheck", "--on-finish"];

/// Notifications at the end of a run, however it ends. None of them changes the run or its exit code.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Notifications")]
pub struct Notifications {
    /// Post the summary as JSON to this webhook, signed if DYEHOUSE_NOTIFY_SECRET is set [env: DYEHOUSE_NOTIFY_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub notify: Option<NoticeUrl>,
    /// Run this shell command, with the summary as JSON on stdin, for at most 10 minutes
    #[arg(long, value_name = "CMD")]
    pub on_finish: Option<String>,
    /// Ping this monitor at the start and the end, as healthchecks.io expects [env: DYEHOUSE_HEALTHCHECK_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub healthcheck: Option<NoticeUrl>,
    /// Write metrics for Prometheus to this file
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// `dyehouse check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Request every image URL, to verify that it is a picture
    #[arg(long)]
    pub probe: bool,
    /// Request at this rate [default: 20/s]
    #[arg(long, value_name = "RATE", requires = "probe")]
    pub probe_rate: Option<Rate>,
    /// The options of the run. Some have no effect on a check; they are accepted all the same.
    #[command(flatten)]
    pub run: Run,
}
