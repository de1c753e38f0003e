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
use crate::progress::{RunSummary, Screen};

use super::Failure;
use super::interrupt::Interruption;
use super::print::{print, print_json};
use notifications::Notifications;
use session::{HeldFolder, Session};

/// Runs a manifest, or continues a run of it, and sends the notifications at its end.
pub(super) fn run(arguments: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
    let interruption = Interruption::default();
    let mut notifications = Notifications::of(arguments)?;
    let ended = execute(arguments, screen, &runtime, &mut notifications, &interruption);
    interruption.work_is_over();
    // The result is printed first. The folder is already unlocked, because a command may want to use it.
    match ended {
        Ok((summary, exit)) => {
            if arguments.json {
                print_json(&summary.json(exit));
            } else {
                print(summary.text().as_bytes());
            }
            notifications.send(&runtime, Ok((&summary, exit)), &interruption);
            Ok(exit)
        }
        Err(failure) => {
            screen.fail(|style| failure.render(style));
            notifications.send(&runtime, Err(&failure), &interruption);
            Ok(failure.exit())
        }
    }
}

fn execute(
    arguments: &Run,
    screen: &Screen,
    runtime: &Runtime,
    notifications: &mut Notifications,
    interruption: &Interruption,
) -> Result<(RunSummary, Exit), Failure> {
    let (mut session, HeldFolder { lock: _lock, ledger, disk }) = Session::prepare(arguments, screen)?;
    let spent_before = ledger.spent();
    let remaining = session.remaining(&ledger)?;
    interruption.listen()?;
    let ending = runtime.block_on(session.work(ledger, disk, notifications, interruption))?;
    session.clean_up(&ending.ledger, remaining)?;
    let (outcome, removed) = session.outcome(&ending.ledger, remaining)?;
    session.report(&ending.ledger, remaining)?;
    session.summary(&ending, spent_before, outcome, removed)
}
