//! Writes the folder of a simulated batch, for viewing reports, testing the page, and measuring.
//!
//! `cargo run --release --example batch -- FOLDER [--jobs 500] [--side 512] [--hostile]`, then `dyehouse report
//! FOLDER`. Most jobs are completed, some missed their color, and some failed or have an unknown outcome. `--hostile`
//! puts texts that have broken pages and spreadsheets into every field.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "an example stops at errors, and tells")]

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use dyehouse::api::PredictionId;
use dyehouse::color::{Check, Hex, Tolerance, Verdict};
use dyehouse::job::{
    Backend, Cents, ContentHash, EditRequest, ErrorClass, Fingerprint, ImageSource, Job, JobId, Seed, Size,
    StatusCounts, Switches,
};
use dyehouse::journal::{Checked, Corrected, EditKey, PauseCause, Record, Reroll, RunEvent, RunStart, SavedFile, Step};
use dyehouse::outputs::aside_name;
use dyehouse::photo::Photo;
use dyehouse::pictures::LocalPictures;
use dyehouse::plan::PlannedJob;
use dyehouse::run_folder::{PlanDraft, RunFolder};
use dyehouse::verify::BEFORE;
use jiff::{SignedDuration, Timestamp};

const PRODUCTS: [&str; 6] = ["mug", "armchair", "pot", "suitcase", "tshirt", "bottle"];
const COLORS: [(&str, Hex); 5] = [
    ("ocean", Hex([30, 144, 255])),
    ("brick", Hex([178, 34, 34])),
    ("forest", Hex([46, 125, 79])),
    ("mustard", Hex([225, 173, 1])),
    ("plum", Hex([142, 69, 133])),
];

