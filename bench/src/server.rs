//! The server under measurement: the release binary in a process of its own, on one core where `taskset` can hold it there.
//!
//! Easiest to get wrong: nothing outlives its [`Server`]. Dropping one kills the process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Connection;
use crate::{Failure, account};

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// The cores it is held on; none where there is only one, or no `taskset`.
    pub(crate) cores: Vec<usize>,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    _output: BufReader<ChildStdout>,
}

/// What its administrator signs in with.
pub(crate) const ADMINISTRATOR: (&str, &str) = ("openidm-admin", "Measured-4dministrator");

/// What hashing has cost a server so far, as its metrics say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashing {
    /// Jobs that run or wait now.
    pub(crate) queued: u64,
    /// Finished jobs.
    pub(crate) jobs: u64,
    /// Jobs that found no room in the queue.
    pub(crate) refused: u64,
    /// Their CPU time.
    pub(crate) cpu: Duration,
}

impl Hashing {
    /// Asks a server's metrics.
    ///
    /// # Errors
    /// When they do not say.
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, Failure> {
        let (name, password) = ADMINISTRATOR;
        let headers = format!("X-OpenIDM-Username: {name}\r\nX-OpenIDM-Password: {password}\r\nX-OpenIDM-NoSession: true\r\n");
        let answer = connection.ask("GET", "/metrics", &headers, None).await?;
        let text = str::from_utf8(answer.body())?;
        let read = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no metric {name}"))?;
            value.trim().parse::<u64>().map_err(|error| format!("{name}: {error}"))
        };
        Ok(Self {
            queued: read("vestibule_hash_queue ")?,
            jobs: read("vestibule_hash_total{outcome=\"done\"} ")?,
            refused: read("vestibule_hash_total{outcome=\"refused\"} ")?,
            cpu: Duration::from_micros(read("vestibule_hash_cpu_microseconds_total ")?),
        })
    }
}

impl Launch {
    /// How many cores a server has, and so how many hashes it makes at a time.
    ///
    /// # Errors
    /// When the machine does not say.
    pub(crate) fn width(&self) -> Result<u64, Failure> {
        let cores = if self.cores.is_empty() { std::thread::available_parallelism()?.get() } else { self.cores.len() };
        Ok(cores.try_into()?)
    }

    /// A command that is held on these cores.
    pub(crate) fn command(&self, binary: &Path) -> Command {
        if self.cores.is_empty() {
            return Command::new(binary);
        }
        let list: Vec<String> = self.cores.iter().map(usize::to_string).collect();
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(list.join(",")).arg(binary);
        command
    }

    /// Starts a server on a project, or on the embedded one, with its data in `data`, and waits until it listens.
    ///
    /// # Errors
    /// When it ends before it listens.
    pub(crate) fn start(&self, project: Option<&Path>, data: &Path) -> Result<Server, Failure> {
        self.start_at(SocketAddr::from(([127, 0, 0, 1], 0)), project, data)
    }

    /// The same at an address that others know.
    ///
    /// # Errors
    /// When it ends before it listens.
    pub(crate) fn start_at(&self, address: SocketAddr, project: Option<&Path>, data: &Path) -> Result<Server, Failure> {
        let mut command = self.command(&self.binary);
        command.args(["serve", "--listen", &address.to_string(), "--data"]).arg(data);
        if let Some(project) = project {
            command.arg("--project").arg(project);
        }
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("OPENIDM_ADMIN_PASSWORD", ADMINISTRATOR.1);
        let log = data.with_extension("log");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let Some(output) = child.stdout.take() else { return Err("the server has no output".into()) };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some((_, address)) = line.trim().strip_prefix("listening on ").and_then(|url| url.split_once("://")) {
                return Ok(Server { child, address: address.parse()?, _output: output });
            }
            line.clear();
        }
        // It has closed its output, so it is ending or has ended.
        child.wait()?;
        Err(format!("the server did not start: {}", std::fs::read_to_string(&log).unwrap_or_default()).into())
    }
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its CPU time so far.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        account::cpu(self.child.id())
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        account::resident(self.child.id())
    }

    /// The most resident memory in bytes since [`Server::forget_peak`].
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn peak(&self) -> Result<u64, Failure> {
        account::peak(self.child.id())
    }

    /// Lets the peak of its memory begin anew.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn forget_peak(&self) -> Result<(), Failure> {
        account::forget_peak(self.child.id())
    }

    /// Waits until it has nothing left to do: two looks in a row find the same CPU time.
    ///
    /// # Errors
    /// When it has ended, or is busy for half a minute.
    pub(crate) async fn settle(&self) -> Result<(), Failure> {
        let mut before = self.cpu()?;
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let now = self.cpu()?;
            if now == before {
                return Ok(());
            }
            before = now;
        }
        Err("the server does not come to rest".into())
    }

    /// What hashing has cost so far.
    ///
    /// # Errors
    /// When the metrics do not say.
    pub(crate) async fn hashing(&self) -> Result<Hashing, Failure> {
        Hashing::read(&mut Connection::open(self.address).await?).await
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// When it cannot be asked, or fails while stopping.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was stopped is gone already, and there is nobody to tell about another failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
