//! Measures how fast a manifest of a million rows is checked, the memory that takes, and how soon a run of it submits.
//!
//! `cargo bench --bench checking` writes a catalog of `DYEHOUSE_ROWS` rows (1,000,000 by default) and runs the program
//! on it. The reference is the csv crate alone, which reads the same file into owned records right before, on the same
//! machine: compare ratios, not seconds. Memory is the peak of the process as reported by Linux.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The number of rounds of each measurement. The best one counts, because other load on the machine only makes it
/// slower.
const ROUNDS: usize = 3;

fn main() {
    let rows: usize = std::env::var("DYEHOUSE_ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("catalog.csv");
    write(&manifest, rows);
    let bytes = manifest.metadata().unwrap().len();
    println!("{rows} rows, {} MB", bytes / 1_000_000);
    let (mut alone, mut check, mut peak) = (Duration::MAX, Duration::MAX, 0);
    for _round in 0..ROUNDS {
        alone = alone.min(csv_alone(&manifest, rows));
        let (time, memory) = checked(&manifest);
        (check, peak) = (check.min(time), memory.max(peak));
    }
    println!("csv crate into owned records   {:>7.2} s", alone.as_secs_f64());
    println!(
        "dyehouse check                 {:>7.2} s   {:.2} times",
        check.as_secs_f64(),
        check.div_duration_f64(alone)
    );
    let over = peak.saturating_sub(16 * rows as u64);
    println!("peak memory                    {:>7} MiB  {} MiB over 16 bytes an id", peak >> 20, over >> 20);
    run(&manifest);
}

fn write(path: &Path, rows: usize) {
    const PRODUCTS: [&str; 6] = ["mug", "chair", "lamp", "suitcase", "t-shirt", "bottle"];
    const COLORS: [(&str, &str); 4] =
        [("#1E90FF", "ocean"), ("#B22222", "brick"), ("#2E7D4F", "forest"), ("#F5C518", "sun")];
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "id,prompt,images,size,seed,color,sku").unwrap();
    let mut line = String::new();
    for row in 0..rows {
        let (product, (hex, name)) = (PRODUCTS[row % PRODUCTS.len()], COLORS[row % COLORS.len()]);
        let seed = row % 10_000;
        line.clear();
        write!(line, "{product}-{row:07},\"Change the {product}'s color to {hex} ({name}), keep the background\",")
            .unwrap();
        writeln!(line, "https://cdn.example.com/catalog/{product}/{row:07}.jpg?v=17,medium,{seed},{hex},SKU-{row}")
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn csv_alone(path: &Path, rows: usize) -> Duration {
    let started = Instant::now();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let mut read = 0;
    for record in reader.records() {
        std::hint::black_box(record.unwrap());
        read += 1;
    }
    assert_eq!(read, rows);
    started.elapsed()
}

fn checked(manifest: &Path) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = dyehouse(&["check", manifest.to_str().unwrap(), "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = memory(&child, "VmHWM:").max(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = started.elapsed();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(printed.contains("\"errors\": []"), "{printed}");
    (time, peak)
}

/// Runs the manifest against an API that accepts every job and finishes none.
fn run(manifest: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, submits) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(stream.unwrap(), &sender));
        }
    });
    let out = manifest.with_file_name("out");
    let options = ["--base-url", &url, "--rate", "10/s", "--in-flight", "100", "--progress", "none"];
    let mut command = dyehouse(&["run", manifest.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    let command = command.args(options).env("VIBEDREAM_API_KEY", "key").stdout(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    // The plan gets its name after every row was checked.
    while !out.join("plan.jsonl").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its plan was written");
        std::thread::sleep(Duration::from_millis(5));
    }
    let planned = Instant::now();
    submits.recv().unwrap();
    println!("run: checked and planned       {:>7.2} s", planned.duration_since(started).as_secs_f64());
    println!("run: first submit after that   {:>7.2} s", planned.elapsed().as_secs_f64());
    for second in [0, 5, 10] {
        println!("run: memory after {second:>2} s          {:>7} MiB", memory(&child, "VmRSS:") >> 20);
        std::thread::sleep(Duration::from_secs(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Answers the requests of a connection.
fn serve(stream: std::net::TcpStream, submits: &mpsc::Sender<()>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut next = 0;
    loop {
        let (mut length, mut first) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        next += 1;
        if first.starts_with("POST") {
            let _ = submits.send(());
        }
        let id = format!("{:?}-{next}", std::thread::current().id()).replace(['(', ')'], "-");
        let body =
            format!("{{\"id\":\"{id}\",\"status\":\"processing\",\"costCents\":7,\"outputs\":null,\"error\":null}}");
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn dyehouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyehouse"));
    command.args(arguments).env("NO_PROXY", "*").stderr(Stdio::null());
    command
}

/// Returns a value of a process's memory as reported by Linux, in bytes; 0 if it is not available.
fn memory(child: &Child, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|text| text.strip_prefix(line)).and_then(|rest| rest.split_whitespace().next());
    kilobytes.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10
}
