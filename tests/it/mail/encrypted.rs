//! Mail servers that speak TLS: certificates are verified, and nothing goes in the clear where it must not (SEC-46).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::people::unused;
use crate::support::tls::Pair;
use crate::support::{Project, Server};

/// What the mail server does about TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// TLS from the first byte.
    Tls,
    /// Plain text first, and STARTTLS.
    StartTls,
    /// Plain text, and somebody on the way has taken the offer of STARTTLS out.
    Stripped,
    /// STARTTLS, and somebody on the way has put an answer behind its own.
    Injected,
}

/// A mail server. What it was told is kept: whether the connection was encrypted then, and the line.
struct MailServer {
    port: u16,
    said: Arc<Mutex<Vec<(bool, String)>>>,
}

impl MailServer {
    fn start(pair: &Pair, speaks: Speaks) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        // Ends with the process of the tests; nobody waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, said) = (Arc::clone(&config), Arc::clone(&kept));
                std::thread::spawn(move || {
                    // A client that does not trust the server leaves in the middle.
                    let _ = serve(stream, config, speaks, &said);
                });
            }
        });
        Self { port, said }
    }

    fn config(&self, speaks: &str) -> Value {
        let mut config = json!({
            "host": "localhost", "port": self.port, "from": "project@example.test",
            "auth": { "enable": true, "username": "mailer", "password": "s3cret-of-the-mailer" },
            "starttls": { "enable": false }, "ssl": { "enable": false },
        });
        config[speaks]["enable"] = json!(true);
        config
    }

    fn said(&self) -> Vec<(bool, String)> {
        self.said.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, speaks: Speaks, said: &Mutex<Vec<(bool, String)>>) -> std::io::Result<()> {
    let encrypt = |stream| std::io::Result::Ok(StreamOwned::new(ServerConnection::new(config).map_err(std::io::Error::other)?, stream));
    if speaks == Speaks::Tls {
        return talk(encrypt(stream)?, true, speaks, said).map(|_| ());
    }
    match talk(stream, false, speaks, said)? {
        Some(stream) => talk(encrypt(stream)?, true, speaks, said).map(|_| ()),
        None => Ok(()),
    }
}

/// Talks until the end, or hands the stream back when it is to be encrypted.
fn talk<S: Read + Write>(stream: S, encrypted: bool, speaks: Speaks, said: &Mutex<Vec<(bool, String)>>) -> std::io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    let offers = if !encrypted && speaks != Speaks::Stripped { "250-STARTTLS\r\n" } else { "" };
    let mut answer = if encrypted && speaks != Speaks::Tls { String::new() } else { "220 here\r\n".to_owned() };
    let mut in_text = false;
    loop {
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        said.lock().unwrap().push((encrypted, line.clone()));
        answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "." => {
                in_text = false;
                "250 taken\r\n".to_owned()
            }
            _ if in_text => String::new(),
            "EHLO" => format!("250-here\r\n{offers}250 AUTH PLAIN\r\n"),
            "STARTTLS" => {
                let more = if speaks == Speaks::Injected { "250 AUTH PLAIN\r\n" } else { "" };
                stream.get_mut().write_all(format!("220 go on\r\n{more}").as_bytes())?;
                return Ok(Some(stream.into_inner()));
            }
            "AUTH" => "235 you are\r\n".to_owned(),
            "DATA" => {
                in_text = true;
                "354 go on\r\n".to_owned()
            }
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "250 ok\r\n".to_owned(),
        };
    }
}

/// A server of ours that trusts one certificate alone, sends a mail and waits for the answer.
fn sends(trusted: &Pair, config: &Value) -> (bool, String) {
    sends_as(trusted, config, "")
}

