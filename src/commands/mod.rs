//! The commands. This is the only place that connects real effects.

mod adopt;
mod backend;
mod check;
mod color;
mod compact;
mod copied_folder;
mod decision;
mod failure;
mod folder_owner;
mod init;
mod interrupt;
mod job_loading;
mod leftovers;
mod man;
mod manifest_scope;
mod many_changed;
mod merge;
mod missing_pictures;
mod open_files;
mod options;
mod print;
mod recorded_edits;
mod redo;
mod release;
mod renamed;
mod renamed_manifest;
mod report;
mod report_data;
mod reservation;
mod run;
mod runtime;
mod serve;
mod status;
mod unknown_pictures;
mod unknown_rows;

use crate::cli::{Cli, Color, Command, SchemaOf, definition};
use crate::exit::Exit;
use crate::progress::{Screen, start_logs};

use open_files::raise_limit_of_open_files;
use print::{log_unprinted, print, print_json};

pub use failure::{Failure, InitError, MergeError, UsageError};

/// Executes the command of the command line, prints failures to stderr, and returns the exit code.
pub fn execute(cli: &Cli) -> Exit {
    let screen = Screen::new(&cli.output);
    start_logs(&cli.output, &screen);
    raise_limit_of_open_files();
    let done = match &cli.command {
        Command::Run(arguments) => run::run(arguments, &screen),
        Command::Check(arguments) => check::check(arguments, &screen),
        Command::Status(arguments) => status::status(arguments),
        Command::Report(arguments) => report::report(arguments),
        Command::Merge(arguments) => merge::merge(arguments, &screen),
        Command::Compact(arguments) => compact::compact(arguments),
        Command::Release(arguments) => release::release(arguments),
        Command::Redo(arguments) => redo::redo(arguments),
        Command::Adopt(arguments) => adopt::adopt(arguments),
        Command::Serve(arguments) => serve::serve(arguments, &screen),
        Command::Init(arguments) => init::init(arguments, &screen),
        Command::Color(arguments) => color::color(arguments, &screen),
        Command::Schema { of } => print_json(&match of {
            SchemaOf::Manifest => crate::manifest::schema(),
            SchemaOf::Summary => crate::report::summary_schema(),
        })
        .map(|()| Exit::Complete),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut definition(), "dyehouse", &mut script);
            print(&script).map(|()| Exit::Complete)
        }
        Command::Man { out } => man::man(out.as_deref()),
    };
    done.unwrap_or_else(|failure| {
        if prints_json(&cli.command) {
            log_unprinted(print_json(&failure.json()));
        }
        screen.fail(|style| failure.render(style));
        failure.exit()
    })
}

/// Whether a command prints one JSON object, also if it fails. `check` prints its own, with the errors of the manifest.
fn prints_json(command: &Command) -> bool {
    match command {
        Command::Run(arguments) => arguments.json,
        Command::Status(arguments) => arguments.json,
        Command::Merge(arguments) => arguments.json,
        Command::Color(Color::Measure(arguments)) => arguments.json,
        Command::Color(Color::Recolor(arguments)) => arguments.json,
        _ => false,
    }
}
