//! `vestibule.toml`: what IDM has no file for.
//!
//! The rule easiest to break: the file is ours, so it is read strictly. A key nobody knows is an error with the nearest spelling, not
//! a warning as in IDM's files.

mod acme;
mod hashing;
mod limits;
mod mail;
mod network;
mod pages;
mod profile;
mod prove;
mod stages;
mod tls;
mod tracing;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use acme::Acme;
pub use limits::{Limits, reference as limits_reference, schema as limits_schema};
pub use mail::Mail;
pub use network::Network;
pub use pages::Pages;
pub use profile::Profile;
pub use prove::{AtLoad, Proofs, Prove};
pub use stages::{StageDeclaration, StageKind};
pub use tls::Tls;
pub use tracing::Tracing;

use identity::secret::HashParameters;

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
    /// Read from the operator's keystore, JCEKS or PKCS #12.
    Keystore,
}

/// `[keys]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Where they come from.
    pub source: KeySource,
    /// The key file, relative to the project.
    pub file: Option<String>,
    /// A keystore, JCEKS as IDM makes it or PKCS #12, relative to the project.
    pub keystore: Option<String>,
    /// The password that opens the keystore; none where it comes from the environment.
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

/// `[names]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameRules {
    /// Administrators may give several objects names that differ in their spelling alone (`Smith`, `smith`), as some systems that people
    /// are brought from allow.
    pub several_spellings: bool,
}

/// `[audit]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Are events kept, in the store and in files?
    pub enabled: bool,
    /// Is what changes something refused while they cannot be kept?
    pub required: bool,
    /// Days they are kept; nothing for ever.
    pub retain_days: Option<u32>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, required: false, retain_days: None }
    }
}

/// `[metrics]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// An address and port where `/metrics` is answered without credentials, beside the server's own.
    pub listen: Option<SocketAddr>,
    /// A token that reads `/metrics` on the server's own listener, as `Authorization: Bearer`; at least sixteen characters.
    pub token: Option<Secret>,
}

/// `vestibule.toml`; every key is optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `[server] listen`: address and port.
    pub listen: Option<SocketAddr>,
    /// `[tls]`: the certificate of the listener, which then speaks TLS alone.
    pub tls: Option<Tls>,
    /// `[server] public_url`, without a slash at its end; only our own pages and mails use it.
    pub public_url: Option<String>,
    /// `[store] url`: `sqlite:` or `postgres:`.
    pub store_url: Option<String>,
    /// `[limits]`: rates and sizes.
    pub limits: Limits,
    /// `[hashing]`: what a hash of a password or an answer costs.
    pub hashing: HashParameters,
    /// `[keys]`: where the keys of tokens come from.
    pub keys: Keys,
    /// `[proxies] trusted`: networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// `[console] networks`: from where the console is to be had.
    pub console: Vec<Network>,
    /// `[proxies] proxy_protocol`: connections from them begin with a header of the PROXY protocol, version 2.
    pub proxy_protocol: bool,
    /// `[pages]`: our own pages, and another client's static build beside them.
    pub pages: Pages,
    /// `[mail]`.
    pub mail: Mail,
    /// `[audit]`.
    pub audit: Audit,
    /// `[metrics]`: who reads the figures, and where.
    pub metrics: Metrics,
    /// `[tracing]`: where spans are sent.
    pub tracing: Tracing,
    /// `[names]`: whether administrators may make several spellings of a name.
    pub names: NameRules,
    /// `[profile]`: confirmation of mail addresses, notices, and how lists are patched.
    pub profile: Profile,
    /// `[stages]`: stage types of the project's own, by name or class.
    pub stages: BTreeMap<String, StageDeclaration>,
    /// `[tokens] max_instance_hours`: hours after which an instance ends however often its token is renewed.
    pub max_instance_hours: u32,
    /// `[signin] managed`: may people sign in with the password kept here?
    pub managed_sign_in: Option<bool>,
    /// What has to be shown for what, by which `vestibule prove` judges.
    pub prove: Prove,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            tls: None,
            public_url: None,
            store_url: None,
            limits: Limits::default(),
            hashing: HashParameters::default(),
            keys: Keys::default(),
            trusted_proxies: Vec::new(),
            console: ["127.0.0.0/8", "::1"].into_iter().filter_map(|network| network.parse().ok()).collect(),
            proxy_protocol: false,
            pages: Pages::default(),
            mail: Mail::default(),
            audit: Audit::default(),
            metrics: Metrics::default(),
            tracing: Tracing::default(),
            names: NameRules::default(),
            profile: Profile::default(),
            stages: BTreeMap::new(),
            max_instance_hours: 24,
            managed_sign_in: None,
            prove: Prove::default(),
        }
    }
}