/// The same with these settings.
fn sends_as(trusted: &Pair, config: &Value, settings: &str) -> (bool, String) {
    let work = TempDir::new().unwrap();
    let roots = work.path().join("roots.pem");
    std::fs::write(&roots, &trusted.certificate).unwrap();
    let project = Project::new().json("conf/external.email.json", config).file("vestibule.toml", settings);
    let server = Server::on(project).env("SSL_CERT_FILE", &roots.display().to_string()).start();
    let mark = server.log_mark();
    let mail = json!({
        "from": "x@example.test", "to": format!("{}@example.test", unused("encrypted")), "subject": "S", "type": "text/plain", "body": "B",
    });
    let answer = server.admin().post("external/email?_action=send", &mail);
    if answer.status == 200 {
        return (true, String::new());
    }
    let line = server.logged(mark, "a mail was not delivered");
    (false, line)
}

#[test]
fn sec_46_a_mail_server_is_spoken_to_behind_tls_from_the_first_byte_or_after_starttls() {
    for (speaks, key) in [(Speaks::Tls, "ssl"), (Speaks::StartTls, "starttls")] {
        let pair = Pair::of("localhost");
        let there = MailServer::start(&pair, speaks);
        let (sent, line) = sends(&pair, &there.config(key));
        assert!(sent, "{key}: {line}");
        let said = there.said();
        let of =
            |begins: &str| said.iter().filter(|(_, line)| line.starts_with(begins)).map(|(encrypted, _)| *encrypted).collect::<Vec<_>>();
        assert_eq!((of("AUTH"), of("MAIL"), of("DATA")), (vec![true], vec![true], vec![true]), "{key}: {said:?}");
        assert_eq!(of("EHLO"), if key == "ssl" { vec![true] } else { vec![false, true] }, "it introduces itself anew: {said:?}");
    }
}

#[test]
fn a_password_that_the_file_has_encrypted_is_that_of_the_settings() {
    let pair = Pair::of("localhost");
    let there = MailServer::start(&pair, Speaks::Tls);
    let mut config = there.config("ssl");
    config["auth"]["password"] = json!({ "$crypto": { "type": "x-simple-encryption", "value": { "key": "openidm-sym-default" } } });
    let (sent, line) = sends_as(&pair, &config, "[mail]\npassword = \"of-the-settings\"\n");
    assert!(sent, "{line}");
    let login = STANDARD.encode("\0mailer\0of-the-settings");
    assert!(there.said().iter().any(|(_, line)| *line == format!("AUTH PLAIN {login}")), "{:?}", there.said());
}

#[test]
fn sec_46_a_certificate_of_nobody_or_for_another_name_gets_no_mail_and_no_credentials() {
    for (speaks, key) in [(Speaks::Tls, "ssl"), (Speaks::StartTls, "starttls")] {
        let (own, other) = (Pair::of("localhost"), Pair::of("mail.example.test"));
        for (pair, trusted, what) in [(&own, &other, "an authority nobody trusts"), (&other, &other, "another name")] {
            let there = MailServer::start(pair, speaks);
            let (sent, line) = sends(trusted, &there.config(key));
            assert!(!sent && line.contains("certificate"), "{key}, {what}: {line}");
            let said = there.said();
            assert!(!said.iter().any(|(encrypted, line)| *encrypted || line.starts_with("AUTH") || line.starts_with("MAIL")), "{said:?}");
        }
    }
}

#[test]
fn sec_46_whoever_takes_starttls_away_or_answers_before_it_gets_nothing() {
    let pair = Pair::of("localhost");
    for (speaks, reason) in [(Speaks::Stripped, "does not offer STARTTLS"), (Speaks::Injected, "more than it may before it encrypts")] {
        let there = MailServer::start(&pair, speaks);
        let (sent, line) = sends(&pair, &there.config("starttls"));
        assert!(!sent && line.contains(reason), "{line}");
        let said = there.said();
        assert!(!said.iter().any(|(_, line)| line.starts_with("AUTH") || line.starts_with("MAIL") || line.contains("s3cret")), "{said:?}");
    }
    // A server that speaks no TLS where it must from the first byte.
    let there = MailServer::start(&pair, Speaks::StartTls);
    let (sent, line) = sends(&pair, &there.config("ssl"));
    assert!(!sent && there.said().iter().all(|(_, line)| !line.starts_with("EHLO")), "{line}");
}
