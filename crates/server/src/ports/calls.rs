//! Calls to other systems over HTTP: one way to connect, one way to read an answer.
//!
//! Easiest to break: the address that is asked is the one the operator named. So redirects are not followed, no answer is read past its
//! limit (SEC-52), and no error repeats the address, which may hold a secret.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::de::DeserializeOwned;

/// How long a call may take, the reading of its answer included, where the request sets no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client with a connection pool of its own.
///
/// # Errors
/// When no TLS set-up is possible.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    builder().build()
}

/// A client for addresses that others than the operator name: no name leads it to an address of this machine or its network.
///
/// # Errors
/// When no TLS set-up is possible.
pub(super) fn outside_client() -> Result<reqwest::Client, reqwest::Error> {
    // The environment is the operator's too: a proxy that it names is reached wherever it is.
    let proxies = PROXIES.iter().filter_map(|name| reqwest::Url::parse(&std::env::var(name).ok()?).ok()?.host_str().map(str::to_owned));
    builder().dns_resolver(Arc::new(Outside { proxies: proxies.collect() })).build()
}

/// What the HTTP client takes a proxy from.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none())
}

/// Resolves names to public addresses. What a name leads to is judged at the moment of connecting, so that it cannot be another one by then.
struct Outside {
    proxies: Vec<String>,
}

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_proxy || !social::is_inside(found.ip())).collect();
            if public.is_empty() {
                return Err("the name leads into this machine or its network, and the provider's file does not name that host".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The JSON of an answer of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be used, for the log.
pub(super) async fn json<T: DeserializeOwned>(answer: reqwest::Response, limit: usize) -> Result<T, String> {
    serde_json::from_slice(&bytes(answer, limit).await?).map_err(|error| format!("its answer is no JSON: {error}"))
}

/// An answer of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be used, for the log.
pub(super) async fn bytes(mut answer: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if bytes.len() + chunk.len() > limit {
            return Err("its answer is too long".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What went wrong, without the address.
pub(super) fn failure(error: reqwest::Error) -> String {
    error.without_url().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_into_the_house_is_not_followed_for_others() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let refused = outside_client().unwrap().get(&address).send().await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        assert!(format!("{refused:?}").contains("leads into this machine"), "{refused:?}");
        let through = Outside { proxies: vec!["localhost".to_owned()] };
        assert!(
            through.resolve("LocalHost".parse().unwrap()).await.is_ok_and(|mut found| found.next().is_some()),
            "a proxy of the operator's"
        );
        let connected = tokio::spawn(async move { listener.accept().await.is_ok() });
        // The operator's own addresses are reached: this one hangs up at once.
        let own = client().unwrap().get(&address).timeout(Duration::from_millis(500)).send().await.unwrap_err();
        assert!(!format!("{own:?}").contains("leads into this machine"), "{own:?}");
        assert!(connected.await.unwrap());
    }
}