/// Sections with their keys.
const SECTIONS: [(&str, &[&str]); 18] = [
    ("server", &["listen", "public_url"]),
    ("tls", &tls::KEYS),
    ("store", &["url"]),
    ("limits", limits::KEYS),
    ("hashing", &hashing::KEYS),
    ("keys", &["source", "file", "keystore", "password", "alias", "signing_alias"]),
    ("proxies", &["trusted", "proxy_protocol"]),
    ("pages", &pages::KEYS),
    ("profile", &profile::KEYS),
    ("mail", &mail::KEYS),
    ("audit", &["enabled", "required", "retain_days"]),
    ("metrics", &["listen", "token"]),
    ("tracing", &tracing::KEYS),
    ("console", &["networks"]),
    ("names", &["several_spellings"]),
    ("signin", &["managed"]),
    ("tokens", &["max_instance_hours"]),
    ("prove", &prove::KEYS),
];

/// The section whose keys are names of the project's own.
const STAGES: &str = "stages";

/// Every key of `vestibule.toml` by its place, `limits.enabled`; those of a stage as `stages.*.kind`.
pub fn setting_keys() -> impl Iterator<Item = String> {
    let sections = SECTIONS.iter().flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")));
    let deeper = acme::KEYS.iter().map(|key| format!("tls.acme.{key}"));
    sections.filter(|key| key != "tls.acme").chain(deeper).chain(stages::KEYS.iter().map(|key| format!("{STAGES}.*.{key}")))
}

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
        let scheme = self.scheme();
        // Where nobody said where to listen, it is this machine, whose name a browser knows.
        let unasked = outside.is_none() && self.listen.is_none();
        if unasked || listen.ip().is_unspecified() {
            format!("{scheme}://localhost:{}", listen.port())
        } else {
            format!("{scheme}://{listen}")
        }
    }

    /// What the server's own listener speaks: `https` with `[tls]`, else `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Seconds an instance lives at most.
    #[must_use]
    pub fn longest_instance(&self) -> i64 {
        i64::from(self.max_instance_hours) * 3600
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
            store_url: root.get("store").get("url").filled_text().map(|url| store_url(&root.get("store").get("url"), url)),
            tls: Tls::read(&root.get("tls")),
            limits: Limits::read(&root.get("limits")),
            hashing: hashing::read(&root.get("hashing")),
            keys: keys(&root.get("keys")),
            trusted_proxies: root
                .get("proxies")
                .get("trusted")
                .items()
                .iter()
                .filter_map(|node| parsed(node, "a network, '10.0.0.0/8'"))
                .collect(),
            console: match root.get("console").get("networks") {
                node if !node.is_present() => default.console,
                node => node.items().iter().filter_map(|node| parsed(node, "a network, '10.0.0.0/8'")).collect(),
            },
            proxy_protocol: root.get("proxies").get("proxy_protocol").boolean().unwrap_or(default.proxy_protocol),
            pages: Pages::read(&root.get("pages")),
            profile: Profile::read(&root.get("profile")),
            mail: Mail::read(&root.get("mail")),
            audit: Audit {
                enabled: root.get("audit").get("enabled").boolean().unwrap_or(default.audit.enabled),
                required: root.get("audit").get("required").boolean().unwrap_or(default.audit.required),
                retain_days: root.get("audit").get("retain_days").integer_in(1..=36_500).and_then(|days| u32::try_from(days).ok()),
            },
            metrics: metrics(&root.get("metrics")),
            tracing: Tracing::read(&root.get("tracing")),
            names: NameRules {
                several_spellings: root.get("names").get("several_spellings").boolean().unwrap_or(default.names.several_spellings),
            },
            stages: StageDeclaration::read_all(&root.get("stages")),
            max_instance_hours: root
                .get("tokens")
                .get("max_instance_hours")
                .integer_in(1..=8760)
                .and_then(|hours| u32::try_from(hours).ok())
                .unwrap_or(default.max_instance_hours),
            managed_sign_in: root.get("signin").get("managed").boolean(),
            prove: Prove::read(&root.get("prove")),
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
                let below = if section == "tls" { node.get("acme").members() } else { Vec::new() };
                for (key, _) in below.into_iter().filter(|(key, _)| !acme::KEYS.contains(key)) {
                    refuse(&join(&join(&pointer, "acme"), key), key, &mut acme::KEYS.iter().copied(), "key");
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

fn metrics(node: &Node<'_>) -> Metrics {
    const SHORTEST: usize = 16;
    let token = node.get("token").filled_text();
    if token.as_ref().is_some_and(|token| token.len() < SHORTEST) {
        let message = format!("a token of fewer than {SHORTEST} characters can be guessed; it is not used");
        node.get("token").report(Severity::Error, "wrong-value", message, Some("leave it out, or take 32 random characters".to_owned()));
    }
    Metrics {
        listen: parsed(&node.get("listen"), "an address and a port, '127.0.0.1:9100'"),
        token: token.filter(|token| token.len() >= SHORTEST).map(Secret::new),
    }
}

fn public_url(node: &Node<'_>, url: &str) -> Option<String> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with(['/', ':']) || host.contains(['?', '#', ' '])) {
        node.report(Severity::Error, "wrong-value", format!("'{url}' is not an address like 'https://id.example.com'"), None);
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

fn store_url(node: &Node<'_>, url: String) -> String {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    if ["sqlite", "postgres", "postgresql"].contains(&scheme) {
        return url;
    }
    // The address may hold a password, so it is not repeated.
    node.report(Severity::Error, "wrong-value", "the address of a store begins with 'sqlite:' or 'postgres:'", None);
    // No other store is used in its place: opening what is left of it is refused.
    format!("{scheme}://…")
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

    pub(super) fn read(text: &str) -> (Settings, Vec<Diagnostic>) {
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
            r##"
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
            builtin = false
            name = "Example"
            logo = "logo.svg"
            color = "#1d70b8"
            links = { "Privacy" = "https://example.test/privacy", "Help" = "/help" }
            [profile]
            confirm_mail = false
            add_lists = "merge"
            [mail]
            password = "p"
            [audit]
            required = true
            retain_days = 90
            [names]
            several_spellings = true
            [signin]
            managed = false
            "##,
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
        assert_eq!((settings.audit.enabled, settings.audit.retain_days, settings.managed_sign_in), (true, Some(90), Some(false)));
        assert_eq!(settings.profile, Profile { confirm_mail: false, add_replaces_lists: false, ..Profile::default() });
        assert!(settings.names.several_spellings && settings.audit.required);
        assert_eq!((settings.pages.builtin, settings.pages.name.as_deref(), settings.pages.links.len()), (false, Some("Example"), 2));
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
        let refused = Some("mysql://…".to_owned());
        assert_eq!(settings, Settings { store_url: refused, ..Settings::default() }, "no other store takes its place");
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|found| found.is_error() && !found.message.contains("geheim")));
        assert_eq!(found[0].location.position, Some(Position { line: 2, column: 10 }));
    }

    #[test]
    fn the_public_address_is_the_one_listened_at_unless_the_file_says_otherwise() {
        let at = |text: &str, outside: Option<&str>| read(text).0.public_url_at(outside.map(|address| address.parse().unwrap()));
        assert_eq!(at("", None), "http://localhost:8080");
        assert_eq!(at("", Some("127.0.0.1:81")), "http://127.0.0.1:81");
        assert_eq!(at("[server]\nlisten = \"0.0.0.0:81\"", None), "http://localhost:81");
        assert_eq!(at("[server]\nlisten = \"0.0.0.0:81\"", Some("[::1]:82")), "http://[::1]:82");
        assert_eq!(at("[server]\npublic_url = \"https://id.example.test/x/\"", Some("127.0.0.1:82")), "https://id.example.test/x");
    }

    #[test]
    fn a_section_tls_that_lacks_a_key_is_an_error_and_still_asks_for_tls() {
        assert_eq!(read("[tls]\n").0.tls, None);
        for text in ["[tls]\nkey = \"k.pem\"", "[tls]\ncertificate = \"c.pem\"", "[tls]\ncert = \"c.pem\"", "[tls]\nhsts_seconds = 1"] {
            let (settings, found) = read(text);
            assert!(settings.tls.is_some() && settings.scheme() == "https" && !found.is_empty(), "{text}");
            assert!(found.iter().all(|found| ["missing-key", "unknown-key"].contains(&found.rule)), "{found:?}");
        }
        let (settings, found) = read("[tls]\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\nhsts_seconds = 0");
        assert_eq!(settings.tls, Some(Tls { certificate: "c.pem".into(), key: "/k.pem".into(), hsts_seconds: 0, acme: None }));
        assert!(found.is_empty() && settings.public_url_at(None) == "https://localhost:8080");
    }

    #[test]
    fn a_key_source_needs_its_file() {
        for text in ["[keys]\nsource = \"keystore\"", "[keys]\nsource = \"file\""] {
            assert_eq!(read(text).1[0].rule, "missing-key");
        }
    }
}
