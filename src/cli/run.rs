use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::api::BaseUrl;
use crate::job::{Backend, UncertainPolicy};
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
    /// The run's folder [default: runs/<the manifest's stem>, or for the failed.csv of a report the run that it is of]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Who edits: `vibedream` costs money, `embedded` is this program
    #[arg(long, value_name = "WHO", value_parser = among::<Backend>(Backend::NAMES))]
    pub backend: Option<Backend>,
    /// The origin of the API: https, or http on loopback [default: the provider]
    #[arg(long, env = "VIBEDREAM_BASE_URL", value_name = "URL", value_parser = Unrepeated(BaseUrl::parse))]
    pub base_url: Option<BaseUrl>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Write a JUnit file as well: a test case a job, off colors as failures, uncertain jobs as errors
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Only the jobs whose id matches, such as 'mug-*'
    #[arg(long, help_heading = SELECTION, value_name = "GLOB", value_parser = glob::Pattern::new)]
    pub only: Option<glob::Pattern>,
    /// Only the first N jobs, of those that --only names if it is given
    #[arg(long, help_heading = SELECTION, allow_negative_numbers = true, value_name = "N", value_parser = whole::<usize>)]
    pub limit: Option<usize>,
    /// Only one share of the manifest, such as 2/8: the jobs are dealt out by their ids, so that eight processes with
    /// a folder each do all of them once. Rate and budget are each process's own [default folder: runs/catalog-2-of-8]
    #[arg(long, help_heading = SELECTION, value_name = "SHARE")]
    pub partition: Option<Partition>,
    /// Submit jobs again that ended as failed
    #[arg(long, help_heading = SELECTION)]
    pub retry_failed: bool,
    /// What to do with submits whose fate is unknown; `resubmit` may pay twice [default: hold]
    #[arg(long, help_heading = SELECTION, value_name = "WHAT", value_parser = among::<UncertainPolicy>(UncertainPolicy::NAMES))]
    pub uncertain: Option<UncertainPolicy>,
    /// Move the pictures of rows that are gone from the manifest out of `results/`, to `earlier/`
    #[arg(long, help_heading = SELECTION)]
    pub prune: bool,
    /// How fast submits go out, such as 2/s, 10/min or 600/h; `auto` finds the provider's limit [default: 10/min]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub rate: Option<SubmitRate>,
    /// How many predictions may be in work at once [default: 3]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub in_flight: Option<NonZeroU32>,
    /// How many submits may go out at once after a pause, at a rate that is set [default: 1]
    #[arg(long, help_heading = RATE, allow_negative_numbers = true, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub burst: Option<NonZeroU32>,
    /// How fast polls go out, all predictions together; the first two of each are not counted [default: 10/s, or
    /// one a second for each in flight, whichever is more]
    #[arg(long, help_heading = RATE, value_name = "RATE")]
    pub poll_rate: Option<Rate>,
    /// What the folder may cost over its whole life, in dollars, such as 25 or 2.50
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget: Option<Cents>,
    /// What this run alone may cost, in dollars; the next one has as much again
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub budget_per_run: Option<Cents>,
    /// What one submit may cost, in dollars: no other follows one that costs more. Near a budget, submits without an
    /// answer are reckoned at this price, and fewer go side by side [default: 0.70]
    #[arg(long, help_heading = BUDGET, allow_negative_numbers = true, value_name = "USD", value_parser = dollars)]
    pub price_limit: Option<Cents>,
    /// Stop submitting after this long, and let what is in flight finish, such as 90m or 6h
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time)]
    pub deadline: Option<Duration>,
    /// Stop submitting when the clock next shows this time, such as 06:00; the earlier one counts if there is a deadline
    #[arg(long, help_heading = TIME_LIMITS, value_name = "HH:MM")]
    pub not_after: Option<TimeOfDay>,
    /// How long what is in flight may take once --deadline or --not-after has ended submitting
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time, default_value = "5m")]
    pub grace: Duration,
    /// Give up when the API is out of reach, or fails for every job, for this long
    #[arg(long, help_heading = TIME_LIMITS, value_name = "DURATION", value_parser = time, default_value = "15m")]
    pub give_up_after: Duration,
    /// How far a result may be from the color asked for, in ΔE00 [default: 2.5]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "ΔE", value_parser = difference)]
    pub tolerance: Option<f64>,
    /// Submit a job that missed its color again with another seed, at most N times; each is paid for [default: 0]
    #[arg(long, help_heading = COLOR, allow_negative_numbers = true, value_name = "N", value_parser = whole::<u32>)]
    pub reroll: Option<u32>,
    /// Correct results on this machine that nearly show their color: within ΔE00 8, or what is given
    #[arg(long, help_heading = COLOR, value_name = "ΔE", value_parser = difference, num_args = 0..=1, require_equals = true, default_missing_value = "8")]
    pub color_lock: Option<f64>,
    /// Leave the colors of results unchecked
    #[arg(long, help_heading = COLOR, conflicts_with_all = ["tolerance", "reroll", "color_lock"])]
    pub no_color_check: bool,
    /// Who is told how it ends.
    #[command(flatten)]
    pub notifications: Notifications,
}

/// Who is told how a run ends, however it ends. None of it changes the run or its exit code.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Notifications")]
pub struct Notifications {
    /// Post the summary as JSON to this webhook, signed if there is a DYEHOUSE_NOTIFY_SECRET [env: DYEHOUSE_NOTIFY_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub notify: Option<NoticeUrl>,
    /// Run this in the shell, with the summary as JSON on its stdin; for 10 minutes at most
    #[arg(long, value_name = "CMD")]
    pub on_finish: Option<String>,
    /// Ping this monitor as healthchecks.io has it: /start, nothing for success, /fail [env: DYEHOUSE_HEALTHCHECK_URL]
    #[arg(long, value_name = "URL", value_parser = Unrepeated(NoticeUrl::parse))]
    pub healthcheck: Option<NoticeUrl>,
    /// Write metrics for Prometheus to this file, for the textfile collector of its node_exporter
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// `dyehouse check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Ask every image URL whether there is a picture behind it; the only thing here that touches the network
    #[arg(long)]
    pub probe: bool,
    /// How fast URLs are asked [default: 20/s]
    #[arg(long, value_name = "RATE", requires = "probe")]
    pub probe_rate: Option<Rate>,
    /// What it would be run with. Some of that means nothing to a check, and is taken all the same.
    #[command(flatten)]
    pub run: Run,
}
