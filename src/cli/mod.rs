//! The command line.

mod run;
mod values;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, Error};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::color::Hex;
use crate::job::IdPattern;
use crate::manifest::nearest;

pub use run::{Check, Notifications, Run};
use values::{address, count, difference};

macro_rules! exit_codes {
    () => {
        "Exit codes:\n  \
         0  every job is completed\n  \
         1  the run could not continue: no key, key refused, disk full, journal not readable\n  \
         2  bad usage or bad manifest: nothing was submitted\n  \
         3  finished, and some jobs are failed, uncertain, held back, or have the wrong color\n  \
         4  stopped early and resumable: budget, price, deadline, balance, provider unreachable, a signal\n  \
         5  another process is using the run's folder\n  \
         130 or 143  a second Ctrl-C or SIGTERM ended the program at once: run it again to continue"
    };
}

/// Run batches of paid image edits: rate-limited, resumable, never paid for twice.
#[derive(Debug, Parser)]
#[command(name = "dyehouse", version, max_term_width = 100)]
#[command(after_help = concat!("Try it without a key, on a folder of pictures:  dyehouse init photos && dyehouse run catalog.yaml\n\n", exit_codes!()))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Progress and logs.
    #[command(flatten)]
    pub output: Output,
}

impl Cli {
    /// Returns the command line of this process. Prints help, the version or an error instead, and ends the process, if
    /// there is none to execute.
    pub fn of_process() -> Cli {
        Cli::try_parse().unwrap_or_else(|error| with_suggestion(error).exit())
    }
}

/// Adds the command that was probably meant to the error of an unknown one. clap suggests none, or several, for swapped
/// letters.
fn with_suggestion(mut error: Error) -> Error {
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let near = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => nearest(typed, names).map(str::to_owned),
        _ => None,
    };
    if let Some(near) = near {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
    }
    error
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a manifest: validate, submit, poll, download, verify, report. Run it again to resume
    #[command(after_help = exit_codes!())]
    Run(Box<Run>),
    /// Validate a manifest and show the plan and its cost. Makes no network requests unless --probe is given
    #[command(
        after_help = "Accepts all options of `run`, so you can try any command with `check` first. Writes nothing and sends no \
        notifications."
    )]
    Check(Box<Check>),
    /// Show the state of a run from its journal, even while it is running
    Status(Status),
    /// Rewrite the report of a run from its journal and its results
    Report(Report),
    /// Merge the folders of several runs, such as the shares of a manifest, into one folder with one report
    Merge(Merge),
    /// Shorten a run's journal to one record per job. Keeps the original journal
    Compact(Compact),
    /// Mark uncertain submits as not charged and free the money reserved for them
    Release(Release),
    /// Serve the API on this machine, with an editor that recolors
    Serve(Serve),
    /// Write a starter manifest for a folder of pictures and some colors
    Init(Init),
    /// Measure or change the color of a single picture on this machine
    #[command(subcommand)]
    Color(Color),
    /// Print the JSON Schema of YAML manifests or of summary.json
    Schema {
        /// The file format to describe
        #[arg(value_enum, default_value_t = SchemaOf::Manifest)]
        of: SchemaOf,
    },
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    Man {
        /// The folder to write the pages to
        #[arg(short, long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// The file formats with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A manifest in YAML.
    Manifest,
    /// A report's `summary.json`.
    Summary,
}

/// Progress and logs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// How to show progress: bar, plain, none, or auto (a bar on a terminal, plain lines elsewhere)
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto, global = true, value_name = "HOW", hide_possible_values = true)]
    pub progress: ProgressStyle,
    /// Print only errors and the summary
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// The format of logs on stderr: text or json
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

/// The format of logs.
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
    /// Print the state as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse report`.
