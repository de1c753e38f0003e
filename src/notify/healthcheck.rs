use crate::exit::Exit;
use crate::job::StopKind;

use super::delivery::{client, deliver};
use super::error::NoticeError;
use super::notice::RunNotice;
use super::url::NoticeUrl;

/// The maximum number of attempts for a ping.
const ATTEMPTS: usize = 3;

/// The maximum length of a sent text, in characters. Monitors keep no more.
const MAX_CHARACTERS: usize = 10_000;

/// A monitor that raises an alarm if a run does not report in time, with the protocol of healthchecks.io.
#[derive(Clone, Debug)]
pub(crate) struct Healthcheck {
    /// The check's ping URL.
    pub url: NoticeUrl,
}

/// The signal that a monitor gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ping {
    /// The run begins.
    Start,
    /// Every job is completed, or the run stopped at a limit that the user set and no job needs attention.
    Success,
    /// The run ended in any other way.
    Fail,
}

impl Ping {
    /// Returns the signal for the end of a run; `None` if another process has locked the folder, because that one
    /// reports itself.
    pub(crate) fn of(notice: &RunNotice) -> Option<Ping> {
        let is_planned = notice.stop.is_some_and(StopKind::is_planned);
        match notice.exit {
            Exit::Complete => Some(Ping::Success),
            Exit::StoppedEarly if is_planned && !notice.needs_attention => Some(Ping::Success),
            Exit::CannotGoOn | Exit::Usage | Exit::Incomplete | Exit::StoppedEarly => Some(Ping::Fail),
            Exit::Locked => None,
        }
    }
}

impl Healthcheck {
    /// Sends a ping to `<url>/start`, `<url>` or `<url>/fail`, with `text` for the monitor's log.
    ///
    /// # Errors
    ///
    /// The monitor did not accept the ping.
    pub(crate) async fn ping(&self, ping: Ping, text: &str) -> Result<(), NoticeError> {
        let failed = |cause: String| NoticeError { what: format!("ping {}", self.url), cause };
        let http = client(&self.url.0).map_err(|error| failed(error.to_string()))?;
        let url = match ping {
            Ping::Start => self.url.below("start"),
            Ping::Success => self.url.clone(),
            Ping::Fail => self.url.below("fail"),
        };
        let text: String = text.chars().take(MAX_CHARACTERS).collect();
        deliver(ATTEMPTS, || http.post(url.0.clone()).body(text.clone())).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Breakdown;

    #[test]
    fn a_planned_stop_is_a_success_only_if_no_job_needs_attention() {
        let ping = |stop, needs_attention| {
            let notice = RunNotice::broken(Exit::StoppedEarly, String::new(), String::new(), &Breakdown::default());
            Ping::of(&RunNotice { stop, needs_attention, ..notice })
        };
        for stop in [StopKind::Deadline, StopKind::NotAfter, StopKind::BudgetPerRun] {
            assert_eq!(ping(Some(stop), false), Some(Ping::Success), "{stop}");
            assert_eq!(ping(Some(stop), true), Some(Ping::Fail), "{stop}");
        }
        for stop in [StopKind::Budget, StopKind::Balance, StopKind::Unreachable, StopKind::Price] {
            assert_eq!(ping(Some(stop), false), Some(Ping::Fail), "{stop}");
        }
    }

    #[test]
    fn the_ping_kind_is_appended_to_the_path_and_the_url_is_never_shown() {
        let url = NoticeUrl::parse("https://hc.example/ping/se-cret/?rid=1").unwrap();
        assert_eq!(url.below("fail").0.as_str(), "https://hc.example/ping/se-cret/fail?rid=1");
        assert_eq!(format!("{url} {url:?}"), "https://hc.example NoticeUrl(https://hc.example/…)");
        assert!(NoticeUrl::parse("ftp://x").is_err() && NoticeUrl::parse("hc.example").is_err());
    }
}