/// The number of results with their own pixels. The others are hard links to these.
const DISTINCT: usize = 30;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(usual, |at| arguments[at + 1].parse().unwrap())
    };
    let folder = RunFolder::new(&arguments[0]);
    let (count, side) = (number("--jobs", 500), number("--side", 512));
    let is_hostile = arguments.iter().any(|argument| argument == "--hostile");
    let count_texts = if is_hostile { HOSTILE.len() } else { 0 };
    fs::create_dir_all(folder.results()).unwrap();
    let photos = std::path::absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/photos")).unwrap();
    let mut pictures = Pictures { photos, folder: folder.results(), side, made: HashMap::new() };
    let mut known = LocalPictures::default();
    let jobs: Vec<PlannedJob> =
        (0..count).map(|number| job(number, &pictures.photos, &mut known, is_hostile)).collect();
    let mut plan = PlanDraft::begin(&folder).unwrap();
    jobs.iter().for_each(|job| plan.push(job).unwrap());
    plan.publish().unwrap();
    jobs.iter().for_each(|job| keep_copies(&job.job.request, &pictures.photos, folder.path()));
    let mut journal = Journal::new(&folder);
    let counts = StatusCounts { total: count as u64, pending: count as u64, ..StatusCounts::default() };
    journal.write(
        0.0,
        &Record::Run(RunEvent::Run(RunStart {
            manifest: if is_hostile { format!("{}.yaml", HOSTILE[0]) } else { "spring catalog.yaml".to_owned() },
            backend: Backend::Embedded,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            jobs: counts,
            budget_cents: Some(Cents(count as u64 * 8)),
            ..RunStart::default()
        })),
    );
    for (number, planned) in jobs.iter().enumerate() {
        let text = |usual: &str| {
            HOSTILE
                .get(number % count_texts.max(1))
                .filter(|_| is_hostile)
                .map_or(usual.to_owned(), |text| (*text).to_owned())
        };
        let at = number as f64 * 6.0;
        if number % 97 == 96 {
            let (reason, cause) = match number % 2 {
                0 => ("HTTP 429", PauseCause::RateLimited),
                _ => ("the provider cannot be reached", PauseCause::Unreachable),
            };
            let (reason, cause) = (reason.to_owned(), Some(cause));
            journal.write(at, &Record::Run(RunEvent::Paused { milliseconds: 40_000, reason, cause }));
        }
        if number % 41 == 40 {
            continue;
        }
        let took = 18.0 + (number * 37 % 23) as f64 + if number % 50 == 7 { 90.0 } else { 0.0 };
        let mut step = |after: f64, step: Step| journal.write(at + after, &Record::Edit(planned.key(), step));
        step(0.0, Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None });
        if number % 53 == 52 {
            step(30.0, Step::Uncertain { message: text("the connection broke before the answer came"), taken: None });
            continue;
        }
        let prediction = PredictionId::new(&format!("pred-{:016x}", number * 2_654_435_761)).unwrap();
        step(0.4, Step::Accepted { prediction, cost_cents: Cents(7), status_path: None });
        if number % 29 == 28 {
            let (class, message) = [
                (ErrorClass::Moderated, "the content check refused the picture"),
                (ErrorClass::Provider, "500: internal error"),
                (ErrorClass::Timeout, "no end after 10 min"),
            ][number % 3];
            step(took, Step::Failed { class, message: text(message) });
            continue;
        }
        let file = pictures.save(number, planned, &planned.job.id.to_string());
        step(took, Step::Generated { outputs: 1 });
        step(took + 0.3, Step::Fetched { files: vec![file.clone()] });
        step(took + 0.4, Step::Completed);
        let check = checked(number, planned, text("the product cannot be told apart from its background"));
        let verdict = check.check.verdict;
        step(took + 0.5, Step::Checked(Box::new(check)));
        match verdict {
            Verdict::Near if number % 2 == 0 => {
                let files = vec![pictures.correct(planned, &file)];
                let check = checked(0, planned, String::new()).check;
                step(took + 0.7, Step::Corrected(Box::new(Corrected { files, check })));
            }
            Verdict::Off if number % 3 != 1 => {
                let seed = Seed::new((number % 10_000) as u16).unwrap();
                let reroll = Reroll { of: planned.fingerprint, seed };
                let key = EditKey { fingerprint: planned.fingerprint.rerolled(seed), ..planned.key() };
                let file = pictures.reroll(number, planned);
                let mut step = |after: f64, step: Step| journal.write(at + after, &Record::Edit(key.clone(), step));
                step(took + 1.0, Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: Some(reroll) });
                if number == 71 && !is_hostile {
                    step(took + 2.0, Step::Uncertain { message: "HTTP 502: bad gateway".to_owned(), taken: None });
                    continue;
                }
                let prediction = PredictionId::new(&format!("pred-again-{number}")).unwrap();
                step(took + 1.4, Step::Accepted { prediction, cost_cents: Cents(7), status_path: None });
                if number == 71 {
                    let message = format!("{} refused-{}", text(""), "w".repeat(200));
                    step(took * 2.0, Step::Failed { class: ErrorClass::Moderated, message });
                    continue;
                }
                step(took * 2.0, Step::Generated { outputs: 1 });
                step(took * 2.0 + 0.3, Step::Fetched { files: vec![file] });
                step(took * 2.0 + 0.4, Step::Completed);
                step(took * 2.0 + 0.5, Step::Checked(Box::new(checked(number + 31, planned, String::new()))));
            }
            _ => {}
        }
    }
    let reason = (!is_hostile).then_some("the budget is used up".to_owned());
    journal.write(count as f64 * 6.0 + 200.0, &Record::Run(RunEvent::Ended { reason, stop: None }));
    println!("{}", folder.path().display());
}

