//! A proxy that takes TLS off, before a server.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::lines::Lines;
use super::mailbox::{python, repository};
use super::running::Running;
use super::server::Server;

/// The proxy. It ends when dropped.
pub(crate) struct TlsProxy {
    _process: Running,
    pub(crate) url: String,
}

impl TlsProxy {
    pub(crate) fn before(server: &Server) -> Self {
        let mut child = Command::new(python())
            .arg(repository().join("tests/tools/tls_proxy.py"))
            .arg(server.address().port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the proxy of the tests needs Python: run `make tools`");
        let lines = Lines::of(child.stdout.take().unwrap());
        let port = lines.wait(0, |line| serde_json::from_str::<Value>(line).ok()?["listening"].as_u64());
        let port = port.expect("the proxy of the tests did not start; it needs cryptography: run `make tools`");
        Self { _process: Running(child), url: format!("https://127.0.0.1:{port}") }
    }
}
