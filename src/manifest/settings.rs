use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::color::Tolerance;
use crate::job::{self, Backend, Cents, Rate, SubmitRate, TimeOfDay, UncertainPolicy, words};

/// The settings of a manifest for the run as a whole. Those that it does not have are `None`. The command line
/// overrides them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManifestSettings {
    /// `backend`: the service that edits the images.
    pub backend: Option<Backend>,
    /// `model`: the model's name in the API's URLs.
    pub model: Option<String>,
    /// `run.rate`: the rate of submits.
    pub rate: Option<SubmitRate>,
    /// `run.burst`: how many submits may be sent at once before the rate applies.
    pub burst: Option<NonZeroU32>,
    /// `run.in_flight`: the maximum number of predictions in progress.
    pub in_flight: Option<NonZeroU32>,
    /// `run.budget`: the maximum cost of all runs in the folder.
    pub budget: Option<Cents>,
    /// `run.budget_per_run`: the maximum cost of each run.
    pub budget_per_run: Option<Cents>,
    /// `run.price_limit`: the maximum cost of one submit.
    pub price_limit: Option<Cents>,
    /// `run.deadline`: the duration after which submitting stops.
    pub deadline: Option<Duration>,
    /// `run.not_after`: the time of day at which submitting stops.
    pub not_after: Option<TimeOfDay>,
    /// `run.images_via`: how local images reach the provider.
    pub images_via: Option<ImagesVia>,
    /// `run.job_timeout`: the maximum duration of a prediction.
    pub job_timeout: Option<Duration>,
    /// `run.downloads`: the maximum number of concurrent downloads.
    pub downloads: Option<NonZeroU32>,
    /// `run.polls`: the rate of polls.
    pub polls: Option<Rate>,
    /// `run.tolerance`: the largest CIEDE2000 difference that counts as the requested color.
    pub tolerance: Option<f64>,
    /// `run.color_check`: whether the colors of results are checked.
    pub color_check: Option<bool>,
    /// `run.reroll`: how often a job with a wrong color is submitted again.
    pub reroll: Option<u32>,
    /// `run.color_lock`: the largest CIEDE2000 difference that is corrected on this machine.
    pub color_lock: Option<f64>,
    /// `run.uncertain`: how submits with an unknown outcome are handled.
    pub uncertain: Option<UncertainPolicy>,
    /// `run.base_url`: the API's origin.
    pub base_url: Option<String>,
    /// `run.out`: the run's folder, already joined to the manifest's folder.
    pub out: Option<PathBuf>,
}

/// How local images reach the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImagesVia {
    /// As `data:` URIs in the request, which the provider does not document.
    Inline,
}

words!(ImagesVia, "inline" => ImagesVia::Inline);

/// The key of the model among inherited settings. In a manifest, it is outside of `run:`.
const MODEL: &str = "model";

/// The keys of `run:`.
pub(super) const RUN_KEYS: &[&str] = &[
    "rate",
    "burst",
    "in_flight",
    "budget",
    "budget_per_run",
    "price_limit",
    "deadline",
    "not_after",
    "images_via",
    "job_timeout",
    "downloads",
    "polls",
    "tolerance",
    "color_check",
    "reroll",
    "color_lock",
    "uncertain",
    "base_url",
    "out",
];

/// Why the value of a setting is refused.
pub(super) struct Refusal {
    /// The expected value, which follows "expected " in the message.
    pub(super) expected: &'static str,
    /// What the user can do about it, if the message does not say so.
    pub(super) hint: Option<String>,
}

