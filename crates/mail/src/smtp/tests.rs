//! The client against servers that say what a test wants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::failure::Failure;
use crate::letter::Letter;
use crate::limits::Limits;

/// What a server does: for each step it waits until it has read this text, and then says that.
type Script = &'static [(&'static str, &'static str)];

const HELLO: (&str, &str) = ("", "220 here\r\n");
const PLAIN: (&str, &str) = ("EHLO", "250 here\r\n");
const GROUPS: (&str, &str) = ("EHLO", "250-here\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
/// Never said: the server hangs.
const HANG: &str = "HANG";
/// The server closes the connection.
const CLOSE: &str = "CLOSE";

/// A server that plays a script on each connection, one after the other, and what it has read.
struct Stage {
    server: Server,
    read: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(mut stream: TcpStream, script: Script, read: Arc<Mutex<Vec<String>>>, number: usize) {
    let mut pending = String::new();
    for (wanted, said) in script {
        while !pending.contains(wanted) {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    read.lock().unwrap()[number].push_str(&text);
                    pending.push_str(&text);
                }
            }
        }
        if let Some(at) = pending.find(wanted) {
            pending.drain(..at + wanted.len());
        }
        match *said {
            HANG => std::future::pending().await,
            CLOSE => return,
            said => stream.write_all(said.as_bytes()).await.unwrap(),
        }
    }
    while matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {}
}

async fn stage(scripts: &'static [Script]) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let short = Duration::from_millis(200);
    let limits = Limits { connect: short, greeting: short, command: short, data: short, accepted: short, quit: short, ..Limits::default() };
    let port = listener.local_addr().unwrap().port();
    let server =
        Server { host: "127.0.0.1".into(), port, security: Security::None, tls: None, login: None, greeting: None, utf8: true, limits };
    let read: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&read);
    let task = tokio::spawn(async move {
        for (number, script) in scripts.iter().enumerate() {
            let (stream, _) = listener.accept().await.unwrap();
            kept.lock().unwrap().push(String::new());
            tokio::spawn(play(stream, script, Arc::clone(&kept), number));
        }
        std::future::pending::<()>().await;
    });
    Stage { server, read, task }
}

fn letter() -> Letter {
    let message = b"Subject: x\r\n\r\n.hidden\r\n".to_vec();
    Letter { from: "a@example.org".into(), to: "b@example.org".into(), message, utf8: false }
}

