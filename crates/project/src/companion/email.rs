//! `external.email.json`: how mail leaves (idm-docs §5.6).
//!
//! The password is taken, in this order, from the environment variable `VESTIBULE_MAIL_PASSWORD`, from `vestibule.toml`, from the file.
//! The rule easiest to break: a file that cannot be used means "no mail service", which fails when a process wants to send, not at load.

use std::time::Duration;

use crate::diagnostic::{Severity, Sink};
use crate::loose::{Document, Node};
use crate::secret::{Secret, SecretText};
use crate::substitution::Environment;

/// The variable that holds the password of the mail server.
pub(crate) const PASSWORD_VARIABLE: &str = "VESTIBULE_MAIL_PASSWORD";

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// STARTTLS.
    StartTls {
        /// Must the server offer it? It must, unless `mail.smtp.starttls.required=false` says that a mail, with its link, may go in the
        /// clear to a server that does not (SEC-46).
        required: bool,
    },
    /// TLS from the first byte.
    Tls,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailer {
    /// Name or address.
    pub host: String,
    /// Port; 25, 465 or 587 where the file gives none, as the protection asks.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Name to authenticate with; nothing without authentication.
    pub username: Option<String>,
    /// Password; still encrypted if only the operator's keystore can open it.
    pub password: Option<SecretText>,
    /// Sender for mails that name none.
    pub from: Option<String>,
    /// Name to greet the server with, `mail.smtp.localhost`.
    pub greeting: Option<String>,
    /// Longest time to connect; nothing for no limit.
    pub connect_timeout: Option<Duration>,
    /// Longest wait for one answer.
    pub read_timeout: Option<Duration>,
    /// Longest time for one write.
    pub write_timeout: Option<Duration>,
}

/// Properties of the Java mail library that are honoured, or whose effect is always on.
const HONOURED: [&str; 4] =
    ["mail.smtp.localhost", "mail.smtp.starttls.required", "mail.smtp.ssl.protocols", "mail.smtp.ssl.checkserveridentity"];

impl Mailer {
    /// `password` is the one of `vestibule.toml`; `keystore` says whether encrypted values can be opened later.
    pub(crate) fn read(
        document: &Document,
        password: Option<&Secret>,
        keystore: bool,
        environment: &dyn Environment,
        sink: &Sink,
    ) -> Option<Self> {
        let root = document.root(sink);
        let kind = root.get("type").filled_text().unwrap_or_else(|| "smtp".to_owned());
        if !kind.eq_ignore_ascii_case("smtp") {
            let help = "send through an SMTP server: give its host and port and leave 'type' out".to_owned();
            root.get("type").report(Severity::Error, "mail-type", format!("mail of the type '{kind}' cannot be sent"), Some(help));
            return None;
        }
        let known =
            ["type", "host", "port", "auth", "starttls", "ssl", "from", "timeout", "writetimeout", "connectiontimeout", "smtpProperties"];
        root.expect_keys(&known, &["debug", "threadPoolSize", "messageSentTemplate"]);
        let properties = properties(&root.get("smtpProperties"));
        let property = |name: &str| properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (username, password) = credentials(&root.get("auth"), password, keystore, environment);
        let waived = property("mail.smtp.starttls.required").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        let required = username.is_some() || !waived;
        let enabled = |key: &str| {
            let node = root.get(key);
            if node.value().is_some_and(serde_json::Value::is_object) { node.get("enable").boolean() } else { node.boolean() }
                .unwrap_or_default()
        };
        let security = match (enabled("ssl"), enabled("starttls")) {
            (true, _) => Security::Tls,
            (false, true) => Security::StartTls { required },
            (false, false) => Security::None,
        };
        let port = if root.get("port").is_present() {
            root.get("port").integer_in(1..=65535).and_then(|port| u16::try_from(port).ok())
        } else {
            Some(match security {
                Security::None => 25,
                Security::StartTls { .. } => 587,
                Security::Tls => 465,
            })
        };
        let host = root.get("host").filled_text();
        if host.is_none() && !root.get("host").is_flawed() {
            root.report(Severity::Error, "missing-key", "missing key 'host': which server takes the mail?", None);
        }
        let timeout = |key: &str| {
            const DEFAULT: i64 = 300_000;
            let milliseconds = root.get(key).integer().unwrap_or(DEFAULT);
            u64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
        };
        Some(Self {
            host: host?,
            port: port?,
            security,
            username,
            password,
            from: Some(root.get("from")).filter(|from| !from.is_flawed()).and_then(|from| from.filled_text()),
            greeting: property("mail.smtp.localhost").map(str::to_owned),
            connect_timeout: timeout("connectiontimeout"),
            read_timeout: timeout("timeout"),
            write_timeout: timeout("writetimeout"),
        })
    }
}