/// Texts that have broken pages, tables and screens.
const HOSTILE: [&str; 8] = [
    "<script>document.title='broken'</script><img src=x onerror=alert(1)>",
    "\"quoted\" 'twice' `and` \\back\\ </script><!-- {{ braces }} ${dollars}",
    "\u{202E}right to left\u{202C} עברית and العربية\u{200F}",
    "=HYPERLINK(\"https://example.com\",\"click\")",
    "line one\nline two\r\n\ttabbed, and; separated",
    "👩🏽‍🎨🏳️‍🌈 e\u{301}\u{300}\u{302} \u{FEFF}zero\u{200B}width",
    "\u{2028}\u{2029}&amp;&lt;b&gt;%3Cscript%3E javascript:alert(1)",
    "@SUM(1+1)*cmd|' /C calc'!A0",
];

fn job(number: usize, photos: &Path, known: &mut LocalPictures, is_hostile: bool) -> PlannedJob {
    let product = PRODUCTS[number % PRODUCTS.len()];
    let (color, hex) = COLORS[number / PRODUCTS.len() % COLORS.len()];
    let mut prompt = format!("Change the {product}'s color to {hex} ({color}), keep the background");
    let mut columns = vec![
        ("sku".to_owned(), format!("SKU-{:05}", number / COLORS.len())),
        ("collection".to_owned(), ["spring", "summer", "autumn"][number % 3].to_owned()),
    ];
    let mut id = format!("{product}-{color}-{number:05}");
    if is_hostile {
        let text = HOSTILE[number % HOSTILE.len()];
        prompt = if number % 100 == 3 { "long ".repeat(2000) } else { text.to_owned() };
        columns.push((HOSTILE[0].to_owned(), text.to_owned()));
        id = match number {
            1 => "spring-catalog-".repeat(7),
            _ => format!("it's {number} 👩🏽‍🎨 & 'עברית' {{{{x}}}} =1+1"),
        };
    }
    let request = EditRequest {
        model: "flux-2-pro-edit".to_owned(),
        prompt,
        images: vec![if number % 17 == 16 {
            ImageSource::Url(format!("http://photos.example/{product}.jpg?number={number}"))
        } else {
            ImageSource::File(photos.join(format!("{product}.jpg")))
        }],
        size: Some(Size::Medium),
        seed: None,
        switches: Switches::default(),
    };
    let fingerprint = Fingerprint::of(&request, |path| known.look(path).map(|picture| picture.hash)).unwrap();
    let id = JobId::new(&id).unwrap();
    PlannedJob { fingerprint, job: Job { id, request, color: Some(hex), columns, line: number as u64 + 2 } }
}

/// Keeps copies of the pictures at URLs that end with an even digit, as a run with a color check does.
fn keep_copies(request: &EditRequest, photos: &Path, run: &Path) {
    for image in &request.images {
        let ImageSource::Url(url) = image else { continue };
        if url.ends_with(['0', '2', '4', '6', '8']) {
            let product = url.split(['/', '.']).rev().nth(1).unwrap();
            let name = ContentHash::of(url.as_bytes()).to_string();
            fs::create_dir_all(run.join(BEFORE)).unwrap();
            fs::copy(photos.join(format!("{product}.jpg")), run.join(BEFORE).join(format!("{}.jpg", &name[..32])))
                .unwrap();
        }
    }
}

fn checked(number: usize, planned: &PlannedJob, reason: String) -> Checked {
    let asked = planned.job.color.unwrap();
    let tolerance = Tolerance::default();
    let difference = match number % 31 {
        9 => 14.0 + (number % 7) as f64,
        4 | 20 => 4.0 + (number % 4) as f64 / 2.0,
        _ => (number * 13 % 24) as f64 / 10.0,
    };
    let off = (difference * 3.0) as u8;
    let check = match number % 31 {
        30 => Check::unmeasurable(asked, reason),
        _ => Check {
            shown: Some(Hex([asked.0[0].saturating_sub(off), asked.0[1].saturating_add(off / 2), asked.0[2]])),
            delta_e: Some(difference),
            delta_e_plain: Some(difference + 0.4),
            region: Some(0.3),
            background: Some(0.2),
            verdict: tolerance.verdict(difference),
            reason: None,
            ..Check::unmeasurable(asked, "")
        },
    };
    Checked { wanted: vec![asked], tolerance, check, uncorrected: None }
}

