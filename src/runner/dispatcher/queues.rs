use std::collections::VecDeque;

use crate::plan::Work;

/// Where the next work comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Work that was started before and did not finish.
    Retries,
    /// The plan.
    Plan,
    /// Work that waited for the first try of every job: re-rolls, and submits that may be refused again.
    Postponed,
}

/// Work that waits to start, in addition to the rest of the plan.
#[derive(Debug, Default)]
pub(super) struct WorkQueues {
    retries: VecDeque<Work>,
    /// Work that waits until each job has had its first try.
    postponed: VecDeque<Work>,
    /// Work that needs no API request, and so starts regardless of what delays submits.
    local: VecDeque<Work>,
    /// Results whose color is reviewed, which wait for a processor while submits go out.
    color_reviews: VecDeque<Work>,
}

impl WorkQueues {
    /// Returns the next work and its source, given the next item of the plan: free work first, then retries, then new
    /// submits, and postponed work after the first try of every job.
    pub(super) fn peek<'w>(&'w self, planned: Option<&'w Work>) -> Option<(Source, &'w Work)> {
        match (self.retries.front(), planned) {
            (Some(retry), Some(planned)) if retry.task.submits() && !planned.task.submits() => {
                Some((Source::Plan, planned))
            }
            (Some(retry), _) => Some((Source::Retries, retry)),
            (None, Some(planned)) => Some((Source::Plan, planned)),
            (None, None) => self.postponed.front().map(|reroll| (Source::Postponed, reroll)),
        }
    }

    /// Takes the next work from `source`.
    ///
    /// # Errors
    ///
    /// The plan cannot be read.
    pub(super) fn take<E>(
        &mut self,
        source: Source,
        plan: &mut impl Iterator<Item = Result<Work, E>>,
    ) -> Result<Option<Work>, E> {
        match source {
            Source::Retries => Ok(self.retries.pop_front()),
            Source::Plan => plan.next().transpose(),
            Source::Postponed => Ok(self.postponed.pop_front()),
        }
    }

    /// Takes the next work that needs no API request.
    pub(super) fn take_local(&mut self) -> Option<Work> {
        self.local.pop_front()
    }

    /// Takes the next result whose color is reviewed.
    pub(super) fn take_color_review(&mut self) -> Option<Work> {
        self.color_reviews.pop_front()
    }

    /// Adds work that was started before. It goes before the rest of the plan.
    pub(super) fn retry(&mut self, work: Work) {
        self.retries.push_back(work);
    }

    /// Adds work that waits until each job has had its first try, such as a re-roll.
    pub(super) fn postpone(&mut self, work: Work) {
        self.postponed.push_back(work);
    }

    /// Adds work that needs no API request.
    pub(super) fn add_local(&mut self, work: Work) {
        self.local.push_back(work);
    }

    /// Adds a result whose color is reviewed once a processor is free.
    pub(super) fn add_color_review(&mut self, work: Work) {
        self.color_reviews.push_back(work);
    }

    /// Returns how many results wait for a color review.
    pub(super) fn color_reviews(&self) -> usize {
        self.color_reviews.len()
    }

    /// Returns how many checks and corrections of colors wait.
    pub(super) fn color_checks(&self) -> usize {
        self.local.len() + self.color_reviews.len()
    }

    /// Returns whether no work waits that could start only while the run continues.
    pub(super) fn is_empty(&self) -> bool {
        [&self.retries, &self.postponed, &self.color_reviews].iter().all(|queue| queue.is_empty())
    }

    /// Returns whether no work waits that needs no API request.
    pub(super) fn is_local_empty(&self) -> bool {
        self.local.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::job::{EditRequest, JobId, Seed, Switches};
    use crate::journal::{EditKey, Reroll};
    use crate::plan::{Standing, Task};

    fn work(job: &str, task: Task) -> Work {
        let fingerprint = "00000000000000000000000000000000".parse().unwrap();
        Work {
            key: EditKey { job: JobId::new(job).unwrap(), fingerprint },
            task,
            standing: Standing::Current,
            target: None,
        }
    }

    fn submit() -> Task {
        Task::Submit(Arc::new(EditRequest {
            model: "m".into(),
            prompt: "make it blue".into(),
            images: Vec::new(),
            size: None,
            seed: None,
            switches: Switches::default(),
        }))
    }

    #[test]
    fn free_work_of_the_plan_goes_first_then_retries_then_new_submits_then_rerolls() {
        let Task::Submit(request) = submit() else { panic!("it is a submit") };
        let reroll = Reroll { of: "00000000000000000000000000000000".parse().unwrap(), seed: Seed::default() };
        let mut queues = WorkQueues::default();
        queues.postpone(work("reroll", Task::Reroll(request, reroll)));
        queues.retry(work("retry", submit()));
        let plan = [work("followed", Task::Follow), work("new", submit())].map(Ok::<_, ()>);
        let (mut plan, mut order) = (plan.into_iter().peekable(), Vec::new());
        while let Some((source, _)) = queues.peek(plan.peek().and_then(|planned| planned.as_ref().ok())) {
            order.extend(queues.take(source, &mut plan).unwrap().map(|work| work.key.job.to_string()));
        }
        assert_eq!(order, ["followed", "retry", "new", "reroll"]);
        assert!(queues.is_empty() && queues.is_local_empty());
    }

    #[test]
    fn a_plan_that_cannot_be_read_is_no_plan_that_is_over() {
        let mut queues = WorkQueues::default();
        assert_eq!(queues.take(Source::Plan, &mut std::iter::once(Err("damaged"))).err(), Some("damaged"));
    }
}
