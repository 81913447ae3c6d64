//! `external.email.json`: how mail leaves (docs/protocol/mail.md, "Mail service").
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

/// Versions of TLS that may be spoken, `mail.smtp.ssl.protocols`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 only.
    Only12,
    /// 1.3 only.
    Only13,
}

/// A client that gets tokens at a token endpoint (RFC 6749 §4.4).
#[derive(Clone, Debug, PartialEq)]
pub struct ClientCredentials {
    /// `auth.clientId`.
    pub client_id: String,
    /// `auth.clientSecret`; still encrypted if only the operator's keystore can open it.
    pub client_secret: Option<SecretText>,
    /// `auth.tokenEndpoint`.
    pub token_endpoint: String,
    /// `auth.scope`, joined by `auth.scopeDelimiter`.
    pub scope: String,
}

/// How we say who we are.
#[derive(Clone, Debug, PartialEq)]
pub enum MailLogin {
    /// Not at all.
    None,
    /// A user name and a password.
    Password {
        /// The name.
        username: String,
        /// The password; still encrypted if only the operator's keystore can open it.
        password: Option<SecretText>,
    },
    /// A mailbox and a token (XOAUTH2).
    Bearer {
        /// The mailbox.
        username: String,
        /// Who gets the token.
        client: ClientCredentials,
    },
}

/// A server that relays mail.
#[derive(Clone, Debug, PartialEq)]
pub struct SmtpServer {
    /// Name or address.
    pub host: String,
    /// Port; 25, 465 or 587 where the file gives none, as the protection asks.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Versions of TLS.
    pub tls: TlsVersions,
    /// How we say who we are.
    pub login: MailLogin,
    /// Name to greet the server with, `mail.smtp.localhost`.
    pub greeting: Option<String>,
    /// Whether mailboxes with letters outside ASCII are written to, `mail.mime.allowutf8`.
    pub utf8: bool,
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq)]
pub enum MailService {
    /// To a mail server.
    Smtp(SmtpServer),
    /// To Microsoft Graph.
    Graph {
        /// `mailEndpoint`: the `sendMail` of a mailbox.
        endpoint: String,
        /// Who gets the token.
        client: ClientCredentials,
    },
}

/// A mail service.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailer {
    /// Where mail goes.
    pub service: MailService,
    /// Sender for mails that name none.
    pub from: Option<String>,
    /// Longest time to connect; nothing for no limit.
    pub connect_timeout: Option<Duration>,
    /// Longest wait for one answer.
    pub read_timeout: Option<Duration>,
    /// Longest time for one write.
    pub write_timeout: Option<Duration>,
}

/// Properties of the Java mail library that are honoured, or whose effect is always on.
const HONOURED: [&str; 14] = [
    "mail.smtp.localhost",
    "mail.smtp.auth",
    "mail.smtp.auth.mechanisms",
    "mail.smtp.starttls.enable",
    "mail.smtp.starttls.required",
    "mail.smtp.ssl.enable",
    "mail.smtp.ssl.protocols",
    "mail.smtp.ssl.checkserveridentity",
    "mail.smtp.connectiontimeout",
    "mail.smtp.timeout",
    "mail.smtp.writetimeout",
    "mail.smtp.allow8bitmime",
    "mail.mime.allowutf8",
    "mail.smtp.quitwait",
];

/// Milliseconds of each limit where the file gives none.
const TIMEOUT: i64 = 300_000;

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
        let outside =
            environment.variable(PASSWORD_VARIABLE).filter(|text| !text.is_empty()).map(Secret::new).or_else(|| password.cloned());
        let secrets = Secrets { outside, keystore };
        root.expect(&crate::keys::EMAIL);
        let properties = Properties::read(&root.get("smtpProperties"))?;
        let kind = root.get("type").filled_text().unwrap_or_else(|| "smtp".to_owned());
        let service = match kind.to_ascii_lowercase().as_str() {
            "smtp" => MailService::Smtp(SmtpServer::read(&root, &properties, &secrets)?),
            "msgraph" => {
                let endpoint = address(&root.get("mailEndpoint"), "mailEndpoint", "whose sendMail takes the mails?");
                let client = secrets.client(&root.get("auth"));
                MailService::Graph { endpoint: endpoint?, client: client? }
            }
            _ => {
                let help = "leave 'type' out for an SMTP server; 'msgraph' is the other one".to_owned();
                root.get("type").report(Severity::Error, "mail-type", format!("mail of the type '{kind}' cannot be sent"), Some(help));
                return None;
            }
        };
        let timeout = |key: &str, property: &str| {
            let written = || properties.get(property).and_then(|value| value.parse().ok());
            let milliseconds = root.get(key).integer().or_else(written).unwrap_or(TIMEOUT);
            u64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
        };
        Some(Self {
            service,
            from: Some(root.get("from")).filter(|from| !from.is_flawed()).and_then(|from| from.filled_text()),
            connect_timeout: timeout("connectiontimeout", "mail.smtp.connectiontimeout"),
            read_timeout: timeout("timeout", "mail.smtp.timeout"),
            write_timeout: timeout("writetimeout", "mail.smtp.writetimeout"),
        })
    }

    /// The secret of the service, and what it is, where it has one.
    pub fn secret_mut(&mut self) -> Option<(&'static str, &mut SecretText)> {
        match &mut self.service {
            MailService::Smtp(SmtpServer { login: MailLogin::Password { password, .. }, .. }) => {
                password.as_mut().map(|secret| ("the mail server's password", secret))
            }
            MailService::Smtp(SmtpServer { login: MailLogin::Bearer { client, .. }, .. }) | MailService::Graph { client, .. } => {
                client.client_secret.as_mut().map(|secret| ("the mail client's secret", secret))
            }
            MailService::Smtp(_) => None,
        }
    }
}

