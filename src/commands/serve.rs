use std::sync::Arc;

use secrecy::SecretString;

use crate::cli::{FetchFrom, Serve};
use crate::editor::Recolorer;
use crate::exit::Exit;
use crate::progress::Screen;
use crate::server::chaos::ChaosPlan;
use crate::server::{FetchPolicy, Server, ServerConfig};

use super::interrupt::Interruption;
use super::{Failure, backend};

/// Serves until Ctrl-C or SIGTERM.
pub(super) fn serve(arguments: &Serve, screen: &Screen) -> Result<Exit, Failure> {
    let key = match &arguments.api_key {
        Some(key) => SecretString::from(key.as_str()),
        None => match backend::key() {
            // The server reports a missing key itself.
            Err(Failure::NoKey) => SecretString::default(),
            found => found?.value,
        },
    };
    let mut config = ServerConfig::new(arguments.listen, arguments.data.clone(), key);
    config.fetch = match arguments.fetch_from {
        FetchFrom::Public => FetchPolicy::Public,
        FetchFrom::Loopback => FetchPolicy::PublicAndLoopback,
        FetchFrom::Anywhere => FetchPolicy::Anywhere,
    };
    if let Some(path) = &arguments.chaos {
        config.chaos = Some(ChaosPlan::read(path)?);
    }
    if let Some(workers) = arguments.workers {
        config.workers = workers;
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|cause| Failure::Start { cause })?;
    let interruption = Interruption::default();
    interruption.listen()?;
    runtime.block_on(async {
        let server = Server::start(config, Arc::new(Recolorer)).await?;
        let manner = if arguments.chaos.is_some() { ", with chaos" } else { "" };
        screen.say(&format!("serving the API at {}{manner} (Ctrl-C ends it)", server.url()));
        interruption.stop.stopped().await;
        screen.say("stopping: waiting for open edits");
        server.shutdown().await;
        Ok(Exit::Complete)
    })
}