#[tokio::test]
async fn every_wait_for_the_server_has_a_limit() {
    const PATIENT: Script = &[HELLO, PLAIN, ("MAIL", "250 ok\r\n"), ("RCPT", "250 ok\r\n"), ("DATA", "354 go\r\n"), ("\r\n.\r\n", HANG)];
    let hanging: [(&'static [Script], bool); 8] = [
        (&[&[("", HANG)]], true),
        (&[&[HELLO, ("EHLO", HANG)]], true),
        (&[&[HELLO, ("EHLO", "250-never\r\n"), ("never", HANG)]], true),
        (&[&[HELLO, PLAIN, ("MAIL", HANG)]], false),
        (&[&[HELLO, PLAIN, ("MAIL", "250 ok\r\n"), ("RCPT", HANG)]], false),
        (&[&[HELLO, PLAIN, ("MAIL", "250 ok\r\n"), ("RCPT", "250 ok\r\n"), ("DATA", HANG)]], false),
        (&[PATIENT], false),
        (&[&[HELLO, GROUPS, ("DATA", HANG)]], false),
    ];
    for (scripts, whole) in hanging {
        let stage = stage(scripts).await;
        let sent = tokio::time::timeout(Duration::from_secs(20), Pool::new(stage.server.clone()).send(&letter())).await;
        let failure = sent.expect("the client waits without end").unwrap_err();
        assert_eq!(matches!(failure, Failure::Unreachable(_)), whole, "{failure}");
        assert!(!failure.is_permanent(), "{failure}");
    }
}

#[tokio::test]
async fn a_mail_is_two_writes_and_connections_are_kept() {
    const TWICE: Script = &[
        HELLO,
        GROUPS,
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("\r\n.\r\n", "250 taken\r\n"),
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("\r\n.\r\n", "250 taken\r\n"),
    ];
    let stage = stage(&[TWICE]).await;
    let pool = Pool::new(stage.server.clone());
    pool.send(&letter()).await.unwrap();
    pool.send(&letter()).await.unwrap();
    let text = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..hidden\r\n.\r\n";
    let read = stage.read.lock().unwrap().concat();
    assert_eq!(read, format!("EHLO [127.0.0.1]\r\n{text}{text}"));
}

#[tokio::test]
async fn a_refused_recipient_costs_no_connection_and_no_other_mail() {
    const REFUSED: Script = &[
        HELLO,
        GROUPS,
        ("DATA\r\n", "250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n"),
        (".\r\n", "554 nobody\r\n"),
        ("RSET\r\nMAIL", "250 ok\r\n"),
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("\r\n.\r\n", "250 taken\r\n"),
    ];
    const IN_TURN: Script = &[
        HELLO,
        PLAIN,
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "450 later\r\n"),
        ("RSET", "250 ok\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "250 ok\r\n"),
        ("DATA", "354 go\r\n"),
        ("\r\n.\r\n", "250 taken\r\n"),
    ];
    let pipelined = stage(&[REFUSED]).await;
    let pool = Pool::new(pipelined.server.clone());
    let failure = pool.send(&letter()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Refused(said) if said.contains("550 5.1.1 nobody")), "{failure}");
    pool.send(&letter()).await.unwrap();
    let turn = stage(&[IN_TURN]).await;
    let pool = Pool::new(turn.server.clone());
    assert!(matches!(pool.send(&letter()).await, Err(Failure::Deferred(said)) if said.contains("450 later")));
    pool.send(&letter()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_is_replaced() {
    const ONE: Script = &[HELLO, GROUPS, ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"), ("\r\n.\r\n", "250 taken\r\n"), ("", CLOSE)];
    let stage = stage(&[ONE, ONE]).await;
    let pool = Pool::new(stage.server.clone());
    pool.send(&letter()).await.unwrap();
    pool.send(&letter()).await.unwrap();
    assert_eq!(stage.read.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_server_cannot_take_is_refused_with_the_reason() {
    const ASCII: Script = &[HELLO, ("EHLO", "250-here\r\n250 SIZE 10\r\n")];
    const UTF8: Script = &[HELLO, GROUPS, ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"), ("\r\n.\r\n", "250 taken\r\n")];
    let utf8 = Letter { to: "jörg@example.org".into(), utf8: true, ..letter() };
    let old = stage(&[ASCII, ASCII]).await;
    let pool = Pool::new(old.server.clone());
    assert!(matches!(pool.send(&utf8).await, Err(Failure::Refused(said)) if said.contains("SMTPUTF8")));
    assert!(matches!(pool.send(&letter()).await, Err(Failure::Refused(said)) if said.contains("10")));
    let new = stage(&[UTF8]).await;
    Pool::new(new.server.clone()).send(&utf8).await.unwrap();
    let read = new.read.lock().unwrap().concat();
    assert!(read.contains("MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<jörg@example.org>\r\n"), "{read}");
}

#[tokio::test]
async fn sec_46_nothing_goes_in_the_clear_where_encryption_is_required() {
    const NONE: Script = &[HELLO, PLAIN];
    const EAGER: Script = &[HELLO, ("EHLO", "250-here\r\n250 STARTTLS\r\n"), ("STARTTLS", "220 go\r\n250 and more\r\n")];
    let secured = |stage: &Stage, required: bool| Server {
        security: Security::StartTls { required },
        tls: Tls::new("localhost", Protocols::Both).ok(),
        ..stage.server.clone()
    };
    let none = stage(&[NONE, NONE]).await;
    assert!(matches!(Pool::new(secured(&none, true)).send(&letter()).await, Err(Failure::Unreachable(said)) if said.contains("STARTTLS")));
    let opportunistic = stage(&[&[HELLO, PLAIN, ("MAIL", "550 no\r\n")]]).await;
    assert!(matches!(Pool::new(secured(&opportunistic, false)).send(&letter()).await, Err(Failure::Refused(_))));
    let eager = stage(&[EAGER]).await;
    let failure = Pool::new(secured(&eager, true)).send(&letter()).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert!(!eager.read.lock().unwrap().concat().contains("MAIL"));
}

#[tokio::test]
async fn a_login_is_said_in_the_words_the_server_knows() {
    use zeroize::Zeroizing;
    const BOTH: Script =
        &[HELLO, ("EHLO", "250-here\r\n250 AUTH LOGIN PLAIN\r\n"), ("AUTH PLAIN AHUAcA==\r\n", "235 in\r\n"), ("MAIL", "550 x\r\n")];
    const OLD: Script = &[
        HELLO,
        ("EHLO", "250-here\r\n250 AUTH=LOGIN\r\n"),
        ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"),
        ("dQ==\r\n", "334 UGFzc3dvcmQ6\r\n"),
        ("cA==\r\n", "235 in\r\n"),
        ("MAIL", "550 x\r\n"),
    ];
    const WRONG: Script = &[HELLO, ("EHLO", "250-here\r\n250 AUTH PLAIN\r\n"), ("AUTH PLAIN", "535 no\r\n")];
    const NONE: Script = &[HELLO, PLAIN];
    let login = || Some(Arc::new(Login::Password { username: "u".into(), password: Zeroizing::new("p".to_owned()) }));
    for scripts in [&[BOTH] as &[Script], &[OLD]] {
        let scripts: &'static [Script] = Box::leak(scripts.to_vec().into_boxed_slice());
        let stage = stage(scripts).await;
        let sent = Pool::new(Server { login: login(), ..stage.server.clone() }).send(&letter()).await;
        assert!(matches!(sent, Err(Failure::Refused(_))), "the mail, not the login: {sent:?}");
    }
    for scripts in [&[WRONG] as &[Script], &[NONE]] {
        let scripts: &'static [Script] = Box::leak(scripts.to_vec().into_boxed_slice());
        let stage = stage(scripts).await;
        let sent = Pool::new(Server { login: login(), ..stage.server.clone() }).send(&letter()).await;
        assert!(matches!(sent, Err(Failure::Unreachable(_))), "no mail is lost over a wrong password: {sent:?}");
    }
}
