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
    believing(builder(&Proxies::of_environment())).build()
}

/// The same with another limit of time for a call.
///
/// # Errors
/// When no TLS set-up is possible.
pub(crate) fn client_within(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    believing(builder(&Proxies::of_environment())).timeout(timeout).build()
}

/// A client for addresses that others than the operator name: no name leads it to an address of this machine or its network.
///
/// # Errors
/// When no TLS set-up is possible.
pub(super) fn outside_client() -> Result<reqwest::Client, reqwest::Error> {
    let proxies = Proxies::of_environment();
    // The environment is the operator's too: a proxy that it names is reached wherever it is.
    let resolver = Arc::new(Outside { proxies: proxies.hosts() });
    believing(builder(&proxies).dns_resolver(resolver)).build()
}

/// A client that asks by TLS alone, and believes whom these certificates have signed; none for whom this machine believes.
///
/// # Errors
/// When no TLS set-up is possible.
pub(super) fn client_believing(certificates: Option<Vec<reqwest::Certificate>>) -> Result<reqwest::Client, reqwest::Error> {
    let builder = builder(&Proxies::of_environment()).https_only(true);
    match certificates {
        Some(certificates) => builder.tls_certs_only(certificates).build(),
        None => believing(builder).build(),
    }
}

/// What believes whom this machine believes; where the machine says nothing of that, whom the linked list names.
fn believing(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    match authorities::linked() {
        Some(linked) => builder.tls_certs_only(linked.iter().filter_map(|one| reqwest::Certificate::from_der(one).ok())),
        None => builder,
    }
}

fn builder(proxies: &Proxies) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).no_proxy();
    let past = || reqwest::NoProxy::from_string(&proxies.past);
    let http = proxies.http.as_deref().and_then(|url| reqwest::Proxy::http(url).ok());
    let https = proxies.https.as_deref().and_then(|url| reqwest::Proxy::https(url).ok());
    [http, https].into_iter().flatten().fold(builder, |builder, proxy| builder.proxy(proxy.no_proxy(past())))
}

/// What is asked without a proxy wherever it is: this machine. A proxy elsewhere would be given in clear what never leaves it.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1,::ffff:127.0.0.0/104";

/// The proxies that the environment names, by the scheme of what is asked.
struct Proxies {
    http: Option<String>,
    https: Option<String>,
    /// What is asked without one.
    past: String,
}

impl Proxies {
    fn of_environment() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(&variable).filter(|value| !value.is_empty());
        // One without a scheme is asked over HTTP, as by curl.
        let whole = |proxy: String| if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
        let proxy = |names: [&str; 2]| first(names).or_else(|| first(["ALL_PROXY", "all_proxy"])).map(whole);
        Self {
            http: proxy(["HTTP_PROXY", "http_proxy"]),
            https: proxy(["HTTPS_PROXY", "https_proxy"]),
            past: format!("{THIS_MACHINE},{}", first(["NO_PROXY", "no_proxy"]).unwrap_or_default()),
        }
    }

    fn hosts(&self) -> Vec<String> {
        let host = |proxy: &String| reqwest::Url::parse(proxy).ok()?.host_str().map(str::to_owned);
        [&self.http, &self.https].into_iter().flatten().filter_map(host).collect()
    }
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
pub(super) async fn bytes(answer: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    within(answer, limit).await?.ok_or_else(|| "its answer is too long".to_owned())
}

/// An answer; nothing where it has more than `limit` bytes.
///
/// # Errors
/// Why it cannot be read, for the log.
pub(crate) async fn within(mut answer: reqwest::Response, limit: usize) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// What went wrong, without the address.
pub(crate) fn failure(error: reqwest::Error) -> String {
    error.without_url().to_string()
}

/// What went wrong and why, without the address.
pub(super) fn reasons(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_this_machine_is_asked_goes_through_no_proxy() {
        let named = |proxy: &str| Proxies::of(|name| (name == "all_proxy").then(|| proxy.to_owned()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = builder(&named(&format!("http://{}", proxy.local_addr().unwrap()))).build().unwrap();
        for (listener, address) in [
            (&listener, format!("http://127.0.0.1:{port}/")),
            (&listener, format!("http://localhost:{port}/")),
            (&listener, format!("http://[::ffff:127.0.0.1]:{port}/")),
            (&proxy, "http://provider.example/".to_owned()),
        ] {
            let client = client.clone();
            let asked = tokio::spawn(async move { client.get(&address).send().await.is_ok() });
            let reached = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
            assert!(reached.is_ok_and(|reached| reached.is_ok()), "it went to the other one");
            asked.abort();
        }
    }

    #[test]
    fn a_proxy_is_known_by_its_host_with_and_without_a_scheme() {
        let of =
            |pairs: &[(&str, &str)]| Proxies::of(|name| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()));
        let proxies = of(&[("HTTPS_PROXY", "proxy.corp:3128"), ("http_proxy", "http://user:pass@other.corp"), ("NO_PROXY", "a.example")]);
        assert_eq!(proxies.https.as_deref(), Some("http://proxy.corp:3128"));
        assert_eq!(proxies.hosts(), ["other.corp", "proxy.corp"]);
        assert!(proxies.past.ends_with(",a.example"));
        assert_eq!(of(&[("HTTP_PROXY", "")]).hosts(), Vec::<String>::new());
    }

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
