use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use hashbrown::HashTable;

use crate::color::Verdict;
use crate::job::{Fingerprint, JobId};

use super::brief::{Brief, ColorBrief, Pictures, Stage};
use super::history::{History, Tracked};
use super::marks::{Goals, Marks};
use super::trail::{Packed, Trail};
use super::{Edit, SavedFile};

/// How many entries are allotted at once: no vector doubles, and at most this many entries are unused.
const CHUNK: usize = 1 << 10;

/// The extensions of the usual pictures.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "webp", "gif"];

/// Jobs with which nothing more happens by itself, at 44 bytes an edit and 6 to 12 for its place in the index.
///
/// An entry has what a plan asks for, and where the edit's lines are; all else is read from the journal again when
/// somebody asks. A job is known by 96 bits of a hash under a key that is drawn anew for each process: that two of a
/// million jobs share one has a chance of 1 in 10^17, and nobody can bring it about. Half of a fingerprint tells the
/// few edits of a job apart. Details are never mixed up even if either fails, for the lines that are read again name
/// their job and their whole fingerprint.
#[derive(Debug, Default)]
pub(super) struct Settled {
    chunks: Vec<Vec<Entry>>,
    index: HashTable<u32>,
    /// The few edits that an entry has no room for, by its number.
    large: HashMap<u32, Large>,
    /// What colors were held against: few catalogs ask for many.
    goals: Goals,
    length: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    job: [u32; 3],
    edit: Half,
    bytes: u32,
    trail: Packed,
    marks: Marks,
    stage: Stage,
}

const _: () = assert!(size_of::<Entry>() == 44);

#[derive(Clone, Debug)]
struct Large {
    trail: Trail,
    pictures: Box<[(String, u64)]>,
}

/// Half of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Half([u32; 2]);

impl Half {
    pub(super) fn of(fingerprint: Fingerprint) -> Half {
        let [.., a, b, c, d, e, f, g, h] = *fingerprint.as_bytes();
        Half([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])])
    }
}

/// An edit as it is taken out again.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) edit: Half,
    pub(super) is_shown: bool,
    pub(super) trail: Trail,
}

impl Settled {
    /// How many edits there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Takes all edits of a job in.
    pub(super) fn insert(&mut self, job: &JobId, history: &History) {
        let hash = hash(job.as_str());
        for tracked in &history.edits {
            let is_shown = history.shown == Some(tracked.edit.fingerprint);
            let entry = self.entry(job, hash, tracked, is_shown);
            let number = self.length;
            self.length += 1;
            match self.chunks.last_mut() {
                Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
                _ => {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    chunk.push(entry);
                    self.chunks.push(chunk);
                }
            }
            let chunks = &self.chunks;
            self.index.insert_unique(first(hash), number, |number| first(entry_of(chunks, *number).job));
        }
    }

    /// Whether no job is here.
    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether the job is here.
    pub(super) fn knows(&self, job: &str) -> bool {
        !self.index.is_empty() && self.numbers(hash(job)).next().is_some()
    }

