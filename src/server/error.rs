use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::store::StoreError;
use crate::http::with_causes;

/// The reason why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The API key is empty.
    #[error("start a server with an empty API key")]
    EmptyKey,
    /// The address is in use, is not an address of this machine, or is not permitted.
    #[error("listen on {address}: {cause}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        cause: io::Error,
    },
    /// Another server uses the data folder.
    #[error("use the data folder {}: {holder} is using it", path.display())]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The other server's process, if known.
        holder: String,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client that fetches images could not be set up.
    #[error("set up the client that fetches images: {}", with_causes(.0))]
    Client(reqwest::Error),
}

impl ServerError {
    pub(super) fn listen(address: SocketAddr, cause: io::Error) -> ServerError {
        ServerError::Listen { address, cause }
    }

    /// Returns a hint for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            ServerError::EmptyKey => Some("set VIBEDREAM_API_KEY or give --api-key; any text will do".to_owned()),
            ServerError::Listen { address, cause } => Some(match cause.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "another program listens on port {}: stop it, or use another port with --listen",
                    address.port()
                ),
                io::ErrorKind::PermissionDenied => "use a port of 1024 or more with --listen".to_owned(),
                _ => "give one of this machine's addresses with --listen, such as 127.0.0.1:8787".to_owned(),
            }),
            ServerError::Locked { .. } => {
                Some("stop the other server, or give this one its own folder with --data".to_owned())
            }
            ServerError::Store(error) => error.hint(),
            ServerError::Client(_) => None,
        }
    }
}
