//! Peers that say where requests come from and are not believed.
//!
//! The rule easiest to break: behind a proxy that is not trusted everybody is one client, and limited as one; the operator is told once per
//! peer, not once per request.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

/// Peers that are remembered; whoever comes after them is not told of.
const MOST: usize = 1024;

/// Which peers were told of.
#[derive(Debug, Default)]
pub struct Unbelieved(Mutex<HashSet<IpAddr>>);

impl Unbelieved {
    /// Tells the operator of a peer whose word does not count.
    pub(crate) fn tell(&self, peer: IpAddr, headers: &HeaderMap) {
        let names = [("x-forwarded-for", "X-Forwarded-For"), ("forwarded", "Forwarded"), ("x-forwarded-proto", "X-Forwarded-Proto")];
        let Some((_, header)) = names.iter().find(|(name, _)| headers.contains_key(*name)) else { return };
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST || !told.insert(peer) {
            return;
        }
        drop(told);
        tracing::warn!(
            client.peer = %peer,
            "{header} from {peer} is not believed; [proxies] trusted in vestibule.toml names the proxies whose word counts, and whoever comes \
             through another is one client"
        );
    }
}
