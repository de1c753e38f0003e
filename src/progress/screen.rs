use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::{LogFormat, Output, ProgressStyle};
use crate::manifest::{Diagnostic, Severity, Style, render};

use super::summary_text::wrapped;

/// The column at which the further lines of a line of progress begin in a narrow terminal.
const INDENT: usize = 4;

/// Stderr, shared by the bar, lines and logs so that they do not interrupt each other.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    bars: MultiProgress,
    show: Show,
    style: Style,
    logs: LogFormat,
}

/// The way in which progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Bar,
    Lines,
    Nothing,
}

impl Screen {
    /// Returns the screen for the options of the command line and the kind of terminal.
    pub(crate) fn new(output: &Output) -> Screen {
        let is_terminal = io::stderr().is_terminal();
        let show = match output.progress {
            _ if output.quiet => Show::Nothing,
            ProgressStyle::None => Show::Nothing,
            ProgressStyle::Bar => Show::Bar,
            ProgressStyle::Plain => Show::Lines,
            // JSON logs contain the same events, and other lines between them would break their consumers.
            ProgressStyle::Auto if output.log_format == LogFormat::Json => Show::Nothing,
            ProgressStyle::Auto if is_terminal && !is_dumb(std::env::var_os) => Show::Bar,
            ProgressStyle::Auto => Show::Lines,
        };
        let target = if show == Show::Bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Screen {
            bars: MultiProgress::with_draw_target(target),
            show,
            style: style(is_terminal),
            logs: output.log_format,
        }
    }

    /// Prints a line of progress, wrapped between words, or a text of several lines, unless progress is turned off.
    pub(crate) fn say(&self, text: &str) {
        if self.show != Show::Nothing {
            self.print_line(&fitted(text, columns()));
        }
    }

    /// Prints a warning or a note. Warnings are never suppressed, because they may be about money; notes are progress.
    pub(crate) fn show_diagnostic(&self, diagnostic: &Diagnostic) {
        match (diagnostic.severity, self.logs) {
            (Severity::Note, _) => self.say(&render(diagnostic, self.style)),
            (Severity::Warning | Severity::Error, LogFormat::Text) => self.print_line(&render(diagnostic, self.style)),
            (Severity::Warning | Severity::Error, LogFormat::Json) => {
                tracing::warn!("{}", render(diagnostic, Style::Plain));
            }
        }
    }

    /// Prints a line that must not be suppressed.
    pub(crate) fn print_line(&self, line: &str) {
        // If stderr is closed, there is nowhere to report it.
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Prints why the program cannot continue, in the format of the logs.
    pub(crate) fn fail(&self, why: impl FnOnce(Style) -> String) {
        match self.logs {
            LogFormat::Text => self.print_line(&why(self.style)),
            LogFormat::Json => tracing::error!("{}", why(Style::Plain)),
        }
    }

    /// Returns whether lines are colored.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    pub(super) fn show(&self) -> Show {
        self.show
    }

    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }
}

/// Returns a line wrapped to this many columns. A text of several lines has its own layout, and stays as it is.
fn fitted(text: &str, columns: usize) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Borrowed(text) } else { Cow::Owned(wrapped(text, columns, INDENT)) }
}

/// Returns the width of the terminal that shows stderr, in columns; no limit if there is none.
pub(super) fn columns() -> usize {
    Term::stderr().size_checked().map_or(usize::MAX, |(_, columns)| columns.into())
}

/// Returns the style for output to a terminal or another destination. Respects `NO_COLOR`, `FORCE_COLOR`,
/// `CLICOLOR_FORCE`, `CLICOLOR` and `TERM`, in this order.
pub(crate) fn style(is_terminal: bool) -> Style {
    style_with(is_terminal, std::env::var_os)
}

fn style_with(is_terminal: bool, variable: impl Fn(&'static str) -> Option<OsString>) -> Style {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is_zero = |name| variable(name).is_some_and(|value| value == "0");
    let is_on = |name| is_set(name) && !is_zero(name);
    let is_colored = if is_set("NO_COLOR") {
        false
    } else if is_on("FORCE_COLOR") || is_on("CLICOLOR_FORCE") {
        true
    } else {
        is_terminal && !is_zero("CLICOLOR") && !is_dumb(&variable)
    };
    if is_colored { Style::Colored } else { Style::Plain }
}

/// Whether the terminal can neither move its cursor nor show colors.
fn is_dumb(variable: impl Fn(&'static str) -> Option<OsString>) -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}

/// A line of the logs, which is printed when it is complete.
#[derive(Debug)]
pub(crate) struct LogLine {
    bars: MultiProgress,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine { bars: self.bars.clone(), bytes: Vec::new() }
    }
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        self.bars.suspend(|| drop(io::stderr().lock().write_all(&self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_progress_are_wrapped_and_the_layout_of_longer_texts_stays() {
        let line = "mug-ocean: the price rose from $0.07 to $0.21";
        assert_eq!(fitted(line, 30), "mug-ocean: the price rose from\n    $0.07 to $0.21");
        let note = "note: a long line about a row of the manifest\n  --> catalog.csv:3:1";
        assert_eq!(fitted(note, 30), note);
    }

    #[test]
    fn colors_are_for_terminals_that_can_show_them_unless_the_user_says_otherwise() {
        let is_colored = |is_terminal, set: &[(&str, &str)]| {
            let variable = |name: &'static str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            style_with(is_terminal, variable) == Style::Colored
        };
        assert!(is_colored(true, &[]) && is_colored(true, &[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(!is_colored(false, &[]));
        for set in [("TERM", "dumb"), ("NO_COLOR", "1"), ("CLICOLOR", "0")] {
            assert!(!is_colored(true, &[set]), "{set:?}");
        }
        assert!(is_colored(false, &[("FORCE_COLOR", "1")]) && !is_colored(false, &[("FORCE_COLOR", "0")]));
        assert!(!is_colored(true, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
    }
}
