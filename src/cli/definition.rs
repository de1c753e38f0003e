use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// The commands that progress and logs matter for, with the options that have an effect. All commands accept all of
/// them.
const OUTPUT: [(&str, &[&str]); 5] = [
    ("run", &["progress", "quiet", "verbose", "log_format"]),
    ("check", &["quiet", "verbose", "log_format"]),
    ("serve", &["quiet", "verbose", "log_format"]),
    ("merge", &["quiet"]),
    ("init", &["quiet"]),
];

/// The options of `run` that change nothing in what `check` prints.
const WITHOUT_EFFECT_ON_CHECK: [&str; 9] =
    ["junit", "burst", "poll_rate", "grace", "give_up_after", "notify", "on_finish", "healthcheck", "metrics_file"];

/// Returns the definition of the command line. The help of each command shows only the options that have an effect on it.
pub fn definition() -> Command {
    let command = Cli::command();
    let shared: Vec<Arg> = command.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    let command = OUTPUT.iter().fold(command, |command, (name, shown)| {
        let is_shown = |argument: &&Arg| shown.contains(&argument.get_id().as_str());
        let shown = shared.iter().filter(is_shown).map(|argument| argument.clone().hide(false));
        command.mut_subcommand(name, |subcommand| subcommand.args(shown))
    });
    command.mut_subcommand("check", |check| {
        let check =
            check.mut_arg("json", |json| json.help("Print the errors, the warnings and the plan as one JSON object"));
        WITHOUT_EFFECT_ON_CHECK.iter().fold(check, |check, name| check.mut_arg(name, |option| option.hide(true)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Command;

    use super::definition;

    /// Returns the help of a command on a terminal with 80 columns.
    fn help(command: &str) -> String {
        let mut definition = definition().term_width(80);
        definition.build();
        let found = command.split(' ').try_fold(&mut definition, |found, name| found.find_subcommand_mut(name));
        found.unwrap().render_help().to_string()
    }

    #[test]
    fn the_definition_is_valid() {
        definition().debug_assert();
    }

    #[test]
    fn check_accepts_all_options_of_run() {
        let options = |name: &str| -> BTreeSet<String> {
            let command = definition();
            let arguments = command.find_subcommand(name).unwrap().get_arguments();
            arguments.map(|argument| argument.get_id().to_string()).filter(|name| name != "progress").collect()
        };
        let (run, check) = (options("run"), options("check"));
        assert!(run.len() > 30 && run.is_subset(&check), "{:?}", run.difference(&check));
    }

    #[test]
    fn options_are_shown_only_where_they_have_an_effect() {
        let shows = |command: &str, option: &str| help(command).contains(option);
        assert!(shows("run", "--progress") && shows("run", "--log-format") && shows("run", "--notify"));
        assert!(shows("check", "--quiet") && !shows("check", "--progress") && !shows("check", "--notify"));
        assert!(shows("serve", "--log-format") && shows("init", "--quiet") && !shows("init", "--log-format"));
        for command in ["status", "report", "compact", "release", "color measure", "schema", "completions", "man"] {
            assert!(!shows(command, "--quiet") && !shows(command, "--progress"), "{command}");
        }
    }

    #[test]
    fn each_command_has_one_help_whether_it_is_asked_for_with_h_or_help() {
        let help = |command: &str, option| {
            let words = ["dyehouse"].into_iter().chain(command.split_whitespace()).chain([option]);
            definition().term_width(80).try_get_matches_from(words).unwrap_err().to_string()
        };
        let commands = definition();
        let names = commands.get_subcommands().map(Command::get_name);
        for command in names.chain(["", "color measure", "color recolor"]) {
            let printed = help(command, "-h");
            assert_eq!(printed, help(command, "--help"));
            assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
        }
    }

    #[test]
    fn each_command_and_exit_code_takes_whole_lines_of_a_narrow_terminal() {
        let mut definition = definition().term_width(80);
        insta::assert_snapshot!(definition.render_help().to_string());
    }

    #[test]
    fn the_help_of_run_explains_each_option() {
        insta::assert_snapshot!(help("run"));
    }
}
