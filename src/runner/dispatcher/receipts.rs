use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::api::PredictionId;
use crate::job::JobId;
use crate::journal::Durable;

/// An accepted submit: the job and the prediction that was paid for.
pub(super) type Receipt = (JobId, PredictionId);

/// Accepted submits whose ids are not yet known to be on the disk. If the journal fails, the error names them because
/// they were paid for.
#[derive(Default)]
pub(super) struct Receipts {
    pending: FuturesUnordered<BoxFuture<'static, Option<Receipt>>>,
    unrecorded: Vec<Receipt>,
}

impl Receipts {
    /// Adds an accepted submit, and keeps it until its record is `durable`.
    pub(super) fn follow(&mut self, receipt: Receipt, durable: Durable) {
        self.pending.push(Box::pin(async move { durable.wait().await.err().map(|_| receipt) }));
    }

    /// Adds accepted submits that can no longer be recorded.
    pub(super) fn add_unrecorded(&mut self, receipts: impl IntoIterator<Item = Receipt>) {
        self.unrecorded.extend(receipts);
    }

    /// Waits until the record of one pending submit is durable or has failed. Returns `None` if none is pending.
    pub(super) async fn settle_next(&mut self) -> Option<()> {
        let settled = self.pending.next().await?;
        self.unrecorded.extend(settled);
        Some(())
    }

    /// Waits for all pending submits. Returns those that are in no journal.
    pub(super) async fn unrecorded(mut self) -> Vec<Receipt> {
        while self.settle_next().await.is_some() {}
        self.unrecorded
    }
}
