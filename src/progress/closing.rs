use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::color::VerdictCounts;
use crate::exit::Exit;
use crate::job::{Backend, Cents, ErrorClass, HeldBack, Partition, StatusCounts};
use crate::report::Alike;
use crate::runner::StopReason;

use super::{Changed, UncertainSubmit};
use crate::words::{counted, duration};

/// How a run ended, for the person or the program that started it.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Who edited.
    pub backend: Backend,
    /// The share of the manifest, if only one was meant.
    pub partition: Option<Partition>,
    /// How many jobs had something left to do when it began.
    pub work: u64,
    /// The jobs that were meant, by status.
    pub counts: StatusCounts,
    /// How many submits were made over the folder's whole life.
    pub submits: u64,
    /// What was charged over the folder's whole life.
    pub spent: Cents,
    /// What was charged in this run.
    pub spent_now: Cents,
    /// What uncertain submits may have cost beyond that.
    pub reserved: Cents,
    /// The ceiling.
    pub budget: Option<Cents>,
    /// The ceiling of this run alone.
    pub budget_per_run: Option<Cents>,
    /// How long this run took.
    pub seconds: Duration,
    /// Why it stopped before its work was done.
    pub stopped: Option<StopReason>,
    /// The jobs with pictures in `results/` that the manifest no longer has.
    pub removed: u64,
    /// Those of them whose pictures this run has moved aside; they count no more as removed.
    pub set_aside: u64,
    /// Those whose pictures somebody has changed since they were saved.
    pub retouched: u64,
    /// Those that asked for something else than in earlier runs when this one began.
    pub changed: Changed,
    /// Those that it did not submit because of pictures that nobody knows.
    pub held_back: HeldBack,
    /// Failed jobs by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The submits that may have been charged.
    pub uncertain: Vec<UncertainSubmit>,
    /// The jobs that were meant, by the verdict on their color.
    pub colors: VerdictCounts,
    /// The jobs of the manifest that show exactly the same picture as an earlier job.
    pub alike: Alike,
    /// How often a job that missed its color is submitted again.
    pub rerolls: u32,
    /// Where the pictures are.
    pub results: PathBuf,
    /// Where the report is.
    pub report: PathBuf,
    /// The command that goes on with the run.
    pub resume: String,
    /// The code that the program ends with.
    pub exit: Exit,
}

