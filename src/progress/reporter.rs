use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::color::{Check, Verdict};
use crate::job::{Backend, SubmitRate};
use crate::manifest::Style;
use crate::runner::{CheckedPicture, Event, InFlight, Observer, RunTotals, StopReason};

use super::bar::{bar, fitting, message_width};
use super::checking::Checking;
use super::event_log::log;
use super::screen::{Screen, Show};
use super::waiting::Waiting;
use crate::words::{self, about, counted, grouped_count};

/// The number of ended jobs from which the pace is computed.
const MAX_REMEMBERED_ENDS: usize = 64;

/// Reports the progress of a run: as a bar or lines on the screen, and as logs.
pub(crate) struct Reporter<'s> {
    screen: &'s Screen,
    bar: Option<ProgressBar>,
    /// The number of jobs with work to do.
    work: u64,
    ended: u64,
    failed: u64,
    uncertain: u64,
    /// Whether the cost was charged. If not, it is what the provider would charge.
    is_charged: bool,
    ends: VecDeque<Instant>,
    waiting: Waiting,
    checking: Checking,
}

/// The end of a job's work in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JobEnd {
    Completed,
    Failed,
    Uncertain,
    /// Left to a later run, which is not a failure.
    Deferred,
}

impl JobEnd {
    fn as_str(self) -> &'static str {
        match self {
            JobEnd::Completed => "completed",
            JobEnd::Failed => "failed",
            JobEnd::Uncertain => "uncertain",
            JobEnd::Deferred => "left",
        }
    }
}

/// The amount of work of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RemainingWork {
    /// The number of selected jobs.
    pub total: u64,
    /// The number of jobs with work to do.
    pub work: u64,
    /// The number of these whose pictures only have to be moved back.
    pub returning: u64,
}

impl RemainingWork {
    /// Returns the amount of work as text; empty if it is all of the jobs.
    fn words(self) -> String {
        let open = self.work.saturating_sub(self.returning);
        let left = match open {
            _ if open == self.total => String::new(),
            0 if self.returning > 0 => String::new(),
            _ => format!(", {open} left to do"),
        };
        match self.returning {
            0 => left,
            1 => format!("{left}, 1 restored from earlier/"),
            more => format!("{left}, {more} restored from earlier/"),
        }
    }
}

