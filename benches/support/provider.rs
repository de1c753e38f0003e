//! A provider over HTTP in this process, for benchmarks. It accepts every submit, and has its picture after a while.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The behavior of a provider.
pub(crate) struct Habits {
    /// The width and height of its pictures, in pixels.
    pub(crate) side: u32,
    /// The range of the duration of edits in seconds, uniformly distributed; `None` if they are done at the first poll.
    pub(crate) seconds: Option<Range<f64>>,
    /// The share of polls that are answered with 502, and of downloads that are interrupted.
    pub(crate) faults: f64,
}

/// Writes a manifest of `jobs` jobs.
pub(crate) fn write_manifest(path: &Path, jobs: u32) {
    let row = |row: u32| format!("job-{row},make the mug blue,https://cdn.example.com/{row}.jpg\n");
    let rows: String = std::iter::once("id,prompt,images\n".to_owned()).chain((0..jobs).map(row)).collect();
    std::fs::write(path, rows).unwrap();
}

/// A provider that runs as long as this process.
pub(crate) struct Provider {
    /// Its base URL.
    pub(crate) url: String,
    /// The size of each picture, in bytes.
    pub(crate) picture_bytes: usize,
    answers: Arc<Answers>,
}

/// The statistics of a provider.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// The number of polls that it answered.
    pub(crate) polls: u32,
    /// The duration of each edit, in the order of the submits.
    pub(crate) took: Vec<Duration>,
}

impl Provider {
    pub(crate) fn start(habits: Habits) -> Provider {
        let mut picture = Cursor::new(Vec::new());
        let colors =
            image::RgbImage::from_fn(habits.side, habits.side, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        colors.write_to(&mut picture, image::ImageFormat::Png).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let random = fastrand::Rng::with_seed(7);
        let state = Mutex::new(State { random, done_at: HashMap::new(), seen: Seen::default() });
        let answers = Arc::new(Answers { url: url.clone(), picture: picture.into_inner(), habits, state });
        let (shared, picture_bytes) = (Arc::clone(&answers), answers.picture.len());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            });
        });
        Provider { url, picture_bytes, answers }
    }

    /// Returns the statistics so far.
    pub(crate) fn seen(&self) -> Seen {
        self.answers.state.lock().unwrap().seen.clone()
    }
}

struct Answers {
    url: String,
    picture: Vec<u8>,
    habits: Habits,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    done_at: HashMap<usize, Instant>,
    seen: Seen,
}

impl Answers {
    /// Returns the response to a request; `None` if the connection is closed instead.
    fn to(&self, head: &str) -> Option<Vec<u8>> {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        let fails = self.habits.faults > 0.0 && state.random.f64() < self.habits.faults;
        if path.starts_with("/pictures/") {
            return (!fails).then(|| answer("200 OK", "image/png", &self.picture));
        }
        let body = match path.strip_prefix("/api/v1/predictions/p-") {
            Some(_) if fails => {
                state.seen.polls += 1;
                return Some(answer("502 Bad Gateway", "text/plain", b"no answer from upstream"));
            }
            Some(number) => {
                state.seen.polls += 1;
                let is_done = state.done_at.get(&number.parse().unwrap()).is_none_or(|done| *done <= Instant::now());
                let (status, outputs) = match is_done {
                    true => ("completed", format!(r#"["{}/pictures/{number}.png"]"#, self.url)),
                    false => ("processing", "null".to_owned()),
                };
                format!(r#"{{"id":"p-{number}","status":"{status}","outputs":{outputs},"error":null,"costCents":7}}"#)
            }
            None => {
                let number = state.seen.took.len();
                let share = state.random.f64();
                let seconds = self.habits.seconds.clone().unwrap_or_default();
                let took = Duration::from_secs_f64(seconds.start + (seconds.end - seconds.start) * share);
                state.seen.took.push(took);
                state.done_at.insert(number, Instant::now() + took);
                format!(r#"{{"id":"p-{number}","status":"processing","outputs":null,"error":null,"costCents":7}}"#)
            }
        };
        Some(answer("200 OK", "application/json", body.as_bytes()))
    }
}

fn answer(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Answers the requests of a connection sequentially.
async fn serve(mut stream: TcpStream, answers: Arc<Answers>) {
    let (mut read, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0_usize);
            if read.len() >= whole {
                read.drain(..whole);
                let Some(answer) = answers.to(&head) else { return };
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
                continue;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(bytes @ 1..) => read.extend_from_slice(&buffer[..bytes]),
            _ => return,
        }
    }
}