impl Closing {
    /// The summary as a person reads it.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.head());
        let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<10}{value}\n"));
        for (class, count) in &self.errors {
            line("failed", &format!("{count} {class}: {}", class.hint()));
        }
        let folder = self.results.parent().unwrap_or(&self.results);
        let (asked, lines) = UncertainSubmit::asked(&self.uncertain);
        if asked > 0 {
            line("uncertain", &format!("{asked} {}", UncertainSubmit::advice(folder)));
        }
        text.push_str(&lines);
        if let Some((advice, lines)) = UncertainSubmit::left_behind(&self.uncertain, folder) {
            text.push_str(&format!("  reserved  {advice}\n{lines}"));
        }
        let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<10}{value}\n"));
        for (count, remark) in [
            (self.removed, "gone from the manifest; the pictures stay (--prune moves them to earlier)"),
            (self.set_aside, "gone from the manifest; the pictures are in earlier now"),
        ] {
            if count > 0 {
                line("removed", &format!("{} {remark}", counted(count, "job")));
            }
        }
        if self.changed.jobs > 0 {
            line("changed", &self.changed.to_string());
        }
        if self.retouched > 0 {
            line("retouched", &retouched_text(self.retouched));
        }
        if !self.held_back.is_empty() {
            line(
                "held back",
                &format!("{}: {}; {}", counted(self.held_back.jobs, "job"), self.held_back.reason(), HeldBack::HINT),
            );
        }
        if self.colors.total() > 0 {
            line("color", &self.color());
        }
        if self.alike.jobs > 0 {
            line("alike", &self.alike.to_string());
        }
        line("cost", &self.cost());
        line("pictures", &self.results.display().to_string());
        line("report", &self.report.display().to_string());
        if let Some(reason) = &self.stopped {
            line("stopped", &reason.to_string());
            line("resume", &self.resume);
        }
        text
    }

    /// The summary as one JSON object, version 1.
    pub fn json(&self) -> serde_json::Value {
        let counts = &self.counts;
        serde_json::json!({
            "version": 1,
            "exit_code": self.exit.code(),
            "backend": self.backend.as_str(),
            "jobs": {
                "total": counts.total,
                "completed": counts.completed,
                "failed": counts.failed,
                "uncertain": counts.uncertain,
                "pending": counts.pending,
            },
            "colors": self.colors,
            "alike": self.alike,
            "removed": self.removed,
            "set_aside": self.set_aside,
            "changed": self.changed.jobs,
            "retouched": self.retouched,
            "held_back": self.held_back,
            "cost_cents": {
                "spent": self.spent, "spent_now": self.spent_now, "reserved": self.reserved, "budget": self.budget,
                "budget_per_run": self.budget_per_run,
            },
            "submits": self.submits,
            "errors": self.errors.iter().map(|(class, count)| (class.as_str(), *count)).collect::<BTreeMap<_, _>>(),
            "uncertain": self.uncertain,
            "seconds": self.seconds.as_secs_f64(),
            "stopped": self.stopped.as_ref().map(ToString::to_string),
            "results": self.results,
            "report": self.report,
            "resume": self.stopped.as_ref().map(|_| &self.resume),
        })
    }

    /// What was done, or that there was nothing to do.
    fn head(&self) -> String {
        let counts = &self.counts;
        let done = if counts.completed == counts.total {
            format!("{} completed", counted(counts.total, "job"))
        } else {
            format!("{} of {} completed", counts.completed, counted(counts.total, "job"))
        };
        let others = [(counts.failed, "failed"), (counts.uncertain, "uncertain"), (counts.pending, "pending")];
        let others: String =
            others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}")).collect();
        let is_idle = self.work == 0 && self.set_aside == 0 && self.stopped.is_none();
        match (counts.total, self.partition) {
            _ if !is_idle => format!("{done}{others} in {}", duration(self.seconds)),
            (0, Some(share)) => format!("nothing to do: share {share} has no job of this manifest"),
            (0, None) => "nothing to do: the manifest makes no job".to_owned(),
            (1, _) if counts.completed == 1 => "nothing to do: the job is completed".to_owned(),
            (total, _) if counts.completed == total => format!("nothing to do: all {total} jobs are completed"),
            _ => format!("nothing to do: {done}{others}"),
        }
    }

    fn color(&self) -> String {
        let counts = self.colors.by_word().into_iter().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
        let advice = match (self.colors.off, self.rerolls) {
            (0, _) => String::new(),
            (_, 0) => "; --reroll N submits what is off again with other seeds, N times at most".to_owned(),
            (_, times) => format!("; re-rolled {} at most", counted(u64::from(times), "time")),
        };
        counts.join(", ") + &advice
    }

    fn cost(&self) -> String {
        if self.backend == Backend::Embedded {
            return cost_here(self.spent);
        }
        let mut text = format!("{} spent", self.spent);
        if self.spent_now < self.spent {
            text.push_str(&format!(", {} of it in this run", self.spent_now));
        }
        if self.reserved > Cents::ZERO {
            text.push_str(&format!(", {} reserved for uncertain submits", self.reserved));
        }
        let a_run = self.budget_per_run.map(|budget| format!("{budget} per run"));
        let budgets: Vec<String> = self.budget.map(|budget| budget.to_string()).into_iter().chain(a_run).collect();
        if !budgets.is_empty() {
            text.push_str(&format!(", of a budget of {}", budgets.join(" and ")));
        }
        text
    }
}

/// What edits cost that this machine makes.
pub fn cost_here(at_the_provider: Cents) -> String {
    format!("nothing; at the provider it would be {at_the_provider}")
}