#[derive(Clone, Debug, Args)]
pub struct Report {
    /// The run's folder
    pub dir: PathBuf,
    /// Keep the report up to date while the run is in progress
    #[arg(long)]
    pub watch: bool,
    /// Also write a JUnit file: one test case per job; wrong colors are failures, uncertain jobs are errors
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `dyehouse compact`.
#[derive(Clone, Debug, Args)]
pub struct Compact {
    /// The run's folder (must not be in use)
    pub dir: PathBuf,
}

/// `dyehouse release`.
#[derive(Clone, Debug, Args)]
pub struct Release {
    /// The run's folder (must not be in use)
    pub dir: PathBuf,
    /// The jobs that the provider did not charge: ids, patterns such as 'mug-*', or request fingerprints
    #[arg(required = true, value_name = "JOB")]
    pub jobs: Vec<IdPattern>,
}

/// `dyehouse merge`.
#[derive(Clone, Debug, Args)]
pub struct Merge {
    /// The folders of the runs
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// The folder to merge into; what was merged there before is kept
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Merge even if shares are missing. A run of the manifest in the merged folder pays for their jobs
    #[arg(long)]
    pub partial: bool,
    /// Print one JSON object, as `status --json` does
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse init`.
#[derive(Clone, Debug, Args)]
pub struct Init {
    /// The folder of pictures
    #[arg(default_value = ".", value_name = "DIR")]
    pub pictures: PathBuf,
    /// The colors to use: a hex, a CSS name, or a name and a hex
    #[arg(
        long,
        value_name = "NAME=HEX",
        value_delimiter = ',',
        default_value = "ocean=#1E90FF,brick=#B22222,forest=#2E7D4F"
    )]
    pub colors: Vec<String>,
    /// The manifest to write, .yaml or .csv
    #[arg(short, long, default_value = "catalog.yaml", value_name = "FILE")]
    pub out: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

/// `dyehouse color`.
#[derive(Debug, Subcommand)]
pub enum Color {
    /// Measure whether an edited picture has the requested color
    Measure(Measure),
    /// Change the color of the product in a picture
    Recolor(Recolor),
}

/// `dyehouse color measure`.
#[derive(Clone, Debug, Args)]
pub struct Measure {
    /// The picture before the edit. If it is the only one, its color can be confirmed, but not rejected
    pub before: PathBuf,
    /// The picture after the edit
    pub after: Option<PathBuf>,
    /// The requested color, a hex or a CSS name. Repeat it for several parts
    #[arg(long, value_name = "COLOR", required = true)]
    pub to: Vec<Hex>,
    /// The color that the recolored part had before [default: the product's main color]
    #[arg(long, value_name = "COLOR")]
    pub from: Option<Hex>,
    /// The largest color difference (ΔE00) that counts as right [default: 2.5]
    #[arg(long, value_name = "ΔE", value_parser = difference, allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Print the measurement as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse color recolor`.
#[derive(Clone, Debug, Args)]
pub struct Recolor {
    /// The picture: JPEG, PNG, GIF or WebP
    pub picture: PathBuf,
    /// The new color, a hex or a CSS name
    #[arg(long, value_name = "COLOR")]
    pub to: Hex,
    /// The color of the part to change [default: the product's main color]
    #[arg(long, value_name = "COLOR")]
    pub from: Option<Hex>,
    /// The PNG file to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the measurement of the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDR:PORT", value_parser = address)]
    pub listen: SocketAddr,
    /// The folder for predictions and outputs
    #[arg(long, default_value = "serve-data", value_name = "DIR")]
    pub data: PathBuf,
    /// The key that clients must send
    #[arg(long, env = "VIBEDREAM_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
    /// How many predictions to process at once [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = count::<NonZeroUsize>)]
    pub workers: Option<NonZeroUsize>,
    /// The addresses that images may be fetched from
    #[arg(long, value_enum, default_value_t = FetchFrom::Public, value_name = "WHERE")]
    pub fetch_from: FetchFrom,
    /// Inject the faults in this file, to test clients against failures
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

    use clap::{CommandFactory, Parser};

    #[test]
    fn a_command_with_swapped_letters_is_suggested() {
        let printed = |typed: &str| {
            let error = super::Cli::try_parse_from(["dyehouse", typed]).unwrap_err();
            super::with_suggestion(error).to_string()
        };
        for (typed, meant) in [("rnu", "run"), ("chekc", "check"), ("stauts", "status")] {
            assert!(printed(typed).contains(&format!("a similar subcommand exists: '{meant}'")), "{}", printed(typed));
        }
        assert!(!printed("banana").contains("similar"));
    }

    #[test]
    fn the_command_line_definition_is_valid() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn check_accepts_all_options_of_run() {
        let options = |name: &str| -> BTreeSet<String> {
            let command = super::Cli::command();
            let arguments = command.find_subcommand(name).unwrap().get_arguments();
            arguments.map(|argument| argument.get_id().to_string()).collect()
        };
        let (run, check) = (options("run"), options("check"));
        assert!(run.len() > 30 && run.is_subset(&check), "{:?}", run.difference(&check));
    }
}
