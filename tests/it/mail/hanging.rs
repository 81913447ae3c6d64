//! A mail server that hangs, is slow, has enough: nobody else's mail waits for it.
#![expect(clippy::disallowed_methods, reason = "a limit on how long the real world may take")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::people::unused;
use crate::support::sink::{Answer, Sink, Taken};
use crate::support::{Client, Project, Server};

/// Limits of a second, so that a test sees them end.
const SHORT: &str = "[limits]\nenabled = false\n[mail]\nconnect_seconds = 1\ngreeting_seconds = 1\ncommand_seconds = 1\ndata_seconds = 1\n\
     accepted_seconds = 1\nquit_seconds = 1\n";

fn server(sink: &Sink, settings: &str) -> Server {
    Server::on(Project::new().json("conf/external.email.json", &sink.config()).file("vestibule.toml", settings)).start()
}

fn address(name: &str) -> String {
    format!("{}@example.test", unused(name))
}

fn send(admin: &Client, to: &str) {
    let mail = json!({ "from": "x@example.test", "to": to, "subject": "S", "type": "text/plain", "body": "B" });
    admin.post("external/email?_action=send&waitForCompletion=false", &mail).ok();
}

/// Waits for a mail whose next attempt is due in a while, which is put forward until it comes.
fn retried(server: &Server, sink: &Sink, to: &str) -> Taken {
    let of = |mails: &[Taken]| mails.iter().find(|mail| mail.to == to).cloned();
    let tries = std::iter::repeat_with(|| {
        let came = sink.wait_for(Duration::from_secs(1), of);
        server.advance(2);
        came
    });
    tries.take(30).flatten().next().unwrap_or_else(|| panic!("no mail for {to} came"))
}

/// The first conversation hangs at each moment in turn. Another mail comes at once, and the first one after the limit.
#[test]
fn a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other() {
    for moment in ["connect", "EHLO", "MAIL", "RCPT", "DATA", "text"] {
        let sink = Sink::start(move |at| if at.connection == 0 && at.name == moment { Answer::Hang } else { Answer::Usual });
        let server = server(&sink, SHORT);
        let admin = server.admin();
        let (first, second) = (address("first"), address("second"));
        let begun = Instant::now();
        send(&admin, &first);
        while sink.connections() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{moment}");
            std::thread::yield_now();
        }
        send(&admin, &second);
        let second = sink.mail(&second);
        let first = retried(&server, &sink, &first);
        assert!(second.at < first.at, "{moment}: the mail that hangs is not waited for");
        assert_ne!(first.connection, 0, "{moment}");
        assert!(first.at.duration_since(begun) < Duration::from_secs(15), "{moment}: {:?}", first.at.duration_since(begun));
    }
}

/// Each command has twenty seconds, and the whole of a mail one.
#[test]
fn a_mail_has_its_time_whatever_its_commands_have() {
    let sink = Sink::start(|at| if at.connection == 0 && at.name == "RCPT" { Answer::Hang } else { Answer::Usual });
    let server = server(&sink, "[limits]\nenabled = false\n[mail]\nattempt_seconds = 1\n");
    let (to, begun) = (address("timed"), Instant::now());
    send(&server.admin(), &to);
    let came = retried(&server, &sink, &to);
    assert!(came.connection != 0 && came.at.duration_since(begun) < Duration::from_secs(15), "{:?}", came.at.duration_since(begun));
}

