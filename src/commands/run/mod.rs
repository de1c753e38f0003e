mod finished;
mod ids;
mod notifications;
mod opening;
mod partial_plan;
mod planning;
mod prune;
mod run_plan;
mod session;

use tokio::runtime::{Builder, Runtime};

use crate::cli::Run;
use crate::exit::Exit;
use crate::progress::Screen;

use super::Failure;
use super::interrupt::Interruption;
use super::print::{log_unprinted, print_json, print_summary};
use finished::{End, Finished};
use notifications::Notifications;
use session::{HeldFolder, Session};

/// Runs a manifest, or continues a run of it, and sends the notifications at its end.
pub(super) fn run(arguments: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
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
            if let Some(failure) = &end.report_failure {
                screen.fail(|style| failure.render(style));
            }
            end.exit
        }
        Err(failure) => {
            if arguments.json {
                log_unprinted(print_json(&notifications.notice(Err(failure)).summary));
            }
            screen.fail(|style| failure.render(style));
            failure.exit()
        }
    };
    notifications.send(&runtime, ended.as_ref(), &interruption);
    Ok(exit)
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
    finished.and_then(Finished::end).map_err(Failure::in_use)
}
