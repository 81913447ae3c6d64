//! Real PostgreSQL servers for tests: each in a directory of its own, on the loopback address, as somebody who is not root, ended with the
//! process that began it.
//!
//! Easiest to break: what is left behind. A shell holds the other end of a pipe; when the test is gone, however it ended, it ends the server
//! and removes its directory.

#![expect(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "for tests")]

mod between;
mod proxy;

pub use between::{Between, Pooling};
pub use proxy::{Cut, Proxy};

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The password of `postgres`, who administers, and of `vestibule`, who may make schemas in the database `vestibule` and nothing else.
pub const PASSWORD: &str = "s3cret-of-the-tests";
const SETTINGS: [&str; 9] = [
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "max_wal_senders=8",
    "wal_level=replica",
    "wal_keep_size=256MB",
    "log_min_messages=log",
];
/// Ends the server when its input ends, which is when its owner is gone. The log is the server's alone: it ends when the server does.
const KEEPER: &str = r#"
signal=$1 directory=$2; shift 2
"$@" &
server=$!
exec 2>/dev/null
cat >/dev/null
kill -s "$signal" "$server" 2>/dev/null
wait "$server"
[ -z "$directory" ] || rm -rf -- "$directory"
"#;

/// A server.
pub struct Postgres {
    directory: PathBuf,
    port: u16,
    keeper: Child,
}

/// Where Debian puts the programs of the newest version that is installed.
#[must_use]
pub fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os("VESTIBULE_POSTGRES") {
        return named.into();
    }
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap_or_else(|error| panic!("PostgreSQL is needed ('make tools' installs it, VESTIBULE_POSTGRES names another bin/): {error}"))
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no PostgreSQL below /usr/lib/postgresql has initdb")).1
}

/// A program of PostgreSQL's.
fn command(program: &str) -> Command {
    as_nobody(programs().join(program))
}

/// A program, run by somebody who is not root: PostgreSQL refuses to be.
fn as_nobody(path: PathBuf) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if !is_root {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
    command
}

