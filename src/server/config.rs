use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::job::{MAX_IMAGE_BYTES, MAX_IMAGES};

use super::chaos::ChaosPlan;

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// The folder of the log, the requests and the outputs. It is created if it does not exist. Only one server can
    /// use it.
    pub data: PathBuf,
    /// The key that clients must send.
    pub api_key: SecretString,
    /// The number of predictions that are worked on at the same time.
    pub workers: NonZeroUsize,
    /// The addresses that images may be fetched from.
    pub fetch: FetchPolicy,
    /// Limits of sizes, counts and times.
    pub limits: ServerLimits,
    /// The deliberate failures, if any.
    pub chaos: Option<ChaosPlan>,
}

/// The addresses that the server may fetch images from. The policy keeps clients from reaching, through the server,
/// addresses that only its machine can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchPolicy {
    /// Public addresses only.
    #[default]
    Public,
    /// Public addresses and this machine's loopback addresses, for a server inside a run.
    PublicAndLoopback,
    /// Any address, including private and link-local networks.
    Anywhere,
}

/// Limits that keep a client from exhausting the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// The maximum size of the body of a submit, in bytes.
    pub body_bytes: usize,
    /// The maximum number of images of a submit.
    pub images: usize,
    /// The maximum size of an encoded image, in bytes.
    pub image_bytes: usize,
    /// The maximum size of an image, in pixels.
    pub image_pixels: u64,
    /// The maximum size of an encoded output, in bytes.
    pub output_bytes: usize,
    /// The maximum length of a prompt, in bytes.
    pub prompt_bytes: usize,
    /// The maximum number of unfinished predictions. Further submits are answered with 429.
    pub queued: usize,
    /// The maximum number of open connections. Further ones wait to be accepted.
    pub connections: usize,
    /// The time limit for receiving the head of a request, and for idling between requests.
    pub head_time: Duration,
    /// The time limit for receiving the body of a request.
    pub body_time: Duration,
    /// The time limit for a client that reads nothing of a response.
    pub write_time: Duration,
    /// The time limit for fetching one image.
    pub fetch_time: Duration,
    /// The maximum time that a submit in sync mode waits before it answers `processing`.
    pub sync_time: Duration,
    /// The maximum time that a shutdown waits for open requests and edits.
    pub stop_time: Duration,
}

impl ServerConfig {
    /// Returns a configuration with one worker per core, which fetches from public addresses only.
    pub fn new(listen: SocketAddr, data: PathBuf, api_key: SecretString) -> ServerConfig {
        ServerConfig {
            listen,
            data,
            api_key,
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            fetch: FetchPolicy::default(),
            limits: ServerLimits::default(),
            chaos: None,
        }
    }
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        ServerLimits {
            body_bytes: 64 << 20,
            images: MAX_IMAGES,
            image_bytes: MAX_IMAGE_BYTES as usize,
            image_pixels: 50_000_000,
            output_bytes: 64 << 20,
            prompt_bytes: 32 << 10,
            queued: 10_000,
            connections: 512,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(120),
            write_time: Duration::from_secs(30),
            fetch_time: Duration::from_secs(60),
            sync_time: Duration::from_secs(600),
            stop_time: Duration::from_secs(8),
        }
    }
}
