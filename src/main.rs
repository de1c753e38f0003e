//! The `dyehouse` program.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = dyehouse::cli::Cli::parse();
    ExitCode::from(dyehouse::commands::execute(&cli).code())
}