impl SmtpServer {
    fn read(root: &Node<'_>, properties: &Properties, secrets: &Secrets) -> Option<Self> {
        let login = secrets.login(&root.get("auth"));
        let waived = properties.get("mail.smtp.starttls.required").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        let required = !matches!(login, Some(MailLogin::None)) || !waived;
        let enabled = |key: &str, property: &str| {
            let node = root.get(key);
            let node = if node.value().is_some_and(serde_json::Value::is_object) { node.get("enable") } else { node };
            // Where it is not known whether mail may go in the clear, none goes.
            Some(node.strictly(Node::boolean).ok()?.unwrap_or_default() || properties.is_true(property))
        };
        let security = match (enabled("ssl", "mail.smtp.ssl.enable")?, enabled("starttls", "mail.smtp.starttls.enable")?) {
            (true, _) => Security::Tls,
            (false, true) => Security::StartTls { required },
            (false, false) if properties.is_true("mail.smtp.starttls.required") => Security::StartTls { required: true },
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
        let tls = properties.versions(root);
        Some(Self {
            host: host?,
            port: port?,
            security,
            tls: tls?,
            login: login?,
            greeting: properties.get("mail.smtp.localhost").map(str::to_owned),
            utf8: properties.is_true("mail.mime.allowutf8"),
        })
    }
}

/// Where secrets come from.
struct Secrets {
    /// From the environment or from `vestibule.toml`.
    outside: Option<Secret>,
    keystore: bool,
}

impl Secrets {
    /// Nothing when it cannot be said who we are.
    fn login(&self, auth: &Node<'_>) -> Option<MailLogin> {
        if !auth.get("enable").strictly(Node::boolean).ok()?.unwrap_or_default() {
            return Some(MailLogin::None);
        }
        let kind = auth.get("type").strictly(Node::filled_text).ok()?.unwrap_or_else(|| "basic".to_owned());
        let username = auth.get("username").filled_text();
        match kind.to_ascii_lowercase().as_str() {
            "basic" => {
                auth.expect(&crate::keys::EMAIL_AUTH);
                let password = self.secret(&auth.get("password"), "the mail password");
                // Without a name there is nobody to be; IDM's own file is enabled so.
                Some(username.map_or(MailLogin::None, |username| MailLogin::Password { username, password }))
            }
            "oauth2" => {
                if username.is_none() {
                    auth.report(Severity::Error, "missing-key", "missing key 'username': whose mailbox sends?", None);
                }
                let client = self.client(auth);
                Some(MailLogin::Bearer { username: username?, client: client? })
            }
            _ => {
                let message = format!("the mail server cannot be reached with authentication of the type '{kind}'");
                auth.get("type").report(Severity::Error, "mail-type", message, Some("'basic' and 'oauth2' are known".to_owned()));
                None
            }
        }
    }

    fn client(&self, auth: &Node<'_>) -> Option<ClientCredentials> {
        auth.expect(&crate::keys::EMAIL_CLIENT);
        let grant = auth.get("grantType").filled_text();
        if let Some(grant) =
            grant.filter(|grant| !matches!(grant.to_ascii_lowercase().as_str(), "client_credentials" | "clientcredentials"))
        {
            let message = format!("tokens are not got by the grant '{grant}'");
            auth.get("grantType").report(
                Severity::Error,
                "mail-type",
                message,
                Some("'client_credentials' is the one that is known".to_owned()),
            );
            return None;
        }
        let client_id = auth.get("clientId").filled_text();
        if client_id.is_none() && !auth.get("clientId").is_flawed() {
            auth.report(Severity::Error, "missing-key", "missing key 'clientId': who asks for the token?", None);
        }
        let client_secret = self.secret(&auth.get("clientSecret"), "the mail client's secret");
        if client_secret.is_none() && !auth.get("clientSecret").is_flawed() {
            auth.report(Severity::Error, "missing-key", "missing key 'clientSecret': how does the client show who it is?", None);
        }
        let token_endpoint = address(&auth.get("tokenEndpoint"), "tokenEndpoint", "who gives the token?");
        let delimiter = auth.get("scopeDelimiter").text().filter(|text| !text.is_empty()).unwrap_or_else(|| " ".to_owned());
        Some(ClientCredentials {
            client_id: client_id?,
            client_secret: Some(client_secret?),
            token_endpoint: token_endpoint?,
            scope: auth.get("scope").texts().join(&delimiter),
        })
    }

