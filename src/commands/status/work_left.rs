use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::journal::{Ledger, Stage};
use crate::run_folder::{FolderError, PlanLine, RunFolder, plan_blocks};
use crate::words::{about_seconds, grouped_count};

/// The work that is left of a run in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkLeft {
    /// The estimated time in seconds, if jobs wait for their submit.
    pub(super) seconds: Option<f64>,
    /// The number of predictions that are in progress or downloaded.
    pub(super) predictions: u64,
    /// The number of results whose color is to be checked.
    pub(super) color_checks: u64,
}

impl WorkLeft {
    /// Returns the work as text; `None` if nothing is left.
    pub(super) fn words(&self) -> Option<String> {
        let predictions = match self.seconds {
            Some(seconds) => Some(format!("about {}", about_seconds(seconds))),
            None => (self.predictions > 0).then(|| grouped_count(self.predictions, "prediction")),
        };
        let checks = (self.color_checks > 0).then(|| grouped_count(self.color_checks, "color check"));
        let parts: Vec<String> = predictions.into_iter().chain(checks).collect();
        (!parts.is_empty()).then(|| format!("{} left", parts.join(" and ")))
    }
}

/// Counts the results of the last run whose color is still to be checked.
pub(super) fn color_checks(folder: &RunFolder, ledger: &Ledger) -> Result<u64, FolderError> {
    let setting = ledger.last_run().and_then(|run| run.settings.get("color_check"));
    if setting.is_some_and(|setting| setting == "false") {
        return Ok(0);
    }
    let is_unchecked = |line: &PlanLine<'_>| {
        let result = ledger.brief(&line.key()?);
        let result = result.filter(|edit| edit.stage == Stage::Completed && edit.is_shown && edit.color.is_none());
        Ok(result.is_some() && !line.colors()?.is_empty())
    };
    let mut left = 0;
    for block in plan_blocks(folder)? {
        let block = block?;
        let lines: Vec<PlanLine<'_>> = block.lines().collect();
        let unchecked: Vec<bool> = lines.par_iter().map(is_unchecked).collect::<Result<_, FolderError>>()?;
        left += unchecked.into_iter().filter(|is_unchecked| *is_unchecked).count() as u64;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_a_time_only_while_jobs_are_not_submitted() {
        let words = |seconds, predictions, color_checks| WorkLeft { seconds, predictions, color_checks }.words();
        assert_eq!(words(Some(5244.0), 3, 0).unwrap(), "about 1 h 30 min left");
        assert_eq!(words(Some(60.0), 3, 2225).unwrap(), "about 1 min and 2,225 color checks left");
        assert_eq!(words(None, 3, 1).unwrap(), "3 predictions and 1 color check left");
        assert_eq!(words(None, 0, 2225).unwrap(), "2,225 color checks left");
        assert_eq!(words(None, 0, 0), None);
    }
}
