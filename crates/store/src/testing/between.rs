//! What operators put between nodes and a server: PgBouncer and HAProxy, as Debian has them, each in a directory of its own and ended with the
//! process that began it.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{PASSWORD, as_nobody, directory, free_port, keeper};

/// Something that passes connections on.
pub struct Between {
    port: u16,
    keeper: Child,
}

/// How PgBouncer gives its connections away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// To a client, until it goes.
    Session,
    /// To a transaction.
    Transaction,
}

/// How often it is asked whether somebody listens, and how long to wait in between.
const ATTEMPTS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(10);

impl Between {
    /// PgBouncer before the server at this port.
    #[must_use]
    pub fn pgbouncer(server: u16, pooling: Pooling) -> Self {
        let mode = if pooling == Pooling::Session { "session" } else { "transaction" };
        let (directory, port) = (directory(), free_port());
        let users = directory.join("users.txt");
        std::fs::write(&users, format!("\"vestibule\" \"{PASSWORD}\"\n")).unwrap();
        let settings = format!(
            "[databases]\nvestibule = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 8\n\
             max_client_conn = 100\nserver_login_retry = 1\n",
            users.display()
        );
        let file = directory.join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = as_nobody("/usr/sbin/pgbouncer".into());
        command.arg(file);
        Self::begin(&directory, port, &command)
    }

    /// HAProxy before servers at these ports: connections go to the first one that takes any, and end when it dies.
    #[must_use]
    pub fn haproxy(servers: &[u16]) -> Self {
        let port = free_port();
        let list: Vec<String> = servers.iter().map(|server| format!("    server at{server} 127.0.0.1:{server} check\n")).collect();
        let list = list.concat();
        let settings = format!(
            "defaults\n    mode tcp\n    timeout connect 1s\n    timeout client 10m\n    timeout server 10m\nlisten store\n\
             \x20   bind 127.0.0.1:{port}\n    balance first\n    default-server inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions\n{list}"
        );
        Self::haproxy_with(port, &settings)
    }

    /// HAProxy with a configuration that listens at a port, given by whoever wrote it.
    #[must_use]
    pub fn haproxy_with(port: u16, settings: &str) -> Self {
        let directory = directory();
        let file = directory.join("haproxy.cfg");
        std::fs::write(&file, settings).unwrap();
        let mut command = as_nobody("/usr/sbin/haproxy".into());
        command.arg("-f").arg(file);
        Self::begin(&directory, port, &command)
    }

    /// Any program that is to listen at a port, begun in a directory of its own with these files in it. `DIRECTORY` in files and arguments stands for
    /// its name.
    #[must_use]
    pub fn program(port: u16, files: &[(&str, &str)], arguments: &[&str]) -> Self {
        let directory = directory();
        let here = |text: &str| text.replace("DIRECTORY", &directory.display().to_string());
        for (name, content) in files {
            std::fs::write(directory.join(name), here(content)).unwrap();
        }
        let mut command = as_nobody("env".into());
        command.arg(here("HOME=DIRECTORY")).args(arguments.iter().map(|argument| here(argument)));
        Self::begin(&directory, port, &command)
    }

    fn begin(directory: &Path, port: u16, command: &std::process::Command) -> Self {
        let mut keeper = keeper("TERM", directory, command);
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let listens = |_| {
            let connected = TcpStream::connect(("127.0.0.1", port)).is_ok();
            if !connected {
                std::thread::park_timeout(PAUSE);
            }
            connected
        };
        let listening = (0..ATTEMPTS).any(listens);
        assert!(listening, "{} did not start ('make tools' installs it)", command.get_program().display());
        Self { port, keeper }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
