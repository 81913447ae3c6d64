//! A PostgreSQL that a run starts for itself: the store of our nodes, and of a peer, whose SQLite answers two requests at a time with a lock.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Failure, account};

/// A running PostgreSQL, on the loopback address, whose data goes with it.
pub(crate) struct Store {
    server: Child,
    port: u16,
    _place: TempDir,
}

impl Store {
    /// Makes one and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub(crate) fn start() -> Result<Self, Failure> {
        let place = tempfile::Builder::new().prefix("vestibule-bench-").tempdir()?;
        // PostgreSQL refuses to be root, and so somebody else must be able to write here.
        std::fs::set_permissions(place.path(), Permissions::from_mode(0o777))?;
        let (programs, data, port) = (programs()?, place.path().join("data"), free()?.port());
        let mut making = unprivileged(&programs.join("initdb"))?;
        making.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D"]).arg(&data);
        let made = making.output()?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        let mut command = unprivileged(&programs.join("postgres"))?;
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        let mut server = command.current_dir(place.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = server.stderr.take();
        let store = Self { server, port, _place: place };
        let mut said = String::new();
        for line in log.into_iter().flat_map(|log| BufReader::new(log).lines()).map_while(Result::ok) {
            if line.contains("ready to accept connections") {
                return Ok(store);
            }
            said.push_str(&line);
            said.push('\n');
        }
        Err(format!("PostgreSQL did not start: {said}").into())
    }

    /// Its CPU time so far, with that of its sessions.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        account::cpu_of_family(self.server.id())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        url_at(self.address())
    }
}

/// Where such a store is for whoever reaches it at this address.
pub(crate) fn url_at(address: SocketAddr) -> String {
    format!("postgres://postgres@{address}/postgres?sslmode=disable")
}

impl Drop for Store {
    fn drop(&mut self) {
        // Its helpers notice that it is gone and go as well.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A port that is free now; another process may take it first, and then whoever wanted it says so.
///
/// # Errors
/// When the system has none.
pub(crate) fn free() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Where Debian puts the programs of the newest version that is installed: others may have left an empty directory, or a client alone.
fn programs() -> Result<PathBuf, Failure> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|error| format!("PostgreSQL: {error}"))?;
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = versions.filter_map(|version| Some(version.ok()?.path())).filter(|path| path.join("bin/initdb").exists());
    let newest = installed.max_by_key(|path| number(path));
    Ok(newest.ok_or("no PostgreSQL below /usr/lib/postgresql has initdb")?.join("bin"))
}

fn unprivileged(program: &Path) -> Result<Command, Failure> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    Ok(command)
}
