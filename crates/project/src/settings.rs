//! `vestibule.toml`: what IDM has no file for.
//!
//! The rule easiest to break: the file is ours, so it is read strictly. A key nobody knows is an error with the nearest spelling, not
//! a warning as in IDM's files.

mod limits;
mod network;
mod profile;
mod stages;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use limits::Limits;
pub use network::Network;
pub use profile::Profile;
pub use stages::{StageDeclaration, StageKind};

use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::loose::{Document, Node};
use crate::secret::Secret;
use crate::source::join;

/// Passwords that stand in published samples.
pub(crate) const PUBLISHED: [&str; 3] = ["changeit", "openidm-admin", "Passw0rd"];

/// Where the keys of tokens and sessions come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySource {
    /// Made at first start, kept in the store.
    #[default]
    Store,
    /// Made at first start, kept in a file of mode 0600.
    File,
    /// Read from the operator's PKCS#12 keystore.
    Keystore,
}

/// `[keys]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Where they come from.
    pub source: KeySource,
    /// The key file, relative to the project.
    pub file: Option<String>,
    /// A PKCS#12 keystore, relative to the project: IDM's, converted with `keytool`.
    pub keystore: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Alias of the RSA pair that encrypts tokens.
    pub alias: String,
    /// Alias of the secret that signs tokens; `None` takes IDM's own where the keystore has it.
    pub signing_alias: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            source: KeySource::default(),
            file: None,
            keystore: None,
            password: None,
            alias: "selfservice".to_owned(),
            signing_alias: None,
        }
    }
}

/// `[pages]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Directory with another client's static build, relative to the project.
    pub dir: Option<String>,
    /// The `Content-Security-Policy` of that build's pages, in place of the one made from its `index.html`.
    pub content_security_policy: Option<String>,
}

/// `[audit]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Are events kept in the store?
    pub enabled: bool,
    /// Days they are kept; nothing for ever.
    pub retain_days: Option<u32>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, retain_days: None }
    }
}

/// `vestibule.toml`; every key is optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `[server] listen`: address and port.
    pub listen: Option<SocketAddr>,
    /// `[server] public_url`, without a slash at its end; only our own pages and mails use it.
    pub public_url: Option<String>,
    /// `[store] url`: `sqlite:` or `postgres:`.
    pub store_url: Option<String>,
    /// `[limits]`.
    pub limits: Limits,
    /// `[keys]`.
    pub keys: Keys,
    /// `[proxies] trusted`: networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// `[pages]`.
    pub pages: Pages,
    /// `[mail] password`.
    pub mail_password: Option<Secret>,
    /// `[audit]`.
    pub audit: Audit,
    /// `[profile]`.
    pub profile: Profile,
    /// `[stages]`: stage types of the project's own, by name or class.
    pub stages: BTreeMap<String, StageDeclaration>,
    /// `[signin] managed`: may people sign in with the password kept here?
    pub managed_sign_in: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            store_url: None,
            limits: Limits::default(),
            keys: Keys::default(),
            trusted_proxies: Vec::new(),
            pages: Pages::default(),
            mail_password: None,
            audit: Audit::default(),
            profile: Profile::default(),
            stages: BTreeMap::new(),
            managed_sign_in: true,
        }
    }
}

/// Sections with their keys.
const SECTIONS: [(&str, &[&str]); 10] = [
    ("server", &["listen", "public_url"]),
    ("store", &["url"]),
    ("limits", &limits::KEYS),
    ("keys", &["source", "file", "keystore", "password", "alias", "signing_alias"]),
    ("proxies", &["trusted"]),
    ("pages", &["dir", "content_security_policy"]),
    ("profile", &profile::KEYS),
    ("mail", &["password"]),
    ("audit", &["enabled", "retain_days"]),
    ("signin", &["managed"]),
];

/// The section whose keys are names of the project's own.
const STAGES: &str = "stages";

