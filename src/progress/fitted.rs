use console::measure_text_width;

/// The column at which the values of a summary begin. The lines that continue a value begin there too.
const INDENT: usize = 12;

/// The least width that is wrapped to. In a narrower terminal, hardly a word would be left beside the indent.
const LEAST: usize = 40;

/// The names of the lines whose values are copied as a whole.
const WHOLE: [&str; 3] = ["pictures", "report", "resume"];

/// Wraps the lines of a summary between words, for a terminal with this many `columns`. Commands and paths are not
/// wrapped: the terminal wraps them anywhere, and copies them in one line.
pub fn fitted(text: &str, columns: usize) -> String {
    text.lines().map(|line| wrapped(line, columns.max(LEAST)) + "\n").collect()
}

fn wrapped(line: &str, columns: usize) -> String {
    if WHOLE.contains(&line.split_whitespace().next().unwrap_or_default()) {
        return line.to_owned();
    }
    let indent = if line.starts_with("  ") { INDENT } else { 2 };
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

    const SUMMARY: &str = "\
40 of 48 jobs completed, 1 uncertain, 7 pending in 2 min 31 s, which is a line without an indent
  uncertain 1 may have been charged: check the provider's dashboard; `dyehouse release runs/spring mug-ocean` frees the money if it was not charged
            mug-ocean: submitted 2026-11-23 22:14:03 UTC, request 000102030405060708090a0b0c0d0e0f
  cost      $3.36 spent
  report    runs/the report of the spring catalog with all of its colors and pictures/report/index.html
  resume    dyehouse run spring.yaml --budget 25 --rate 10/min --in-flight 5 --deadline 6h --color-lock
";

    #[test]
    fn values_are_wrapped_between_words_and_commands_and_paths_are_not() {
        insta::assert_snapshot!(fitted(SUMMARY, 80), @r"
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
    fn lines_fit_and_lose_no_word_whatever_the_width() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for columns in 45..120 {
            let text = fitted(SUMMARY, columns);
            assert_eq!(words(&text), words(SUMMARY));
            let is_whole = |line: &&str| line.contains('`') || WHOLE.contains(&line.split_whitespace().next().unwrap());
            let too_long: Vec<&str> =
                text.lines().filter(|line| line.len() > columns).filter(|line| !is_whole(line)).collect();
            assert!(too_long.is_empty(), "{columns}: {too_long:?}");
        }
        assert_eq!(fitted(SUMMARY, 200), SUMMARY);
        assert_eq!(fitted(SUMMARY, 1), fitted(SUMMARY, LEAST));
    }
}
