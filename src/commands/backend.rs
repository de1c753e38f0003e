//! The backend: the provider, or an embedded server in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use secrecy::SecretString;

use crate::api::BaseUrl;
use crate::api::client::Client;
use crate::editor::Recolorer;
use crate::outputs::{DownloadLimits, Downloader, Results};
use crate::run_folder::RunFolder;
use crate::secrets::{FoundSecret, Secret};
use crate::server::{FetchPolicy, Server, ServerConfig};
use crate::verify::{BeforePictures, ColorChecker, FetchLimits, Verifier};

use super::Failure;

/// An API that is ready for requests, with the store and the verifier for its results.
pub(super) struct ApiSetup {
    pub(super) api: Arc<Client>,
    pub(super) results: Arc<Results>,
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) server: Option<Server>,
}

/// Returns the provider's key, with notices about where it was found.
pub(super) fn key() -> Result<FoundSecret, Failure> {
    Secret::API_KEY.find(|name| std::env::var_os(name))?.ok_or(Failure::NoKey)
}

/// Returns the provider's API at `base`.
pub(super) fn provider(base: BaseUrl, key: &SecretString, folder: &RunFolder) -> Result<ApiSetup, Failure> {
    let downloader = Downloader::new(base.is_loopback(), DownloadLimits::default())?;
    let results = Arc::new(Results::open(folder.path(), downloader)?);
    let before = BeforePictures::new(folder.path(), FetchLimits::default())?;
    let verifier = Arc::new(ColorChecker::new(folder.path(), before));
    Ok(ApiSetup { api: Arc::new(Client::new(base, key, folder.path())?), results, verifier, server: None })
}

/// Starts a server in this process, on a free loopback port, with a random key.
pub(super) async fn embedded(folder: &RunFolder) -> Result<ApiSetup, Failure> {
    let key = SecretString::from(uuid::Uuid::new_v4().simple().to_string());
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = ServerConfig::new(listen, folder.embedded(), key.clone());
    config.fetch = FetchPolicy::PublicAndLoopback;
    let server = Server::start(config, Arc::new(Recolorer)).await?;
    let base = BaseUrl::parse(&server.url()).map_err(Failure::ServerUrl)?;
    Ok(ApiSetup { server: Some(server), ..provider(base, &key, folder)? })
}
