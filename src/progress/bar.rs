use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::screen::{Screen, columns};

/// The width of the bar itself, in columns.
const BAR: usize = 20;

/// Adds a bar for `work` jobs to the screen.
pub(super) fn bar(screen: &Screen, work: u64) -> ProgressBar {
    // A constant template either parses or fails in the first test.
    let style = ProgressStyle::with_template(&format!("{{bar:{BAR}.green/dim}} {{pos}}/{{len}}  {{wide_msg}}"));
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌");
    let bar = screen.bars().add(ProgressBar::new(work).with_style(style));
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// Returns how many columns of the terminal are left for the message of a bar.
pub(super) fn message_width(bar: &ProgressBar) -> usize {
    let count = format!("{}/{}", bar.position(), bar.length().unwrap_or_default());
    columns().saturating_sub(BAR + 1 + count.len() + 2)
}

/// Returns the first of `parts`, as many as fit into `width` columns.
pub(super) fn fitting(parts: &[String], width: usize) -> String {
    const BETWEEN: &str = " · ";
    let columns = |text: &str| text.chars().count();
    let mut message = String::new();
    for part in parts {
        let between = if message.is_empty() { "" } else { BETWEEN };
        if columns(&message) + columns(between) + columns(part) > width {
            break;
        }
        message.push_str(between);
        message.push_str(part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_narrow_terminal_shows_whole_parts_of_the_message() {
        let parts = ["2 failed", "12 min left", "3 in flight", "$4.20"].map(str::to_owned);
        let shown = |width| fitting(&parts, width);
        assert_eq!(shown(usize::MAX), "2 failed · 12 min left · 3 in flight · $4.20");
        assert_eq!(shown(36), "2 failed · 12 min left · 3 in flight");
        assert_eq!([35, 22, 21, 7].map(shown), ["2 failed · 12 min left", "2 failed · 12 min left", "2 failed", ""]);
    }
}
