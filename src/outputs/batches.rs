use std::io;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::sync::locked;

/// Work that is cheaper in batches. Items that arrive while a batch is running wait for the next one, which takes all
/// of them.
#[derive(Debug)]
pub(super) struct Batches<T, R> {
    waiting: Mutex<Vec<(T, oneshot::Sender<R>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl<T, R> Default for Batches<T, R> {
    fn default() -> Batches<T, R> {
        Batches { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Batches<T, R> {
    /// Processes `item` in a batch with `work`, which returns one result per item, in the same order.
    pub(super) async fn done(&self, item: T, work: impl FnOnce(Vec<T>) -> Vec<R> + Send + 'static) -> io::Result<R> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push((item, answer));
        let _turn = self.turn.lock().await;
        if let Ok(answer) = answered.try_recv() {
            return Ok(answer);
        }
        let batch = std::mem::take(&mut *self.waiting());
        // A batch that was started is finished, even if its caller has been dropped.
        let batch = tokio::task::spawn_blocking(move || {
            let (items, answers): (Vec<T>, Vec<oneshot::Sender<R>>) = batch.into_iter().unzip();
            for (answer, done) in answers.into_iter().zip(work(items)) {
                // The caller may have been dropped.
                let _ = answer.send(done);
            }
        });
        batch.await.map_err(io::Error::other)?;
        answered.await.map_err(io::Error::other)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(T, oneshot::Sender<R>)>> {
        locked(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    #[tokio::test]
    async fn items_added_while_a_batch_is_written_join_the_next_batch_and_each_gets_its_own_answer() {
        let batches = Arc::new(Batches::default());
        let (started, has_started) = oneshot::channel();
        let (proceed, may_proceed) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let batches = Arc::clone(&batches);
            let work = move |items: Vec<u32>| {
                started.send(()).unwrap();
                may_proceed.recv().unwrap();
                vec![(items[0] * 10, items.len())]
            };
            async move { batches.done(1, work).await }
        });
        has_started.await.unwrap();
        let doubled = |items: Vec<u32>| items.iter().map(|item| (item * 10, items.len())).collect();
        let gathered = futures::future::join_all((2..5).map(|item| batches.done(item, doubled)));
        let (gathered, ()) = tokio::join!(gathered, async { proceed.send(()).unwrap() });
        assert_eq!(first.await.unwrap().unwrap(), (10, 1));
        let gathered: Vec<_> = gathered.into_iter().map(Result::unwrap).collect();
        assert_eq!(gathered, [(20, 3), (30, 3), (40, 3)]);
    }

    #[tokio::test]
    async fn a_panic_fails_its_batch_and_no_later_one() {
        let batches = Batches::<u32, u32>::default();
        assert!(batches.done(1, |_| panic!("a defect")).await.is_err());
        assert_eq!(batches.done(2, |items| items).await.unwrap(), 2);
    }
}
