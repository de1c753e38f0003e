use std::io::{ErrorKind, Write};

use crate::progress::fitted;

/// Writes to stdout. A closed pipe is not an error, because its reader does not need the rest.
pub(super) fn print(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if let Err(cause) = stdout.write_all(bytes).and_then(|()| stdout.flush())
        && cause.kind() != ErrorKind::BrokenPipe
    {
        // A full disk is reported, but does not change the result of the command.
        tracing::error!("failed to write to stdout: {cause}");
    }
}

/// Writes a summary to stdout. On a terminal, its lines are wrapped between words.
pub(super) fn print_summary(text: &str) {
    let terminal = console::Term::stdout();
    match terminal.size_checked().filter(|_| terminal.features().is_attended()) {
        Some((_, columns)) => print(fitted(text, columns.into()).as_bytes()),
        None => print(text.as_bytes()),
    }
}

/// Writes `value` to stdout as one JSON object.
pub(super) fn print_json(value: &impl serde::Serialize) {
    // The printed values contain only text, numbers and lists, which always serialize.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    print(&bytes);
}
