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
use crate::job::Cents;
use crate::notify::Figures;
use crate::progress::{RunSummary, Screen};

use super::Failure;
use super::interrupt::Interruption;
use super::print::{print, print_json};
use super::report_data::PlanCounts;
use notifications::Notifications;
use session::{HeldFolder, Session};

/// Runs a manifest, or continues a run of it, and sends the notifications at its end.
pub(super) fn run(arguments: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
    let interruption = Interruption::default();
    let mut notifications = Notifications::of(arguments)?;
    let ended = execute(arguments, screen, &runtime, &mut notifications, &interruption);
    interruption.work_is_over();
    // The result is printed first. The folder is already unlocked, because a command may use it.
    let exit = match &ended {
        Ok(end) => {
            if arguments.json {
                print_json(&end.summary.json(end.exit));
            } else {
                print(end.summary.text().as_bytes());
            }
            if let Some(failure) = &end.report_failure {
                screen.fail(|style| failure.render(style));
            }
            end.exit
        }
        Err(failure) => {
            if arguments.json {
                print_json(&notifications.notice(Err(failure)).summary);
            }
            screen.fail(|style| failure.render(style));
            failure.exit()
        }
    };
    notifications.send(&runtime, ended.as_ref(), &interruption);
    Ok(exit)
}

/// The end of a run that was carried out.
struct End {
    summary: RunSummary,
    exit: Exit,
    /// The figures for notifications.
    figures: Figures,
    /// The reason why the report is missing or incomplete. Pictures that were paid for are saved regardless.
    report_failure: Option<Failure>,
}

fn execute(
    arguments: &Run,
    screen: &Screen,
    runtime: &Runtime,
    notifications: &mut Notifications,
    interruption: &Interruption,
) -> Result<End, Failure> {
    let (mut session, HeldFolder { lock: _lock, ledger, disk }) = Session::prepare(arguments, screen)?;
    let spent_before = ledger.spent();
    let remaining = session.remaining(&ledger)?;
    interruption.listen()?;
    let ending = runtime.block_on(session.work(ledger, disk, remaining, notifications, interruption))?;
    session.clean_up(&ending.ledger, remaining)?;
    let (outcome, batch) = session.outcome(&ending.ledger, remaining)?;
    let report_failure = session.report(&ending.ledger, remaining).err();
    let (summary, exit) = session.summary(&ending, spent_before, outcome, batch.removed)?;
    let exit = report_failure.as_ref().map_or(exit, Failure::exit);
    let figures = figures(&summary, &batch);
    Ok(End { summary, exit, figures, report_failure })
}

/// Returns the figures for notifications. They are about the whole manifest, whatever the run selected of it.
fn figures(summary: &RunSummary, batch: &PlanCounts) -> Figures {
    let money = summary.money;
    let charged = |cents: Cents| if money.charged { cents } else { Cents::ZERO };
    Figures {
        elapsed: summary.elapsed,
        jobs: batch.outcome.counts,
        colors: batch.outcome.colors,
        open: summary.totals.open,
        removed: batch.removed,
        spent: charged(money.spent),
        spent_now: charged(money.spent_now),
        reserved: charged(money.reserved),
        budget: money.budget,
        submits: summary.submits,
        result_bytes: None,
    }
}
