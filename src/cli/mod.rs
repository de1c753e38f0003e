//! The command line.

mod definition;
mod hints;
mod run;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::Error;
use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::api::PredictionId;
use crate::color::Hex;
use crate::job::IdPattern;

use hints::with_hint;

pub use definition::definition;
pub(crate) use run::UNRECORDED;
pub use run::{Check, Notifications, Run};
use values::{address, count, difference};

macro_rules! exit_codes {
    () => {
        "Exit codes:\n  \
         0  every job is completed\n  \
         1  could not continue: no key, key refused, disk full, journal not readable\n  \
         2  bad usage or bad manifest: nothing was submitted\n  \
         3  finished, but jobs failed, are uncertain or held back, or missed the color\n  \
         4  stopped early: by the budget, a price, a deadline, the balance, a signal,\n     \
            or because the provider cannot be reached. Run it again to resume\n  \
         5  another process is using the folder\n  \
         130 or 143  ended at once by a second Ctrl-C or SIGTERM: run again to resume"
    };
}

macro_rules! environment {
    () => {
        "Environment:\n  \
         VIBEDREAM_API_KEY       the key of the paid API\n  \
         VIBEDREAM_API_KEY_FILE  a file that contains it\n\n"
    };
}

/// Run batches of paid image edits: rate-limited, resumable, never paid for twice.
#[derive(Debug, Parser)]
#[command(name = "dyehouse", version, max_term_width = 100)]
#[command(after_help = concat!("Try it without a key, on a folder of pictures:\n  dyehouse init photos && dyehouse run catalog.yaml\n\n", exit_codes!()))]
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
        Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let matches = definition().try_get_matches_from(&arguments);
        matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| with_hint(error, &arguments))
    }
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the jobs of a manifest. Run it again to resume
    #[command(after_help = concat!(environment!(), exit_codes!()))]
    Run(Box<Run>),
    /// Show all errors of a manifest, or its plan and cost
    #[command(
        after_help = "Accepts all options of `run`, so you can try any command with `check` first. Writes nothing, and makes no \
        network requests unless --probe is given."
    )]
    Check(Box<Check>),
    /// Show the state of a run, even while it is in progress
    Status(Status),
    /// Write the report of a run again
    Report(Report),
    /// Merge the folders of several runs into one, with one report
    Merge(Merge),
    /// Shorten the journal of a run, and keep the original
    Compact(Compact),
    /// Free the money of uncertain submits that were not charged
    Release(Release),
    /// Save the picture of an uncertain submit that was charged
    Adopt(Adopt),
    /// Let the next run make completed jobs anew, with other seeds
    #[command(
        after_help = "The next run pays for them. Until their new pictures are saved, the old ones stay in results/, and then they are \
        kept in earlier/."
    )]
    Redo(Redo),
    /// Write a starter manifest for a folder of pictures
    Init(Init),
    /// Measure or change the color of a single picture
    #[command(subcommand)]
    Color(Color),
    /// Serve the API on this machine, with an editor that recolors
    Serve(Serve),
    /// Print the JSON Schema of YAML manifests or of summary.json
    Schema {
        /// Describe a YAML `manifest`, or the `summary` of a report
        #[arg(value_enum, default_value_t = SchemaOf::Manifest, value_name = "FORMAT", hide_possible_values = true)]
        of: SchemaOf,
    },
    /// Print a completion script for a shell
    Completions {
        /// Complete for this shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for each command into this folder instead
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
    /// Show progress as a `bar`, as `plain` lines, or `none`; `auto` is a bar on a terminal, and lines elsewhere
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto, global = true, hide = true, value_name = "HOW", hide_possible_values = true)]
    pub progress: ProgressStyle,
    /// Print only errors, warnings and the summary
    #[arg(short, long, global = true, hide = true)]
    pub quiet: bool,
    /// Log more; -vv logs everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true, hide = true)]
    pub verbose: u8,
    /// Log to stderr as `text` or `json`
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true, hide = true, value_name = "FORMAT", hide_possible_values = true)]
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
    /// Read the run in this folder
    pub dir: PathBuf,
    /// Print the state as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse report`.
