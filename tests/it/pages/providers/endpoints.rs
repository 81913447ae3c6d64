//! Endpoints of a provider that do not answer, answer for ever, too much or with another address: at every door a documented answer in bounded time, and
//! nothing is asked that the file does not name.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{PUBLIC, away, back, ours, project};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::{Server, Visitor};

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It takes the question, and says nothing.
    Hangs,
    /// It says a byte, and another one after a while, and so on.
    Drips,
    /// It says more than is read.
    Floods,
    /// It says where else to ask.
    Redirects,
    /// Each answer is good, and they come so late that all of them together come too late.
    Dawdles,
}

const ALL: [Does; 4] = [Does::Hangs, Does::Drips, Does::Floods, Does::Redirects];

/// A listener that does so. `elsewhere` is where it redirects to; `behind` answers for one that dawdles.
struct Endpoint {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    /// Those that wait wait for this.
    end: Arc<End>,
}

/// Whether the test is over.
#[derive(Default)]
struct End(Mutex<bool>, Condvar);

impl End {
    /// Waits for it, for so long at most; whether the test goes on.
    fn is_far(&self, milliseconds: u64) -> bool {
        let over = self.0.lock().unwrap();
        !*self.1.wait_timeout_while(over, Duration::from_millis(milliseconds), |over| !*over).unwrap().0
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        *self.end.0.lock().unwrap() = true;
        self.end.1.notify_all();
    }
}

impl Endpoint {
    fn start(does: Does, elsewhere: SocketAddr, behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let end = Arc::new(End::default());
        let waits = Arc::clone(&end);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                let waits = Arc::clone(&waits);
                thread::spawn(move || answer(does, stream, &waits, elsewhere, behind));
            }
        });
        Self { address, asked, end }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The head and the body of a request.
fn read(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let from = request.len();
        if reader.read_line(&mut request).ok()? <= 2 {
            break;
        }
        let line = request[from..].to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(request + &String::from_utf8_lossy(&body))
}

fn answer(does: Does, mut stream: TcpStream, end: &End, elsewhere: SocketAddr, behind: SocketAddr) {
    let Some(request) = read(&stream) else { return };
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n");
    match does {
        Does::Hangs => while end.is_far(1000) {},
        Does::Drips => {
            let _ = stream.write_all(head("200 OK", "Content-Length: 100000\r\n").as_bytes());
            while stream.write_all(b" ").is_ok() && end.is_far(100) {}
        }
        Does::Floods => {
            let body = format!("{{\"x\":\"{}\"}}", "x".repeat(300 * 1024));
            let _ = stream.write_all(head("200 OK", &format!("Content-Length: {}\r\n", body.len())).as_bytes());
            let _ = stream.write_all(body.as_bytes());
        }
        Does::Redirects => {
            let _ = stream.write_all(head("302 Found", &format!("Location: http://{elsewhere}/\r\nContent-Length: 0\r\n")).as_bytes());
        }
        Does::Dawdles => {
            if !end.is_far(6000) {
                return;
            }
            let Ok(mut there) = TcpStream::connect(behind) else { return };
            let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let mut answered = Vec::new();
            if there.write_all(request.as_bytes()).is_ok() && there.read_to_end(&mut answered).is_ok() {
                let _ = stream.write_all(&answered);
            }
        }
    }
}

