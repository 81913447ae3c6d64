//! A real authority that issues certificates: Pebble, the small one of Let's Encrypt for tests. It looks at names by TLS (RFC 8737), at a port of this
//! machine that leads to the servers of a test.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustls::pki_types::CertificateDer;
use serde_json::json;
use tempfile::TempDir;

use super::http::Request;
use super::lines::Lines;
use super::reaper;
use super::tls::{Pair, Tls};

/// The program: named by `VESTIBULE_PEBBLE`, built by `make tools`, or Debian's.
fn program() -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/pebble");
    let places = std::env::var_os("VESTIBULE_PEBBLE").map(PathBuf::from).into_iter().chain([built, "/usr/bin/pebble".into()]);
    places.into_iter().find(|place| place.exists()).expect("there is no pebble: run `make tools`")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where an authority is, and whom it will issue for, before it runs.
pub(crate) struct Place {
    pub(crate) port: u16,
    management: u16,
    pair: Pair,
    door: Door,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { port: free_port(), management: free_port(), pair: Pair::of("localhost"), door: Door::open() }
    }

    /// The certificate that the authority's own is judged by, in PEM.
    pub(crate) fn ca(&self) -> &str {
        &self.pair.certificate
    }

    /// The section of a server that orders here.
    pub(crate) fn settings(&self, domains: &[&str]) -> String {
        format!(
            "[tls.acme]\ndirectory = \"https://localhost:{}/dir\"\ndomains = {domains:?}\ncontact = [\"mailto:operator@example.test\"]\n\
             terms_agreed = true\nca = \"tls/authority.pem\"\n",
            self.port
        )
    }

    /// Leads the authority, one connection after the other, to these.
    pub(crate) fn leads_to(&self, servers: &[SocketAddr]) {
        servers.clone_into(&mut self.door.0.lock().unwrap().servers);
    }

    /// Starts the authority, which refuses so many of a hundred nonces, good ones.
    pub(crate) fn start(&self, refused: u32) -> Authority {
        let work = tempfile::Builder::new().prefix("vestibule-pebble-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = |name: &str, text: &str| {
            let path = work.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": file("cert.pem", &self.pair.certificate),
            "privateKey": file("key.pem", &self.pair.key),
            "httpPort": free_port(),
            "tlsPort": self.door.1,
            "domainBlocklist": ["blocked.example"],
            "retryAfter": { "authz": 1, "order": 1 },
            "certificateValidityPeriod": 7_776_000,
            "profiles": { "default": { "description": "ninety days", "validityPeriod": 7_776_000 } },
        } });
        let config = file("config.json", &config.to_string());
        let mut command = Command::new(program());
        command.arg("-config").arg(config).env_clear().env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", refused.to_string());
        // An order does not do without looking again because an earlier one has looked.
        command.env("PEBBLE_AUTHZREUSE", "0").current_dir(work.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        reaper::watch(child.id(), work.path());
        let log = Lines::of(child.stdout.take().unwrap());
        let up = log.wait(0, |line| line.contains("ACME directory available").then_some(()));
        assert!(up.is_some(), "pebble did not start:\n{}", log.all());
        Authority { child, log, work, management: self.management, tls: Tls::trusting(&self.pair) }
    }
}

/// An authority that runs. It is ended when dropped.
pub(crate) struct Authority {
    child: Child,
    log: Lines,
    work: TempDir,
    management: u16,
    tls: Tls,
}

impl Authority {
    /// Orders that were begun here.
    pub(crate) fn orders(&self) -> usize {
        self.log.text().lines().filter(|line| line.contains("There are now") && line.contains("orders in the db")).count()
    }

    /// Whom clients believe that believe this authority.
    pub(crate) fn believed(&self) -> Tls {
        let answer = self.managed(&Request::new("GET", "/roots/0"));
        Tls::trusting(&Pair { certificate: answer, key: String::new() })
    }

    /// Wants a certificate to be renewed now (RFC 9773); whether this version of it can say so.
    pub(crate) fn wants_renewal(&self, certificate: &CertificateDer<'_>) -> bool {
        let window = json!({ "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" } });
        let body = json!({ "certificate": pem(certificate), "ariResponse": window.to_string() });
        let request = Request::new("POST", "/set-renewal-info/").json(&body);
        self.tls.send(SocketAddr::from(([127, 0, 0, 1], self.management)), &request).unwrap().status == 200
    }

    fn managed(&self, request: &Request) -> String {
        self.tls.send(SocketAddr::from(([127, 0, 0, 1], self.management)), request).unwrap().expect(200).text()
    }

    pub(crate) fn log(&self) -> String {
        self.log.text()
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::prelude::BASE64_STANDARD.encode(certificate))
}

impl Drop for Authority {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log.text();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("--- the authority's log, newest line first ---\n{}", tail.join("\n"));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        reaper::forget(self.child.id(), self.work.path());
    }
}

/// Where connections are led to.
#[derive(Default)]
struct Led {
    servers: Vec<SocketAddr>,
    turns: Vec<usize>,
}

/// A port at which an authority finds the servers of a test, one after the other.
struct Door(Arc<Mutex<Led>>, u16);

impl Door {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let led = Arc::new(Mutex::new(Led::default()));
        let own = Arc::clone(&led);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let to = {
                    let mut led = own.lock().unwrap();
                    let turn = led.turns.len();
                    led.turns.push(turn);
                    led.servers.get(turn % led.servers.len().max(1)).copied()
                };
                if let Some(server) = to.and_then(|to| TcpStream::connect(to).ok()) {
                    pass_on(&stream, &server);
                }
            }
        });
        Self(led, port)
    }
}

fn pass_on(one: &TcpStream, other: &TcpStream) {
    for (from, to) in [(one, other), (other, one)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut piece) {
                if to.write_all(&piece[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

/// The first certificate that is served at an address.
pub(crate) fn served(client: &Tls, to: SocketAddr) -> Option<CertificateDer<'static>> {
    let stream = client.connect(to).ok()?;
    Some(stream.conn.peer_certificates()?.first()?.clone().into_owned())
}