impl<'s> Reporter<'s> {
    /// Announces a run of `manifest` with submits at `rate`, and shows a bar if the screen has one.
    pub(crate) fn start(
        screen: &'s Screen,
        manifest: &str,
        backend: Backend,
        rate: SubmitRate,
        remaining: RemainingWork,
    ) -> Reporter<'s> {
        let work = remaining.work;
        let (jobs, left) = (counted(remaining.total, "job"), remaining.words());
        let pace = if work > remaining.returning { format!(" at {rate}") } else { String::new() };
        // The summary says that there is nothing to do.
        if work > 0 {
            screen.say(&format!("{manifest}: {jobs}{left}, {backend} backend{pace}"));
        }
        let reporter = Reporter {
            screen,
            bar: (screen.show() == Show::Bar && work > 0).then(|| bar(screen, work)),
            work,
            ended: 0,
            failed: 0,
            uncertain: 0,
            is_charged: backend.charges(),
            ends: VecDeque::from([Instant::now()]),
            waiting: Waiting::default(),
            checking: Checking::default(),
        };
        reporter.refresh(&RunTotals::default());
        reporter
    }

    /// Removes the bar.
    pub(crate) fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn end(&mut self, end: JobEnd, job: &str, note: &str) {
        self.ended += 1;
        self.ends.push_back(Instant::now());
        if self.ends.len() > MAX_REMEMBERED_ENDS {
            self.ends.pop_front();
        }
        let is_good = end == JobEnd::Completed;
        self.failed += u64::from(end == JobEnd::Failed);
        self.uncertain += u64::from(end == JobEnd::Uncertain);
        if self.screen.show() == Show::Lines || !is_good {
            let width = self.work.to_string().len();
            let note = if note.is_empty() { String::new() } else { format!("  {note}") };
            let (color, plain) = match (self.screen.style(), is_good) {
                (Style::Plain, _) => ("", ""),
                (Style::Colored, true) => ("\u{1b}[32m", "\u{1b}[0m"),
                (Style::Colored, false) => ("\u{1b}[33m", "\u{1b}[0m"),
            };
            let word = end.as_str();
            let line = format!("{:>width$}/{}  {color}{word:<9}{plain}  {job}{note}", self.ended, self.work);
            self.screen.say(&line);
        }
    }

    fn refresh(&self, totals: &RunTotals) {
        let Some(bar) = &self.bar else { return };
        let mut parts = Vec::new();
        for (count, word) in [(self.failed, "failed"), (self.uncertain, "uncertain")] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        // A narrow terminal shows only the first parts, so what people look for comes first.
        if let Some(left) = self.left(totals) {
            parts.push(format!("{} left", about(left)));
        }
        if totals.color_checks > 0 {
            parts.push(format!("{} left", grouped_count(totals.color_checks, "color check")));
        }
        parts.push(format!("{} in flight", totals.in_flight));
        if totals.saving > 0 {
            parts.push(format!("{} downloading", totals.saving));
        }
        if self.is_charged {
            parts.push(totals.spent.to_string());
        }
        if let Some(rate) = self.per_minute() {
            parts.push(format!("{}/min", words::per_minute(rate)));
        }
        bar.set_position(self.ended);
        bar.set_message(fitting(&parts, message_width(bar)));
    }

    /// Returns the number of jobs per minute, based on the last ended ones.
    fn per_minute(&self) -> Option<f64> {
        let seconds = self.ends.back()?.duration_since(*self.ends.front()?).as_secs_f64();
        (self.ends.len() > 2 && seconds > 0.0).then(|| (self.ends.len() - 1) as f64 * 60.0 / seconds)
    }

    /// Returns the estimated remaining time, while jobs wait for their submit. How long the provider and the downloads of
    /// the last jobs take does not follow from the pace.
    fn left(&self, totals: &RunTotals) -> Option<Duration> {
        let jobs = self.work.saturating_sub(self.ended);
        if jobs <= totals.in_flight + totals.saving {
            return None;
        }
        Duration::try_from_secs_f64((jobs as f64 * 60.0 / self.per_minute()?).round()).ok()
    }
}

impl Observer for Reporter<'_> {
    fn observe(&mut self, event: &Event<'_>, totals: &RunTotals) {
        log(event);
        match event {
            Event::Accepted { .. } => self.waiting = Waiting::default(),
            Event::Submitting { .. } | Event::RateLimitDetected { .. } => {}
            Event::Completed { job, .. } => self.end(JobEnd::Completed, job.as_str(), ""),
            Event::Checked { job, check, of } => {
                let is_rest = self.ended >= self.work && totals.in_flight + totals.saving == 0;
                let words = self.checking.words(Instant::now(), totals.color_checks, is_rest);
                if let Some(words) = words.filter(|_| self.screen.show() == Show::Lines) {
                    self.screen.say(&words);
                }
                if let Some(words) = color_words(check, *of) {
                    self.screen.say(&format!("{job}: {words}"));
                }
            }
            Event::RerollLost { job, message } => {
                self.screen.say(&format!("{job}: a re-roll failed: {message}"));
            }
            Event::RerollUncertain { job, message } => {
                self.screen.say(&format!("{job}: a re-roll is uncertain, and may have been charged: {message}"));
            }
            Event::Failed { job, class, message } => {
                self.end(JobEnd::Failed, job.as_str(), &format!("{class}: {message}"));
            }
            Event::Uncertain { job, message } => self.end(JobEnd::Uncertain, job.as_str(), message),
            Event::Deferred { job, cause } => {
                self.end(JobEnd::Deferred, job.as_str(), &format!("({cause})"));
            }
            Event::Paused { wait, reason } => {
                if let Some(words) = self.waiting.words(Instant::now(), *wait, reason) {
                    self.screen.say(&words);
                }
            }
            Event::PriceRise { job, from, to } => {
                self.screen.say(&format!(
                    "{job}: the price rose from {from} to {to} (--price-limit {dollars} stops submits at a higher price)",
                    dollars = from.dollars()
                ));
            }
            Event::Unpriced { job, counted } => self.screen.print_line(&format!(
                "{job}: the submit was answered without a price (`costCents` is missing, or not a number above 0): such submits \
                 count as {counted}, the highest price so far; check their cost in the provider's dashboard"
            )),
            Event::UnknownStatus { job, word } => {
                self.screen.say(&format!("{job}: undocumented status `{word}`; still waiting"));
            }
            Event::ExtraOutputs { job, kept, left } => {
                let all = kept + left;
                self.screen.say(&format!("{job}: the prediction has {all} pictures; the first {kept} are saved"));
            }
            Event::Stopping { reason, under_way } => self.screen.say(&stopping_words(reason, *under_way)),
        }
        self.refresh(totals);
    }
}

