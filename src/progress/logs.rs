use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, SubscriberBuilder};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::{LogFormat, Output};
use crate::manifest::Style;

use super::screen::Screen;

/// Starts logging to the screen. Events of a job are in its span: JSON lines have its `id` in `span`. `RUST_LOG` takes
/// precedence over `-v` and `-q`.
pub(crate) fn start_logs(output: &Output, screen: &Screen) {
    let level = match (output.quiet, output.verbose, output.log_format) {
        (true, _, _) => "error",
        (_, 0, LogFormat::Text) => "warn",
        (_, 0, LogFormat::Json) | (_, 1, _) => "warn,dyehouse=info",
        (_, 2, _) => "info,dyehouse=debug",
        (_, _, _) => "debug,dyehouse=trace",
    };
    // Without details, only warnings and errors are logged, among the other lines of the screen.
    let is_plain = output.verbose == 0 && std::env::var_os("RUST_LOG").is_none();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(screen.clone());
    // Only the first call in a process has an effect, and a program needs no more.
    let _ = match output.log_format {
        LogFormat::Text if is_plain => logs.event_format(PlainLines(screen.style())).try_init(),
        LogFormat::Text => logs.with_ansi(screen.style() == Style::Colored).with_target(false).try_init(),
        LogFormat::Json => json_logs(logs).try_init(),
    };
}

/// Warnings and errors like those about a manifest, without times.
struct PlainLines(Style);

impl<S, N> FormatEvent<S, N> for PlainLines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let (word, color) = match *event.metadata().level() {
            Level::ERROR => ("error", "\u{1b}[1;91m"),
            _ => ("warning", "\u{1b}[1;33m"),
        };
        match self.0 {
            Style::Plain => write!(writer, "{word}: ")?,
            Style::Colored => write!(writer, "{color}{word}\u{1b}[0m: ")?,
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Makes logs JSON lines whose fields are at the top, beside the innermost span.
pub(super) fn json_logs<T, F, W>(
    logs: SubscriberBuilder<DefaultFields, Format<Full, T>, F, W>,
) -> SubscriberBuilder<JsonFields, Format<Json, T>, F, W> {
    logs.json().flatten_event(true).with_span_list(false)
}
