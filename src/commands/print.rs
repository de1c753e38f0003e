use std::io::{ErrorKind, Write};

use crate::progress::SummaryText;

use super::Failure;

/// Writes to stdout. A closed pipe is not an error, because its reader does not need the rest.
pub(super) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(Failure::Output { cause }),
        _ => Ok(()),
    }
}

/// Logs that something could not be printed, for commands that have done more than print: a full disk does not change
/// their result.
pub(super) fn log_unprinted(printed: Result<(), Failure>) {
    if let Err(failure) = printed {
        tracing::error!("{}", failure.message());
    }
}

/// Writes a summary to stdout. On a terminal, its lines are wrapped between words.
pub(super) fn print_summary(text: &SummaryText) -> Result<(), Failure> {
    let terminal = console::Term::stdout();
    match terminal.size_checked().filter(|_| terminal.features().is_attended()) {
        Some((_, columns)) => print(text.fitted(columns.into()).as_bytes()),
        None => print(text.to_string().as_bytes()),
    }
}

/// Writes `value` to stdout as one JSON object.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    // The printed values contain only text, numbers and lists, which always serialize.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    print(&bytes)
}
