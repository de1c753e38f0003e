mod end;
mod ids;
mod notifications;
mod opening;
mod partial_plan;
mod planning;
mod prune;
mod run_plan;
mod run_start;
mod session;

use tokio::runtime::Runtime;

use crate::cli::Run;
use crate::exit::Exit;
use crate::manifest::Style;
use crate::progress::Screen;
use crate::report::write_junit_error;

use super::interrupt::Interruption;
use super::print::{log_unprinted, print_json, print_summary};
use super::runtime::runtime;
use super::{Failure, UsageError};
use end::End;
use notifications::Notifications;
use session::{FinishedRun, HeldFolder, Session};

/// Runs a manifest, or continues a run of it, and sends the notifications at its end.
pub(super) fn run(arguments: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let interruption = Interruption::default();
    let mut notifications = Notifications::of(arguments);
    let ended = execute(arguments, screen, &runtime, &mut notifications, &interruption);
    interruption.work_is_over();
    // The result is printed first. The folder is already unlocked, because a command may use it.
    let exit = match &ended {
        Ok(end) => {
            log_unprinted(match arguments.json {
                true => print_json(&end.summary.json(end.exit)),
                false => print_summary(&end.summary.text()),
            });
            end.failures().for_each(|failure| screen.fail(|style| failure.render(style)));
            end.exit
        }
        Err(failure) => {
            if arguments.json {
                log_unprinted(print_json(&notifications.notice(Err(failure)).summary));
            }
            screen.fail(|style| failure.render(style));
            write_junit(arguments, failure);
            failure.exit()
        }
    };
    notifications.send(&runtime, ended.as_ref(), &interruption);
    Ok(exit)
}

/// Writes the failure as a JUnit report, so that a CI system does not show the jobs of an earlier run. A process that
/// uses the folder writes its own.
fn write_junit(arguments: &Run, failure: &Failure) {
    let is_refused = matches!(failure, Failure::Usage(UsageError::JunitFile { .. }));
    if let Some(path) = arguments.junit.as_deref().filter(|_| !is_refused && failure.exit() != Exit::Locked) {
        let manifest = arguments.manifest.display().to_string();
        let written = write_junit_error(path, &manifest, &failure.message(), &failure.render(Style::Plain));
        if let Err(error) = written {
            tracing::error!("{}", Failure::from(error).message());
        }
    }
}

fn execute(
    arguments: &Run,
    screen: &Screen,
    runtime: &Runtime,
    notifications: &mut Notifications,
    interruption: &Interruption,
) -> Result<End, Failure> {
    let (session, HeldFolder { lock: _lock, ledger, disk }) = Session::prepare(arguments, screen)?;
    interruption.listen()?;
    let finished = runtime.block_on(session.work(ledger, disk, notifications, interruption));
    finished.and_then(FinishedRun::end).map_err(Failure::in_use)
}
