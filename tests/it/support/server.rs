//! The real binary, started on a free port with a project and a data directory of its own.
//!
//! The server says `listening on http://ADDRESS` on standard output as soon as requests can be served; the tests wait for that line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::client::Client;
use super::lines::Lines;
use super::project::Project;
use super::reaper;

/// The administrator's password in every test.
pub(crate) const ADMIN_PASSWORD: &str = "Adm1nistrator-of-the-tests";

/// The binary under test.
pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_vestibule")
}

/// Runs a command of the binary to its end, with an empty environment but for `PATH`.
pub(crate) fn run(arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input closes the pipe; that is no fault.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What `vestibule check` says of a project, on either stream, and how it ends.
pub(crate) fn check(project: &Project) -> (Option<i32>, String) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    let done = run(&["check", "--project", directory.path().to_str().unwrap()], "");
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

/// How to start a server.
pub(crate) struct Setup {
    build: PathBuf,
    project: Option<Project>,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
    own_keys: bool,
    private: Vec<String>,
    clock: Clock,
}

/// What a server's clock does while a test runs.
#[derive(Clone, Copy)]
enum Clock {
    /// It goes, ahead by what the test has added.
    Goes,
    /// It stands, but for what the test adds.
    Stands,
}

/// Where a clock stands that stands: some day in 2027.
const STANDS_AT: u64 = 1_800_000_000;

/// Keys are made once per run: an RSA pair takes longer than everything else a start does.
static KEYS: OnceLock<Vec<u8>> = OnceLock::new();

impl Setup {
    /// The server is this binary, and not the one under test.
    pub(crate) fn build(mut self, binary: &Path) -> Self {
        self.build = binary.into();
        self
    }

    /// Makes keys of its own at first start, as everybody's server does.
    pub(crate) fn own_keys(mut self) -> Self {
        self.own_keys = true;
        self
    }

    /// The clock stands still unless [`Server::advance`] moves it: for whatever is counted per minute, and for the last seconds of a
    /// lifetime. How long the requests take does not matter then.
    pub(crate) fn clock_stands(mut self) -> Self {
        self.clock = Clock::Stands;
        self
    }

    /// A file of the project that nobody else may read.
    pub(crate) fn private(mut self, name: &str) -> Self {
        self.private.push(name.into());
        self
    }

    /// One more variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Leaves a variable out that tests otherwise set.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Starts it and waits until it serves.
    #[track_caller]
    pub(crate) fn start(self) -> Server {
        let work = tempfile::Builder::new().prefix("vestibule-it-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        if let Some(project) = &self.project {
            project.write_to(&work.path().join("project"));
            for name in &self.private {
                std::fs::set_permissions(work.path().join("project").join(name), PermissionsExt::from_mode(0o600)).unwrap();
            }
        }
        let clock = match self.clock {
            Clock::Goes => "0".to_owned(),
            Clock::Stands => format!("={STANDS_AT}"),
        };
        std::fs::write(work.path().join("clock"), clock).unwrap();
        let data = work.path().join("data");
        if let Some(keys) = KEYS.get().filter(|_| !self.own_keys) {
            std::fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join("keys.json")).unwrap();
            std::io::Write::write_all(&mut file, keys).unwrap();
        }
        let mut server = Server { work, setup: self, running: None, last_output: Lines::default(), last_log: Lines::default() };
        server.start();
        if !server.setup.own_keys
            && let Ok(keys) = std::fs::read(data.join("keys.json"))
        {
            KEYS.get_or_init(|| keys);
        }
        server
    }
}

struct Running {
    child: Child,
    address: SocketAddr,
    output: Lines,
    log: Lines,
}

/// A server. It is killed when dropped.
pub(crate) struct Server {
    work: TempDir,
    setup: Setup,
    running: Option<Running>,
    last_output: Lines,
    last_log: Lines,
}

impl Server {
    /// A server on this project.
    pub(crate) fn on(project: Project) -> Setup {
        Self::setup(Some(project))
    }

    /// A server on the embedded project, as a newcomer starts it.
    pub(crate) fn default_project() -> Setup {
        Self::setup(None)
    }

    fn setup(project: Option<Project>) -> Setup {
        let environment = BTreeMap::from([("OPENIDM_ADMIN_PASSWORD".to_owned(), ADMIN_PASSWORD.to_owned())]);
        Setup {
            build: binary().into(),
            project,
            environment,
            arguments: Vec::new(),
            own_keys: false,
            private: Vec::new(),
            clock: Clock::Goes,
        }
    }

