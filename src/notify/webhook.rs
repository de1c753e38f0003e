use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;

use super::delivery::{client, deliver};
use super::error::NoticeError;
use super::notice::RunNotice;
use super::signature::SigningKey;
use super::url::NoticeUrl;

/// The maximum number of attempts for a message.
const ATTEMPTS: usize = 5;

/// A webhook, to which the summary is posted as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// The URL of the webhook.
    pub url: NoticeUrl,
    /// The key that messages are signed with.
    pub key: Option<SigningKey>,
}

impl Webhook {
    /// Posts the summary. Failures that may be temporary are retried within a minute.
    ///
    /// # Errors
    ///
    /// The receiver did not accept the message.
    pub(crate) async fn post(&self, notice: &RunNotice, now: impl Fn() -> Timestamp) -> Result<(), NoticeError> {
        let failed = |cause: String| NoticeError { what: format!("post the summary to {}", self.url), cause };
        let http = client(&self.url.0).map_err(|error| failed(error.to_string()))?;
        let body = notice.summary.to_string();
        let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
        let request = || {
            let post = http.post(self.url.0.clone()).header(CONTENT_TYPE, "application/json").body(body.clone());
            let Some(key) = &self.key else { return post };
            let signature = key.sign(&id, now(), body.as_bytes());
            post.header("webhook-id", signature.id)
                .header("webhook-timestamp", signature.timestamp)
                .header("webhook-signature", signature.signature)
        };
        deliver(ATTEMPTS, request).await.map_err(failed)
    }
}
