//! Ten thousand hostile connections of one network, in every shape, and what another client notices of them (SEC-52).
//!
//! Easiest to get wrong: the client that is measured comes from another network and makes a connection for each request, as somebody new does; and
//! it waits for the server alone. So the server has a core of its own, and the attackers give way to the client on theirs.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::Failure;
use crate::account::{Stopwatch, mebibytes};
use crate::attack::{Attack, LARGE, Shape};
use crate::client::VISITOR;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, p99};
use crate::project::{self, AtSignIn};

/// Where the measured client comes from.
const OTHER: &str = "127.0.20.1:0";
/// Requests of a sample.
const REQUESTS: usize = 500;
/// Bytes of the answer that nobody reads.
const LARGE_SIZE: usize = 4 * 1024 * 1024;
/// How long the attack goes on before anything is measured.
const RUNS_IN: Duration = Duration::from_secs(3);

/// A running process of attackers; it ends when dropped.
struct Attackers(Child);

impl Attackers {
    fn start(attack: Attack) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--attack", &attack.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("attackers have an output")?;
        let mut line = String::new();
        let mut running = Self(child);
        BufReader::new(output).read_line(&mut line)?;
        if line.trim() == "attacking" {
            return Ok(running);
        }
        Err(format!("there is no attack: {}", running.0.wait()?).into())
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        // One that has ended is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The client that is measured.
struct Other {
    target: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Other {
    async fn ask(&self) -> Result<Duration, Failure> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(OTHER.parse()?)?;
        #[expect(clippy::disallowed_methods, reason = "what is measured is how long people wait")]
        let began = Instant::now();
        let stream = socket.connect(self.target).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => exchange(stream).await?,
            Some(tls) => exchange(tls.connect(ServerName::try_from("localhost")?, stream).await?).await?,
        }
        Ok(began.elapsed())
    }

    /// The ninety-ninth part of a hundred, in milliseconds.
    async fn p99(&self) -> Result<f64, Failure> {
        let mut samples = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            samples.push(self.ask().await?.as_secs_f64() * 1e3);
        }
        Ok(p99(&mut samples))
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Failure> {
    let request = format!("GET /openidm/info/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{VISITOR}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.starts_with(b"HTTP/1.1 200 ") { Ok(()) } else { Err(format!("refused: {}", String::from_utf8_lossy(&answer)).into()) }
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let settings = "[limits]\nenabled = false\n[pages]\ndir = \"ui\"\n".to_owned();
    let with_tls = format!("{settings}[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n");
    let connections = usize::try_from(bench.extent.hostile)?;
    let mut figures = Vec::new();
    for (shape, name) in Shape::ALL {
        let is_tls = shape == Shape::Handshake;
        let root = bench.data();
        project::write(&root, bench.mailbox.port(), AtSignIn::Nothing)?;
        write(&root, if is_tls { &with_tls } else { &settings }, &made.cert.pem(), &made.signing_key.serialize_pem())?;
        let server = bench.launch.start(Some(&root), &bench.data())?;
        let other = Other { target: server.address(), tls: is_tls.then(|| tls.clone()) };
        other.p99().await?;
        let at_rest = other.p99().await?;
        server.settle().await?;
        let before = server.resident()?;
        server.forget_peak()?;
        let attackers = Attackers::start(Attack { shape, target: server.address(), connections })?;
        tokio::time::sleep(RUNS_IN).await;
        let (busy, watch) = (server.cpu()?, Stopwatch::of_time());
        let attacked = other.p99().await?;
        let (busy, passed) = (server.cpu()?.saturating_sub(busy), watch.elapsed());
        let most = server.peak()?;
        drop(attackers);
        server.settle().await?;
        let after = server.resident()?;
        figures.extend([
            Figure::new(format!("{name}: p99 of another client at rest"), Unit::Milliseconds, vec![at_rest]),
            Figure::new(format!("{name}: p99 over p99 at rest"), Unit::Ratio, vec![attacked / at_rest]).target(Target::AtMost(3.0)),
            Figure::new(
                format!("{name}: of a core, what the server needs meanwhile"),
                Unit::Percent,
                vec![100.0 * busy.as_secs_f64() / passed.as_secs_f64()],
            ),
            Figure::new(format!("{name}: memory above rest"), Unit::Mebibytes, vec![mebibytes(most) - mebibytes(before)])
                .target(Target::AtMost(64.0)),
            Figure::new(format!("{name}: memory above rest afterwards"), Unit::Mebibytes, vec![mebibytes(after) - mebibytes(before)]),
        ]);
        server.stop()?;
    }
    Ok(Group { title: "Hostile connections of one network, and a client of another", figures })
}

fn write(root: &Path, settings: &str, certificate: &str, key: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(root.join("ui"))?;
    let lines: Vec<String> = (0..LARGE_SIZE / 16).map(|line| format!("let a = {:7};", line % 9_999_999)).collect();
    let large = lines.concat();
    for (name, text) in [("vestibule.toml", settings), ("cert.pem", certificate), ("key.pem", key)] {
        std::fs::write(root.join(name), text)?;
    }
    std::fs::write(root.join("ui").join(LARGE), large)?;
    Ok(())
}
