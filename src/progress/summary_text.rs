use std::fmt::{self, Display, Formatter};

use console::measure_text_width;

/// The column at which the values of a summary begin. The lines that continue a value begin there too.
const INDENT: usize = 12;

/// The least width that is wrapped to. In a narrower terminal, hardly a word would be left beside the indent.
const LEAST: usize = 40;

/// A summary for people: a heading, and lines that begin with their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SummaryText {
    heading: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: &'static str,
    value: String,
    wrapping: Wrapping,
}

/// How a line is broken that is longer than the terminal is wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    /// Between words.
    Words,
    /// Not at all, because it is copied as a whole. The terminal wraps it anywhere, and copies it in one line.
    Whole,
}

impl SummaryText {
    /// Returns a summary without lines.
    pub(crate) fn new(heading: String) -> SummaryText {
        SummaryText { heading, lines: Vec::new() }
    }

    /// Adds a line. One without a name continues the line before it.
    pub(crate) fn add(&mut self, name: &'static str, value: impl Display) {
        self.lines.push(Line { name, value: value.to_string(), wrapping: Wrapping::Words });
    }

    /// Adds a line with a command or a path.
    pub(crate) fn add_whole(&mut self, name: &'static str, value: impl Display) {
        self.lines.push(Line { name, value: value.to_string(), wrapping: Wrapping::Whole });
    }

    /// Returns the text for a terminal with this many `columns`.
    pub(crate) fn fitted(&self, columns: usize) -> String {
        let columns = columns.max(LEAST);
        let lines = self.lines.iter().map(|line| match line.wrapping {
            Wrapping::Words => wrapped(&line.to_string(), columns, INDENT),
            Wrapping::Whole => line.to_string(),
        });
        std::iter::once(wrapped(&self.heading, columns, 2)).chain(lines).map(|line| line + "\n").collect()
    }
}

impl Display for SummaryText {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.heading)?;
        self.lines.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}

impl Display for Line {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let width = INDENT - 2;
        formatter.write_str(format!("  {:<width$}{}", self.name, self.value).trim_end())
    }
}

/// Wraps a line between words, not counting its colors. Further lines begin at the column `indent`.
pub(super) fn wrapped(line: &str, columns: usize, indent: usize) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for word in words(line) {
        let length = measure_text_width(word);
        if width > indent && width + length > columns {
            text.truncate(text.trim_end_matches(' ').len());
            text.push_str(&format!("\n{:indent$}", ""));
            width = indent;
        }
        text.push_str(word);
        text.push(' ');
        width += length + 1;
    }
    text.truncate(text.trim_end_matches(' ').len());
    text
}

/// Returns the parts of a line between single spaces. A command in backticks is one part.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    line.split(move |character| {
        is_quoted ^= character == '`';
        character == ' ' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> SummaryText {
        let heading =
            "40 of 48 jobs completed, 1 uncertain, 7 pending in 2 min 31 s, which is a line without an indent";
        let mut text = SummaryText::new(heading.to_owned());
        text.add("uncertain", "1 may have been charged: check the provider's dashboard; `dyehouse release runs/spring mug-ocean` frees the money if it was not charged");
        text.add("", "mug-ocean: submitted 2026-11-23 22:14:03 UTC, request 000102030405060708090a0b0c0d0e0f");
        text.add("cost", "$3.36 spent");
        text.add_whole(
            "report",
            "runs/the report of the spring catalog with all of its colors and pictures/report/index.html",
        );
        text.add_whole(
            "resume",
            "dyehouse run spring.yaml --budget 25 --rate 10/min --in-flight 5 --deadline 6h --color-lock",
        );
        text
    }

    #[test]
    fn values_are_wrapped_between_words_and_commands_and_paths_are_not() {
        insta::assert_snapshot!(summary().fitted(80), @r"
        40 of 48 jobs completed, 1 uncertain, 7 pending in 2 min 31 s, which is a line
          without an indent
          uncertain 1 may have been charged: check the provider's dashboard;
                    `dyehouse release runs/spring mug-ocean` frees the money if it was
                    not charged
                    mug-ocean: submitted 2026-11-23 22:14:03 UTC, request
                    000102030405060708090a0b0c0d0e0f
          cost      $3.36 spent
          report    runs/the report of the spring catalog with all of its colors and pictures/report/index.html
          resume    dyehouse run spring.yaml --budget 25 --rate 10/min --in-flight 5 --deadline 6h --color-lock
        ");
    }

    #[test]
    fn a_line_of_progress_is_wrapped_between_words_and_its_colors_take_no_columns() {
        let line = "12/40  \u{1b}[33mfailed   \u{1b}[0m  mug-ocean  moderated: flagged by content moderation";
        let expected =
            "12/40  \u{1b}[33mfailed   \u{1b}[0m  mug-ocean\n    moderated: flagged by content\n    moderation";
        assert_eq!(wrapped(line, 36, 4), expected);
        assert_eq!(wrapped(line, usize::MAX, 4), line);
    }

    #[test]
    fn lines_fit_and_lose_no_word_whatever_the_width() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for columns in 45..120 {
            let text = summary().fitted(columns);
            assert_eq!(words(&text), words(&summary().to_string()));
            let is_whole = |line: &&str| line.contains('`') || line.contains("report") || line.contains("resume");
            let too_long: Vec<&str> =
                text.lines().filter(|line| line.len() > columns).filter(|line| !is_whole(line)).collect();
            assert!(too_long.is_empty(), "{columns}: {too_long:?}");
        }
        assert_eq!(summary().fitted(200), summary().to_string());
        assert_eq!(summary().fitted(1), summary().fitted(LEAST));
    }
}
