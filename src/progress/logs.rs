use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, Output};
use crate::manifest::Style;

use super::screen::Screen;

/// Starts logging to the screen. Events of a job are in its span: JSON lines have its `id` in `span`. `RUST_LOG` takes
/// precedence over `-v` and `-q`.
pub fn start_logs(output: &Output, screen: &Screen) {
    let level = match (output.quiet, output.verbose, output.log_format) {
        (true, _, _) => "error",
        (_, 0, LogFormat::Text) => "warn",
        (_, 0, LogFormat::Json) | (_, 1, _) => "warn,dyehouse=info",
        (_, 2, _) => "info,dyehouse=debug",
        (_, _, _) => "debug,dyehouse=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(screen.clone());
    // Only the first call in a process has an effect, and a program needs no more.
    let _ = match output.log_format {
        LogFormat::Text => logs.with_ansi(screen.style() == Style::Colored).with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).try_init(),
    };
}