/// Where the conversation is to be encrypted, or somebody signs in, each of these commands has its limit too.
#[test]
fn a_server_that_hangs_at_starttls_or_at_the_sign_in_is_left_within_the_limit() {
    let auth = json!({ "enable": true, "username": "sender", "password": "Secret-of-the-tests" });
    for (moment, auth, starttls) in [("STARTTLS", json!({ "enable": false }), true), ("AUTH", auth, false)] {
        let sink = Sink::with(&["STARTTLS", "AUTH PLAIN LOGIN"], move |at| if at.name == moment { Answer::Hang } else { Answer::Usual });
        let mut config = sink.config();
        config["auth"] = auth;
        config["starttls"] = json!({ "enable": starttls });
        let server = Server::on(Project::new().json("conf/external.email.json", &config).file("vestibule.toml", SHORT)).start();
        let log = server.log_mark();
        let begun = Instant::now();
        send(&server.admin(), &address("hangs"));
        sink.asked(moment);
        server.logged(log, "a mail was not delivered");
        assert!(begun.elapsed() < Duration::from_secs(15), "{moment}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_server_that_hangs_at_every_greeting_is_left_within_the_limit_and_used_when_it_is_back() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let back = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&back);
    let sink = Sink::start(move |at| if at.name == "connect" && !seen.load(Ordering::SeqCst) { Answer::Hang } else { Answer::Usual });
    let server = server(&sink, SHORT);
    let log = server.log_mark();
    let to: Vec<String> = (0..20).map(|_| address("all")).collect();
    let admin = server.admin();
    for to in &to {
        send(&admin, to);
    }
    server.logged(log, "a mail was not delivered");
    back.store(true, Ordering::SeqCst);
    for to in &to {
        retried(&server, &sink, to);
    }
}

/// One recipient's mails are answered never, more of them than a server gets connections.
#[test]
fn one_slow_recipient_or_domain_delays_nobody_else() {
    let sink = Sink::start(|at| if at.name == "RCPT" && at.line.contains("@slow.test") { Answer::Hang } else { Answer::Usual });
    let server = server(&sink, "[limits]\nenabled = false\n[mail]\nconnections = 8\ncommand_seconds = 20\n");
    let admin = server.admin();
    for number in 0..30 {
        send(&admin, &format!("{}{number}@slow.test", unused("s")));
    }
    sink.asked("RCPT TO:<s");
    let others: Vec<String> = (0..10).map(|_| address("quick")).collect();
    let begun = Instant::now();
    for to in &others {
        send(&admin, to);
    }
    for to in &others {
        sink.mail(to);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn connections_are_kept_bounded_and_a_server_that_has_enough_of_them_gets_fewer() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    // It takes three conversations at a time, and says so to the others.
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    let sink = Sink::start(move |at| match at.name {
        "connect" if counted.fetch_add(1, Ordering::SeqCst) >= 3 => {
            counted.fetch_sub(1, Ordering::SeqCst);
            Answer::Say("421 too many connections")
        }
        "text" => Answer::After(Duration::from_millis(5)),
        "QUIT" => {
            counted.fetch_sub(1, Ordering::SeqCst);
            Answer::Usual
        }
        _ => Answer::Usual,
    });
    let server = server(&sink, "[limits]\nenabled = false\n");
    let admin = server.admin();
    let to: Vec<String> = (0..120).map(|_| address("many")).collect();
    for to in &to {
        send(&admin, to);
    }
    let came = sink.wait(|mails| (mails.len() >= to.len()).then(|| mails.iter().map(|mail| mail.to.clone()).collect::<BTreeSet<_>>()));
    assert_eq!(came.expect("all mails come"), to.into_iter().collect());
    assert!(sink.connections() < 100, "connections are used again: {}", sink.connections());
}

#[test]
fn a_mail_is_one_envelope_one_text_and_nothing_else() {
    let sink = Sink::start(|_| Answer::Usual);
    let server = server(&sink, "[limits]\nenabled = false\n");
    let admin = server.admin();
    let to: Vec<String> = (0..3).map(|_| address("lean")).collect();
    for to in &to {
        send(&admin, to);
        sink.mail(to);
    }
    let words: Vec<String> = sink.commands().iter().map(|(_, line)| line.split([' ', ':']).next().unwrap_or_default().to_owned()).collect();
    assert_eq!(words.iter().filter(|word| *word == "EHLO").count(), sink.connections());
    assert!(words.iter().all(|word| ["EHLO", "MAIL", "RCPT", "DATA"].contains(&word.as_str())), "{words:?}");
    assert_eq!((sink.connections(), sink.most_open()), (1, 1), "the connection is kept");
}

/// Killed in the middle: what it had in hand is not lost for as long as its lease lasts. The clock stands, so no lease ends by itself.
#[test]
fn mails_of_a_process_that_was_killed_come_with_the_restart_and_wait_for_no_lease() {
    let sink = Sink::start(|at| if at.connection < 40 && at.name == "text" { Answer::Hang } else { Answer::Usual });
    let settings = "[limits]\nenabled = false\n[mail]\nconnections = 4\n";
    let project = Project::new().json("conf/external.email.json", &sink.config()).file("vestibule.toml", settings);
    let mut server = Server::on(project).clock_stands().start();
    let admin = server.admin();
    let to: Vec<String> = (0..40).map(|_| address("killed")).collect();
    for to in &to {
        send(&admin, to);
    }
    sink.asked("DATA");
    server.kill();
    let hung = sink.connections();
    assert!(hung < 40);
    // From now on it takes everything: the connections up to 40 are used up by hand.
    for _ in hung..40 {
        drop(std::net::TcpStream::connect(("127.0.0.1", sink.port)).unwrap());
    }
    while sink.connections() < 40 {
        std::thread::yield_now();
    }
    server.start();
    let all = |mails: &[Taken]| (mails.len() >= to.len()).then(|| mails.iter().map(|mail| mail.to.clone()).collect::<BTreeSet<_>>());
    let came = sink.wait(all);
    assert_eq!(came.expect("all mails come"), to.into_iter().collect());
}
