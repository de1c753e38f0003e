use std::path::Path;

use crate::journal::{Ledger, RunEnd, RunStart};
use crate::words::shell_word;

/// Options that are left out, including their values.
const WITH_VALUES: [&str; 4] = ["--uncertain", "--notify", "--healthcheck", "--on-finish"];

/// Returns the command that resumes the run that was started with `arguments`. It repeats them, because a forgotten
/// limit or origin costs money. It leaves out what the user decides each time, and the notifications, because their
/// URLs and commands may contain secrets, and many people read journals and reports.
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

/// Returns that command from a journal alone. If an older program or a merge wrote the journal, it has fewer options.
fn resume_from(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    match ledger.last_run() {
        Some(RunStart { resume: Some(command), .. }) => command.clone(),
        _ => command_for_all(ledger, manifest, folder),
    }
}

/// Returns the command that works on all jobs of the manifest, also after a run of only some of them.
pub(in crate::commands) fn continue_from(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    let is_finished = ledger.last_run_end() == RunEnd::Finished;
    let resume = resume_from(ledger, manifest, folder);
    let selects = resume.split([' ', '=']).any(|word| matches!(word, "--only" | "--limit"));
    if is_finished && selects { command_for_all(ledger, manifest, folder) } else { resume }
}

fn command_for_all(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    let mut command = format!("dyehouse run {} -o {}", shell_word(manifest), shell_word(&folder.display().to_string()));
    if let Some(RunStart { backend, budget_cents, partition, .. }) = ledger.last_run() {
        command.push_str(&format!(" --backend {backend}"));
        if let Some(budget) = budget_cents {
            command.push_str(&format!(" --budget {}", budget.dollars()));
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
    fn a_resume_command_repeats_the_limits_of_its_run() {
        let line = "run m.csv --budget 25 --base-url http://127.0.0.1:8787 --only mug-* --rate 2/s -q";
        let quoted = "run m.csv --budget 25 --base-url http://127.0.0.1:8787 --only 'mug-*' --rate 2/s -q";
        assert_eq!(resumed(line), format!("dyehouse {quoted}"));
    }

    #[test]
    fn a_resume_command_leaves_out_urls_that_may_be_secrets() {
        let line = "run m.csv --notify https://x/s --healthcheck=https://y/s --on-finish=curl --metrics-file n.prom";
        assert_eq!(resumed(line), "dyehouse run m.csv --metrics-file n.prom");
    }

    #[test]
    fn a_resume_command_leaves_out_options_that_pay_again() {
        assert_eq!(
            resumed("run --retry-failed m.csv --uncertain resubmit --prune -o out"),
            "dyehouse run m.csv -o out"
        );
        assert_eq!(resumed("run --uncertain=resubmit m.csv"), "dyehouse run m.csv");
    }
}
