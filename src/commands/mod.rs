//! The commands: the only place that wires real effects together.

mod backend;
mod check;
mod color;
mod compact;
mod decision;
mod failure;
mod init;
mod interrupt;
mod job_loading;
mod manifest_scope;
mod merge;
mod options;
mod release;
mod report;
mod report_data;
mod run;
mod serve;
mod status;
mod unknown_pictures;

use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::CommandFactory;

use crate::cli::{Cli, Command, SchemaOf};
use crate::exit::Exit;
use crate::files::make_folder;
use crate::progress::{Screen, start_logs};

pub use failure::{Failure, InitError, MergeError, UsageError};

/// Does what the command line says. What goes wrong is told on stderr; the answer is how the program ends.
pub fn execute(cli: &Cli) -> Exit {
    let screen = Screen::new(&cli.output);
    start_logs(&cli.output, &screen);
    let done = match &cli.command {
        Command::Run(arguments) => run::run(arguments, &screen),
        Command::Check(arguments) => check::check(arguments, &screen),
        Command::Status(arguments) => status::status(arguments),
        Command::Report(arguments) => report::report(arguments),
        Command::Merge(arguments) => merge::merge(arguments, &screen),
        Command::Compact(arguments) => compact::compact(arguments),
        Command::Release(arguments) => release::release(arguments),
        Command::Serve(arguments) => serve::serve(arguments, &screen),
        Command::Init(arguments) => init::init(arguments, &screen),
        Command::Color(arguments) => color::color(arguments, &screen),
        Command::Schema { of } => {
            print_json(&match of {
                SchemaOf::Manifest => crate::manifest::schema(),
                SchemaOf::Summary => crate::report::summary_schema(),
            });
            Ok(Exit::Complete)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "dyehouse", &mut script);
            print(&script);
            Ok(Exit::Complete)
        }
        Command::Man { out } => man(out.as_deref()),
    };
    done.unwrap_or_else(|failure| {
        screen.fail(|style| failure.render(style));
        failure.exit()
    })
}

/// Prints the manual page of the program, or writes those of all commands into a folder.
fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    match folder {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(|cause| Failure::Output { cause })?;
            print(&page);
        }
        Some(folder) => {
            let written = make_folder(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
            let path = folder.display().to_string();
            written.map_err(|cause| Failure::Write { path, cause: cause.to_string() })?;
        }
    }
    Ok(Exit::Complete)
}

/// Writes to stdout. A reader that has gone away is no error: it has read what it wanted.
fn print(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if let Err(cause) = stdout.write_all(bytes).and_then(|()| stdout.flush())
        && cause.kind() != ErrorKind::BrokenPipe
    {
        // Whoever closes the pipe has read enough; a full disk is news, and changes nothing about what was done.
        tracing::error!("failed to write to stdout: {cause}");
    }
}

/// Writes `value` to stdout as one JSON object.
fn print_json(value: &impl serde::Serialize) {
    // What is printed holds text, numbers and lists alone, and serde_json can write all of those.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    print(&bytes);
}