impl Settings {
    /// The address to listen at: one given from outside, else the file's, else `127.0.0.1:8080`.
    #[must_use]
    pub fn listen_at(&self, outside: Option<SocketAddr>) -> SocketAddr {
        outside.or(self.listen).unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080))
    }

    /// The public address, without a slash at its end: the file's, else the one listened at.
    #[must_use]
    pub fn public_url_at(&self, outside: Option<SocketAddr>) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let listen = self.listen_at(outside);
        if listen.ip().is_unspecified() { format!("http://localhost:{}", listen.port()) } else { format!("http://{listen}") }
    }

    /// Is this address one of the trusted proxies?
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        let root = document.root(sink);
        refuse_unknown_keys(&root, document, sink);
        let server = root.get("server");
        let default = Self::default();
        Self {
            listen: parsed(&server.get("listen"), "an address and a port, '127.0.0.1:8080'"),
            public_url: server.get("public_url").filled_text().and_then(|url| public_url(&server.get("public_url"), &url)),
            store_url: root.get("store").get("url").filled_text().and_then(|url| store_url(&root.get("store").get("url"), url)),
            limits: Limits::read(&root.get("limits")),
            keys: keys(&root.get("keys")),
            trusted_proxies: root
                .get("proxies")
                .get("trusted")
                .items()
                .iter()
                .filter_map(|node| parsed(node, "a network, '10.0.0.0/8'"))
                .collect(),
            pages: Pages {
                dir: root.get("pages").get("dir").filled_text(),
                content_security_policy: root.get("pages").get("content_security_policy").filled_text(),
            },
            profile: Profile::read(&root.get("profile")),
            mail_password: root.get("mail").get("password").filled_text().map(Secret::new),
            audit: Audit {
                enabled: root.get("audit").get("enabled").boolean().unwrap_or(default.audit.enabled),
                retain_days: root.get("audit").get("retain_days").integer_in(1..=36_500).and_then(|days| u32::try_from(days).ok()),
            },
            stages: StageDeclaration::read_all(&root.get("stages")),
            managed_sign_in: root.get("signin").get("managed").boolean().unwrap_or(default.managed_sign_in),
        }
    }
}

fn refuse_unknown_keys(root: &Node<'_>, document: &Document, sink: &Sink) {
    let refuse = |pointer: &str, written: &str, known: &mut dyn Iterator<Item = &'static str>, what: &str| {
        let location = document.file.locate_key(pointer);
        let mut diagnostic = Diagnostic::new(Severity::Error, "unknown-key", location, format!("there is no {what} '{written}'"));
        diagnostic.help = suggestion(written, known);
        sink.push(diagnostic);
    };
    for (section, node) in root.members() {
        let pointer = join("", section);
        if section == STAGES {
            for (name, declaration) in node.members() {
                for (key, _) in declaration.members().into_iter().filter(|(key, _)| !stages::KEYS.contains(key)) {
                    refuse(&join(&join(&pointer, name), key), key, &mut stages::KEYS.iter().copied(), "key");
                }
            }
            continue;
        }
        match SECTIONS.iter().find(|(name, _)| *name == section) {
            None => refuse(&pointer, section, &mut SECTIONS.iter().map(|(name, _)| *name).chain([STAGES]), "section"),
            Some((_, known)) => {
                for (key, _) in node.members().into_iter().filter(|(key, _)| !known.contains(key)) {
                    refuse(&join(&pointer, key), key, &mut known.iter().copied(), "key");
                }
            }
        }
    }
}

fn parsed<T: std::str::FromStr>(node: &Node<'_>, wanted: &str) -> Option<T> {
    let text = node.filled_text()?;
    let value = text.trim().parse().ok();
    if value.is_none() {
        node.report(Severity::Error, "wrong-value", format!("'{text}' is not {wanted}"), None);
    }
    value
}

fn public_url(node: &Node<'_>, url: &str) -> Option<String> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with(['/', ':']) || host.contains(['?', '#', ' '])) {
        node.report(Severity::Error, "wrong-value", format!("'{url}' is not an address like 'https://id.example.com'"), None);
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

fn store_url(node: &Node<'_>, url: String) -> Option<String> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    if ["sqlite", "postgres", "postgresql"].contains(&scheme) {
        return Some(url);
    }
    // The address may hold a password, so it is not repeated.
    node.report(Severity::Error, "wrong-value", "the address of a store begins with 'sqlite:' or 'postgres:'", None);
    None
}

