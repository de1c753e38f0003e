//! `check --probe`: requests the image URLs of the jobs that would be submitted, each once.

use std::collections::{HashMap, HashSet};

use futures::StreamExt;
use serde::Serialize;

use crate::commands::Failure;
use crate::commands::runtime::runtime;
use crate::job::{ImageSource, Rate};
use crate::manifest::{Diagnostic, Manifest, Problems};
use crate::probe::{Finding, ProbeLimits, Prober};
use crate::progress::Screen;
use crate::words::{about, counted};

/// Unique URLs in the manifest's order.
#[derive(Default)]
pub(super) struct Urls {
    seen: HashSet<String>,
    ordered: Vec<String>,
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Probed {
    pub(super) urls: u64,
    unreachable: u64,
    too_big: u64,
    not_a_picture: u64,
}

impl Urls {
    /// Adds the URLs of a job.
    pub(super) fn add(&mut self, urls: Vec<String>) {
        for url in urls {
            if !self.seen.contains(&url) {
                self.seen.insert(url.clone());
                self.ordered.push(url);
            }
        }
    }
}

impl Probed {
    /// Returns the result as one line of text.
    pub(super) fn text(&self) -> String {
        let good = self.urls - self.unreachable - self.too_big - self.not_a_picture;
        let mut text = format!("asked {}: {}", counted(self.urls, "URL"), counted(good, "picture"));
        for (count, what) in
            [(self.unreachable, "out of reach"), (self.too_big, "too big"), (self.not_a_picture, "no picture")]
        {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text.push('\n');
        text
    }
}

/// Requests the URLs, and reports problems with the rows that name them.
pub(super) fn probe(
    urls: Urls,
    manifest: &Manifest,
    rate: Option<Rate>,
    screen: &Screen,
) -> Result<(Probed, Problems), Failure> {
    let defaults = ProbeLimits::default();
    let limits = ProbeLimits { rate: rate.unwrap_or(defaults.rate), ..defaults };
    let mut probed = Probed { urls: urls.ordered.len() as u64, ..Probed::default() };
    let time = about(std::time::Duration::from_secs(limits.rate.seconds_for(probed.urls)));
    screen.say(&format!("asking {} at {}, about {time}", counted(probed.urls, "URL"), limits.rate));
    drop(urls.seen);
    let prober = Prober::new(limits)?;
    let findings: HashMap<String, Finding> = runtime()?.block_on(async {
        let answers = prober.ask_all(urls.ordered);
        answers.filter_map(|(url, finding)| async move { Some((url, finding?)) }).collect().await
    });
    for finding in findings.values() {
        *match finding {
            Finding::Unreachable { .. } => &mut probed.unreachable,
            Finding::TooBig(_) => &mut probed.too_big,
            Finding::NotAPicture(_) => &mut probed.not_a_picture,
        } += 1;
    }
    Ok((probed, located(&findings, manifest)?))
}

/// Returns each finding at the first job that names its URL, with the number of other jobs that do.
fn located(findings: &HashMap<String, Finding>, manifest: &Manifest) -> Result<Problems, Failure> {
    let mut located: Vec<(Diagnostic, u64)> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut more = 0;
    let mut jobs = manifest.jobs().map_err(Failure::Manifest)?;
    while let Some(job) = jobs.next().filter(|_| !findings.is_empty()) {
        let Ok(job) = job else { continue };
        for (number, image) in job.request.images.iter().enumerate() {
            let ImageSource::Url(url) = image else { continue };
            let Some((url, finding)) = findings.get_key_value(url) else { continue };
            match seen.get(url.as_str()) {
                Some(&first) => {
                    if let Some((_, again)) = located.get_mut(first) {
                        *again += 1;
                    }
                }
                None if located.len() < Problems::MAX_KEPT => {
                    seen.insert(url, located.len());
                    let diagnostic = jobs.about(Some(number), finding.to_string(), finding.hint().to_owned());
                    located.extend(diagnostic.map(|diagnostic| (diagnostic, 0)));
                }
                None => {
                    seen.insert(url, usize::MAX);
                    more += 1;
                }
            }
        }
    }
    let mut problems = Problems::default();
    let diagnostics = located.into_iter().map(|(diagnostic, again)| match again {
        0 => diagnostic,
        again => {
            let (jobs, name) = if again == 1 { ("job", "names") } else { ("jobs", "name") };
            let message = format!("{}, and {again} more {jobs} {name} it", diagnostic.message);
            Diagnostic { message, ..diagnostic }
        }
    });
    problems.extend(diagnostics);
    problems.more += more;
    Ok(problems)
}