/// Results. Some have their own pixels, and the others are hard links to them.
struct Pictures {
    photos: PathBuf,
    folder: PathBuf,
    side: usize,
    made: HashMap<usize, PathBuf>,
}

impl Pictures {
    /// Does what the color lock does with a result: keeps the provider's picture in `originals/`.
    fn correct(&mut self, planned: &PlannedJob, file: &SavedFile) -> SavedFile {
        let originals = self.folder.with_file_name("originals");
        fs::create_dir_all(&originals).unwrap();
        fs::copy(self.folder.join(&file.name), originals.join(&file.name)).unwrap();
        SavedFile { blake3: ContentHash::of(planned.job.id.as_str().as_bytes()), ..file.clone() }
    }

    /// Writes the picture of a re-roll that was not better to `earlier/`.
    fn reroll(&mut self, number: usize, planned: &PlannedJob) -> SavedFile {
        let earlier = self.folder.with_file_name("earlier");
        fs::create_dir_all(&earlier).unwrap();
        let mut file = self.save(number, planned, &format!("{} again", planned.job.id));
        let saved = self.folder.join(&file.name);
        file.name = format!("{}.png", planned.job.id);
        fs::copy(&saved, earlier.join(aside_name(&file))).unwrap();
        fs::remove_file(saved).unwrap();
        file
    }

    fn save(&mut self, number: usize, planned: &PlannedJob, stem: &str) -> SavedFile {
        let name = format!("{stem}.png");
        let path = self.folder.join(&name);
        let _ = fs::remove_file(&path);
        match self.made.get(&(number % DISTINCT)) {
            Some(made) => fs::hard_link(made, &path).unwrap(),
            None => {
                let asked = planned.job.color.unwrap();
                fs::write(&path, self.make(PRODUCTS[number % PRODUCTS.len()], asked)).unwrap();
                self.made.insert(number % DISTINCT, path.clone());
            }
        }
        let bytes = fs::metadata(&path).unwrap().len();
        SavedFile {
            blake3: ContentHash::of(name.as_bytes()),
            name,
            bytes,
            width: self.side as u32,
            height: self.side as u32,
        }
    }

    /// Returns the product's photograph at the requested size, with its colored part tinted.
    fn make(&self, product: &str, hex: Hex) -> Vec<u8> {
        let photo = Photo::decode(&fs::read(self.photos.join(format!("{product}.jpg"))).unwrap()).unwrap();
        let mut picture = photo.resized(self.side as u32).image().to_rgb8();
        for pixel in picture.pixels_mut() {
            let (most, least) = (*pixel.0.iter().max().unwrap(), *pixel.0.iter().min().unwrap());
            let amount = ((f32::from(most - least) - 12.0) / 60.0).clamp(0.0, 1.0);
            for (part, wanted) in pixel.0.iter_mut().zip(hex.0) {
                let tinted = f32::from(wanted) * f32::from(most) / 255.0;
                *part = (f32::from(*part) * (1.0 - amount) + tinted * amount) as u8;
            }
        }
        Photo::from_image(picture.into()).to_png().unwrap()
    }
}

struct Journal {
    file: BufWriter<fs::File>,
    from: Timestamp,
}

impl Journal {
    fn new(folder: &RunFolder) -> Journal {
        let file = BufWriter::new(fs::File::create(folder.journal()).unwrap());
        Journal { file, from: Timestamp::from_second(1_795_000_000).unwrap() }
    }

    fn write(&mut self, second: f64, record: &Record) {
        let at = self.from + SignedDuration::from_millis((second * 1000.0) as i64);
        self.file.write_all(&record.to_line(at).unwrap()).unwrap();
    }
}
