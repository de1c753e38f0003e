use std::path::Path;

use crate::job::Cents;
use crate::journal::{Ledger, RunStart};
use crate::words::shell_word;

/// The options that are left out with their values.
const WITH_VALUES: [&str; 4] = ["--uncertain", "--notify", "--healthcheck", "--on-finish"];

/// The command that goes on with the run that `arguments`, those of the program, have begun: the same one, for a ceiling
/// or an origin that is forgotten costs money. Only what a person decides each time is left out, and who is
/// told, for URLs and commands may hold secrets, and a journal and a report are for many eyes.
pub(in crate::commands) fn resume(arguments: impl IntoIterator<Item = String>) -> String {
    let mut command = "dyehouse".to_owned();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--retry-failed" | "--prune" => {}
            word if WITH_VALUES.contains(&word) => drop(arguments.next()),
            word if word.split_once('=').is_some_and(|(name, _)| WITH_VALUES.contains(&name)) => {}
            word => {
                command.push(' ');
                command.push_str(&shell_word(word));
            }
        }
    }
    command
}

/// The same, from a journal alone. One of an older program, or of a merge, knows less of it.
pub(in crate::commands) fn resume_from(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    if let Some(RunStart { resume: Some(command), .. }) = ledger.last_run() {
        return command.clone();
    }
    let mut command = format!("dyehouse run {} -o {}", shell_word(manifest), shell_word(&folder.display().to_string()));
    if let Some(RunStart { backend, budget_cents, partition, .. }) = ledger.last_run() {
        command.push_str(&format!(" --backend {backend}"));
        if let Some(Cents(cents)) = budget_cents {
            command.push_str(&format!(" --budget {}.{:02}", cents / 100, cents % 100));
        }
        if let Some(share) = partition {
            command.push_str(&format!(" --partition {share}"));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(line: &str) -> String {
        resume(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn what_bounds_a_run_bounds_it_when_it_is_resumed() {
        let line = "run m.csv --budget 25 --base-url http://127.0.0.1:8787 --only mug-* --rate 2/s -q";
        let quoted = "run m.csv --budget 25 --base-url http://127.0.0.1:8787 --only 'mug-*' --rate 2/s -q";
        assert_eq!(resumed(line), format!("dyehouse {quoted}"));
    }

    #[test]
    fn a_url_that_may_be_a_secret_is_not_repeated() {
        let line = "run m.csv --notify https://x/s --healthcheck=https://y/s --on-finish=curl --metrics-file n.prom";
        assert_eq!(resumed(line), "dyehouse run m.csv --metrics-file n.prom");
    }

    #[test]
    fn what_pays_again_is_decided_anew() {
        assert_eq!(
            resumed("run --retry-failed m.csv --uncertain resubmit --prune -o out"),
            "dyehouse run m.csv -o out"
        );
        assert_eq!(resumed("run --uncertain=resubmit m.csv"), "dyehouse run m.csv");
    }
}