    fn secret(&self, node: &Node<'_>, what: &str) -> Option<SecretText> {
        if let Some(secret) = &self.outside {
            return Some(SecretText::Plain(secret.clone()));
        }
        let secret = node.secret();
        if let (Some(SecretText::Encrypted { key, .. }), false) = (&secret, self.keystore) {
            let message = format!("{what} is encrypted with the key '{key}', which only the old server's keystore holds");
            let help = format!("set {PASSWORD_VARIABLE}, or [mail] password or [keys] keystore in vestibule.toml");
            node.report(Severity::Warning, "encrypted-value", message, Some(help));
        }
        secret
    }
}

/// A key that must hold an address: `https`, or `http` to this machine, because secrets go there.
fn address(node: &Node<'_>, key: &str, question: &str) -> Option<String> {
    let Some(text) = node.filled_text() else {
        if !node.is_flawed() {
            node.report(Severity::Error, "missing-key", format!("missing key '{key}': {question}"), None);
        }
        return None;
    };
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let local = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
        name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    let good = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty() && !host(rest).contains('@'),
        (None, Some(rest)) => local(&host(rest)),
        (None, None) => false,
    };
    if !good {
        let message = format!("'{text}' is not an address that secrets may be sent to");
        node.report(
            Severity::Error,
            "wrong-value",
            message,
            Some("it begins with 'https://'; 'http://' is for this machine alone".to_owned()),
        );
    }
    good.then_some(text)
}

/// `smtpProperties`: `name=value` texts; the last of a name counts.
struct Properties(Vec<(String, String)>);

