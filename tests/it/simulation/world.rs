use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use dyehouse::job::ContentHash;
use dyehouse::journal::{Presence, SavedFile};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

/// The environment of the program: the provider, the disk, and the moment of the power failure.
#[derive(Clone)]
pub struct World(Arc<Inner>);

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("World")
    }
}

struct Inner {
    state: Mutex<State>,
    crashed: Notify,
}

pub struct State {
    pub random: fastrand::Rng,
    /// The number of the current life of the program. Tasks of earlier lives are dead, and have no more effects.
    pub life: u32,
    /// The number of steps until the power fails.
    fuse: Option<u32>,
    /// The percentage of requests and writes that fail.
    pub faults: u32,
    /// Whether the journal's disk and the results folder can fail permanently in this life.
    pub disk_may_fail: bool,
    pub price: u64,
    pub predictions: BTreeMap<String, Prediction>,
    /// The predictions whose ids the program was told in the current life.
    pub answered: Vec<String>,
    /// The journal: the bytes that are durable, and those that are not yet.
    pub durable: Vec<u8>,
    pub volatile: Vec<u8>,
    /// Verified pictures with temporary names, by a number.
    pub staged: BTreeMap<u64, String>,
    /// Pictures with their final names, and renames that a power failure may undo.
    pub results: BTreeMap<String, String>,
    pub renamed: BTreeMap<String, (String, u64)>,
    pub earlier: BTreeSet<String>,
    /// The provider's originals of corrected pictures.
    pub originals: BTreeMap<String, String>,
    next: u64,
}

impl State {
    /// Returns the presence of a picture in `results/`.
    pub fn presence(&self, file: &SavedFile) -> Presence {
        let length = |content: &String| content.len() as u64;
        let is_it = |content: &String| ContentHash::of(content.as_bytes()) == file.blake3;
        match self.results.get(&file.name).map(length) {
            Some(length) if length == file.bytes => Presence::Saved,
            _ if self.earlier.iter().any(is_it) => Presence::Displaced,
            Some(_) if self.originals.get(&file.name).map(length) != Some(file.bytes) => Presence::Changed,
            Some(_) | None => Presence::Missing,
        }
    }
}

/// A submit that the provider accepted and charged.
pub struct Prediction {
    pub prompt: String,
    pub since: Instant,
    pub takes: Duration,
    pub fate: Fate,
    pub price: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Completed,
    Moderated,
    Empty,
    Stuck,
    Vanished,
    /// It was completed, and is no longer stored.
    Expired,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = fastrand::Rng::with_seed(seed);
        let price = if random.u32(..4) == 0 { 9 } else { 7 };
        let state = State {
            random,
            life: 0,
            fuse: None,
            faults: 0,
            disk_may_fail: false,
            price,
            predictions: BTreeMap::new(),
            answered: Vec::new(),
            durable: Vec::new(),
            volatile: Vec::new(),
            staged: BTreeMap::new(),
            results: BTreeMap::new(),
            renamed: BTreeMap::new(),
            earlier: BTreeSet::new(),
            originals: BTreeMap::new(),
            next: 0,
        };
        World(Arc::new(Inner { state: Mutex::new(state), crashed: Notify::new() }))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Starts a life that ends after at most `fuse` steps.
    pub fn begin_life(&self, fuse: Option<u32>, faults: u32, disk_may_fail: bool) -> u32 {
        let mut state = self.state();
        state.life += 1;
        state.fuse = fuse;
        state.faults = faults;
        state.disk_may_fail = disk_may_fail;
        state.answered.clear();
        state.life
    }

    /// Expires completed predictions, which the provider stores only for a limited time.
    pub fn expire(&self) {
        let mut state = self.state();
        let done = state.predictions.values_mut().filter(|prediction| prediction.since.elapsed() >= prediction.takes);
        done.filter(|prediction| prediction.fate == Fate::Completed).for_each(|done| done.fate = Fate::Expired);
    }

    pub fn end_life(&self) {
        self.state().lose_power();
    }

    /// Waits until the power fails.
    pub async fn crashed(&self) {
        self.0.crashed.notified().await;
    }

    /// Performs a step of the life `life`, before which the power may fail. It never returns for an earlier life.
    pub async fn step(&self, life: u32) {
        tokio::task::yield_now().await;
        // Nothing is awaited between this and the action of the step, because dead lives must not act.
        let is_dead = {
            let mut state = self.state();
            if state.life == life && state.fuse.is_some_and(|fuse| fuse == 0) {
                state.fuse = None;
                state.life += 1;
                self.0.crashed.notify_one();
            } else if let (true, Some(fuse)) = (state.life == life, state.fuse.as_mut()) {
                *fuse -= 1;
            }
            state.life != life
        };
        if is_dead {
            std::future::pending::<()>().await;
        }
    }

    /// Whether an operation fails now. `share` scales the probability.
    pub fn fails(&self, share: u32) -> bool {
        let mut state = self.state();
        let faults = state.faults * share / 100;
        state.random.u32(..100) < faults
    }
}

impl State {
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub fn accept(&mut self, prompt: &str) -> String {
        let id = format!("prediction-{}", self.number());
        let fate = match self.random.u32(..100) {
            0..4 if self.faults > 0 => Fate::Stuck,
            4..8 if self.faults > 0 => Fate::Vanished,
            8..14 => Fate::Moderated,
            14..17 => Fate::Empty,
            _ => Fate::Completed,
        };
        let takes = Duration::from_millis(self.random.u64(500..60_000));
        let price = self.price;
        self.predictions
            .insert(id.clone(), Prediction { prompt: prompt.to_owned(), since: Instant::now(), takes, fate, price });
        id
    }

    pub fn charged(&self) -> u64 {
        self.predictions.values().map(|prediction| prediction.price).sum()
    }

    fn lose_power(&mut self) {
        let volatile = std::mem::take(&mut self.volatile);
        let kept = self.random.usize(..=volatile.len());
        self.durable.extend_from_slice(&volatile[..kept]);
        for (name, (content, number)) in std::mem::take(&mut self.renamed) {
            if self.random.bool() {
                self.results.insert(name, content);
            } else {
                self.staged.insert(number, content);
            }
        }
    }
}