impl ManifestSettings {
    /// Sets `run.<key>` to `text`. The key must be one of [`RUN_KEYS`]. Paths are joined to `folder`.
    pub(super) fn set(&mut self, key: &str, text: &str, folder: &Path) -> Result<(), Refusal> {
        let text = text.trim();
        let refuse = |expected| Refusal { expected, hint: None };
        let whole = || text.parse().ok().ok_or(refuse("a whole number of at least 1"));
        let rate = || text.parse().ok().ok_or(refuse("a rate such as 10/min, 2/s or 600/h"));
        let dollars = || Cents::from_dollars(text).ok_or(refuse("an amount of dollars such as 10 or 2.50"));
        let duration = || match job::duration(text) {
            Ok(Duration::ZERO) => Err(refuse("a duration above 0")),
            duration => duration.map_err(refuse),
        };
        match key {
            "rate" => {
                self.rate = Some(text.parse().ok().ok_or(refuse("auto, or a rate such as 10/min, 2/s or 600/h"))?);
            }
            "polls" => self.polls = Some(rate()?),
            "burst" => self.burst = Some(whole()?),
            "in_flight" => self.in_flight = Some(whole()?),
            "downloads" => self.downloads = Some(whole()?),
            "budget" => self.budget = Some(dollars()?),
            "budget_per_run" => self.budget_per_run = Some(dollars()?),
            "price_limit" => self.price_limit = Some(dollars()?),
            "deadline" => self.deadline = Some(duration()?),
            "not_after" => self.not_after = Some(text.parse().ok().ok_or(refuse("a time of day such as 06:00"))?),
            "job_timeout" => self.job_timeout = Some(duration()?),
            "tolerance" => {
                self.tolerance = Some(difference(text).ok_or(refuse("a color difference above 0, such as 3"))?);
            }
            "color_check" => self.color_check = Some(text.parse().map_err(|_| refuse("true or false"))?),
            "reroll" => self.reroll = Some(text.parse().map_err(|_| refuse("a whole number of at least 0"))?),
            "color_lock" => {
                self.color_lock = match text {
                    "true" => Some(Tolerance::default().near),
                    "false" => None,
                    _ => Some(difference(text).ok_or(refuse("true, or a color difference above 0, such as 8"))?),
                };
            }
            "images_via" => self.images_via = Some(text.parse().map_err(|_| refuse("inline"))?),
            "uncertain" => self.uncertain = Some(text.parse().map_err(|_| refuse("hold or resubmit"))?),
            "base_url" => {
                let is_http = text.starts_with("https://") || text.starts_with("http://");
                self.base_url =
                    Some(is_http.then(|| text.to_owned()).ok_or(refuse("a URL that begins with https://"))?);
            }
            "out" if text.is_empty() => return Err(refuse("a folder")),
            "out" => self.out = Some(folder.join(text)),
            _ => return Err(refuse("a key of `run`")),
        }
        Ok(())
    }

    /// Returns these settings, with those of `others` where these are `None`.
    pub fn or(self, others: ManifestSettings) -> ManifestSettings {
        ManifestSettings {
            backend: self.backend.or(others.backend),
            model: self.model.or(others.model),
            rate: self.rate.or(others.rate),
            burst: self.burst.or(others.burst),
            in_flight: self.in_flight.or(others.in_flight),
            budget: self.budget.or(others.budget),
            budget_per_run: self.budget_per_run.or(others.budget_per_run),
            price_limit: self.price_limit.or(others.price_limit),
            deadline: self.deadline.or(others.deadline),
            not_after: self.not_after.or(others.not_after),
            images_via: self.images_via.or(others.images_via),
            job_timeout: self.job_timeout.or(others.job_timeout),
            downloads: self.downloads.or(others.downloads),
            polls: self.polls.or(others.polls),
            tolerance: self.tolerance.or(others.tolerance),
            color_check: self.color_check.or(others.color_check),
            reroll: self.reroll.or(others.reroll),
            color_lock: self.color_lock.or(others.color_lock),
            uncertain: self.uncertain.or(others.uncertain),
            base_url: self.base_url.or(others.base_url),
            out: self.out.or(others.out),
        }
    }

