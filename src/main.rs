//! The `dyehouse` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = dyehouse::cli::Cli::of_process();
    ExitCode::from(dyehouse::commands::execute(&cli).code())
}
