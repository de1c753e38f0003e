//! The command line.

mod run;
mod values;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::color::Hex;

pub use run::{Check, Notifications, Run};
use values::{address, count, difference};

macro_rules! exit_codes {
    () => {
        "Exit codes:\n  \
         0  every job is completed\n  \
         1  the run could not go on: no key, key refused, disk full, journal not readable\n  \
         2  bad usage or bad manifest: nothing was submitted\n  \
         3  finished, and some jobs are failed, uncertain, held back, or missed their color\n  \
         4  stopped early and resumable: budget, price, deadline, balance, provider out of reach, a signal\n  \
         5  another process holds this run's folder\n  \
         130 or 143  a second Ctrl-C or SIGTERM ended it at once: run it again to go on from the journal"
    };
}

/// Run batches of paid image edits: rate-limited, journaled, resumable, never paid for twice.
#[derive(Debug, Parser)]
#[command(name = "dyehouse", version, max_term_width = 100)]
#[command(after_help = concat!("Try it without a key:  dyehouse run manifests/quickstart.yaml\n\n", exit_codes!()))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much is said, and how.
    #[command(flatten)]
    pub output: Output,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a manifest: check, submit, follow, download, verify, report. Run again, it resumes
    #[command(after_help = exit_codes!())]
    Run(Box<Run>),
    /// Tell everything that can be known before money is spent. Touches no network but with --probe
    #[command(
        after_help = "Takes all options of `run`, so that a command can be tried with `check` in its place. Nothing is \
        written and nobody is told."
    )]
    Check(Box<Check>),
    /// Tell where a run stands, from its journal alone, also while it runs
    Status(Status),
    /// Write the report of a run anew, from its journal and its results
    Report(Report),
    /// Join the folders of several runs, such as the shares of a manifest, into one with one journal and one report
    Merge(Merge),
    /// Make the journal of a run shorter: one record a job, which adds up to the same. The long one is kept beside it
    Compact(Compact),
    /// Say that uncertain submits were not charged, and free what is reserved for them
    Release(Release),
    /// Serve the API on this machine, with a real editor behind it
    Serve(Serve),
    /// Write a starter manifest for a folder of pictures and some colors
    Init(Init),
    /// Measure and change the colors of pictures, on this machine
    #[command(subcommand)]
    Color(Color),
    /// Print the JSON Schema of YAML manifests, for editors, or of a report's summary.json
    Schema {
        /// What it describes
        #[arg(value_enum, default_value_t = SchemaOf::Manifest)]
        of: SchemaOf,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    Man {
        /// The folder that they are written into
        #[arg(short, long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A manifest in YAML.
    Manifest,
    /// A report's `summary.json`.
    Summary,
}

/// How much is said, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// How progress is shown: bar, plain, none, or auto, which is a bar on a terminal and plain lines elsewhere
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto, global = true, value_name = "HOW", hide_possible_values = true)]
    pub progress: ProgressStyle,
    /// Say nothing but errors and the closing summary
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// How logs look, on stderr: text or json
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true, value_name = "FORMAT", hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// A bar on a terminal, plain lines elsewhere.
    Auto,
    /// A bar.
    Bar,
    /// A line for each event.
    Plain,
    /// Nothing.
    None,
}

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `dyehouse status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// The run's folder
    pub dir: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse report`.
