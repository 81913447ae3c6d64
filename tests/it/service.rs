//! The server as a service: what it tells the service manager, and the sockets that one hands over.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::http::Request;
use crate::support::lines::{Lines, PATIENCE};
use crate::support::running::Running;
use crate::support::server::{ADMIN_PASSWORD, binary};
use crate::support::stages::reset_stage;
use crate::support::{Client, Project, Server};

/// What is said to a service manager.
struct Told(UnixDatagram);

impl Told {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    fn next(&self) -> String {
        let mut bytes = [0; 1024];
        let length = self.0.recv(&mut bytes).expect("the service manager is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// The next message with these words.
    fn saying(&self, words: &str) -> String {
        loop {
            let message = self.next();
            if message.contains(words) {
                return message;
            }
        }
    }
}

#[test]
fn the_service_manager_is_told_of_the_start_of_signs_of_life_of_reloads_and_of_the_end() {
    let place = tempfile::tempdir().unwrap();
    let told = Told::at(&place.path().join("notify"));
    let settings = "[limits]\ndrain_seconds = 3\n";
    let server =
        Server::on(Project::new().file("vestibule.toml", settings)).env("NOTIFY_SOCKET", place.path().join("notify").to_str().unwrap());
    // Ten minutes: the first look comes at once, and no further one.
    let mut server = server.env("WATCHDOG_USEC", "600000000").start();
    assert_eq!(told.next(), "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=starting");
    let ready = told.saying("READY=1");
    assert!(ready.starts_with("READY=1\nSTATUS=serving, processes: "), "{ready}");
    assert_eq!(told.saying("WATCHDOG"), "WATCHDOG=1");
    server.signal("HUP");
    let reloading = told.saying("RELOADING=1");
    let at = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("the moment is said");
    assert!(at.parse::<u64>().unwrap() > 0);
    assert_eq!(told.saying("READY=1"), ready, "nothing has changed, and the reload has ended");
    server.write("vestibule.toml", "[limits\n");
    let status = told.saying("STATUS=");
    assert!(status.contains("changed files are wrong and were not taken up"), "{status}");
    server.signal("HUP");
    told.saying("RELOADING=1");
    let refused = told.saying("READY=1");
    assert!(refused.contains("changed files are wrong and were not taken up"), "what was asked for ends too, and says how: {refused}");
    server.write("vestibule.toml", "");
    assert_eq!(told.saying("STATUS=serving"), ready.replace("READY=1\n", ""));
    assert_eq!(server.stop(), Some(0));
    let stopping = told.saying("STOPPING=1");
    assert_eq!(stopping, "STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000\nSTATUS=finishing what is running");
}

#[test]
fn a_process_that_is_broken_stands_in_the_status() {
    let place = tempfile::tempdir().unwrap();
    let told = Told::at(&place.path().join("notify"));
    let project = Project::new().process("unproven", &[reset_stage()]);
    let _server = Server::on(project).env("NOTIFY_SOCKET", place.path().join("notify").to_str().unwrap()).start();
    let ready = told.saying("READY=1");
    assert!(ready.ends_with(", 1 broken and not served (see the log)"), "{ready}");
}

/// Starts a server as a service manager does: the sockets are its third and fourth descriptors, and it is told so under its own number.
fn activated(data: &Path, names: &str, sockets: [&TcpListener; 2], arguments: &[&str]) -> (Running, Lines) {
    let hands = |socket: &TcpListener| Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 4<&2 0</dev/null 2>&1; LISTEN_PID=$$ exec \"$0\" serve \"$@\"", binary(), "--data"]).arg(data);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("OPENIDM_ADMIN_PASSWORD", ADMIN_PASSWORD).env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
    let mut child = command.stdin(hands(sockets[0])).stderr(hands(sockets[1])).stdout(Stdio::piped()).spawn().unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    (Running(child), lines)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn sockets_that_were_handed_over_are_served_and_nobody_is_refused_between_two_servers() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (main, address) = listener();
    let (figures, figures_address) = listener();
    for _ in 0..2 {
        // Nobody serves yet: the connection waits, and so does its request.
        let asking = std::thread::spawn(move || {
            let anonymous = Client::new(address).with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous");
            anonymous.get("selfservice/reset").expect(200);
        });
        let (mut server, lines) = activated(place.path(), "vestibule.socket:metrics", [&main, &figures], &[]);
        asking.join().unwrap();
        assert!(lines.wait(0, |line| (line == format!("listening on http://{address}")).then_some(())).is_some(), "{}", lines.text());
        let shown = Request::new("GET", "/metrics").send(figures_address).expect(200).text();
        assert!(shown.contains("vestibule_"), "without credentials, at the address for it: {shown}");
        assert_eq!(server.stop(), Some(0));
    }
}

/// A request runs at the second of two sockets, and nothing at the first, when the end comes.
#[test]
fn the_end_waits_for_requests_at_every_socket() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ((first, first_address), (second, address)) = (listener(), listener());
    let (mut server, lines) = activated(place.path(), "a:b", [&first, &second], &[]);
    let said = |line: String| lines.wait(0, |said| said.contains(&line).then_some(())).unwrap_or_else(|| panic!("{}", lines.text()));
    said(format!("listening on http://{first_address}"));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = r#"{"input":{}}"#;
    let head = format!(
        "POST /openidm/selfservice/reset?_action=submitRequirements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\nX-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The body is asked for, so that the request runs.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(asked, *b"HTTP/1.1 100 Continue\r\n\r\n");
    server.tell_to_stop();
    said("stopping".to_owned());
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}\n{}", lines.text());
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn two_answers_to_where_to_listen_are_refused() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ((main, _), (figures, _)) = (listener(), listener());
    let refused = |names: &str, sockets: [&TcpListener; 2], arguments: &[&str]| {
        let (mut server, lines) = activated(place.path(), names, sockets, arguments);
        let said = lines.all();
        assert_eq!(server.ended(), Some(1), "{said}");
        said
    };
    let said = refused("a:b", [&main, &figures], &["--listen", "127.0.0.1:0"]);
    assert!(said.contains("--listen names an address, and the service manager hands over a socket"), "{said}");
    let project = place.path().join("project");
    Project::new().file("vestibule.toml", "[metrics]\nlisten = \"127.0.0.1:0\"\n").write_to(&project);
    let said = refused("a:metrics", [&main, &figures], &["--project", project.to_str().unwrap()]);
    assert!(said.contains("[metrics] listen names an address"), "{said}");
    let client = std::net::TcpStream::connect(main.local_addr().unwrap()).unwrap();
    let connection = TcpListener::from(OwnedFd::from(main.accept().unwrap().0));
    let said = refused("a:b", [&connection, &figures], &[]);
    assert!(said.contains("socket 1 of the service manager is no listener; its unit needs ListenStream= and Accept=no"), "{said}");
    drop(client);
    // One whose client went away at once says nothing of a peer any more: what came and was not read makes it a reset.
    let client = std::net::TcpStream::connect(main.local_addr().unwrap()).unwrap();
    let mut connection = main.accept().unwrap().0;
    connection.write_all(b"x").unwrap();
    client.peek(&mut [0]).unwrap();
    drop(client);
    assert!(connection.read(&mut [0]).is_err() && connection.peer_addr().is_err());
    let said = refused("a:b", [&TcpListener::from(OwnedFd::from(connection)), &figures], &[]);
    assert!(said.contains("socket 1 of the service manager is no listener"), "{said}");
}
