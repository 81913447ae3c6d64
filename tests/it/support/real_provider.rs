//! A real OpenID provider (`oidc-provider` on Node.js), and people who sign in there (`tests/interop/oidc-provider.mjs`).

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::mailbox::repository;
use super::running::Running;

/// The provider, for as long as this lives.
pub(crate) struct RealProvider {
    _process: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) issuer: String,
}

impl RealProvider {
    /// A provider that knows these clients.
    #[track_caller]
    pub(crate) fn start(clients: &[Value]) -> Self {
        let tools =
            std::env::var_os("VESTIBULE_NODE_MODULES").map_or_else(|| repository().join("target/tools/pages/node_modules"), PathBuf::from);
        assert!(tools.join("oidc-provider").is_dir(), "there is no OpenID provider in {}: run `make tools`", tools.display());
        let mut child = Command::new("node")
            .arg(repository().join("tests/interop/oidc-provider.mjs"))
            .env("VESTIBULE_NODE_MODULES", tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start ({error}): run `make tools`"));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut provider = Self { _process: Running(child), input, output, issuer: String::new() };
        let said = provider.ask(&json!({ "clients": clients }));
        said["issuer"].as_str().unwrap_or_else(|| panic!("{said}")).clone_into(&mut provider.issuer);
        provider
    }

    #[track_caller]
    fn ask(&mut self, asked: &Value) -> Value {
        writeln!(self.input, "{asked}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the provider has ended");
            // It warns on the same output that it is not for production.
            if let Ok(said) = serde_json::from_str::<Value>(&line) {
                return said;
            }
        }
    }

    /// What a browser comes back with that was sent to `url`, after `login` signed in there and agreed.
    #[track_caller]
    pub(crate) fn visit(&mut self, url: &str, login: &str) -> Value {
        let said = self.ask(&json!({ "url": url, "login": login }));
        assert!(said.get("failed").is_none(), "{said}");
        said
    }
}