impl Properties {
    /// With a word on those that have no effect. Nothing where one cannot be read: it may be the one that asks for TLS.
    fn read(node: &Node<'_>) -> Option<Self> {
        let mut properties = Vec::new();
        for item in node.items() {
            let text = Some(item.strictly(Node::text).ok()?.unwrap_or_default()).filter(|text| !text.trim().is_empty());
            let pair = text.as_deref().and_then(|text| text.split_once('='));
            let Some((name, value)) = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())) else {
                if let Some(text) = text {
                    item.report(Severity::Warning, "mail-property", format!("'{text}' is no property; write 'name=value'"), None);
                }
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
        Some(Self(properties))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `mail.smtp.ssl.protocols`: names parted by spaces. Nothing, and an error, when none of them is spoken here.
    fn versions(&self, root: &Node<'_>) -> Option<TlsVersions> {
        let Some(written) = self.get("mail.smtp.ssl.protocols").filter(|written| !written.is_empty()) else {
            return Some(TlsVersions::Both);
        };
        let has = |name: &str| written.split([' ', ',']).any(|protocol| protocol.eq_ignore_ascii_case(name));
        match (has("TLSv1.2"), has("TLSv1.3")) {
            (true, true) => Some(TlsVersions::Both),
            (true, false) => Some(TlsVersions::Only12),
            (false, true) => Some(TlsVersions::Only13),
            (false, false) => {
                let message = format!("none of the protocols '{written}' is spoken here");
                root.get("smtpProperties").report(Severity::Error, "mail-property", message, Some("TLSv1.2 and TLSv1.3 are".to_owned()));
                None
            }
        }
    }
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

    fn smtp(mailer: &Mailer) -> &SmtpServer {
        let MailService::Smtp(server) = &mailer.service else { panic!("{mailer:?}") };
        server
    }

    #[test]
    fn tokens_are_asked_for_over_tls_by_a_client_that_says_who_it_is() {
        let client = json!({"enable": true, "type": "oauth2", "username": "u@x.test", "clientId": "c", "clientSecret": "s",
            "tokenEndpoint": "https://login.x.test/token", "scope": ["a", "b"], "grantType": "client_credentials"});
        let (mailer, found) = read(&json!({"host": "h", "starttls": {"enable": true}, "auth": client}), None, None);
        let mailer = mailer.unwrap();
        let MailLogin::Bearer { username, client: read_client } = &smtp(&mailer).login else { panic!("{mailer:?}") };
        assert_eq!((username.as_str(), read_client.scope.as_str(), found), ("u@x.test", "a b", vec![]));
        let graph = |change: &dyn Fn(&mut Value)| {
            let mut file = json!({"type": "msgraph", "mailEndpoint": "https://graph.x.test/v1.0/users/u/sendMail", "auth": client});
            change(&mut file);
            read(&file, None, None)
        };
        assert!(matches!(graph(&|_| {}), (Some(Mailer { service: MailService::Graph { .. }, .. }), found) if found.is_empty()));
        let without = |key: &'static str| move |file: &mut Value| drop(file["auth"].as_object_mut().unwrap().shift_remove(key));
        for key in ["clientId", "clientSecret", "tokenEndpoint"] {
            assert_eq!(graph(&without(key)), (None, vec!["missing-key"]), "{key}");
        }
        for address in ["http://login.x.test/token", "login.x.test", "https://", "http://127.0.0.1.x.test/", "https://u@evil.test/"] {
            assert_eq!(graph(&|file| file["auth"]["tokenEndpoint"] = json!(address)), (None, vec!["wrong-value"]), "{address}");
        }
        for address in ["http://127.0.0.1:8080/token", "http://localhost/token", "http://[::1]:1/t"] {
            assert!(graph(&|file| file["auth"]["tokenEndpoint"] = json!(address)).0.is_some(), "{address}");
        }
        assert_eq!(graph(&|file| file["auth"]["grantType"] = json!("password")), (None, vec!["mail-type"]));
    }

    /// Mail and password would go in the clear.
    #[test]
    fn where_it_is_not_known_whether_tls_is_spoken_no_mail_goes() {
        for unread in [
            json!({"ssl": {"enable": "&{MAIL_TLS}"}}),
            json!({"ssl": "&{MAIL_TLS}"}),
            json!({"starttls": {"enable": "yes"}}),
            json!({"starttls": {"enable": ["true"]}}),
            json!({"smtpProperties": "&{MAIL_PROPERTIES}"}),
            json!({"smtpProperties": ["mail.smtp.ssl.enable=&{MAIL_TLS}"]}),
            json!({"auth": {"enable": "&{MAIL_AUTH}", "username": "u", "password": "p"}}),
        ] {
            let mut file = json!({"host": "h"});
            file.as_object_mut().unwrap().extend(unread.as_object().unwrap().clone());
            let (mailer, found) = read(&file, None, None);
            assert!(mailer.is_none() && !found.is_empty(), "{unread}: {found:?}");
        }
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
        let server = smtp(&mailer);
        assert_eq!((server.port, server.security, &server.login), (2525, Security::StartTls { required: true }, &MailLogin::None));
        assert_eq!(
            (mailer.read_timeout, mailer.write_timeout, mailer.connect_timeout),
            (Some(Duration::from_secs(1)), None, Some(Duration::from_mins(5)))
        );
        assert_eq!(server.greeting.as_deref(), Some("here"));
    }

    #[test]
    fn the_port_follows_the_protection_and_a_password_never_goes_in_the_clear_by_accident() {
        let (mailer, _) = read(
            &json!({"host": "h", "auth": {"enable": true, "username": "u", "password": "p"}, "starttls": {"enable": true}}),
            None,
            None,
        );
        let mailer = mailer.unwrap();
        assert_eq!((smtp(&mailer).port, smtp(&mailer).security), (587, Security::StartTls { required: true }));
        let waived = json!({"host": "h", "starttls": {"enable": true}, "smtpProperties": ["mail.smtp.starttls.required=false"]});
        assert_eq!(smtp(&read(&waived, None, None).0.unwrap()).security, Security::StartTls { required: false });
        assert_eq!(smtp(&read(&json!({"host": "h", "ssl": {"enable": true}}), None, None).0.unwrap()).port, 465);
        assert_eq!(smtp(&read(&json!({"host": "h"}), None, None).0.unwrap()).port, 25);
    }

    #[test]
    fn an_encrypted_password_comes_from_outside_or_is_warned_of() {
        let file = json!({"host": "h", "auth": {"enable": true, "username": "u", "password": {"$crypto": {"value": {"key": "openidm-sym-default"}}}}});
        let plain = |mailer: Option<Mailer>| mailer.unwrap().secret_mut().unwrap().1.plain().map(|secret| secret.expose().to_owned());
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
            (json!({"type": "pigeon", "auth": {}}), "mail-type"),
            (json!({"host": "h", "auth": {"enable": true, "username": "u", "type": "kerberos"}}), "mail-type"),
            (json!({"host": "h", "smtpProperties": ["mail.smtp.ssl.protocols=SSLv3"]}), "mail-property"),
            (json!({"port": 25}), "missing-key"),
            (json!({"host": "&{nobody}"}), "unresolved-name"),
            (json!({"host": "h", "port": 70000}), "out-of-range"),
        ] {
            let (mailer, found) = read(&file, None, None);
            assert_eq!((mailer, found), (None, vec![rule]), "{file}");
        }
    }
}
