//! Chaos: deliberate failures of the kinds that providers have, to test how a client handles them.
//!
//! A file sets the frequency of each fault, in percent of the requests of its kind:
//!
//! ```yaml
#![doc = include_str!("../../../examples/chaos.yaml")]
//! ```
//!
//! The default is 0. Responses made by chaos have the header `x-dyehouse-chaos`. The log in the data folder stays
//! correct: it has every accepted prediction, whatever the client received.

mod answers;
mod plan;
mod seeded_random;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::sync::locked;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;
use uuid::Uuid;

use plan::Named;
use seeded_random::SeededRandom;

pub(super) use answers::Hangup;
pub use plan::{ChaosError, ChaosPlan};
pub(super) use plan::{OutputFault, PollFault, PredictionFault, SubmitFault};

/// The number of first polls that are answered with 404, for a prediction with that fault.
const EARLY_POLLS: u32 = 2;

/// The chaos of a server.
#[derive(Debug)]
pub(super) struct Chaos {
    plan: ChaosPlan,
    random: SeededRandom,
    submits: AtomicU64,
    polls: AtomicU64,
    outputs: AtomicU64,
    polls_of: Mutex<HashMap<Uuid, u32>>,
}

impl Chaos {
    pub(super) fn new(plan: ChaosPlan) -> Arc<Chaos> {
        let random = SeededRandom::new(plan.seed);
        Arc::new(Chaos {
            plan,
            random,
            submits: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            outputs: AtomicU64::new(0),
            polls_of: Mutex::default(),
        })
    }

    /// Returns the id of the prediction with this number in the data folder. It is derived from the seed, so that the
    /// faults of the prediction are reproducible too.
    pub(super) fn id(&self, number: u64) -> Uuid {
        self.random.id(number)
    }

    fn fate(&self, id: Uuid) -> Option<PredictionFault> {
        self.plan.prediction.draw(self.random.roll("prediction", id.as_u128()))
    }

    /// Counts a poll of a prediction, and returns the number of polls before it.
    fn count_poll(&self, id: Uuid) -> u32 {
        let mut polls = locked(&self.polls_of);
        let count = polls.entry(id).or_default();
        *count += 1;
        *count - 1
    }

    fn next(&self, counter: &AtomicU64, stage: &str) -> f64 {
        self.random.roll(stage, u128::from(counter.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Passes a request on, or makes it fail.
pub(super) async fn disturb(State(chaos): State<Arc<Chaos>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    if path.ends_with("/generate") {
        submit(&chaos, request, next).await
    } else if path.contains("/predictions/") {
        poll(&chaos, request, next).await
    } else {
        output(&chaos, request, next).await
    }
}

async fn submit(chaos: &Chaos, request: Request, next: Next) -> Response {
    let roll = chaos.next(&chaos.submits, "submit");
    let Some(fault) = chaos.plan.submit.draw(roll) else {
        return next.run(request).await;
    };
    let name = fault.name();
    if fault.is_before() {
        // The body is read before the refusal is sent, as some gateways do.
        if fault != SubmitFault::DropBefore {
            super::body::discard(request.into_body(), answers::ANSWER_BYTES).await;
        }
        return marked(answers::instead_of_accepting(fault, roll), &name);
    }
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    match fault {
        SubmitFault::Slow => tokio::time::sleep(chaos.plan.slow()).await,
        SubmitFault::Hang => tokio::time::sleep(chaos.plan.hang()).await,
        SubmitFault::TruncatedJson => return marked(answers::half(response).await, &name),
        SubmitFault::NoId => {
            let without_id = answers::rewritten(response, |body| {
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("id");
                    fields.remove("statusUrl");
                }
            });
            return marked(without_id.await, &name);
        }
        fault => return marked(answers::after_accepting(fault, roll), &name),
    }
    marked(response, &name)
}

async fn poll(chaos: &Chaos, request: Request, next: Next) -> Response {
    let roll = chaos.next(&chaos.polls, "poll");
    if let Some(fault) = chaos.plan.poll.draw(roll) {
        let name = fault.name();
        match fault {
            PollFault::Slow => tokio::time::sleep(chaos.plan.slow()).await,
            PollFault::Hang => tokio::time::sleep(chaos.plan.hang()).await,
            PollFault::TruncatedJson => return marked(answers::half(next.run(request).await).await, &name),
            fault => return marked(answers::instead_of_status(fault, roll), &name),
        }
    }
    let id = request.uri().path().rsplit('/').next().and_then(|id| Uuid::try_parse(id).ok());
    let response = next.run(request).await;
    let Some((id, fate)) = id.and_then(|id| Some((id, chaos.fate(id)?))) else {
        return response;
    };
    let name = fate.name();
    match fate {
        PredictionFault::Early404 if chaos.count_poll(id) < EARLY_POLLS => marked(answers::unknown_prediction(), &name),
        PredictionFault::Early404 => response,
        PredictionFault::Vanished => {
            let (response, body) = answers::read(response).await;
            if body["status"] == "processing" { response } else { marked(answers::unknown_prediction(), &name) }
        }
        fate => marked(answers::rewritten(response, |body| fate.corrupt(body)).await, &name),
    }
}

impl PredictionFault {
    fn corrupt(self, body: &mut Value) {
        let is_done = body["status"] == "completed";
        match self {
            PredictionFault::UnknownStatus if body["status"] == "processing" => body["status"] = "warming_up".into(),
            PredictionFault::Stuck if is_done => {
                body["status"] = "processing".into();
                body["outputs"] = Value::Null;
                body["completedAt"] = Value::Null;
            }
            PredictionFault::EmptyOutputs if is_done => body["outputs"] = Value::Array(Vec::new()),
            _ => {}
        }
    }
}

async fn output(chaos: &Chaos, request: Request, next: Next) -> Response {
    let roll = chaos.next(&chaos.outputs, "output");
    let Some(fault) = chaos.plan.output.draw(roll) else {
        return next.run(request).await;
    };
    let name = fault.name();
    let path = request.uri().path().to_owned();
    match fault {
        OutputFault::Slow => {
            tokio::time::sleep(chaos.plan.slow()).await;
            marked(next.run(request).await, &name)
        }
        OutputFault::Truncated => {
            let response = next.run(request).await;
            marked(answers::broken_off(response).await, &name)
        }
        OutputFault::WrongLength => marked(answers::half(next.run(request).await).await, &name),
        fault => marked(answers::instead_of_picture(fault, roll, &path), &name),
    }
}

fn marked(mut response: Response, fault: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(fault) {
        response.headers_mut().insert("x-dyehouse-chaos", value);
    }
    tracing::info!(fault, "chaos");
    response
}
