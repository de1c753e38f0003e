//! The minimal work of a client with a journal, as a lower bound: requests over persistent connections, a durable
//! journal line before each submit, and pictures that are synced and renamed in a synced folder. It does nothing else:
//! answers are hardly parsed, nothing is checked, and there is no pacing.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::spawn_blocking;

/// The maximum number of concurrent downloads, which is the default of a run.
const DOWNLOADS: usize = 8;

/// Processes `jobs` jobs against the server at `url`, with `in_flight` at the same time.
pub(crate) fn carry(jobs: u32, in_flight: u32, out: &Path, url: &str) {
    let host: Arc<str> = url.trim_start_matches("http://").into();
    let out: Arc<Path> = out.into();
    fs::create_dir_all(&out).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let journal = File::create(out.join("journal.jsonl")).unwrap();
        let intents = together(move |lines: &[u32]| {
            let lines: String = lines.iter().map(|job| format!("{{\"job\":\"job-{job}\"}}\n")).collect();
            (&journal).write_all(lines.as_bytes()).unwrap();
            journal.sync_data().unwrap();
        });
        let folder = Arc::clone(&out);
        let names = together(move |jobs: &[u32]| {
            let path = |job: &u32, extension| folder.join(format!("job-{job}.{extension}"));
            jobs.iter().for_each(|job| fs::rename(path(job, "part"), path(job, "png")).unwrap());
            File::open(&folder).unwrap().sync_all().unwrap();
        });
        let (next, downloads) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(DOWNLOADS)));
        let workers = (0..in_flight).map(|_| {
            let (out, host, intents, names) = (Arc::clone(&out), Arc::clone(&host), intents.clone(), names.clone());
            let (next, downloads) = (Arc::clone(&next), Arc::clone(&downloads));
            tokio::spawn(async move {
                let mut connection = Connection::open(&host).await;
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    done(&intents, job).await;
                    let picture = connection.picture_of(job, &downloads).await;
                    let part = out.join(format!("job-{job}.part"));
                    let written = spawn_blocking(move || {
                        let mut file = File::create(part)?;
                        file.write_all(&picture)?;
                        file.sync_all()
                    });
                    written.await.unwrap().unwrap();
                    done(&names, job).await;
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    });
}

type Item = (u32, oneshot::Sender<()>);

/// Returns a sender of items that `work` processes in batches: each has all items that have arrived since the last one.
fn together(work: impl Fn(&[u32]) + Send + Sync + 'static) -> mpsc::UnboundedSender<Item> {
    let (sender, mut items) = mpsc::unbounded_channel();
    let work = Arc::new(work);
    tokio::spawn(async move {
        let mut batch: Vec<Item> = Vec::new();
        while items.recv_many(&mut batch, usize::MAX).await > 0 {
            let (jobs, answers): (Vec<u32>, Vec<_>) = batch.drain(..).unzip();
            let work = Arc::clone(&work);
            spawn_blocking(move || work(&jobs)).await.unwrap();
            answers.into_iter().for_each(|answer: oneshot::Sender<()>| answer.send(()).unwrap());
        }
    });
    sender
}

async fn done(worker: &mpsc::UnboundedSender<Item>, job: u32) {
    let (answer, answered) = oneshot::channel();
    worker.send((job, answer)).unwrap();
    answered.await.unwrap();
}

struct Connection<'h> {
    host: &'h str,
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection<'_> {
    async fn open(host: &str) -> Connection<'_> {
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { host, stream, read: Vec::new() }
    }

    /// Sends a submit and a poll, which finds the edit done, and returns the picture.
    async fn picture_of(&mut self, job: u32, downloads: &Semaphore) -> Vec<u8> {
        let body = format!(r#"{{"prompt":"make the mug blue","images":["https://cdn.example.com/{job}.jpg"]}}"#);
        let length = body.len();
        let head = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
        let submitted = self.answer("POST /api/v1/models/flux-2-pro-edit/generate", &head, &body).await;
        let id = between(&submitted, r#""id":""#);
        let polled = self.answer(&format!("GET /api/v1/predictions/{id}"), "", "").await;
        let output = between(&polled, r#""outputs":["http://"#);
        let path = output[self.host.len()..].to_owned();
        let _slot = downloads.acquire().await.unwrap();
        self.answer(&format!("GET {path}"), "", "").await
    }

    /// Sends a request, and returns the body of the response.
    async fn answer(&mut self, line: &str, head: &str, body: &str) -> Vec<u8> {
        let host = self.host;
        let request = format!("{line} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer key\r\n{head}\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.read.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0, "the server hung up");
            let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let length: usize = between(&self.read[..end + 2], "content-length: ").parse().unwrap();
            if self.read.len() == end + 4 + length {
                return self.read.split_off(end + 4);
            }
        }
    }
}

/// Returns the text after `before`, up to the next quote or the end of the line.
fn between<'t>(text: &'t [u8], before: &str) -> &'t str {
    let text = std::str::from_utf8(text).unwrap();
    let behind = &text[text.find(before).unwrap() + before.len()..];
    &behind[..behind.find(['"', '\r']).unwrap()]
}
