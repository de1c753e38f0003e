use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::api::PredictionId;
use crate::job::JobId;
use crate::journal::Durable;

/// An accepted submit: a job and the prediction that is paid for.
pub(super) type Receipt = (JobId, PredictionId);

/// The accepted submits whose ids are not known to be on the disk: where the journal fails, they are named, for they were paid
/// for.
#[derive(Default)]
pub(super) struct Receipts {
    pending: FuturesUnordered<BoxFuture<'static, Option<Receipt>>>,
    unrecorded: Vec<Receipt>,
}

impl Receipts {
    /// Keeps one until its record is `durable`.
    pub(super) fn follow(&mut self, receipt: Receipt, durable: Durable) {
        self.pending.push(Box::pin(async move { durable.wait().await.err().map(|_| receipt) }));
    }

    /// Keeps one that cannot be recorded any more.
    pub(super) fn add_unrecorded(&mut self, receipt: Receipt) {
        self.unrecorded.push(receipt);
    }

    /// Waits until one of those on their way is on the disk, or is known not to get there. `None` where there are none.
    pub(super) async fn settle_next(&mut self) -> Option<()> {
        let settled = self.pending.next().await?;
        self.unrecorded.extend(settled);
        Some(())
    }

    /// Waits for all of them; the answer is those that are in no journal.
    pub(super) async fn unrecorded(mut self) -> Vec<Receipt> {
        while self.settle_next().await.is_some() {}
        self.unrecorded
    }
}