fn credentials(
    auth: &Node<'_>,
    configured: Option<&Secret>,
    keystore: bool,
    environment: &dyn Environment,
) -> (Option<String>, Option<SecretText>) {
    if !auth.get("enable").boolean().unwrap_or_default() {
        return (None, None);
    }
    auth.expect_keys(&["enable", "username", "password", "type"], &[]);
    if let Some(kind) = auth.get("type").filled_text().filter(|kind| !kind.eq_ignore_ascii_case("basic")) {
        let message = format!("the mail server cannot be reached with authentication of the type '{kind}'");
        auth.get("type").report(Severity::Error, "mail-type", message, Some("use a user name and a password".to_owned()));
    }
    let username = auth.get("username").filled_text();
    let outside = environment.variable(PASSWORD_VARIABLE).filter(|text| !text.is_empty()).map(Secret::new).or_else(|| configured.cloned());
    if let Some(secret) = outside {
        return (username, Some(SecretText::Plain(secret)));
    }
    let password = auth.get("password").secret();
    if let (Some(SecretText::Encrypted { key, .. }), false) = (&password, keystore) {
        let message = format!("the mail password is encrypted with the key '{key}', which only the old server's keystore holds");
        let help = format!("set {PASSWORD_VARIABLE}, or [mail] password or [keys] keystore in vestibule.toml");
        auth.get("password").report(Severity::Warning, "encrypted-value", message, Some(help));
    }
    (username, password)
}

/// `name=value` texts, with a word on those that have no effect.
fn properties(node: &Node<'_>) -> Vec<(String, String)> {
    let mut properties = Vec::new();
    for item in node.items() {
        let Some((name, value)) =
            item.text().and_then(|text| text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())))
        else {
            continue;
        };
        if name.starts_with("mail.smtp.ssl.trust") {
            let message = "the certificate of the mail server is always checked; this property has no effect";
            item.report(Severity::Warning, "mail-property", message, None);
        } else if !HONOURED.contains(&name.as_str()) {
            item.report(Severity::Hint, "mail-property", format!("the property '{name}' has no effect here"), None);
        }
        properties.push((name, value));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use serde_json::{Value, json};

    fn read(value: &Value, password: Option<&Secret>, variable: Option<&str>) -> (Option<Mailer>, Vec<&'static str>) {
        let sink = Sink::default();
        let names = |name: &str| (name == "smtp.port").then(|| "2525".to_owned());
        let document = Document::read(SourceFile::new("conf/external.email.json", &value.to_string()), &names, &sink).unwrap();
        let environment = |name: &str| variable.filter(|_| name == PASSWORD_VARIABLE).map(str::to_owned);
        let mailer = Mailer::read(&document, password, false, &environment, &sink);
        (mailer, sink.into_sorted().iter().map(|found| found.rule).collect())
    }

    #[test]
    fn the_usual_file_is_read() {
        let (mailer, found) = read(
            &json!({"host": "smtp.example.test", "port": "&{smtp.port}", "debug": false, "from": "a@example.test", "threadPoolSize": 20,
                "auth": {"enable": false, "username": ""}, "starttls": {"enable": "true"}, "ssl": {"enable": false},
                "timeout": "1000", "writetimeout": 0, "smtpProperties": ["mail.smtp.localhost=here"]}),
            None,
            None,
        );
        let mailer = mailer.unwrap();
        assert_eq!(found, Vec::<&str>::new());
        assert_eq!((mailer.port, mailer.security, mailer.username), (2525, Security::StartTls { required: true }, None));
        assert_eq!(
            (mailer.read_timeout, mailer.write_timeout, mailer.connect_timeout),
            (Some(Duration::from_secs(1)), None, Some(Duration::from_mins(5)))
        );
        assert_eq!(mailer.greeting.as_deref(), Some("here"));
    }

    #[test]
    fn the_port_follows_the_protection_and_a_password_never_goes_in_the_clear_by_accident() {
        let (mailer, _) = read(
            &json!({"host": "h", "auth": {"enable": true, "username": "u", "password": "p"}, "starttls": {"enable": true}}),
            None,
            None,
        );
        let mailer = mailer.unwrap();
        assert_eq!((mailer.port, mailer.security), (587, Security::StartTls { required: true }));
        let waived = json!({"host": "h", "starttls": {"enable": true}, "smtpProperties": ["mail.smtp.starttls.required=false"]});
        assert_eq!(read(&waived, None, None).0.unwrap().security, Security::StartTls { required: false });
        assert_eq!(read(&json!({"host": "h", "ssl": {"enable": true}}), None, None).0.unwrap().port, 465);
        assert_eq!(read(&json!({"host": "h"}), None, None).0.unwrap().port, 25);
    }

    #[test]
    fn an_encrypted_password_comes_from_outside_or_is_warned_of() {
        let file = json!({"host": "h", "auth": {"enable": true, "username": "u", "password": {"$crypto": {"value": {"key": "openidm-sym-default"}}}}});
        let plain = |mailer: Option<Mailer>| mailer.unwrap().password.unwrap().plain().map(|secret| secret.expose().to_owned());
        let (mailer, found) = read(&file, None, None);
        assert_eq!((plain(mailer), found), (None, vec!["encrypted-value"]));
        let (mailer, found) = read(&file, Some(&Secret::new("file")), None);
        assert_eq!((plain(mailer).as_deref(), found.len()), (Some("file"), 0));
        let (mailer, _) = read(&file, Some(&Secret::new("file")), Some("variable"));
        assert_eq!(plain(mailer).as_deref(), Some("variable"));
    }

    #[test]
    fn what_cannot_send_is_no_mail_service() {
        for (file, rule) in [
            (json!({"type": "msgraph", "auth": {}}), "mail-type"),
            (json!({"port": 25}), "missing-key"),
            (json!({"host": "&{nobody}"}), "unresolved-name"),
            (json!({"host": "h", "port": 70000}), "out-of-range"),
        ] {
            let (mailer, found) = read(&file, None, None);
            assert_eq!((mailer, found), (None, vec![rule]), "{file}");
        }
    }
}