    /// What a plan asks of an edit.
    pub(super) fn brief(&self, job: &JobId, fingerprint: Fingerprint) -> Option<Brief<'_>> {
        let number = self.numbers(hash(job.as_str())).find(|number| self.at(*number).edit == Half::of(fingerprint))?;
        let entry = self.at(number);
        let pictures = match (self.large.get(&number), entry.marks.extension()) {
            (Some(large), _) => Pictures::Listed(&large.pictures),
            (None, 0) => Pictures::Listed(&[]),
            (None, place) => {
                let extension = EXTENSIONS[usize::from(place) - 1];
                Pictures::Named { extension, bytes: u64::from(entry.bytes) }
            }
        };
        Some(Brief {
            stage: entry.stage,
            has_prediction: entry.marks.has(Marks::HAS_PREDICTION),
            is_shown: entry.marks.has(Marks::IS_SHOWN),
            has_rerolls: false,
            color: entry.marks.color(&self.goals),
            pictures,
        })
    }

    /// The edits of a job, oldest first.
    pub(super) fn stored(&self, job: &str) -> Vec<Stored> {
        let mut numbers: Vec<u32> = self.numbers(hash(job)).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.get(number)).collect()
    }

    /// Takes all edits of a job out. Their room is not used again: few jobs go on after they have come to rest, and a
    /// compacted journal begins without gaps.
    pub(super) fn remove(&mut self, job: &str) {
        let hash = hash(job);
        let numbers: Vec<u32> = self.numbers(hash).collect();
        for number in numbers {
            if let Ok(found) = self.index.find_entry(first(hash), |other| *other == number) {
                found.remove();
            }
            self.large.remove(&number);
        }
    }

    /// All edits, in the order in which they came to rest.
    pub(super) fn all(&self) -> impl Iterator<Item = Stored> {
        self.those(|_| true)
    }

    /// The edits in a stage, in the order in which they came to rest.
    pub(super) fn in_stage(&self, stage: Stage) -> impl Iterator<Item = Stored> {
        self.those(move |entry| entry.stage == stage)
    }

    /// The edits whose pictures are in `results/`.
    pub(super) fn shown(&self) -> impl Iterator<Item = Stored> {
        self.those(|entry| entry.marks.has(Marks::IS_SHOWN))
    }

    /// The verdicts on the color of what is shown.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        let shown = self.index.iter().map(|number| self.at(*number).marks).filter(|marks| marks.has(Marks::IS_SHOWN));
        shown.filter_map(|marks| Some(marks.color(&self.goals)?.verdict))
    }

    /// Whether an edit of the job has its pictures in `results/`.
    pub(super) fn is_shown(&self, job: &str) -> bool {
        !self.index.is_empty() && self.numbers(hash(job)).any(|number| self.at(number).marks.has(Marks::IS_SHOWN))
    }

    fn those(&self, is_wanted: impl Fn(&Entry) -> bool) -> impl Iterator<Item = Stored> {
        let mut numbers: Vec<u32> = self.index.iter().copied().filter(|number| is_wanted(self.at(*number))).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.get(number))
    }

    fn get(&self, number: u32) -> Stored {
        let entry = self.at(number);
        let trail = match self.large.get(&number) {
            Some(large) => large.trail.clone(),
            None => entry.trail.unpack(),
        };
        Stored { edit: entry.edit, is_shown: entry.marks.has(Marks::IS_SHOWN), trail }
    }

    fn at(&self, number: u32) -> &Entry {
        entry_of(&self.chunks, number)
    }

    fn numbers(&self, job: [u32; 3]) -> impl Iterator<Item = u32> {
        self.index.iter_hash(first(job)).copied().filter(move |number| self.at(*number).job == job)
    }

    fn entry(&mut self, job: &JobId, hash: [u32; 3], tracked: &Tracked, is_shown: bool) -> Entry {
        let Tracked { edit, trail } = tracked;
        let mut marks = Marks::default();
        marks.set(Marks::HAS_PREDICTION, edit.prediction.is_some());
        marks.set(Marks::IS_SHOWN, is_shown);
        if let Some(color) = ColorBrief::of(edit) {
            marks.set_color(&color, &mut self.goals);
        }
        let mut entry = Entry {
            job: hash,
            edit: Half::of(edit.fingerprint),
            bytes: 0,
            trail: Packed::default(),
            marks,
            stage: Stage::of(&edit.state),
        };
        match (Packed::new(trail), usual_picture(job, edit)) {
            (Some(trail), Some((extension, bytes))) => {
                entry.marks.set_extension(extension);
                (entry.trail, entry.bytes) = (trail, bytes);
            }
            _ => {
                let pictures = edit.files().iter().map(|file| (file.name.clone(), file.bytes)).collect();
                self.large.insert(self.length, Large { trail: trail.clone(), pictures });
            }
        }
        entry
    }
}

fn entry_of(chunks: &[Vec<Entry>], number: u32) -> &Entry {
    &chunks[number as usize / CHUNK][number as usize % CHUNK]
}

/// The extension's number and the size of an edit's picture, where it is a single one under its usual name; zeros where
/// there is none.
fn usual_picture(job: &JobId, edit: &Edit) -> Option<(u16, u32)> {
    let [SavedFile { name, bytes, .. }] = edit.files() else {
        return edit.files().is_empty().then_some((0, 0));
    };
    let extension = name.strip_prefix(job.as_str())?.strip_prefix('.')?;
    let place = EXTENSIONS.iter().position(|known| *known == extension)?;
    Some((place as u16 + 1, u32::try_from(*bytes).ok()?))
}

/// Two keyed hashes of an id, of which 96 bits are kept.
fn hash(job: &str) -> [u32; 3] {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let [one, two] = KEYS.each_ref().map(|key| key.hash_one(job));
    [one as u32, (one >> 32) as u32, two as u32]
}

/// The part of a hash that the index goes by.
fn first(hash: [u32; 3]) -> u64 {
    u64::from(hash[0]) | u64::from(hash[1]) << 32
}

/// Two are the same if they say the same of the same edits, wherever the lines are.
impl PartialEq for Settled {
    fn eq(&self, other: &Settled) -> bool {
        fn sorted(settled: &Settled) -> Vec<impl PartialEq + '_> {
            let mut all: Vec<_> = settled
                .index
                .iter()
                .map(|number| (settled.at(*number), settled.large.get(number).map(|large| large.pictures.clone())))
                .map(|(entry, large)| {
                    (entry.job, entry.edit, entry.stage, entry.marks.comparable(&settled.goals), entry.bytes, large)
                })
                .collect();
            all.sort_unstable_by_key(|entry| (entry.0, entry.1));
            all
        }
        sorted(self) == sorted(other)
    }
}
