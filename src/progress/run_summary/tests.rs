use std::collections::BTreeMap;

use super::*;
use crate::color::VerdictCounts;
use crate::job::{ErrorClass, JobId, StatusCounts};
use crate::progress::uncertain_submit::{Row, UncertainKind};

const ALL_COMPLETED: StatusCounts = StatusCounts { total: 48, completed: 48, failed: 0, uncertain: 0, pending: 0 };
const COSTS: Costs = Costs { charged: true, spent: Cents(336), reserved: Cents::ZERO, budget: Some(Cents(2500)) };
const MONEY: MoneySummary = MoneySummary { costs: COSTS, spent_now: Cents(336), budget_per_run: None };

fn totals() -> BatchTotals {
    BatchTotals { jobs: ALL_COMPLETED, ..BatchTotals::default() }
}

fn run_summary() -> RunSummary {
    RunSummary {
        backend: Backend::Vibedream,
        partition: None,
        work: 48,
        totals: totals(),
        submits: 48,
        unpriced: 0,
        money: MONEY,
        elapsed: Duration::from_secs(151),
        stopped: None,
        set_aside: 0,
        differing: DifferingRows::default(),
        changed: ChangedJobs::default(),
        uncertain: Vec::new(),
        rerolls: 0,
        rerolled: 0,
        results: "runs/spring/results".into(),
        report: "runs/spring/report/index.html".into(),
        resume: "dyehouse run spring.yaml".into(),
    }
}