/// What a provider's file says in the place of good addresses.
fn places(endpoint: &Endpoint) -> [(&'static str, Value); 4] {
    [
        ("document", json!({"wellKnownEndpoint": endpoint.url("/.well-known/openid-configuration")})),
        ("token", json!({"tokenEndpoint": endpoint.url("/token")})),
        ("keys", json!({"jwksUriEndpoint": endpoint.url("/jwks")})),
        ("profile", json!({"userInfoEndpoint": endpoint.url("/me")})),
    ]
}

#[test]
fn an_endpoint_that_misbehaves_is_told_as_one_that_does_not_answer_at_every_door() {
    let acme = IdentityProvider::start();
    let good: SocketAddr = acme.url("").trim_start_matches("http://").parse().unwrap();
    let elsewhere = Endpoint::start(Does::Floods, good, good);
    let endpoints: Vec<(Does, Endpoint)> = ALL.iter().map(|does| (*does, Endpoint::start(*does, elsewhere.address, good))).collect();
    let late = Endpoint::start(Does::Dawdles, good, good);
    let file = |name: &str, changes: &Value| {
        let mut file = ours(acme.file(name));
        file.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
        file["uiConfig"] = json!({"buttonDisplayName": name});
        file
    };
    let mut files = Vec::new();
    for (does, endpoint) in &endpoints {
        for (place, changes) in places(endpoint) {
            files.push((format!("{place}-{does:?}"), changes));
        }
    }
    let all_late = json!({"tokenEndpoint": late.url("/token"), "jwksUriEndpoint": late.url("/jwks"), "userInfoEndpoint": late.url("/me"), "issuer": acme.issuer()});
    files.push(("late".to_owned(), all_late));
    let read: Vec<Value> = files.iter().map(|(name, changes)| file(name, changes)).collect();
    let settings = format!("[server]\npublic_url = \"{PUBLIC}\"\n[limits]\nenabled = false\n");
    let server = Server::on(project(&read).file("vestibule.toml", settings)).start();
    let people = || server.admin().get("managed/user?_queryFilter=true&_fields=_id").ok()["resultCount"].clone();
    let before = people();
    thread::scope(|scope| {
        for (name, _) in &files {
            let (server, acme) = (&server, &acme);
            scope.spawn(move || over_rest(server, acme, name));
            scope.spawn(move || on_pages(server, acme, name));
        }
    });
    assert_eq!(people(), before);
    for (does, endpoint) in &endpoints {
        assert!(endpoint.asked() >= 8, "{does:?}");
    }
    assert_eq!(elsewhere.asked(), 0, "no redirect is followed");
}

fn over_rest(server: &Server, acme: &IdentityProvider, name: &str) {
    let client = server.anonymous();
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({ "provider": name }));
    if name.starts_with("document") {
        sent.refused(503);
        client.post("identityProviders?_action=getLogoutUrl", &json!({ "provider": name })).refused(503);
        return;
    }
    let sent = sent.ok();
    let answer = acme.answer(sent["redirect"].as_str().unwrap(), &Account::new("endpoint"));
    let kept = client.with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
    let answered = kept.post("identityProviders?_action=handlePostAuth", &answer);
    assert_eq!(answered.status, 503, "{name}: {}", answered.text());
}

fn on_pages(server: &Server, acme: &IdentityProvider, name: &str) {
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let does_not_answer = format!("{name} does not answer at the moment");
    if name.starts_with("document") {
        here.open(&format!("/sign-in/{name}")).is(200, "Sign in").says(&does_not_answer);
    } else {
        let url = away(&mut here, &format!("/sign-in/{name}"));
        here.open(&back(&acme.answer(&url, &Account::new("endpoint")))).is(200, "Sign in").says(&does_not_answer);
    }
    assert!(!here.cookies.contains_key("session-jwt"), "{name}");
}

/// What a document alone names is asked at public addresses, whatever name leads there.
#[test]
fn a_document_leads_nobody_into_the_house() {
    let acme = IdentityProvider::start();
    let inside = Endpoint::start(Does::Floods, "127.0.0.1:9".parse().unwrap(), "127.0.0.1:9".parse().unwrap());
    let port = inside.address.port();
    let documents = [
        ("number", json!({"token_endpoint": "https://10.1.2.3/token"})),
        ("loopback", json!({"jwks_uri": format!("http://127.0.0.1:{port}/jwks")})),
        ("name", json!({"token_endpoint": format!("https://localhost:{port}/token")})),
        ("metadata", json!({"userinfo_endpoint": "https://169.254.169.254/latest"})),
    ];
    let mut files = Vec::new();
    let mut peers = Vec::new();
    for (name, changes) in &documents {
        let mut document = json!({
            "issuer": acme.issuer(), "authorization_endpoint": acme.url("/auth"), "token_endpoint": acme.url("/token"), "userinfo_endpoint": acme.url("/me"),
            "jwks_uri": acme.url("/jwks"),
        });
        document.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
        let peer = crate::support::peer::Peer::start(move |_| ("200 OK", document.to_string()));
        let mut file = ours(acme.file(name));
        file["wellKnownEndpoint"] = json!(peer.url("/.well-known/openid-configuration"));
        file["issuer"] = json!(acme.issuer());
        // What the operator names is asked; what the document names beside it is not.
        file["authorizationEndpoint"] = json!(acme.url("/auth"));
        files.push(file);
        peers.push(peer);
    }
    let settings = format!("[server]\npublic_url = \"{PUBLIC}\"\n[limits]\nenabled = false\n");
    let server = Server::on(project(&files).file("vestibule.toml", settings)).start();
    for (name, _) in &documents {
        let refused = server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({ "provider": name }));
        assert_eq!(refused.status, 403, "{name}: {}", refused.text());
        let mut here = Visitor::new(server.address());
        here.open(&format!("/sign-in/{name}")).is(200, "Sign in").says("could not be verified");
    }
    assert_eq!(inside.asked(), 0);
    assert!(peers.iter().all(|peer| !peer.asked().is_empty()), "each document was read");
}