#[derive(Clone, Debug, Args)]
pub struct Report {
    /// The run's folder
    pub dir: PathBuf,
    /// Keep it up to date while a process works on the run; what has not changed is not written again
    #[arg(long)]
    pub watch: bool,
    /// Write a JUnit file as well: a test case a job, off colors as failures, uncertain jobs as errors
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `dyehouse compact`.
#[derive(Clone, Debug, Args)]
pub struct Compact {
    /// The run's folder, in which no process works
    pub dir: PathBuf,
}

/// `dyehouse release`.
#[derive(Clone, Debug, Args)]
pub struct Release {
    /// The run's folder, in which no process works
    pub dir: PathBuf,
    /// Whose submits the provider's dashboard shows as not charged: ids, patterns such as 'mug-*', or fingerprints of requests
    #[arg(required = true, value_name = "JOB", value_parser = glob::Pattern::new)]
    pub jobs: Vec<glob::Pattern>,
}

/// `dyehouse merge`.
#[derive(Clone, Debug, Args)]
pub struct Merge {
    /// The folders of the runs
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// The folder to join them in; what was joined there before stays
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Join them although shares are missing; a run of the manifest in the joint folder pays for the jobs of those
    #[arg(long)]
    pub partial: bool,
    /// Print one JSON object on stdout, as `status` does
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse init`.
#[derive(Clone, Debug, Args)]
pub struct Init {
    /// The folder of pictures
    #[arg(default_value = ".", value_name = "DIR")]
    pub pictures: PathBuf,
    /// Colors to reach: a hex, a CSS name, or a name and a hex
    #[arg(
        long,
        value_name = "NAME=HEX",
        value_delimiter = ',',
        default_value = "ocean=#1E90FF,brick=#B22222,forest=#2E7D4F"
    )]
    pub colors: Vec<String>,
    /// Where to write it; .yaml or .csv
    #[arg(short, long, default_value = "catalog.yaml", value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    pub force: bool,
}

/// `dyehouse color`.
#[derive(Debug, Subcommand)]
pub enum Color {
    /// Tell whether a picture shows a color where it differs from the one before
    Measure(Measure),
    /// Change the color of the product in a picture, and keep the rest
    Recolor(Recolor),
}

/// `dyehouse color measure`.
#[derive(Clone, Debug, Args)]
pub struct Measure {
    /// The picture before; or the only one, which can confirm a color and not refute it
    pub before: PathBuf,
    /// The picture after
    pub after: Option<PathBuf>,
    /// The color asked for, hex or a CSS name; more than once for several parts
    #[arg(long, value_name = "COLOR", required = true)]
    pub to: Vec<Hex>,
    /// How far the color may be missed, in ΔE00 [default: 2.5]
    #[arg(long, value_name = "ΔE", value_parser = difference, allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Print what was found as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse color recolor`.
#[derive(Clone, Debug, Args)]
pub struct Recolor {
    /// The picture: JPEG, PNG, GIF or WebP
    pub picture: PathBuf,
    /// The color to reach, hex or a CSS name
    #[arg(long, value_name = "COLOR")]
    pub to: Hex,
    /// The color of the part to change [default: that of the product's main material]
    #[arg(long, value_name = "COLOR")]
    pub from: Option<Hex>,
    /// Where the recolored picture goes, as a PNG
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print what a check of the result found as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDR:PORT", value_parser = address)]
    pub listen: SocketAddr,
    /// Where predictions and outputs are kept
    #[arg(long, default_value = "serve-data", value_name = "DIR")]
    pub data: PathBuf,
    /// The key that clients must send
    #[arg(long, env = "VIBEDREAM_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
    /// How many predictions are worked on at once [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = count::<NonZeroUsize>)]
    pub workers: Option<NonZeroUsize>,
    /// Which addresses images may be fetched from
    #[arg(long, value_enum, default_value_t = FetchFrom::Public, value_name = "WHERE")]
    pub fetch_from: FetchFrom,
    /// Fail on purpose, as this file says: to test a client against bad nights
    #[arg(long, value_name = "FILE")]
    pub chaos: Option<PathBuf>,
}

/// Which addresses the server may fetch images from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FetchFrom {
    /// Public ones.
    Public,
    /// Public ones and this machine's loopback.
    Loopback,
    /// All, private networks too.
    Anywhere,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn a_check_takes_all_that_a_run_takes() {
        let options = |name: &str| -> BTreeSet<String> {
            let command = super::Cli::command();
            let arguments = command.find_subcommand(name).unwrap().get_arguments();
            arguments.map(|argument| argument.get_id().to_string()).collect()
        };
        let (run, check) = (options("run"), options("check"));
        assert!(run.len() > 30 && run.is_subset(&check), "{:?}", run.difference(&check));
    }
}
