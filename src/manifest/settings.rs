use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::color::Tolerance;
use crate::job::{Backend, Cents, Rate, SubmitRate, TimeOfDay, UncertainPolicy, words};

/// The settings of a manifest for the run as a whole; `None` where it has none. The command line overrides them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManifestSettings {
    /// `backend`: who edits.
    pub backend: Option<Backend>,
    /// `model`: the model's name in the API's URLs.
    pub model: Option<String>,
    /// `run.rate`: submits.
    pub rate: Option<SubmitRate>,
    /// `run.burst`: submits at once before the rate holds.
    pub burst: Option<NonZeroU32>,
    /// `run.in_flight`: predictions in processing at once.
    pub in_flight: Option<NonZeroU32>,
    /// `run.budget`: a hard ceiling.
    pub budget: Option<Cents>,
    /// `run.budget_per_run`: what each run may cost.
    pub budget_per_run: Option<Cents>,
    /// `run.price_limit`: what one submit may cost.
    pub price_limit: Option<Cents>,
    /// `run.deadline`: stop submitting after it.
    pub deadline: Option<Duration>,
    /// `run.not_after`: stop submitting at this time.
    pub not_after: Option<TimeOfDay>,
    /// `run.images_via`: how local pictures reach the provider.
    pub images_via: Option<ImagesVia>,
    /// `run.job_timeout`: how long one prediction may take.
    pub job_timeout: Option<Duration>,
    /// `run.downloads`: downloads at once.
    pub downloads: Option<NonZeroU32>,
    /// `run.polls`: polls.
    pub polls: Option<Rate>,
    /// `run.tolerance`: the largest CIEDE2000 difference that still counts as the color asked for.
    pub tolerance: Option<f64>,
    /// `run.color_check`: whether the colors of results are checked.
    pub color_check: Option<bool>,
    /// `run.reroll`: how often a job that missed its color is submitted again.
    pub reroll: Option<u32>,
    /// `run.color_lock`: up to which CIEDE2000 difference results are corrected on this machine.
    pub color_lock: Option<f64>,
    /// `run.uncertain`: what happens with submits whose fate is unknown.
    pub uncertain: Option<UncertainPolicy>,
    /// `run.base_url`: the API's origin.
    pub base_url: Option<String>,
    /// `run.out`: the run's folder, already joined to the manifest's.
    pub out: Option<PathBuf>,
}

/// How local pictures reach the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImagesVia {
    /// As `data:` URIs in the request, which the provider does not document.
    Inline,
}

words!(ImagesVia, "inline" => ImagesVia::Inline);

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

/// The reason why the value of a setting is refused.
pub(super) struct Refusal {
    /// The expected value, to follow "expected ".
    pub(super) expected: &'static str,
    /// What the user can do about it, if the message does not say it.
    pub(super) hint: Option<String>,
}

impl ManifestSettings {
    /// Takes `text` as the value of `run.<key>`; paths are joined to `folder`. Keys are those of [`RUN_KEYS`].
    pub(super) fn set(&mut self, key: &str, text: &str, folder: &std::path::Path) -> Result<(), Refusal> {
        let text = text.trim();
        let refuse = |expected| Refusal { expected, hint: None };
        let whole = || text.parse().ok().ok_or(refuse("a whole number of at least 1"));
        let rate = || text.parse().ok().ok_or(refuse("a rate such as 10/min, 2/s or 600/h"));
        let dollars = || Cents::from_dollars(text).ok_or(refuse("an amount of dollars such as 10 or 2.50"));
        let duration = || {
            let duration = humantime::parse_duration(text).ok().filter(|span| !span.is_zero());
            duration.ok_or(refuse("a duration such as 90s, 20m or 2h"))
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
}

fn difference(text: &str) -> Option<f64> {
    text.parse().ok().filter(|difference: &f64| difference.is_finite() && *difference > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_run_takes_a_good_value_and_refuses_a_bad_one() {
        let good = [
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
        let folder = std::path::Path::new("/m");
        let mut settings = ManifestSettings::default();
        for (key, value) in RUN_KEYS.iter().zip(good) {
            assert!(settings.set(key, value, folder).is_ok(), "{key}");
            assert!(ManifestSettings::default().set(key, "", folder).is_err(), "{key}");
        }
        assert_eq!(settings.out, Some(PathBuf::from("/m/out")));
        assert_eq!(settings.budget, Some(Cents(250)));
    }
}