fn succeeded(output: &Output, what: &str) {
    assert!(output.status.success(), "{what}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// A directory for a server, which is its own.
fn directory() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("vestibule-postgres-{}-{number}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    directory
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Postgres {
    /// One that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// A new one, with these settings (`name=value`) in addition to its own.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let server = Self::bare(settings);
        server.sql(&format!("CREATE ROLE vestibule LOGIN PASSWORD '{PASSWORD}'"));
        server.sql("CREATE DATABASE vestibule OWNER vestibule");
        server
    }

    /// One that has neither role nor database for nodes.
    #[must_use]
    pub fn bare(settings: &[&str]) -> Self {
        let directory = directory();
        let password = directory.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let mut init = command("initdb");
        init.arg("-D").arg(directory.join("data")).args(["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", "-N"]);
        succeeded(&init.arg("--pwfile").arg(&password).output().unwrap(), "initdb");
        let mut rules = String::new();
        for what in ["all", "replication"] {
            rules = format!("{rules}host {what} all 127.0.0.1/32 scram-sha-256\n");
        }
        std::fs::write(directory.join("data/pg_hba.conf"), rules).unwrap();
        Self::run(directory, free_port(), settings)
    }

    /// A standby of this one, which follows it.
    #[must_use]
    pub fn standby(&self, settings: &[&str]) -> Self {
        self.standby_at(free_port(), settings)
    }

    /// The same at a port, where a server was before that is not any more.
    #[must_use]
    pub fn standby_at(&self, port: u16, settings: &[&str]) -> Self {
        let directory = directory();
        let mut copy = command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-p", &self.port.to_string()]);
        // What the servers write does not outlive the machine either.
        copy.args(["--no-sync", "--no-manifest"]);
        copy.arg("-D").arg(directory.join("data")).env("PGPASSWORD", PASSWORD);
        succeeded(&copy.output().unwrap(), "pg_basebackup");
        // A way of its own: what the program wrote may name options that an older server does not know.
        let way = format!("primary_conninfo=host=127.0.0.1 port={} user=postgres password={PASSWORD}", self.port);
        // By this name the primary knows it.
        Self::run(directory, port, &[&["cluster_name=standby", &way], settings].concat())
    }

    /// One that is made of a copy of another's files, and goes on from there as these lines of its configuration say, until it can be written to.
    #[must_use]
    pub fn recovered(copy: &Path, lines: &str) -> Self {
        let (directory, port) = (directory(), free_port());
        let file = directory.join("lines");
        std::fs::write(&file, lines).unwrap();
        let data = directory.join("data");
        let put = format!(
            "cp -a '{}' '{data}' && cat '{}' >>'{data}/postgresql.auto.conf' && touch '{data}/recovery.signal'",
            copy.display(),
            file.display(),
            data = data.display()
        );
        succeeded(&script(&put), "the copy is put in its place");
        // It answers nobody before it has come to its end.
        Self::run(directory, port, &["hot_standby=off"])
    }

    fn run(directory: PathBuf, port: u16, settings: &[&str]) -> Self {
        let mut server = Self { keeper: begin(&directory, port, settings), directory, port };
        server.wait();
        server
    }

    /// Waits until it answers.
    fn wait(&mut self) {
        let log = BufReader::new(self.keeper.stderr.take().unwrap());
        let mut seen = String::new();
        let mut lines = log.lines();
        loop {
            let line = lines.next().and_then(Result::ok).unwrap_or_else(|| panic!("PostgreSQL did not start:\n{seen}"));
            let ready = line.contains("ready to accept");
            seen.push_str(&line);
            seen.push('\n');
            if ready {
                break;
            }
        }
        // What it says later is read away, so that it never waits.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Whatever asks for it is told only what its standby has, from now on.
    pub fn waits_for_standby(&self) {
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        self.sql("SELECT pg_reload_conf()");
        self.is_followed();
    }

    /// Waits until the standby that is declared follows.
    pub fn is_followed(&self) {
        self.sql(
            "DO $$ BEGIN FOR attempt IN 1..1200 LOOP \
                 PERFORM pg_stat_clear_snapshot(); \
                 IF EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync') THEN RETURN; END IF; \
                 PERFORM pg_sleep(0.05); \
             END LOOP; RAISE 'the standby does not follow'; END $$",
        );
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What an administrator asks; the rows, a line each.
    pub fn sql(&self, text: &str) -> String {
        self.ask("postgres", text)
    }

    /// What an administrator asks of a database.
    pub fn ask(&self, database: &str, text: &str) -> String {
        ask_at(self.port, database, text)
    }

    /// The next so many units of the store with this schema are refused with this SQLSTATE.
    pub fn answers(&self, schema: &str, sqlstate: &str, times: u32) {
        self.ask(
            "vestibule",
            &format!(
                "DROP TRIGGER IF EXISTS answers ON {schema}.unit; DROP SEQUENCE IF EXISTS {schema}.answers; CREATE SEQUENCE {schema}.answers; \
                 CREATE OR REPLACE FUNCTION {schema}.answers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
                     IF nextval('{schema}.answers') <= {times} THEN RAISE EXCEPTION 'as the test says' USING ERRCODE = '{sqlstate}'; END IF; \
                     RETURN NEW; \
                 END $$; \
                 CREATE TRIGGER answers BEFORE INSERT ON {schema}.unit FOR EACH ROW EXECUTE FUNCTION {schema}.answers()"
            ),
        );
    }

    /// What `pg_dump` writes of a schema of a database, with these arguments besides.
    #[must_use]
    pub fn dump(&self, database: &str, schema: &str, more: &[&str]) -> Vec<u8> {
        let mut dump = Command::new(programs().join("pg_dump"));
        dump.args(["-h", "127.0.0.1", "-U", "postgres", "-d", database, "-n", schema, "-p", &self.port.to_string()]).args(more);
        let output = dump.env("PGPASSWORD", PASSWORD).output().unwrap();
        succeeded(&output, "pg_dump");
        output.stdout
    }

    /// The address of an empty store of its own.
    #[must_use]
    pub fn store(&self) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        self.store_named(&format!("store{number}"))
    }

    /// The address of the store with this schema.
    #[must_use]
    pub fn store_named(&self, schema: &str) -> String {
        store_at(&[self.port], schema)
    }

    /// `kill -9` for all of it: nothing is written any more.
    pub fn kill(&mut self) {
        let pid = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        // The postmaster first, so that it begins nobody anew. A child may have ended by itself meanwhile.
        let mut kill = Command::new("kill");
        drop(kill.args(["-9", &pid]).args(children.split_whitespace()).stderr(Stdio::null()).status());
    }

    /// Makes the primary of a standby.
    pub fn promote(&self) {
        self.sql("SELECT pg_promote(true)");
    }
}

/// Runs a script as the servers are run, with PostgreSQL's programs before all others and an administrator's password.
#[must_use]
pub fn script(text: &str) -> Output {
    let mut path = programs().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    as_nobody("sh".into()).args(["-e", "-c", text]).env("PATH", path).env("PGPASSWORD", PASSWORD).output().unwrap()
}

/// What an administrator asks of a database of the server at a port of this machine; the rows, a line each.
#[must_use]
pub fn ask_at(port: u16, database: &str, text: &str) -> String {
    let mut psql = Command::new(programs().join("psql"));
    psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", database]);
    let output = psql.args(["-p", &port.to_string(), "-c", text]).env("PGPASSWORD", PASSWORD).output().unwrap();
    succeeded(&output, text);
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The address of a store on several servers of this machine.
#[must_use]
pub fn store_at(ports: &[u16], schema: &str) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://vestibule:{PASSWORD}@{}/vestibule?sslmode=disable&schema={schema}", hosts.join(","))
}

/// What runs a program until its own input ends, ends it with a signal then, and removes its directory.
fn keeper(signal: &str, directory: &Path, program: &Command) -> Command {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "sh", signal]).arg(directory).arg(program.get_program()).args(program.get_args());
    keeper
}

fn begin(directory: &Path, port: u16, settings: &[&str]) -> Child {
    let mut keeper = keeper("QUIT", directory, &command("postgres"));
    keeper.arg("-D").arg(directory.join("data")).args(["-p", &port.to_string()]);
    for setting in SETTINGS.iter().chain(settings) {
        keeper.args(["-c", setting]);
    }
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).env("LC_ALL", "C.UTF-8").spawn().unwrap()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