    /// Returns the settings that a later run of some of the jobs inherits, in the syntax of a manifest: the model, and
    /// the keys of `run` that are neither chosen anew for each run, such as time limits, nor recorded separately.
    pub fn inheritable(&self) -> BTreeMap<String, String> {
        fn text(value: Option<impl ToString>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        let rate = self.rate.map(|rate| match rate {
            SubmitRate::Auto => "auto".to_owned(),
            SubmitRate::Fixed(rate) => rate.to_string(),
        });
        let settings = [
            (MODEL, self.model.clone()),
            ("rate", rate),
            ("burst", text(self.burst)),
            ("in_flight", text(self.in_flight)),
            ("budget_per_run", text(self.budget_per_run)),
            ("price_limit", text(self.price_limit)),
            ("job_timeout", text(self.job_timeout.map(humantime::format_duration))),
            ("downloads", text(self.downloads)),
            ("polls", text(self.polls)),
            ("tolerance", text(self.tolerance)),
            ("color_check", text(self.color_check)),
            ("reroll", text(self.reroll)),
            ("color_lock", text(self.color_lock)),
        ];
        settings.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// Parses the result of [`ManifestSettings::inheritable`]. Settings of later versions are ignored.
    ///
    /// # Errors
    ///
    /// The value of a known setting cannot be read; it may be a limit. Returns its key.
    pub fn inherit(inheritable: &BTreeMap<String, String>) -> Result<ManifestSettings, String> {
        let mut settings = ManifestSettings { model: inheritable.get(MODEL).cloned(), ..ManifestSettings::default() };
        for (key, value) in inheritable.iter().filter(|(key, _)| RUN_KEYS.contains(&key.as_str())) {
            settings.set(key, value, Path::new("")).map_err(|_| key.clone())?;
        }
        Ok(settings)
    }
}

fn difference(text: &str) -> Option<f64> {
    text.parse().ok().filter(|difference: &f64| difference.is_finite() && *difference > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A valid value for each of [`RUN_KEYS`].
    const GOOD: [&str; 19] = [
        "10/min",
        "2",
        "3",
        "$2.50",
        "1",
        "0.70",
        "2h",
        "06:00",
        "inline",
        "5m",
        "4",
        "5/s",
        "2.5",
        "true",
        "2",
        "true",
        "hold",
        "https://x",
        "out",
    ];

    #[test]
    fn every_key_of_run_accepts_a_valid_value_and_refuses_an_invalid_one() {
        let folder = Path::new("/m");
        let mut settings = ManifestSettings::default();
        for (key, value) in RUN_KEYS.iter().zip(GOOD) {
            assert!(settings.set(key, value, folder).is_ok(), "{key}");
            assert!(ManifestSettings::default().set(key, "", folder).is_err(), "{key}");
        }
        assert_eq!(settings.out, Some(PathBuf::from("/m/out")));
        assert_eq!(settings.budget, Some(Cents(250)));
    }
    #[test]
    fn inherited_settings_survive_a_round_trip() {
        let others = ["budget", "deadline", "not_after", "images_via", "uncertain", "base_url", "out"];
        let mut settings = ManifestSettings { model: Some("other".to_owned()), ..ManifestSettings::default() };
        for (key, value) in RUN_KEYS.iter().zip(GOOD).filter(|(key, _)| !others.contains(key)) {
            assert!(settings.set(key, value, Path::new("")).is_ok(), "{key}");
        }
        let inheritable = settings.inheritable();
        assert_eq!(inheritable.len(), 1 + RUN_KEYS.len() - others.len());
        assert_eq!(ManifestSettings::inherit(&inheritable), Ok(settings));
        let auto = ManifestSettings { rate: Some(SubmitRate::Auto), ..ManifestSettings::default() };
        assert_eq!(ManifestSettings::inherit(&auto.inheritable()), Ok(auto));
    }

    #[test]
    fn an_inherited_limit_that_cannot_be_read_is_not_ignored() {
        let inherit =
            |key: &str, value: &str| ManifestSettings::inherit(&BTreeMap::from([(key.to_owned(), value.to_owned())]));
        assert_eq!(inherit("price_limit", "1 EUR"), Err("price_limit".to_owned()));
        assert_eq!(inherit("of_a_later_version", "x"), Ok(ManifestSettings::default()));
    }
}