#[test]
fn the_summary_of_a_complete_run_has_four_lines() {
    insta::assert_snapshot!(run_summary().text().to_string(), @r"
    48 jobs completed in 2 min 31 s
      cost      $3.36 spent, of a budget of $25.00
      pictures  runs/spring/results
      report    runs/spring/report/index.html
    ");
}

#[test]
fn prices_that_were_assumed_are_counted() {
    insta::assert_snapshot!(RunSummary { unpriced: 3, ..run_summary() }.text().to_string(), @r"
    48 jobs completed in 2 min 31 s
      cost      $3.36 spent, of a budget of $25.00
                3 submits answered without a price, and counted at the highest one so far
      pictures  runs/spring/results
      report    runs/spring/report/index.html
    ");
}

#[test]
fn a_run_with_nothing_to_do_does_not_claim_the_work_of_earlier_ones() {
    let counts = |total, completed, failed| StatusCounts { total, completed, failed, ..StatusCounts::default() };
    let head = |jobs, partition| {
        let totals = BatchTotals { jobs, ..totals() };
        RunSummary { totals, partition, work: 0, ..run_summary() }.head()
    };
    let share = Some("2/8".parse().unwrap());
    insta::assert_snapshot!(
        [
            head(counts(48, 48, 0), share),
            head(counts(1, 1, 0), None),
            head(counts(48, 46, 2), None),
            head(counts(0, 0, 0), share),
            head(counts(0, 0, 0), None),
            RunSummary { work: 0, set_aside: 2, ..run_summary() }.head(),
        ]
        .join("\n"),
        @r"
    nothing to do: all 48 jobs are completed
    nothing to do: the job is completed
    nothing to do: 46 of 48 jobs completed, 2 failed
    nothing to do: share 2/8 has no jobs of this manifest
    nothing to do: the manifest, or what is selected of it, has no jobs
    48 jobs completed in 2 min 31 s
    "
    );
}

#[test]
fn the_cost_and_the_picture_of_a_removed_row_are_reported() {
    let money = MoneySummary { spent_now: Cents(14), budget_per_run: Some(Cents(50)), ..MONEY };
    let totals = BatchTotals { removed: 1, ..totals() };
    let run_summary = RunSummary { money, totals, set_aside: 2, ..run_summary() };
    insta::assert_snapshot!(run_summary.text().to_string(), @r"
    48 jobs completed in 2 min 31 s
      removed   1 job no longer in the manifest; the pictures stay (--prune moves them to earlier/)
      removed   2 jobs no longer in the manifest; the pictures were moved to earlier/
      cost      $3.36 spent, $0.14 of it in this run, of a budget of $25.00 and $0.50 per run
      pictures  runs/spring/results
      report    runs/spring/report/index.html
    ");
}

#[test]
fn predictions_that_are_left_at_the_provider_are_urgent() {
    let open = |open, backend| {
        let totals = BatchTotals { open, ..totals() };
        RunSummary { totals, backend, ..run_summary() }.text().to_string().lines().nth(1).unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(
        [open(0, Backend::Vibedream), open(1, Backend::Vibedream), open(6, Backend::Vibedream), open(2, Backend::Embedded)]
            .join("\n"),
        @r"
      cost      $3.36 spent, of a budget of $25.00
      open      1 prediction at the provider is paid for: run again soon, because pictures may be deleted ten minutes after it is finished
      open      6 predictions at the provider are paid for: run again soon, because pictures may be deleted ten minutes after they are finished
      open      2 predictions are left to a later run
    "
    );
}

#[test]
fn missed_colors_are_counted_with_a_hint() {
    let colors = VerdictCounts { on: 44, near: 2, off: 1, unmeasurable: 1 };
    let totals = BatchTotals { colors, ..totals() };
    let color = |run_summary: RunSummary| run_summary.text().to_string().lines().nth(1).unwrap_or_default().to_owned();
    insta::assert_snapshot!(color(RunSummary { totals: totals.clone(), ..run_summary() }), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; --reroll N submits off colors again with other seeds, at most N times");
    let rerolled = |rerolled, rerolls| color(RunSummary { totals: totals.clone(), rerolled, rerolls, ..run_summary() });
    insta::assert_snapshot!(rerolled(3, 2), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; 3 re-rolled, at most 2 times each");
    insta::assert_snapshot!(rerolled(0, 1), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; 0 re-rolled, at most once each");
}

#[test]
fn the_summary_of_a_failed_run_says_what_to_do() {
    let jobs = StatusCounts { total: 48, completed: 40, failed: 3, uncertain: 1, pending: 4 };
    let errors = BTreeMap::from([(ErrorClass::Moderated, 2), (ErrorClass::Lost, 1)]);
    let stopped = Some(StopReason::Signal);
    let uncertain = vec![UncertainSubmit {
        job: JobId::new("mug-ocean").unwrap(),
        submitted_at: Some("2026-11-23T22:14:03Z".parse().unwrap()),
        fingerprint: "000102030405060708090a0b0c0d0e0f".parse().unwrap(),
        reserved_cents: Cents(7),
        row: Row::Asked,
        kind: UncertainKind::Result,
    }];
    let totals = BatchTotals { jobs, errors, ..totals() };
    let money = MoneySummary { costs: Costs { reserved: Cents(7), ..COSTS }, ..MONEY };
    let run_summary = RunSummary { totals, money, uncertain, stopped, ..run_summary() };
    insta::assert_snapshot!(run_summary.text().to_string(), @r"
    40 of 48 jobs completed, 3 failed, 1 uncertain, 4 pending in 2 min 31 s
      failed    2 moderated: reword the prompt or change the picture; the same request would be refused again
      failed    1 lost: may have been charged; each run polls again, and --retry-failed pays again
      uncertain 1 may have been charged: check the provider's dashboard; `dyehouse release runs/spring mug-ocean` frees the money if it was not charged, `dyehouse adopt runs/spring mug-ocean PREDICTION` saves the picture if it was, --uncertain resubmit pays again
                mug-ocean: submitted 2026-11-23 22:14:03 UTC, request 000102030405060708090a0b0c0d0e0f
      cost      $3.36 spent, $0.07 reserved for uncertain submits, of a budget of $25.00
      pictures  runs/spring/results
      report    runs/spring/report/index.html
      stopped   interrupted by Ctrl-C, SIGTERM or SIGHUP
      resume    dyehouse run spring.yaml
    ");
}