    /// Starts the process and waits for its first line.
    #[track_caller]
    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let mut command = Command::new(&self.setup.build);
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(self.data());
        if self.setup.project.is_some() {
            command.arg("--project").arg(self.project());
        }
        command.args(&self.setup.arguments).env_clear().envs(&self.setup.environment);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("VESTIBULE_CLOCK_OFFSET", self.clock());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        reaper::watch(child.id(), self.work.path());
        let (output, log) = (Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap()));
        let address = output.wait(0, |line| line.strip_prefix("listening on ")?.split_once("://")?.1.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not start:\n{}\n{}", output.all(), log.all());
        };
        self.running = Some(Running { child, address, output, log });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the server was stopped")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.work.path().join("data")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.work.path().join("project")
    }

    /// A client with these headers only.
    pub(crate) fn nobody(&self) -> Client {
        Client::new(self.address())
    }

    /// An anonymous caller, as the stock pages send it.
    pub(crate) fn anonymous(&self) -> Client {
        self.nobody().with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous").with("X-OpenIDM-NoSession", "true")
    }

    /// Somebody with a password, without a session.
    pub(crate) fn user(&self, name: &str, password: &str) -> Client {
        self.nobody().with("X-OpenIDM-Username", name).with("X-OpenIDM-Password", password).with("X-OpenIDM-NoSession", "true")
    }

    pub(crate) fn admin(&self) -> Client {
        self.user("openidm-admin", ADMIN_PASSWORD)
    }

    /// Can this person sign in?
    pub(crate) fn signs_in(&self, name: &str, password: &str) -> bool {
        let answer = self.user(name, password).get("info/login");
        assert!([200, 401].contains(&answer.status), "{} {}", answer.status, answer.text());
        answer.status == 200
    }

    /// The states of the mails to an address that somebody may read, written until now: what is in the store is not on its way, so nothing has to
    /// be waited for.
    pub(crate) fn mails_to(&self, address: &str) -> BTreeMap<String, String> {
        let found = self.admin().get(&format!("outbox?_queryFilter=to+eq+%22{}%22", address.replace('+', "%2B"))).ok();
        let text = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap().to_owned();
        // One that is delivered at this moment may stand there twice.
        found["result"].as_array().unwrap().iter().map(|one| (text(one, "_id"), text(one, "state"))).collect()
    }

    /// The file that says what the server's clock does, for whoever goes by it too (`VESTIBULE_CLOCK_OFFSET`).
    pub(crate) fn clock(&self) -> PathBuf {
        self.work.path().join("clock")
    }

    /// Puts the server's clock forward.
    pub(crate) fn advance(&self, seconds: u64) {
        let path = self.clock();
        let text = std::fs::read_to_string(&path).unwrap();
        let (sign, now) = text.strip_prefix('=').map_or(("", text.as_str()), |now| ("=", now));
        replace(&path, &format!("{sign}{}", now.parse::<u64>().unwrap() + seconds));
    }

    /// Replaces a file of the running project in one step, as an editor does.
    pub(crate) fn write(&self, name: &str, content: &str) {
        replace(&self.project().join(name), content);
    }

    /// What the server printed on standard error, its log.
    pub(crate) fn log(&self) -> String {
        self.running().log.text()
    }

    /// Waits for a line on standard output that begins like this; what follows is handed out.
    pub(crate) fn output_line(&self, begins: &str) -> Option<String> {
        self.running().output.wait(0, |line| line.strip_prefix(begins).map(str::to_owned))
    }

    /// Where the mails of a project without a mail server are shown, below the server's address: the path with the secret that the start printed.
    pub(crate) fn mail_page(&self) -> String {
        let line =
            self.output_line("mails are not sent but shown, on this machine only, at http://").expect("the start says where mails are");
        let path = line.find('/').expect("an address has a path");
        line[path..].to_owned()
    }

    /// Everything the server that ended last had printed on standard output.
    pub(crate) fn last_output(&self) -> String {
        self.last_output.all()
    }

    /// How many lines the log has; see [`Self::logged`].
    pub(crate) fn log_mark(&self) -> usize {
        self.running().log.count()
    }

    /// Waits for a line of the log with these words, from the mark on.
    #[track_caller]
    pub(crate) fn logged(&self, mark: usize, words: &str) -> String {
        let found = self.running().log.wait(mark, |line| line.contains(words).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("the log never said '{words}':\n{}", self.log()))
    }

    /// The same for a line with any of these words.
    #[track_caller]
    pub(crate) fn logged_any(&self, mark: usize, words: &[&str]) -> String {
        let found = self.running().log.wait(mark, |line| words.iter().any(|words| line.contains(words)).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("the log never said any of {words:?}:\n{}", self.log()))
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
            reaper::forget(running.child.id(), self.work.path());
        }
    }

    /// The most bytes of memory that the server has held at a time.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running().child.id())).unwrap();
        let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
        held.parse::<u64>().unwrap() << 10
    }

    /// Sends a signal by name, without waiting.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.running().child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// SIGTERM, and the exit status.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// The log of the server that ended last.
    pub(crate) fn last_log(&self) -> String {
        self.last_log.all()
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut running = self.running.take().expect("the server was stopped");
        self.last_output = running.output.clone();
        self.last_log = running.log.clone();
        let status = running.child.wait().unwrap();
        reaper::forget(running.child.id(), self.work.path());
        status.code()
    }

    /// The log of a server that ended, its last words included.
    pub(crate) fn wait_with_log(&mut self) -> (Option<i32>, String) {
        let log = self.running().log.clone();
        (self.wait(), log.all())
    }

    /// One figure of `/metrics`: the sum of all series of this name whose labels contain every one of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.admin().get("/metrics").expect(200).text();
        let series = text.lines().filter(|line| {
            let key = line.split(' ').next().unwrap_or_default();
            key.split('{').next() == Some(name) && labels.iter().all(|label| key.contains(label))
        });
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() && self.running.is_some() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the server's log, newest line first ---\n{}", tail.join("\n"));
        }
        self.kill();
    }
}

fn replace(path: &Path, content: &str) {
    let beside = path.with_extension("new-by-test");
    std::fs::write(&beside, content).unwrap();
    std::fs::rename(&beside, path).unwrap();
}