/// What is said of jobs whose pictures somebody has changed.
fn retouched_text(jobs: u64) -> String {
    let whose = if jobs == 1 { "whose pictures were" } else { "of which the pictures were" };
    let jobs = counted(jobs, "job");
    format!("{jobs} {whose} changed here since they were saved; they stay as they are")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;
    use crate::progress::Row;

    fn closing() -> Closing {
        Closing {
            backend: Backend::Vibedream,
            partition: None,
            work: 48,
            counts: StatusCounts { total: 48, completed: 48, ..StatusCounts::default() },
            submits: 48,
            spent: Cents(336),
            spent_now: Cents(336),
            reserved: Cents::ZERO,
            budget: Some(Cents(2500)),
            budget_per_run: None,
            seconds: Duration::from_secs(151),
            stopped: None,
            removed: 0,
            set_aside: 0,
            changed: Changed::default(),
            retouched: 0,
            held_back: HeldBack::default(),
            errors: BTreeMap::new(),
            uncertain: Vec::new(),
            colors: VerdictCounts::default(),
            alike: Alike::default(),
            rerolls: 0,
            results: "runs/spring/results".into(),
            report: "runs/spring/report/index.html".into(),
            resume: "dyehouse run spring.yaml".into(),
            exit: Exit::Complete,
        }
    }

    #[test]
    fn a_good_end_is_four_lines() {
        insta::assert_snapshot!(closing().text(), @r"
        48 jobs completed in 2 min 31 s
          cost      $3.36 spent, of a budget of $25.00
          pictures  runs/spring/results
          report    runs/spring/report/index.html
        ");
    }

    #[test]
    fn a_run_with_nothing_to_do_does_not_claim_the_work_of_earlier_ones() {
        let counts = |total, completed, failed| StatusCounts { total, completed, failed, ..StatusCounts::default() };
        let head = |counts, partition| Closing { counts, partition, work: 0, ..closing() }.head();
        let share = Some("2/8".parse().unwrap());
        insta::assert_snapshot!(
            [
                head(counts(48, 48, 0), share),
                head(counts(1, 1, 0), None),
                head(counts(48, 46, 2), None),
                head(counts(0, 0, 0), share),
                head(counts(0, 0, 0), None),
                Closing { work: 0, set_aside: 2, ..closing() }.head(),
            ]
            .join("\n"),
            @r"
        nothing to do: all 48 jobs are completed
        nothing to do: the job is completed
        nothing to do: 46 of 48 jobs completed, 2 failed
        nothing to do: share 2/8 has no job of this manifest
        nothing to do: the manifest makes no job
        48 jobs completed in 2 min 31 s
        "
        );
    }

    #[test]
    fn a_night_with_a_row_less_says_what_it_cost_and_what_becomes_of_the_row() {
        let budget_per_run = Some(Cents(50));
        let closing = Closing { spent_now: Cents(14), budget_per_run, removed: 1, set_aside: 2, ..closing() };
        insta::assert_snapshot!(closing.text(), @r"
        48 jobs completed in 2 min 31 s
          removed   1 job gone from the manifest; the pictures stay (--prune moves them to earlier)
          removed   2 jobs gone from the manifest; the pictures are in earlier now
          cost      $3.36 spent, $0.14 of it in this run, of a budget of $25.00 and $0.50 per run
          pictures  runs/spring/results
          report    runs/spring/report/index.html
        ");
    }

    #[test]
    fn missed_colors_are_counted_with_the_way_out() {
        let colors = VerdictCounts { on: 44, near: 2, off: 1, unmeasurable: 1 };
        let color = |closing: Closing| closing.text().lines().nth(1).unwrap_or_default().to_owned();
        insta::assert_snapshot!(color(Closing { colors, ..closing() }), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; --reroll N submits what is off again with other seeds, N times at most");
        insta::assert_snapshot!(color(Closing { colors, rerolls: 2, ..closing() }), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; re-rolled 2 times at most");
    }

    #[test]
    fn a_bad_end_says_what_to_do() {
        let counts = StatusCounts { total: 48, completed: 40, failed: 3, uncertain: 1, pending: 4 };
        let errors = BTreeMap::from([(ErrorClass::Moderated, 2), (ErrorClass::Lost, 1)]);
        let stopped = Some(StopReason::Signal);
        let uncertain = vec![UncertainSubmit {
            job: JobId::new("mug-ocean").unwrap(),
            submitted_at: Some("2026-11-23T22:14:03Z".parse().unwrap()),
            fingerprint: "000102030405060708090a0b0c0d0e0f".parse().unwrap(),
            reserved_cents: Cents(7),
            row: Row::Asked,
        }];
        let exit = Exit::StoppedEarly;
        let closing = Closing { counts, errors, uncertain, stopped, reserved: Cents(7), exit, ..closing() };
        insta::assert_snapshot!(closing.text(), @r"
        40 of 48 jobs completed, 3 failed, 1 uncertain, 4 pending in 2 min 31 s
          failed    2 moderated: reword the prompt or change the picture; the same request would be refused again
          failed    1 lost: it may have been charged; each run asks for it again, and --retry-failed pays for it again
          uncertain 1 may have been charged: look at the provider's dashboard; `dyehouse release runs/spring JOB…` frees what was not charged, --uncertain resubmit pays again
                    mug-ocean: submitted 2026-11-23 22:14:03 UTC, request 000102030405060708090a0b0c0d0e0f
          cost      $3.36 spent, $0.07 reserved for uncertain submits, of a budget of $25.00
          pictures  runs/spring/results
          report    runs/spring/report/index.html
          stopped   it was asked to stop
          resume    dyehouse run spring.yaml
        ");
    }
}
