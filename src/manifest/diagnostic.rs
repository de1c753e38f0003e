use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::bytes::char_floor;
use crate::job::JobId;
use crate::words::counted;

use super::whitespace::is_invisible;

/// An error, warning or note about a manifest, with its location.
///
/// It serializes to exactly `{"file","line","column","job","message","hint"}`, with `null` for unknown values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The severity.
    #[serde(skip)]
    pub severity: Severity,
    /// The name of the file, as the user wrote it.
    pub file: String,
    /// The line number, from 1.
    pub line: Option<u64>,
    /// The column, in characters, from 1.
    pub column: Option<u64>,
    /// The job's id, if it is known.
    pub job: Option<String>,
    /// The message: a lower-case fragment.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// The source line and the span to underline.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
    /// The message without job-specific values, if one mistake can affect many jobs. Diagnostics with an equal value
    /// and location are reported once, with a count.
    #[serde(skip)]
    pub same: Option<String>,
}

/// The severity of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The manifest is rejected.
    Error,
    /// The manifest is accepted, but probably does not do what the user intended.
    Warning,
    /// An interpretation of the input that could surprise the user.
    Note,
}

/// A source line, and the span in it that a diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line without its line break. A long line is cut to the surroundings of the span.
    pub text: String,
    /// The span, in bytes of `text`.
    pub span: Range<usize>,
}

impl Excerpt {
    /// The maximum number of bytes kept on each side of the span, and of the span itself.
    const MAX_BYTES_AROUND: usize = 160;

    /// Returns the line that contains byte `span.start` of `text`, with `span` clipped to that line.
    pub(super) fn of(text: &str, span: &Range<usize>) -> Excerpt {
        let start = char_floor(text, span.start.min(text.len()));
        let line_start = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
        let end = char_floor(text, span.end.clamp(start, line_end).min(start + Self::MAX_BYTES_AROUND));
        let end = start + text[start..end].trim_end().len();
        let from = char_floor(text, line_start.max(start.saturating_sub(Self::MAX_BYTES_AROUND)));
        let to = char_floor(text, line_end.min(end + Self::MAX_BYTES_AROUND));
        Excerpt { text: text[from..to].to_owned(), span: start - from..end - from }
    }
}

/// The diagnostics of a manifest: the first [`Problems::MAX_KEPT`], and the number of further ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first diagnostics, in the manifest's order. [`Problems::with_counts`] adds the number of repetitions to
    /// them.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of diagnostics that were not kept.
    pub more: u64,
    /// The number of repetitions of each kept diagnostic.
    repeats: Vec<u64>,
}

impl Problems {
    /// The maximum number of diagnostics that are kept.
    pub const MAX_KEPT: usize = 50;

    /// Adds a diagnostic. It is only counted if it repeats a kept one, or if [`Problems::MAX_KEPT`] is reached.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let location = |diagnostic: &Diagnostic| (diagnostic.line, diagnostic.column);
        let is_again = |kept: &Diagnostic| {
            diagnostic.same.is_some()
                && kept.same == diagnostic.same
                && location(kept) == location(&diagnostic)
                && kept.file == diagnostic.file
        };
        if let Some(first) = self.diagnostics.iter().position(is_again) {
            self.repeats[first] += 1;
        } else if self.diagnostics.len() < Self::MAX_KEPT {
            self.diagnostics.push(diagnostic);
            self.repeats.push(0);
        } else {
            self.more += 1;
        }
    }

    /// Merges in the diagnostics of a later check, sorted by location. `more` is the number of those that it did not
    /// keep.
    pub fn merge(&mut self, found: Vec<Diagnostic>, more: u64) {
        let mut all: Vec<(Diagnostic, u64)> = std::mem::take(&mut self.diagnostics)
            .into_iter()
            .zip(std::mem::take(&mut self.repeats))
            .chain(found.into_iter().map(|diagnostic| (diagnostic, 0)))
            .collect();
        all.sort_by(|(one, _), (other, _)| {
            (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column))
        });
        self.more += more;
        for (diagnostic, again) in all {
            let before = self.diagnostics.len();
            self.push(diagnostic);
            if let Some(repeats) = self.repeats.get_mut(before) {
                *repeats += again;
            }
        }
    }

    /// Returns the kept diagnostics, with the number of repetitions in their messages.
    pub fn with_counts(&self) -> Vec<Diagnostic> {
        let with_counts = |(diagnostic, repeats): (&Diagnostic, &u64)| match repeats {
            0 => diagnostic.clone(),
            again => {
                let message = format!("{}, and in {}", diagnostic.message, counted(*again, "more job"));
                Diagnostic { message, ..diagnostic.clone() }
            }
        };
        self.diagnostics.iter().zip(&self.repeats).map(with_counts).collect()
    }

    /// Whether there are no diagnostics.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Returns the number of diagnostics, kept or not, without repetitions.
    pub fn count(&self) -> u64 {
        self.diagnostics.len() as u64 + self.more
    }
}

impl Extend<Diagnostic> for Problems {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }
}

impl From<Vec<Diagnostic>> for Problems {
    fn from(diagnostics: Vec<Diagnostic>) -> Problems {
        let mut problems = Problems::default();
        problems.extend(diagnostics);
        problems
    }
}

