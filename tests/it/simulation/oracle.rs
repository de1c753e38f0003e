use std::collections::BTreeMap;

use dyehouse::api::PredictionId;
use dyehouse::color::Verdict;
use dyehouse::job::{ContentHash, JobId};
use dyehouse::journal::{Edit, EditState, Ledger};
use dyehouse::plan::PlannedJob;
use dyehouse::plan::{ColorLock, ColorRules, UncertainReroll};

use super::verifier::verdict;
use super::world::{Fate, World};

/// What the user allowed during a history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// Uncertain jobs were submitted again.
    pub resubmits: bool,
    /// Failed jobs were submitted again.
    pub retries: bool,
}

/// Returns all edits, including those that are not in memory.
pub fn edits(ledger: &Ledger) -> Vec<(JobId, Edit)> {
    ledger.edits().map(|found| found.map(|(job, edit)| (job, edit.into_owned())).unwrap()).collect()
}

/// Checks the invariants that hold after every life.
pub fn after_a_life(world: &World, ledger: &Ledger, budget: Option<u64>, allowed: Allowed) -> Result<(), String> {
    // Archived edits are read from the world's journal, so this comes before its lock.
    let edits = edits(ledger);
    let state = world.state();
    let mut charges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, prediction) in &state.predictions {
        charges.entry(&prediction.prompt).or_default().push(id);
    }
    for (prompt, ids) in &charges {
        if ids.len() > 1 && !allowed.resubmits && !allowed.retries {
            return Err(format!("{prompt:?} was charged {} times: {ids:?}", ids.len()));
        }
    }
    if let Some(budget) = budget {
        // A price above the estimate is known only after the first answer: too late for that submit, and never for one
        // that was accepted without an answer.
        let is_known = |id: &String| {
            edits.iter().any(|(_, edit)| edit.prediction.as_ref().is_some_and(|known| known.as_str() == id))
        };
        let unknown = state.predictions.keys().filter(|id| !is_known(id)).count() as u64;
        let slack = (state.price - 7) * (1 + unknown);
        if state.charged() > budget + slack {
            return Err(format!("{} cents were charged, over the budget of {budget}", state.charged()));
        }
    }
    for (job, edit) in &edits {
        let prompt = prompt_of(job.as_str(), &edit.fingerprint.to_string());
        let ids = charges.get(prompt.as_str()).map_or(&[][..], Vec::as_slice);
        let is_known = |id: &&&str| edit.prediction.as_ref().is_some_and(|known| known.as_str() == **id);
        let unknown = ids.iter().filter(|id| !is_known(id)).count();
        let may_be = matches!(edit.state, EditState::Uncertain | EditState::Submitting { .. });
        if unknown > 0 && !may_be && !allowed.resubmits && !allowed.retries {
            return Err(format!("{job} was charged for {ids:?}, and the journal says {:?}", edit.state));
        }
        if unknown > 0 && ledger.reserved().0 == 0 && !allowed.retries {
            return Err(format!("{job} may have been charged, and nothing is reserved"));
        }
    }
    for prompt in charges.keys() {
        let is_known =
            edits.iter().any(|(job, edit)| prompt_of(job.as_str(), &edit.fingerprint.to_string()) == **prompt);
        if !is_known {
            return Err(format!("{prompt:?} was charged, and the journal does not know it"));
        }
    }
    Ok(())
}

