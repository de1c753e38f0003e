use std::path::Path;

use crate::api::wire::PROVIDER_URL;
use crate::cli::UNRECORDED;
use crate::journal::{Ledger, RunEnd, RunStart};
use crate::words::shell_word;

/// The jobs that a command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Jobs {
    /// Those that the run has selected.
    Selected,
    /// All of the manifest.
    All,
}

/// Returns the command that resumes the run that was started with `arguments`. It repeats them, because a forgotten
/// limit or origin costs money, except [`UNRECORDED`] ones.
pub(in crate::commands) fn resume(arguments: impl IntoIterator<Item = String>, jobs: Jobs) -> String {
    let selects = |name: &str| jobs == Jobs::All && matches!(name, "--only" | "--limit");
    let is_left_out = |name: &str| UNRECORDED.contains(&name) || selects(name);
    let mut command = "dyehouse".to_owned();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--retry-failed" | "--prune" => {}
            word if is_left_out(word) => drop(arguments.next()),
            word if word.split_once('=').is_some_and(|(name, _)| is_left_out(name)) => {}
            word => {
                command.push(' ');
                command.push_str(&shell_word(word));
            }
        }
    }
    command
}

/// Returns the command that works on what is left: that of the last run, or, if it has finished, one for all jobs. If a
/// merge wrote the journal, it has fewer options.
pub(in crate::commands) fn continue_from(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    let Some(run) = ledger.last_run() else { return command_for_all(ledger, manifest, folder) };
    let for_all = run.resume_all.as_deref().filter(|_| ledger.last_run_end() == RunEnd::Finished);
    let command = for_all.or(run.resume.as_deref());
    command.map_or_else(|| command_for_all(ledger, manifest, folder), str::to_owned)
}

fn command_for_all(ledger: &Ledger, manifest: &str, folder: &Path) -> String {
    let mut command = format!("dyehouse run {} -o {}", shell_word(manifest), shell_word(&folder.display().to_string()));
    if let Some(RunStart { backend, origin, budget_cents, partition, .. }) = ledger.last_run() {
        command.push_str(&format!(" --backend {backend}"));
        if let Some(origin) = origin.as_deref().filter(|origin| *origin != PROVIDER_URL) {
            command.push_str(&format!(" --base-url {}", shell_word(origin)));
        }
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
        resume(line.split(' ').map(str::to_owned), Jobs::Selected)
    }

    #[test]
    fn a_command_for_all_jobs_repeats_all_but_the_selection() {
        let line = "run m.csv --only mug-* --price-limit 0.05 --limit=3 --base-url http://127.0.0.1:8787";
        let for_all = resume(line.split(' ').map(str::to_owned), Jobs::All);
        assert_eq!(for_all, "dyehouse run m.csv --price-limit 0.05 --base-url http://127.0.0.1:8787");
    }

    #[test]
    fn no_option_for_notifications_is_recorded_except_a_path() {
        use clap::Args;
        let command = crate::cli::Notifications::augment_args(clap::Command::new("run"));
        let options = command.get_arguments().filter_map(|argument| argument.get_long());
        for option in options.filter(|option| *option != "metrics-file") {
            assert!(UNRECORDED.contains(&format!("--{option}").as_str()), "{option}");
        }
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