impl From<Diagnostic> for Problems {
    fn from(diagnostic: Diagnostic) -> Problems {
        Problems::from(vec![diagnostic])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.diagnostics.first() else {
            return formatter.write_str("nothing is wrong");
        };
        write!(formatter, "{}: {}", first.location(), first.message)?;
        match self.count() {
            1 => Ok(()),
            count => write!(formatter, " (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic {
    /// Returns an error about `file` as a whole.
    pub(super) fn about_file(file: &str, message: impl Into<String>, hint: impl Into<Option<String>>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: file.to_owned(),
            line: None,
            column: None,
            job: None,
            message: message.into(),
            hint: hint.into(),
            excerpt: None,
            same: None,
        }
    }

    /// Returns a diagnostic about a job in `file`, given its line and its id, or about the file as a whole.
    pub(crate) fn about_job(
        severity: Severity,
        file: &str,
        job: Option<(u64, Option<&JobId>)>,
        message: String,
        hint: &str,
    ) -> Diagnostic {
        Diagnostic {
            severity,
            line: job.map(|(line, _)| line),
            job: job.and_then(|(_, id)| id.map(ToString::to_string)),
            ..Diagnostic::about_file(file, message, hint.to_owned())
        }
    }

    /// Returns the location as `file:line:column`, without the unknown parts.
    pub fn location(&self) -> String {
        let mut location = self.file.clone();
        for number in [self.line, self.column].into_iter().flatten() {
            location.push_str(&format!(":{number}"));
        }
        location
    }
}

/// How a diagnostic is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ASCII without color, for files, pipes and tests.
    Plain,
    /// With ANSI colors, for terminals.
    Colored,
}

/// Renders `diagnostic` as compilers do: the message, the location, the line with the span underlined, and the hint.
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = match (&diagnostic.excerpt, diagnostic.line) {
        (Some(excerpt), Some(line)) => {
            let snippet = Snippet::source(excerpt.text.as_str())
                .line_start(usize::try_from(line).unwrap_or(usize::MAX))
                .annotation(AnnotationKind::Primary.span(excerpt.span.clone()));
            let title = level.primary_title(diagnostic.message.as_str());
            // The renderer derives the column from the excerpt. If that is wrong because the line was cut, the location
            // is rendered separately.
            match excerpt.text[..excerpt.span.start].chars().count() as u64 + 1 == diagnostic.column.unwrap_or(1) {
                true => title.element(snippet.path(diagnostic.file.as_str())),
                false => title.element(origin(diagnostic)).element(snippet),
            }
        }
        _ => level.primary_title(diagnostic.message.as_str()).element(origin(diagnostic)),
    };
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

fn origin(diagnostic: &Diagnostic) -> Origin<'_> {
    let origin = Origin::path(diagnostic.file.as_str());
    let Some(line) = diagnostic.line else { return origin };
    let origin = origin.line(usize::try_from(line).unwrap_or(usize::MAX));
    match diagnostic.column {
        Some(column) => origin.char_column(usize::try_from(column).unwrap_or(usize::MAX)),
        None => origin,
    }
}

/// Returns `text` in backquotes, truncated for use in a message, with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    let mut shown: String = text
        .chars()
        .take(MAX_CHARACTERS)
        .flat_map(|character| {
            // Joiners are kept, because they combine several characters into one glyph.
            let is_unseen = is_invisible(character) && !matches!(character, '\u{200C}' | '\u{200D}');
            let is_plain = !character.is_control() && !is_unseen && !matches!(character, '\u{2028}' | '\u{2029}');
            let escaped = (!is_plain).then(|| character.escape_default());
            escaped.into_iter().flatten().chain(is_plain.then_some(character))
        })
        .collect();
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic() -> Diagnostic {
        Diagnostic {
            line: Some(3),
            column: Some(6),
            job: Some("mug".to_owned()),
            excerpt: Some(Excerpt::of("id,x\n\nmug,,huge,\n", &(11..15))),
            ..Diagnostic::about_file("a.csv", "unknown size `huge`", "small, medium or large".to_owned())
        }
    }

    #[test]
    fn rendered_diagnostic_underlines_the_span() {
        insta::assert_snapshot!(render(&diagnostic(), Style::Plain), @r"
        error: unknown size `huge`
         --> a.csv:3:6
          |
        3 | mug,,huge,
          |      ^^^^
          |
          = help: small, medium or large
        ");
    }

    #[test]
    fn diagnostic_serializes_to_six_fields() {
        assert_eq!(
            serde_json::to_string(&Diagnostic::about_file("a.csv", "is empty", None)).unwrap(),
            r#"{"file":"a.csv","line":null,"column":null,"job":null,"message":"is empty","hint":null}"#
        );
    }

    #[test]
    fn problems_beyond_fifty_are_only_counted() {
        let problems = Problems::from(vec![diagnostic(); 53]);
        assert_eq!((problems.diagnostics.len(), problems.more, problems.count()), (50, 3, 53));
    }

    #[test]
    fn long_line_is_cut_around_the_span() {
        let line = format!("{}ÜBAD{}", "x".repeat(5_000_000), "y".repeat(5_000_000));
        let excerpt = Excerpt::of(&line, &(5_000_002..5_000_005));
        assert_eq!(&excerpt.text[excerpt.span.clone()], "BAD");
        assert!(excerpt.text.len() < 400);
    }

    #[test]
    fn control_characters_in_messages_are_escaped() {
        assert_eq!(quoted("a\0b\u{1b}[31m"), r"`a\u{0}b\u{1b}[31m`");
    }
}