/// Checks the invariants that hold once lives without faults have done all remaining work.
pub fn at_the_end(world: &World, ledger: &Ledger, jobs: &[PlannedJob], ran_out: bool) -> Result<(), String> {
    for planned in jobs {
        let id = &planned.job.id;
        let Some(edit) = ledger.edit(&planned.key()).unwrap() else {
            if ran_out {
                continue;
            }
            return Err(format!("{id} was never submitted"));
        };
        let history = ledger.history(id).unwrap().ok_or(format!("{id} has no history"))?;
        let state = world.state();
        match &edit.state {
            EditState::Completed { .. } => {
                let shown = history
                    .current_result_of(planned.fingerprint)
                    .ok_or_else(|| format!("{id} shows nothing of its own"))?;
                for file in shown.files() {
                    let content =
                        state.results.get(&file.name).ok_or(format!("{id} is completed without {}", file.name))?;
                    if ContentHash::of(content.as_bytes()) != file.blake3 {
                        return Err(format!("{} holds another picture", file.name));
                    }
                    if shown.corrected.is_none() && shown.prediction.as_ref().map(PredictionId::as_str) != Some(content)
                    {
                        return Err(format!("{id} shows {content}"));
                    }
                }
            }
            EditState::Failed { .. } | EditState::Uncertain => {}
            EditState::Idle if ran_out => {}
            other => return Err(format!("{id} was left as {other:?}")),
        }
    }
    let edits = edits(ledger);
    let state = world.state();
    for (job, edit) in &edits {
        let Some(known) = edit.prediction.as_ref().and_then(|id| state.predictions.get(id.as_str())) else { continue };
        let is_saved = matches!(edit.state, EditState::Completed { .. });
        // A picture is safe under its final name. One without it has a record by which it is found again.
        let content = edit.prediction.as_ref().map(PredictionId::as_str).unwrap_or_default();
        let is_here = state.results.values().any(|saved| saved == content);
        if matches!(edit.state, EditState::Failed { .. }) && is_here {
            return Err(format!("the picture of {job} is in results, and the journal says {:?}", edit.state));
        }
        let is_uncertain_again = matches!(edit.state, EditState::Uncertain);
        if known.fate == Fate::Completed && !is_saved && !is_uncertain_again {
            return Err(format!("{job} was paid for and made, and is {:?}", edit.state));
        }
    }
    Ok(())
}

/// Checks the colors at the end: all are checked, the best attempt is shown, correctable ones are corrected, and those
/// that are off were submitted again as often as requested.
pub fn colors_at_the_end(ledger: &Ledger, jobs: &[PlannedJob], rules: &ColorRules) -> Result<(), String> {
    for planned in jobs {
        let id = &planned.job.id;
        let Some(history) = ledger.history(id).unwrap() else { continue };
        let is_completed = |edit: &&Edit| matches!(edit.state, EditState::Completed { .. });
        let Some(base) = history.edit(planned.fingerprint).filter(is_completed) else { continue };
        let rerolls: Vec<&Edit> = history.rerolls(base.fingerprint).collect();
        let attempts = || std::iter::once(base).chain(rerolls.iter().copied()).filter(is_completed);
        let seen = |edit: &Edit| verdict(&edit.originals()[0]);
        if let Some(unchecked) =
            attempts().find(|edit| edit.checked.as_ref().map(|known| known.check.verdict) != Some(seen(edit).0))
        {
            return Err(format!("{id}: {} was not checked", unchecked.fingerprint));
        }
        let shown = history.current_result_of(base.fingerprint).ok_or(format!("{id} shows nothing"))?;
        let is_better = |edit: &Edit| edit.corrected.is_none() && seen(edit) < seen(shown);
        if shown.corrected.is_none() && attempts().any(is_better) {
            return Err(format!("{id} does not show its best result"));
        }
        match seen(shown) {
            (Verdict::Near, difference)
                if rules.lock != ColorLock::Open && difference < 5.0 && shown.corrected.is_none() =>
            {
                return Err(format!("{id} is near and was not corrected"));
            }
            (Verdict::Off, _) => {
                let holds = |edit: &&Edit| {
                    edit.state == EditState::Uncertain && rules.uncertain_reroll == UncertainReroll::Holds
                };
                if rerolls.len() < rules.rerolls as usize && !rerolls.iter().any(holds) {
                    return Err(format!("{id} is off and was re-rolled {} times", rerolls.len()));
                }
            }
            _ => {}
        }
        if rerolls.len() > rules.rerolls as usize {
            return Err(format!("{id} was re-rolled {} times", rerolls.len()));
        }
    }
    Ok(())
}

/// Returns the prompt of an edit, which is unique.
pub fn prompt_of(job: &str, fingerprint: &str) -> String {
    format!("{job} {fingerprint}")
}
