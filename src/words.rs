//! Formatting of numbers, times and commands, which is the same in messages and reports.

use std::path::Path;
use std::time::Duration;

/// Returns a count with its noun: `1 job`, `2 jobs`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", plural(count))
}

/// Returns a count with a comma before each group of three digits: `5,000`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a count like [`grouped`], with its noun: `1 color check`, `2,225 color checks`.
pub(crate) fn grouped_count(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), plural(count))
}

/// Returns a rate per minute: `0.4`, `9.8`, `12`, `1,435`.
pub(crate) fn per_minute(rate: f64) -> String {
    if rate < 9.95 { format!("{rate:.1}") } else { grouped(rate.round() as u64) }
}

/// Returns the ending of a noun for a count.
fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Returns `is` or `are` for a count.
pub(crate) fn is_are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Returns the end of a list from which `more` items were left out: ` and 2 more`, or an empty text.
pub(crate) fn and_more(more: u64) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

/// Returns a duration in its two largest units: `2 h 05 min`, `3 min 07 s`, `4.2 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Returns an estimated duration as a person would say it: `1 s`, `2 min 30 s`, `40 min`, `5 h`, `4 d 18 h`.
pub(crate) fn about(time: Duration) -> String {
    /// The precision of durations below a limit, both in seconds.
    const STEPS: [(u64, u64); 8] =
        [(20, 1), (60, 5), (300, 30), (1200, 60), (3600, 300), (36_000, 900), (86_400, 3600), (10 * 86_400, 6 * 3600)];
    let exact = time.as_secs_f64().round().max(1.0) as u64;
    let step = STEPS.iter().find(|(limit, _)| exact < *limit).map_or(86_400, |(_, step)| *step);
    match exact.saturating_add(step / 2) / step * step {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => {
            let text = duration(Duration::from_secs(seconds));
            let whole = [" 00 s", " 00 min", " 00 h"].iter().find_map(|nothing| text.strip_suffix(nothing));
            whole.unwrap_or(&text).to_owned()
        }
    }
}

/// Returns an estimated number of seconds, which may be negative or infinite, as [`about`] does.
pub(crate) fn about_seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or_else(|_| "an unknown time".to_owned(), about)
}

/// Returns a number of seconds, which may be negative or infinite, in its two largest units.
pub(crate) fn seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or_else(|_| "an unknown time".to_owned(), duration)
}

/// Returns a size in bytes as text: `9.1 KB`, `64.0 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1e3, "KB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{:.1} {name}", bytes as f64 / unit)
}

/// Returns `text` as one word of a shell command, quoted if necessary.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns the command that frees the money of a job's submits that were not charged.
pub(crate) fn release_command(folder: &Path, job: &str) -> String {
    job_command("release", folder, job)
}

/// Returns the command that follows the prediction of a job's submit that was charged.
pub(crate) fn adopt_command(folder: &Path, job: &str) -> String {
    job_command("adopt", folder, job) + " PREDICTION"
}

fn job_command(command: &str, folder: &Path, job: &str) -> String {
    format!("dyehouse {command} {} {}", shell_word(&folder.display().to_string()), shell_word(job))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_decimals_only_where_they_matter() {
        assert_eq!([0.0, 9.94, 9.96, 1435.1].map(per_minute), ["0.0", "9.9", "10", "1,435"]);
    }

    #[test]
    fn durations_are_formatted_in_their_two_largest_units() {
        let printed = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!([0.04, 9.94, 59.9].map(printed), ["0.0 s", "9.9 s", "59 s"]);
        assert_eq!(
            [60.0, 3599.0, 3600.0, 90_000.0].map(printed),
            ["1 min 00 s", "59 min 59 s", "1 h 00 min", "1 d 01 h"]
        );
    }

    #[test]
    fn estimated_durations_are_rounded_as_people_say_them() {
        let printed = |seconds| about(Duration::from_secs_f64(seconds));
        assert_eq!([0.0, 1.0, 12.4, 36.0, 58.0].map(printed), ["1 s", "1 s", "12 s", "35 s", "1 min"]);
        assert_eq!(
            [89.0, 151.0, 299.0, 754.0, 2504.0, 3599.0].map(printed),
            ["1 min 30 s", "2 min 30 s", "5 min", "13 min", "40 min", "1 h"]
        );
        assert_eq!(
            [5244.0, 35_990.0, 40_000.0, 86_000.0, 400_020.0, 2e6].map(printed),
            ["1 h 30 min", "10 h", "11 h", "1 d", "4 d 18 h", "23 d"]
        );
        assert_eq!(about_seconds(f64::INFINITY), "an unknown time");
        assert_eq!(about(Duration::MAX), about(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn long_counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 5000, 1_234_567].map(grouped), ["0", "999", "5,000", "1,234,567"]);
    }

    #[test]
    fn shell_words_are_quoted_if_necessary() {
        assert_eq!(shell_word("runs/spring.yaml"), "runs/spring.yaml");
        assert_eq!(shell_word("my catalog's.csv"), r"'my catalog'\''s.csv'");
    }
}
