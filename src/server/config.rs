use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::job::MAX_IMAGES;

use super::chaos::ChaosPlan;

/// How a server runs.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder of the ledger, the requests and the outputs; made if it is missing. One server a folder.
    pub data: PathBuf,
    /// The key that clients must send.
    pub api_key: SecretString,
    /// How many predictions are worked on at once.
    pub workers: NonZeroUsize,
    /// Where images may be fetched from.
    pub fetch: FetchPolicy,
    /// Caps on sizes, counts and times.
    pub limits: ServerLimits,
    /// How often it fails on purpose.
    pub chaos: Option<ChaosPlan>,
}

/// Where the server may fetch images from: a client must not reach through it what only its machine can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchPolicy {
    /// From public addresses alone.
    #[default]
    Public,
    /// From public addresses and this machine's loopback: for a server inside a run.
    PublicAndLoopback,
    /// From anywhere, private and link-local networks too.
    Anywhere,
}

/// Caps that keep one client from using the machine up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// The largest body of a submit, in bytes.
    pub body_bytes: usize,
    /// The most images of a submit.
    pub images: usize,
    /// The largest image, in encoded bytes.
    pub image_bytes: usize,
    /// The largest image, in pixels.
    pub image_pixels: u64,
    /// The largest output, in encoded bytes.
    pub output_bytes: usize,
    /// The longest prompt, in bytes.
    pub prompt_bytes: usize,
    /// The most predictions that wait or are in work; a submit beyond is answered with 429.
    pub queued: usize,
    /// The most connections at once; further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take over a request's head, and stay idle between requests.
    pub head_time: Duration,
    /// How long a client may take over a request's body.
    pub body_time: Duration,
    /// How long a client may take nothing of an answer.
    pub write_time: Duration,
    /// How long fetching one image may take.
    pub fetch_time: Duration,
    /// How long a submit in sync mode waits before it answers `processing`.
    pub sync_time: Duration,
    /// How long a shutdown waits for requests and edits in work.
    pub stop_time: Duration,
}

impl ServerConfig {
    /// A server with a worker for every core that fetches from public addresses alone.
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
            image_bytes: 20 << 20,
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