/// Returns the message that the run stops, what happens to jobs in flight, and how to end it sooner.
fn stopping_words(reason: &StopReason, under_way: InFlight) -> String {
    let then = match (under_way, reason) {
        (InFlight::Nothing, _) => return format!("stopping: {reason}"),
        (InFlight::Drained, _) => "waiting for open jobs (Ctrl-C leaves them to a later run)",
        (InFlight::Abandoned { submits }, _) if submits > 0 => {
            let answers = if submits == 1 { "answer" } else { "answers" };
            let submits = counted(submits as u64, "submit");
            return format!(
                "stopping: {reason}; waiting for the {answers} to {submits} (Ctrl-C again ends at once, and makes them uncertain)"
            );
        }
        (InFlight::Abandoned { .. }, StopReason::Signal) => {
            "leaving open predictions to a later run (Ctrl-C again ends at once)"
        }
        (InFlight::Abandoned { .. }, _) => "leaving open predictions to a later run",
    };
    format!("stopping: {reason}; {then}")
}

/// Returns the message that is shown immediately after a check; `None` if nothing is wrong.
fn color_words(check: &Check, of: CheckedPicture) -> Option<String> {
    let whose = match of {
        CheckedPicture::Result => "its color",
        CheckedPicture::Reroll => "the color of its re-roll",
        CheckedPicture::Correction => "its color, corrected,",
    };
    let verdict = match (check.verdict, of) {
        (Verdict::Off, _) | (Verdict::On | Verdict::Near, CheckedPicture::Reroll | CheckedPicture::Correction) => {
            check.verdict
        }
        _ => return None,
    };
    let mut words = format!("{whose} is {}: requested {}", verdict.as_str(), check.asked);
    if let (Some(shown), Some(difference)) = (check.shown, check.delta_e) {
        words.push_str(&format!(", measured {shown}, ΔE {difference:.1}"));
    }
    if let Some(reason) = &check.reason {
        words.push_str(&format!(" ({reason})"));
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::outcome::Stop;
    use crate::cli::{self, LogFormat, Output};
    use crate::job::{Cents, ErrorClass, JobId};

    fn quiet_screen() -> Screen {
        Screen::new(&Output {
            progress: cli::ProgressStyle::None,
            quiet: true,
            verbose: 0,
            log_format: LogFormat::Text,
        })
    }

    fn reporter_with_bar(screen: &Screen) -> Reporter<'_> {
        let remaining = RemainingWork { total: 9, work: 9, returning: 0 };
        let mut reporter = Reporter::start(screen, "m.csv", Backend::Vibedream, SubmitRate::Auto, remaining);
        reporter.bar = Some(ProgressBar::hidden());
        reporter
    }

    #[test]
    fn uncertain_jobs_are_not_counted_as_failed() {
        let screen = quiet_screen();
        let mut reporter = reporter_with_bar(&screen);
        let (job, totals) = (JobId::new("mug").unwrap(), RunTotals::default());
        let message = "HTTP 502";
        for event in [
            Event::Failed { job: &job, class: ErrorClass::Moderated, message },
            Event::Uncertain { job: &job, message },
            Event::Uncertain { job: &job, message },
            Event::Deferred { job: &job, cause: message },
        ] {
            reporter.observe(&event, &totals);
        }
        let printed = reporter.bar.as_ref().unwrap().message();
        assert!(printed.starts_with("1 failed · 2 uncertain · "), "{printed}");
    }

    #[test]
    fn pictures_that_are_downloaded_are_not_reported_as_nothing_in_flight() {
        let screen = quiet_screen();
        let reporter = reporter_with_bar(&screen);
        reporter.refresh(&RunTotals { in_flight: 0, saving: 3, ..RunTotals::default() });
        assert_eq!(reporter.bar.as_ref().unwrap().message(), "0 in flight · 3 downloading · $0.00");
    }

    #[test]
    fn the_remaining_time_is_estimated_only_while_jobs_wait_for_their_submit() {
        let screen = quiet_screen();
        let mut reporter = reporter_with_bar(&screen);
        let now = Instant::now();
        reporter.ends = (0..4).map(|minute| now + Duration::from_mins(minute)).collect();
        reporter.ended = 4;
        let shown = |in_flight, saving, color_checks| {
            reporter.refresh(&RunTotals { in_flight, saving, color_checks, ..RunTotals::default() });
            reporter.bar.as_ref().unwrap().message()
        };
        assert_eq!(shown(2, 1, 0), "5 min left · 2 in flight · 1 downloading · $0.00 · 1.0/min");
        assert_eq!(shown(4, 1, 3), "3 color checks left · 4 in flight · 1 downloading · $0.00 · 1.0/min");
        reporter.ended = 9;
        reporter.refresh(&RunTotals { color_checks: 2225, ..RunTotals::default() });
        let printed = reporter.bar.as_ref().unwrap().message();
        assert_eq!(printed, "2,225 color checks left · 0 in flight · $0.00 · 1.0/min");
    }

    #[test]
    fn a_stopping_run_reports_what_happens_to_jobs_in_flight() {
        let words = |reason: StopReason, under_way| stopping_words(&reason, under_way);
        let refused = StopReason::Api(Stop::Auth("HTTP 401".to_owned()));
        insta::assert_snapshot!(
            [
                words(StopReason::Deadline, InFlight::Drained),
                words(StopReason::Signal, InFlight::Abandoned { submits: 0 }),
                words(StopReason::Signal, InFlight::Abandoned { submits: 2 }),
                words(refused, InFlight::Abandoned { submits: 0 }),
                words(StopReason::BudgetPerRun { budget: Cents(50), price: Cents(7) }, InFlight::Nothing),
            ]
            .join("\n"),
            @r"
        stopping: the deadline has passed; waiting for open jobs (Ctrl-C leaves them to a later run)
        stopping: interrupted by Ctrl-C, SIGTERM or SIGHUP; leaving open predictions to a later run (Ctrl-C again ends at once)
        stopping: interrupted by Ctrl-C, SIGTERM or SIGHUP; waiting for the answers to 2 submits (Ctrl-C again ends at once, and makes them uncertain)
        stopping: the API refused the key (HTTP 401): check VIBEDREAM_API_KEY, or the file that it is read from; leaving open predictions to a later run
        stopping: the next submit ($0.07) could exceed this run's budget of $0.50
        "
        );
    }

    #[test]
    fn rows_whose_pictures_only_move_back_are_not_counted_as_work() {
        let words = |work, returning| RemainingWork { total: 3, work, returning }.words();
        assert_eq!([words(3, 0), words(0, 0), words(2, 0)], ["", ", 0 left to do", ", 2 left to do"]);
        assert_eq!([words(3, 3), words(1, 1)], [", 3 restored from earlier/", ", 1 restored from earlier/"]);
        assert_eq!(words(3, 2), ", 1 left to do, 2 restored from earlier/");
    }
}
