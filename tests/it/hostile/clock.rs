//! A machine whose clock is set: by libfaketime, below the server, as an operator or a time service sets it (Debian's `libfaketime`; without it the
//! tests say so and are passed over).

use std::path::PathBuf;

use serde_json::json;

use crate::support::people::{NEW_PASSWORD, PASSWORD, right_answers};
use crate::support::sink::{Answer, Sink, Taken};
use crate::support::stages::{kba, reset_stage, user_query};
use crate::support::{Person, Project, Server, skipped};
use crate::world::reset_by_mail;

/// The library, where it is installed.
fn library() -> Option<PathBuf> {
    let directories = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|entry| entry.path());
    directories.map(|directory| directory.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())
}

/// A clock that a test sets.
struct Clock(tempfile::TempDir);

impl Clock {
    fn new() -> Self {
        let clock = Self(tempfile::tempdir().unwrap());
        clock.set(0);
        clock
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("clock")
    }

    /// So many seconds away from the machine's own.
    fn set(&self, seconds: i64) {
        let beside = self.0.path().join("beside");
        std::fs::write(&beside, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(beside, self.file()).unwrap();
    }
}

fn server(settings: &str) -> Option<(Server, Clock)> {
    on(Project::new(), settings)
}

fn server_with(sink: &Sink, settings: &str) -> Option<(Server, Clock)> {
    on(Project::new().json("conf/external.email.json", &sink.config()).process("mailed", &reset_by_mail()), settings)
}

fn on(project: Project, settings: &str) -> Option<(Server, Clock)> {
    let Some(library) = library() else {
        skipped("there is no libfaketime here; `make tools` installs it");
        return None;
    };
    let clock = Clock::new();
    let project = project.process("reset", &[user_query(), kba(), reset_stage()]).file("vestibule.toml", settings);
    let server = Server::on(project)
        .env("LD_PRELOAD", library.to_str().unwrap())
        .env("FAKETIME_TIMESTAMP_FILE", clock.file().to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .start();
    Some((server, clock))
}

/// An hour back made everybody wait for an hour; the budget of the minute is the same as before.
#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting_and_gives_nobody_more() {
    let Some((server, clock)) = server("[limits]\nsignins_per_client_minute = 40\n") else { return };
    let person = Person::create(&server, "back");
    let sign_in = || server.user(&person.name, PASSWORD).get("info/login").status;
    let before = (0..5).map(|_| sign_in()).collect::<Vec<_>>();
    assert_eq!(before, [200; 5]);
    clock.set(-3_600);
    assert_eq!((0..5).map(|_| sign_in()).collect::<Vec<_>>(), [200; 5], "nobody waits for the time to come back");
    // However slow the machine is, a minute's budget is no hour's.
    assert!((0..400).any(|_| sign_in() == 429), "the limit still holds");
    let waits: u64 =
        server.user(&person.name, PASSWORD).get("info/login").header("retry-after").map_or(0, |seconds| seconds.parse().unwrap());
    assert!(waits <= 60, "{waits}");
    clock.set(120);
    assert_eq!(sign_in(), 200, "a minute has passed");
}

/// A budget of mails goes on, and a mail that is tried again does not wait for the former time.
#[test]
fn a_clock_that_is_set_back_gives_no_more_mails_and_keeps_none_waiting() {
    let refused = std::sync::atomic::AtomicBool::new(false);
    let sink = Sink::start(move |at| {
        let first = at.name == "RCPT" && !refused.swap(true, std::sync::atomic::Ordering::SeqCst);
        if first { Answer::Say("451 4.3.0 later") } else { Answer::Usual }
    });
    let Some((server, clock)) = server_with(&sink, "[limits]\nmails_per_recipient_hour = 2\n") else { return };
    let person = Person::create(&server, "mails");
    let mark = server.log_mark();
    let asks = || server.anonymous().goes_on("mailed", None, &person.query());
    asks();
    let failed = || server.metric("vestibule_mail_total", &["failed"]) > 0.0;
    assert!((0..10_000).any(|_| failed()));
    clock.set(-3_600);
    sink.mail(&person.mail);
    server.logged(mark, "the clock was set back; mails that waited");
    asks();
    asks();
    // Where no recipient was taken, what was sent behind is ended without a text (RFC 2920 section 3.1).
    let written = |mails: &[Taken]| mails.iter().filter(|mail| !mail.text.is_empty()).count();
    assert_eq!(sink.wait(|mails| (written(mails) >= 2).then(|| written(mails))), Some(2), "{:?}", sink.mails());
    assert_eq!(server.metric("vestibule_mail_over_budget_total", &["recipient_hour"]), 1.0);
}

/// Sessions and processes go on, whichever way the clock is set by what is less than their lives.
#[test]
fn sessions_and_processes_go_on_through_steps_of_the_clock() {
    let Some((server, clock)) = server("[limits]\nenabled = false\n") else { return };
    let person = Person::with_answers(&server, "steps");
    let session = server.nobody().session(&person.name, PASSWORD);
    let client = server.anonymous();
    let (asked, first) = client.goes_on("reset", None, &person.query());
    for offset in [-7_200, 60, -60] {
        clock.set(offset);
        session.get("info/login").expect(200);
        assert_eq!(client.goes_on("reset", None, &person.query()).0["type"], asked["type"], "{offset}");
    }
    clock.set(0);
    let answer = json!(right_answers(&asked));
    let token = client.goes_on("reset", Some(&first), &answer).1;
    clock.set(-3_600);
    let end = client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok();
    assert_eq!(end["tag"], "end");
    session.get("info/login").refused(401);
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
}
