//! Name resolution and the check of addresses before connecting.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;
use crate::server::FetchPolicy;

/// An address that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {kind} ({address}), which this server does not fetch from")]
pub(in crate::server) struct Forbidden {
    host: String,
    address: IpAddr,
    kind: &'static str,
}

/// Resolves names with the system's resolver, and refuses addresses that the policy forbids.
///
/// The client connects to the addresses that were checked, so a name cannot resolve to a public address for the check
/// and to a private one for the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckedResolver {
    policy: FetchPolicy,
}

impl CheckedResolver {
    pub(super) fn new(policy: FetchPolicy) -> CheckedResolver {
        CheckedResolver { policy }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            for address in &found {
                check(&host, address.ip(), policy)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Checks the host of `url` if it is an IP address.
pub(super) fn check_literal(url: &Url, policy: FetchPolicy) -> Result<(), Forbidden> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) => check(bare, address, policy),
        Err(_) => Ok(()),
    }
}

fn check(host: &str, address: IpAddr, policy: FetchPolicy) -> Result<(), Forbidden> {
    match address::refused(address, policy) {
        None => Ok(()),
        Some(kind) => Err(Forbidden { host: host.to_owned(), address, kind }),
    }
}
