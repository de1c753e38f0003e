use std::io::{ErrorKind, Write};

/// Writes to stdout. A reader that has gone away is no error: it has read what it wanted.
pub(super) fn print(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if let Err(cause) = stdout.write_all(bytes).and_then(|()| stdout.flush())
        && cause.kind() != ErrorKind::BrokenPipe
    {
        // Whoever closes the pipe has read enough; a full disk is news, and changes nothing about what was done.
        tracing::error!("failed to write to stdout: {cause}");
    }
}

/// Writes `value` to stdout as one JSON object.
pub(super) fn print_json(value: &impl serde::Serialize) {
    // What is printed holds text, numbers and lists alone, and serde_json can write all of those.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    print(&bytes);
}
