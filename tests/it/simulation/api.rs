use dyehouse::api::{Answer, EditApi, Exchange, Fault, Intended, PredictionId, StatusPath};
use dyehouse::job::{EditRequest, Fingerprint};
use dyehouse::runner::fakes::answer;
use serde_json::json;
use tokio::time::Duration;

use super::oracle::prompt_of;
use super::world::{Fate, World};

/// The provider, as seen by one life of the program.
pub struct ScriptedApi {
    pub world: World,
    pub life: u32,
}

impl ScriptedApi {
    fn chance(&self, sides: u32) -> u32 {
        self.world.state().random.u32(..sides)
    }

    /// Returns a unique name for a request. A re-roll has another seed, and therefore another name.
    fn name(request: &EditRequest) -> String {
        let Some(seed) = request.seed else { return request.prompt.clone() };
        let (job, fingerprint) = request.prompt.split_once(' ').unwrap();
        prompt_of(job, &fingerprint.parse::<Fingerprint>().unwrap().rerolled(seed).to_string())
    }

    async fn failed_submit(&self, prompt: &str) -> Exchange {
        let kind = self.chance(100);
        let is_accepted = self.chance(2) == 0;
        let mut accepted = None;
        if is_accepted && matches!(kind, 0..56) {
            accepted = Some(self.world.state().accept(prompt));
            self.world.step(self.life).await;
        }
        match kind {
            0..14 => answer(500 + u16::try_from(self.chance(5)).unwrap(), "<html>bad gateway</html>"),
            14..20 => answer(408, ""),
            20..34 => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Exchange::Fault(Fault::Unknown("no answer in time".into()))
            }
            34..42 => {
                // The price comes first, so that no budget is passed because it is unknown.
                let id = accepted.clone().unwrap_or_default();
                let whole = json!({"costCents": self.world.state().price, "id": id, "status": "processing"});
                let mut begun = whole.to_string().into_bytes();
                begun.truncate(self.chance(u32::try_from(begun.len()).unwrap()) as usize);
                // The id is complete once the comma after it has arrived.
                if let Some(id) = accepted.filter(|_| begun.iter().filter(|byte| **byte == b',').count() == 2) {
                    self.world.state().answered.push(id);
                }
                Exchange::Fault(Fault::BrokenOff { cause: "the answer broke off".into(), begun })
            }
            42..48 => answer(200, &json!({"status": "processing"})),
            48..52 => answer(200, "<html>welcome</html>"),
            52..56 => answer(200, "{\"id\":\"predic"),
            56..74 => {
                let hints = [None, Some("3"), Some("0"), Some("-1"), Some("99999999999"), Some("soon")];
                let hint = hints[self.chance(6) as usize].map(str::to_owned);
                Exchange::Answer(Answer { status: 429, retry_after: hint, ..Answer::default() })
            }
            74..92 => Exchange::Fault(Fault::NotSent("connection refused".into())),
            92..96 => answer(400, &json!({"error": "size must be small, medium or large"})),
            96..98 => answer(402, &json!({"error": "insufficient balance"})),
            98 => answer(401, &json!({"error": "bad key"})),
            _ => answer(307, ""),
        }
    }
}

impl EditApi for ScriptedApi {
    async fn submit(&self, request: &EditRequest, _intended: &Intended) -> Exchange {
        self.world.step(self.life).await;
        if self.world.fails(100) {
            return self.failed_submit(&ScriptedApi::name(request)).await;
        }
        let (id, price) = {
            let mut state = self.world.state();
            (state.accept(&ScriptedApi::name(request)), state.price)
        };
        // Several submits are open at a time, so that other records come between.
        let wait = Duration::from_millis(u64::from(self.chance(2000)));
        tokio::time::sleep(wait).await;
        // The power may fail after the provider has acted, and before the program gets its answer.
        self.world.step(self.life).await;
        self.world.state().answered.push(id.clone());
        answer(200, &json!({"id": id, "status": "processing", "costCents": price}))
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        self.world.step(self.life).await;
        if self.world.fails(100) {
            return match self.chance(5) {
                0 => answer(503, "<html>"),
                1 => answer(200, "<html>maintenance</html>"),
                2 => answer(429, ""),
                3 => answer(200, &json!({"status": "warming up"})),
                _ => Exchange::Fault(Fault::Unknown("reset".into())),
            };
        }
        let state = self.world.state();
        let Some(known) = state.predictions.get(prediction.as_str()) else { return answer(404, "") };
        let age = known.since.elapsed();
        let is_young = age < Duration::from_secs(3) && state.faults > 0;
        match known.fate {
            _ if is_young && known.takes.as_millis() % 3 == 0 => answer(404, ""),
            Fate::Stuck => answer(200, &json!({"status": "processing"})),
            _ if age < known.takes => answer(200, &json!({"status": "processing"})),
            Fate::Vanished | Fate::Expired => answer(404, ""),
            Fate::Moderated => answer(200, &json!({"status": "failed", "error": "flagged by content moderation"})),
            Fate::Empty => answer(200, &json!({"status": "completed", "outputs": []})),
            Fate::Completed => {
                let output = format!("https://assets.example/{prediction}");
                answer(200, &json!({"status": "completed", "outputs": [output]}))
            }
        }
    }
}
