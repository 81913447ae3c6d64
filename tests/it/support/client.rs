//! A client of the REST API, and what the stock pages do with a link from a mail.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::{Request, Response};

/// Sends requests with the same headers to the same server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }
    }

    /// The same client with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same client without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        self
    }

    /// A request with the client's headers. A path without a leading slash is one below `/openidm/`.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/openidm/{path}") };
        self.headers.iter().fold(Request::new(method, &target), |request, (name, value)| request.header(name, value))
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path).send(self.address)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path).json(body).send(self.address)
    }

    /// A POST without a body, as the stock pages send `login` and `logout`.
    pub(crate) fn post_empty(&self, path: &str) -> Response {
        self.request("POST", path).send(self.address)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Response {
        self.request("PUT", path).json(body).send(self.address)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Response {
        self.request("PATCH", path).json(body).send(self.address)
    }

    pub(crate) fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path).send(self.address)
    }

    /// One submission to a process, with the token of the answer before.
    pub(crate) fn submit(&self, process: &str, token: Option<&str>, input: &Value) -> Response {
        let body = match token {
            Some(token) => json!({ "token": token, "input": input }),
            None => json!({ "input": input }),
        };
        self.post(&format!("selfservice/{process}?_action=submitRequirements"), &body)
    }

    /// A submission that goes on: the answer's body and its token.
    #[track_caller]
    pub(crate) fn goes_on(&self, process: &str, token: Option<&str>, input: &Value) -> (Value, String) {
        let body = self.submit(process, token, input).ok();
        let token = body["token"].as_str().unwrap_or_else(|| panic!("no token in {body}")).to_owned();
        (body, token)
    }

    /// Signs in by header and keeps the session's cookie: a client with nothing but the cookie.
    #[track_caller]
    pub(crate) fn session(&self, name: &str, password: &str) -> Self {
        let signed_in = Self::new(self.address).with("X-OpenIDM-Username", name).with("X-OpenIDM-Password", password);
        let answer = signed_in.post_empty("authentication?_action=login").expect(200);
        Self::new(self.address).with("Cookie", &cookie(&answer).expect("signing in sets no session cookie"))
    }
}

/// The session cookie that an answer sets, as a request sends it back.
pub(crate) fn cookie(answer: &Response) -> Option<String> {
    let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str());
    set.filter_map(|value| value.split(';').next()).find(|pair| pair.starts_with("session-jwt=")).map(str::to_owned)
}

/// What stands in a mailed link, found as the stock pages find it: everything after the last slash is one parameter, its first character is
/// dropped, and `&` and `=` are taken as separators without decoding anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) code: String,
}

impl Link {
    /// The link in a mail's text.
    #[track_caller]
    pub(crate) fn in_text(text: &str) -> Self {
        let start = text.find("http").unwrap_or_else(|| panic!("no link in {text}"));
        let url: String = text[start..].chars().take_while(|c| !c.is_whitespace() && !"\"'<>".contains(*c)).collect();
        // In HTML an ampersand may be written as an entity; the browser undoes that.
        let url = url.replace("&amp;", "&");
        let parameter = url.rsplit('/').next().unwrap_or_default();
        let pairs: Vec<(&str, &str)> = parameter.get(1..).unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let (token, code) = (value("token"), value("code"));
        let (Some(token), Some(code)) = (token, code) else { panic!("the stock pages find no token and code in {url}") };
        for part in [&token, &code] {
            assert!(!part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "not fit for a link: {part}");
        }
        Self { url, token, code }
    }

    /// What the stock pages submit when the link is opened.
    pub(crate) fn input(&self) -> Value {
        json!({ "token": self.token, "code": self.code })
    }
}
