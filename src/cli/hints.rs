use std::borrow::Cow;
use std::ffi::OsString;

use clap::CommandFactory;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::manifest::nearest;

use super::Cli;

/// Adds what was probably meant to an error about `arguments`.
pub(super) fn with_hint(mut error: Error, arguments: &[OsString]) -> Error {
    if let Some(option) = option_for(&error) {
        error.remove(ContextKind::SuggestedSubcommand);
        let hint = StyledStr::from(format!("'{option}' is an option, as in 'dyehouse run MANIFEST {option}'"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    } else if let Some(hint) = known_elsewhere(&error) {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(hint)]));
    } else if let Some(near) = command_for(&error) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
    }
    if let Some(bound) = color_lock_bound(&error, arguments) {
        let hint = StyledStr::from(format!("to correct colors up to ΔE00 {bound}, write '--color-lock={bound}'"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    }
    error
}

/// Returns what a command or an option that other programs have is called here.
fn known_elsewhere(error: &Error) -> Option<&'static str> {
    let typed = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].into_iter().find_map(|kind| error.get(kind));
    let Some(ContextValue::String(typed)) = typed else { return None };
    let name = typed.trim_start_matches('-').split(['=', ' ']).next()?;
    Some(match name {
        "resume" | "continue" | "restart" | "start" => "'dyehouse run MANIFEST' continues where the last run stopped",
        "validate" | "verify" | "lint" | "plan" | "cost" | "estimate" | "price" | "dry-run" => {
            "'dyehouse check MANIFEST' shows the errors, the plan and its cost, and submits nothing"
        }
        "watch" => {
            "'dyehouse report DIR --watch' keeps the report up to date, and 'dyehouse status DIR' shows the state"
        }
        "recolor" | "measure" => "it is a part of 'dyehouse color'",
        "concurrency" | "parallel" | "workers" | "jobs" | "max-concurrent" => {
            "'--in-flight N' limits how many predictions are open, and '--rate N/min' how many are submitted"
        }
        "max-cost" | "max-spend" | "cost-limit" => {
            "'--budget USD' limits the cost of the folder, '--budget-per-run USD' that of a run"
        }
        "api-key" | "key" | "token" => {
            "the key comes from VIBEDREAM_API_KEY, or from the file that VIBEDREAM_API_KEY_FILE names"
        }
        _ => return None,
    })
}

/// Returns the command that was probably meant by an unknown one. clap suggests none, or several, for swapped letters.
fn command_for(error: &Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let command = Cli::command();
    nearest(typed, command.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
}

/// Returns the option of `run` that was written like a command.
fn option_for(error: &Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let command = Cli::command();
    let options = command.find_subcommand("run")?.get_arguments().filter_map(clap::Arg::get_long);
    let is_meant = |option: &&str| {
        let rest = option.strip_prefix(typed.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    options.into_iter().find(is_meant).map(|option| format!("--{option}"))
}

/// Returns the number behind `--color-lock`, if there is an argument too many. Its value is optional, so a word behind it
/// is another argument.
fn color_lock_bound(error: &Error, arguments: &[OsString]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let mut words = arguments.iter().map(|argument| argument.to_string_lossy());
    words.find(|word| word == "--color-lock")?;
    words.next().filter(|word| word.parse::<f64>().is_ok()).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(typed: &str) -> String {
        let words = ["dyehouse"].into_iter().chain(typed.split(' ')).map(OsString::from);
        Cli::read(words).unwrap_err().to_string()
    }

    #[test]
    fn a_command_with_swapped_letters_is_suggested() {
        for (typed, meant) in [("rnu", "run"), ("chekc", "check"), ("stauts", "status")] {
            let printed = printed(typed);
            assert!(printed.contains(&format!("a similar subcommand exists: '{meant}'")), "{printed}");
        }
        assert!(!printed("banana").contains("similar"));
    }

    #[test]
    fn an_option_that_is_written_like_a_command_is_recognized() {
        for (typed, meant) in [("retry-failed", "--retry-failed"), ("retry", "--retry-failed"), ("prune x", "--prune")]
        {
            let printed = printed(typed);
            assert!(printed.contains(&format!("tip: '{meant}' is an option, as in 'dyehouse run MANIFEST {meant}'")));
            assert!(!printed.contains("similar"), "{printed}");
        }
    }

    #[test]
    fn what_other_programs_call_it_leads_to_what_it_is_called_here() {
        for (typed, meant) in [
            ("resume out", "'dyehouse run MANIFEST' continues"),
            ("run a.csv --dry-run", "'dyehouse check MANIFEST' shows"),
            ("run a.csv --concurrency=9", "'--in-flight N' limits"),
            ("run a.csv --api-key k", "the key comes from VIBEDREAM_API_KEY"),
            ("recolor a.png", "'dyehouse color'"),
        ] {
            let printed = printed(typed);
            assert!(printed.contains("tip: ") && printed.contains(meant), "{printed}");
            assert!(!printed.contains("similar") && !printed.contains("as a value"), "{printed}");
        }
    }

    #[test]
    fn a_color_lock_with_a_space_instead_of_an_equals_sign_is_corrected() {
        for typed in ["run a.csv --color-lock 3", "run --color-lock 3 a.csv", "check --color-lock 3 a.csv --reroll 1"] {
            let printed = printed(typed);
            assert!(printed.contains("tip: to correct colors up to ΔE00 3, write '--color-lock=3'"), "{printed}");
        }
        assert!(!printed("run a.csv --color-lock b.csv").contains("tip: to correct"));
    }
}