fn keys(node: &Node<'_>) -> Keys {
    const SOURCES: [(&str, KeySource); 3] = [("store", KeySource::Store), ("file", KeySource::File), ("keystore", KeySource::Keystore)];
    let default = Keys::default();
    let written = node.get("source").filled_text();
    let source = written.as_deref().and_then(|text| SOURCES.iter().find(|(name, _)| *name == text)).map(|(_, source)| *source);
    if let (Some(text), None) = (&written, source) {
        let names = SOURCES.iter().map(|(name, _)| *name);
        node.get("source").report(Severity::Error, "wrong-value", format!("keys do not come from '{text}'"), suggestion(text, names));
    }
    let keys = Keys {
        source: source.unwrap_or_default(),
        file: node.get("file").filled_text(),
        keystore: node.get("keystore").filled_text(),
        password: node.get("password").filled_text().map(Secret::new),
        alias: node.get("alias").filled_text().unwrap_or(default.alias),
        signing_alias: node.get("signing_alias").filled_text(),
    };
    match keys.source {
        KeySource::Keystore if keys.keystore.is_none() => {
            node.get("source").report(Severity::Error, "missing-key", "missing key 'keystore': which keystore holds the keys?", None);
        }
        KeySource::File if keys.file.is_none() => {
            node.get("source").report(Severity::Error, "missing-key", "missing key 'file': which file holds the keys?", None);
        }
        _ => {}
    }
    if keys.password.as_ref().is_some_and(|secret| PUBLISHED.contains(&secret.expose())) {
        let message = "this password is published; whoever gets the keystore gets the keys";
        node.get("password").report(Severity::Warning, "published-password", message, None);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Position, SourceFile};

    fn read(text: &str) -> (Settings, Vec<Diagnostic>) {
        let sink = Sink::default();
        let names = |name: &str| (name == "db.password").then(|| "secret".to_owned());
        let document = Document::read(SourceFile::new("vestibule.toml", text), &names, &sink).unwrap();
        let settings = Settings::read(&document, &sink);
        (settings, sink.into_sorted())
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(read(""), (Settings::default(), Vec::new()));
    }

    #[test]
    fn every_section_is_read() {
        let (settings, found) = read(
            r#"
            [server]
            listen = "0.0.0.0:8443"
            public_url = "https://id.example.test/"
            [store]
            url = "postgres://vestibule:&{db.password}@db/vestibule"
            [limits]
            enabled = false
            submissions_per_client_minute = 5
            [keys]
            source = "keystore"
            keystore = "security/keystore.p12"
            password = "changeit"
            [proxies]
            trusted = ["10.0.0.0/8", "::1"]
            [pages]
            dir = "ui"
            [profile]
            confirm_mail = false
            add_lists = "merge"
            [mail]
            password = "p"
            [audit]
            retain_days = 90
            [signin]
            managed = false
            "#,
        );
        assert_eq!(found.iter().map(|found| found.rule).collect::<Vec<_>>(), ["published-password"]);
        assert_eq!(settings.listen.unwrap().port(), 8443);
        assert_eq!(settings.public_url.as_deref(), Some("https://id.example.test"));
        assert_eq!(settings.store_url.as_deref(), Some("postgres://vestibule:secret@db/vestibule"));
        assert_eq!((settings.limits.enabled, settings.limits.submissions_per_client_minute), (false, 5));
        assert_eq!((settings.keys.source, settings.keys.alias.as_str()), (KeySource::Keystore, "selfservice"));
        assert!(
            settings.trusts("10.1.2.3".parse().unwrap())
                && settings.trusts("::1".parse().unwrap())
                && !settings.trusts("11.0.0.1".parse().unwrap())
        );
        assert_eq!((settings.audit.enabled, settings.audit.retain_days, settings.managed_sign_in), (true, Some(90), false));
        assert_eq!(settings.profile, Profile { confirm_mail: false, add_replaces_lists: false, ..Profile::default() });
        assert!(!format!("{settings:?}").contains("changeit"));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_place_and_nearest_spelling() {
        let (_, found) = read("[server]\nlisten = \"127.0.0.1:1\"\npublic-url = \"https://x\"\n\n[limit]\nenabled = true\n");
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "vestibule.toml:3:1 error[unknown-key] /server/public-url: there is no key 'public-url'\n  help: did you mean 'public_url'?",
                "vestibule.toml:5:2 error[unknown-key] /limit: there is no section 'limit'\n  help: did you mean 'limits'?",
            ]
        );
    }

    #[test]
    fn wrong_values_are_refused_without_being_used() {
        let (settings, found) = read(
            "[server]\nlisten = \"everywhere\"\npublic_url = \"id.example.test\"\n[store]\nurl = \"mysql://root:geheim@db\"\n[keys]\nsource = \"fiel\"\n[proxies]\ntrusted = [\"10.0.0.0/33\"]\n[audit]\nretain_days = 0\n",
        );
        assert_eq!(settings, Settings::default());
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|found| found.is_error() && !found.message.contains("geheim")));
        assert_eq!(found[0].location.position, Some(Position { line: 2, column: 10 }));
    }

    #[test]
    fn the_public_address_is_the_one_listened_at_unless_the_file_says_otherwise() {
        let at = |text: &str, outside: Option<&str>| read(text).0.public_url_at(outside.map(|address| address.parse().unwrap()));
        assert_eq!(at("", None), "http://127.0.0.1:8080");
        assert_eq!(at("[server]\nlisten = \"0.0.0.0:81\"", None), "http://localhost:81");
        assert_eq!(at("[server]\nlisten = \"0.0.0.0:81\"", Some("[::1]:82")), "http://[::1]:82");
        assert_eq!(at("[server]\npublic_url = \"https://id.example.test/x/\"", Some("127.0.0.1:82")), "https://id.example.test/x");
    }

    #[test]
    fn a_key_source_needs_its_file() {
        for text in ["[keys]\nsource = \"keystore\"", "[keys]\nsource = \"file\""] {
            assert_eq!(read(text).1[0].rule, "missing-key");
        }
    }
}