#[derive(Clone, Debug, Args)]
pub struct Report {
    /// Read the run in this folder
    pub dir: PathBuf,
    /// Keep the report up to date while the run is in progress
    #[arg(long)]
    pub watch: bool,
    /// Write a JUnit file too, with a test case for each job
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `dyehouse compact`.
#[derive(Clone, Debug, Args)]
pub struct Compact {
    /// Shorten the journal in this folder, which must not be in use
    pub dir: PathBuf,
}

/// `dyehouse release`.
#[derive(Clone, Debug, Args)]
pub struct Release {
    /// Use the run in this folder, which must not be in use otherwise
    pub dir: PathBuf,
    /// Mark these jobs as not charged: ids, patterns such as 'mug-*', or fingerprints of requests
    #[arg(required = true, value_name = "JOB")]
    pub jobs: Vec<IdPattern>,
}

/// `dyehouse adopt`.
#[derive(Clone, Debug, Args)]
pub struct Adopt {
    /// Use the run in this folder, which must not be in use otherwise
    pub dir: PathBuf,
    /// Adopt it for this job: its id, or the fingerprint of its request
    #[arg(value_name = "JOB")]
    pub job: IdPattern,
    /// The prediction's id in the provider's dashboard, or a URL that ends with it; the next run follows it
    #[arg(value_parser = PredictionId::pasted)]
    pub prediction: PredictionId,
}

/// `dyehouse redo`.
#[derive(Clone, Debug, Args)]
pub struct Redo {
    /// Use the run in this folder, which must not be in use otherwise
    pub dir: PathBuf,
    /// Make these jobs anew: ids, or patterns such as 'mug-*'
    #[arg(value_name = "JOB", required_unless_present = "from")]
    pub jobs: Vec<IdPattern>,
    /// Make the jobs in this CSV file anew, such as the rejected ones that the report page exports
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Take it back: the next run shows the earlier pictures again, at no cost
    #[arg(long)]
    pub undo: bool,
}

/// `dyehouse merge`.
#[derive(Clone, Debug, Args)]
pub struct Merge {
    /// Merge the runs in these folders
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Merge into this folder; what was merged there before is kept
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Merge even if shares are missing; a later run in the merged folder pays for their jobs
    #[arg(long)]
    pub partial: bool,
    /// Print the state as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse init`.
#[derive(Clone, Debug, Args)]
pub struct Init {
    /// Make jobs of the pictures in this folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub pictures: PathBuf,
    /// Use these colors: CSS names, hex values, or hex values with a name
    #[arg(
        long,
        value_name = "COLOR,…",
        value_delimiter = ',',
        default_value = "ocean=#1E90FF,brick=#B22222,forest=#2E7D4F"
    )]
    pub colors: Vec<String>,
    /// Write this manifest, .yaml or .csv
    #[arg(short, long, default_value = "catalog.yaml", value_name = "FILE")]
    pub out: PathBuf,
    /// Replace an existing manifest
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
    /// Compare with this picture from before the edit, or measure it alone, which can confirm a color, but not reject it
    pub before: PathBuf,
    /// Measure this picture from after the edit
    pub after: Option<PathBuf>,
    /// Expect this color, a hex value or a CSS name; repeat it for several parts
    #[arg(long, value_name = "COLOR", required = true)]
    pub to: Vec<Hex>,
    /// Expect it on the part that had this color before [default: the product's main color]
    #[arg(long, value_name = "COLOR")]
    pub from: Option<Hex>,
    /// Count color differences up to this ΔE00 as right [default: 2.5]
    #[arg(long, value_name = "ΔE", value_parser = difference, allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Print the measurement as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse color recolor`.
#[derive(Clone, Debug, Args)]
pub struct Recolor {
    /// Recolor this picture: JPEG, PNG, GIF or WebP
    pub picture: PathBuf,
    /// Give it this color, a hex value or a CSS name
    #[arg(long, value_name = "COLOR")]
    pub to: Hex,
    /// Change the part that has this color [default: the product's main color]
    #[arg(long, value_name = "COLOR")]
    pub from: Option<Hex>,
    /// Write this PNG file, and replace it if it exists
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the measurement of the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dyehouse serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Listen on this address
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDR:PORT", value_parser = address)]
    pub listen: SocketAddr,
    /// Keep predictions and their outputs in this folder
    #[arg(long, default_value = "serve-data", value_name = "DIR")]
    pub data: PathBuf,
    /// Require this key from clients
    #[arg(long, env = "VIBEDREAM_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
    /// Process at most N predictions at once [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = count::<NonZeroUsize>)]
    pub workers: Option<NonZeroUsize>,
    /// Fetch images from `public` addresses only, from this machine too (`loopback`), or from `anywhere`
    #[arg(long, value_enum, default_value_t = FetchFrom::Public, value_name = "WHERE", hide_possible_values = true)]
    pub fetch_from: FetchFrom,
    /// Inject the faults in this file, to test clients
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
