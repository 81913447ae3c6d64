//! TLS on the listener: the certificate of `[tls]`, and the one that follows it. It lies in files, or is ordered (`crate::acme`).
//!
//! Easiest to get wrong: a renewal. Its two files are written one after the other, and whoever writes them may fail; so files count once they have
//! been left alone for a moment, and while they are wrong the certificate that was good keeps serving.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use accounts::Accounts;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use project::{Acme, Tls};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};
use tokio::sync::watch;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::metrics;

/// How often the files are looked at. Watching would miss what another machine writes, and certificates that are swapped by a link.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The protocols that a client may choose (RFC 7301), ours first.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
/// What an authority asks for to see who a name leads to (RFC 8737 section 6.2).
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";
/// HTTP/2 by its name in TLS (RFC 9113 section 3.2).
pub(super) const HTTP_2: &[u8] = b"h2";
/// Everybody may read a file with this bit.
const FOR_ALL: u32 = 0o004;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// Half of the section is missing.
    #[error("[tls] needs both keys, 'certificate' and 'key', each with the name of a PEM file")]
    Missing,
    /// A file cannot be read.
    #[error("[tls] {key}: '{}' cannot be read: {error}", path.display())]
    Unreadable {
        /// The key of the settings.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file holds something else.
    #[error("[tls] {key}: '{}' {problem}", path.display())]
    Wrong {
        /// The key of the settings.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Two files that do not belong together.
    #[error("[tls] key: '{}' is not the key of the certificate in '{}'", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// It cannot be ordered.
    #[error("[tls.acme] {key}: {problem}")]
    Order {
        /// The key of the settings.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It is to come from two places.
    #[error("[tls]: {0}")]
    Twice(&'static str),
}

impl CertificateError {
    /// The key of `[tls]` that it is about.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Missing | Self::Twice(_) => "",
            Self::Order { .. } => "acme",
            Self::Unreadable { key, .. } | Self::Wrong { key, .. } => key,
            Self::Mismatch { .. } => "key",
        }
    }
}

/// The two files.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells a file from what it was: when it was written, how long it is, and which one it is. `None` where it is not there.
type Mark = Option<(i64, i64, u64, u64, u64)>;

impl Files {
    fn of(root: Option<&Path>, settings: &Tls) -> Self {
        let place = |name: &str| root.map_or_else(|| PathBuf::from(name), |root| root.join(name));
        Self { certificate: place(&settings.certificate), key: place(&settings.key) }
    }

    fn marks(&self) -> [Mark; 2] {
        let mark = |path: &Path| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.mtime(), facts.mtime_nsec(), facts.len(), facts.ino(), facts.dev()))
        };
        [mark(&self.certificate), mark(&self.key)]
    }

    fn load(&self) -> Result<Served, CertificateError> {
        let text = read("certificate", &self.certificate)?;
        let wrong = |key: &'static str, path: &Path, problem: String| CertificateError::Wrong { key, path: path.to_owned(), problem };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| wrong("certificate", &self.certificate, "holds no certificate in PEM".to_owned()))?;
        let text = read("key", &self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
            let sealed = text.windows(9).any(|window| window == b"ENCRYPTED");
            let problem = if sealed { "is sealed with a password; a server needs the key without" } else { "holds no private key in PEM" };
            wrong("key", &self.key, problem.to_owned())
        })?;
        served(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                CertificateError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => {
                wrong("certificate", &self.certificate, format!("holds a certificate that cannot be used: {error}"))
            }
            error => wrong("key", &self.key, format!("holds a key that cannot be used: {error}")),
        })
    }
}

/// What a certificate, with those behind it, and its key are served with.
fn served(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Served, rustls::Error> {
    let ends = chain.first().and_then(|first| Some(X509Certificate::from_der(first).ok()?.1.validity().not_after.timestamp()));
    let mut config = with_certificate(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Who comes back needs no second signature, and no memory here.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Served { config: Arc::new(config), ends, provisional: false })
}

/// TLS 1.2 and 1.3 with one certificate.
///
/// # Errors
/// What cannot be used.
fn with_certificate(certified: CertifiedKey) -> Result<ServerConfig, rustls::Error> {
    let provider = aws_lc_rs::default_provider();
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions)?.with_no_client_auth();
    Ok(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
}

/// What the authority is answered with that looks whether a name leads here (RFC 8737 section 3): `digest` is the SHA-256 of the key authorization.
///
/// # Errors
/// When no key can be made, or the name cannot be written into a certificate.
pub(crate) fn challenge(name: &str, digest: &[u8; 32]) -> Result<Arc<ServerConfig>, String> {
    let made = || -> Result<_, rcgen::Error> {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()])?;
        parameters.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(digest)];
        let key = rcgen::KeyPair::generate()?;
        Ok((parameters.self_signed(&key)?.der().clone(), key))
    };
    let (certificate, key) = made().map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
    // Its extension is critical, so that nobody else takes it for a certificate; whoever compares it with its key would not either.
    let signing = aws_lc_rs::sign::any_supported_type(&key).map_err(|error| error.to_string())?;
    let mut config = with_certificate(CertifiedKey::new(vec![certificate], signing)).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![CHALLENGE.to_vec()];
    Ok(Arc::new(config))
}

/// A certificate of one's own, until the first one that was ordered is there. Nobody believes it.
fn provisional(names: &[String]) -> Result<Served, String> {
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(str::to_owned)?;
    let served = served(vec![made.cert.der().clone()], key).map_err(|error| error.to_string())?;
    Ok(Served { ends: None, provisional: true, ..served })
}

/// What connections are served with.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) config: Arc<ServerConfig>,
    /// When the certificate ends, in seconds since 1970.
    ends: Option<i64>,
    /// It stands in for one that is ordered: nothing but the state of this server is told.
    pub(super) provisional: bool,
}

impl Served {
    fn count(&self) {
        if let Some(ends) = self.ends {
            metrics::certificate_ends(ends);
        }
    }
}

/// Answers an authority that looks whether a name leads here.
#[async_trait]
pub(crate) trait Challenges: Send + Sync {
    /// What this name is answered with, while it is asked for.
    async fn answer(&self, name: &str) -> Option<Arc<ServerConfig>>;
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|error| CertificateError::Unreadable { key, path: path.to_owned(), error })
}

/// Where the certificate comes from.
enum Origin {
    Files { files: Files, marks: [Mark; 2] },
    Order { challenges: OnceLock<Arc<dyn Challenges>> },
}

/// The certificate that connections are served with.
pub(crate) struct Certificate {
    served: ArcSwap<Served>,
    origin: Origin,
    /// As `[tls] hsts_seconds`; read at start.
    pub(crate) hsts_seconds: u32,
}

impl Certificate {
    /// Reads the files, those with relative names from the project's directory. One that is to be ordered is not there yet: another stands in for it.
    ///
    /// # Errors
    /// [`CertificateError`], a sentence.
    pub(crate) fn open(root: Option<&Path>, settings: &Tls) -> Result<Arc<Self>, CertificateError> {
        if let Some(problem) = settings.twice() {
            return Err(CertificateError::Twice(problem));
        }
        let hsts_seconds = settings.hsts_seconds;
        if let Some(acme) = &settings.acme {
            let served = can_be_ordered(root, acme)?;
            return Ok(Arc::new(Self {
                served: ArcSwap::from_pointee(served),
                origin: Origin::Order { challenges: OnceLock::new() },
                hsts_seconds,
            }));
        }
        if settings.certificate.is_empty() || settings.key.is_empty() {
            return Err(CertificateError::Missing);
        }
        let files = Files::of(root, settings);
        if fs::metadata(&files.key).is_ok_and(|facts| facts.mode() & FOR_ALL != 0) {
            tracing::warn!("everybody on this machine may read the private key in '{}'", files.key.display());
        }
        let marks = files.marks();
        let served = ArcSwap::from_pointee(files.load()?);
        Ok(Arc::new(Self { served, origin: Origin::Files { files, marks }, hsts_seconds }))
    }

    /// What a connection that begins now is served with.
    pub(super) fn now(&self) -> Arc<Served> {
        self.served.load_full()
    }

    /// Whether it is ordered, and not in files.
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(self.origin, Origin::Order { .. })
    }

    /// Who answers the authority from now on; the first one that was named.
    pub(crate) fn challenged_by(&self, answers: Arc<dyn Challenges>) {
        if let Origin::Order { challenges } = &self.origin {
            // A second one would be the same again.
            let _ = challenges.set(answers);
        }
    }

    pub(super) fn challenges(&self) -> Option<&Arc<dyn Challenges>> {
        if let Origin::Order { challenges } = &self.origin { challenges.get() } else { None }
    }

    /// Serves one that was ordered, in PEM, from now on.
    ///
    /// # Errors
    /// When it cannot be used; the one before keeps serving.
    pub(crate) fn take(&self, chain: &str, key: &str) -> Result<(), String> {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| error.to_string())?;
        let served = served(chain, key).map_err(|error| error.to_string())?;
        served.count();
        self.served.store(Arc::new(served));
        Ok(())
    }

    /// Takes up renewed files, and files that the settings name anew, until `stop` says so. To be called for a certificate in files.
    pub(crate) async fn keep_up(self: Arc<Self>, accounts: Arc<Accounts>, mut stop: watch::Receiver<bool>) {
        let Origin::Files { files, marks } = &self.origin else { return };
        self.served.load().count();
        let mut renewal = Renewal { files: files.clone(), served: *marks, refused: None, seen: None };
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => return,
            }
            let runtime = accounts.runtime.load_full();
            if let Some(settings) = runtime.project.settings.tls.as_ref().filter(|settings| settings.acme.is_none()) {
                renewal.name(Files::of(runtime.root.as_deref(), settings));
            }
            let looked = tokio::task::spawn_blocking(move || {
                let taken = renewal.look();
                (renewal, taken)
            });
            let Ok((next, taken)) = looked.await else { return };
            renewal = next;
            match taken {
                Some(Ok(served)) => {
                    served.count();
                    self.served.store(Arc::new(served));
                    tracing::info!("the certificate was read again");
                }
                Some(Err(error)) => tracing::error!("a renewed certificate is not taken up, the one before keeps serving: {error}"),
                None => {}
            }
        }
    }
}

/// Whether what `[tls.acme]` says is enough to order a certificate: what is served until it is there.
fn can_be_ordered(root: Option<&Path>, acme: &Acme) -> Result<Served, CertificateError> {
    if let Some((key, problem)) = acme.problems().into_iter().next() {
        return Err(CertificateError::Order { key, problem });
    }
    if let Some(path) = authority_file(root, acme) {
        let text = read("acme.ca", &path)?;
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        if !all.is_ok_and(|all| !all.is_empty()) {
            return Err(CertificateError::Wrong { key: "acme.ca", path, problem: "holds no certificate in PEM".to_owned() });
        }
    }
    provisional(&acme.domains).map_err(|problem| CertificateError::Order { key: "domains", problem })
}

/// The file of `[tls.acme] ca`.
pub(crate) fn authority_file(root: Option<&Path>, acme: &Acme) -> Option<PathBuf> {
    let name = acme.ca.as_deref()?;
    Some(root.map_or_else(|| PathBuf::from(name), |root| root.join(name)))
}

/// What is known of the files since the start.
struct Renewal {
    files: Files,
    served: [Mark; 2],
    refused: Option<[Mark; 2]>,
    /// What the files were at the last look.
    seen: Option<[Mark; 2]>,
}

impl Renewal {
    fn name(&mut self, files: Files) {
        if self.files != files {
            *self = Self { files, served: [None; 2], refused: None, seen: None };
        }
    }

    /// Reads the files where they are others than those that are served or were refused, and have been the same twice.
    fn look(&mut self) -> Option<Result<Served, CertificateError>> {
        let marks = self.files.marks();
        let settled = self.seen.replace(marks) == Some(marks);
        if marks == self.served {
            self.refused = None;
            return None;
        }
        if !settled || self.refused == Some(marks) {
            return None;
        }
        let loaded = self.files.load();
        match &loaded {
            Ok(_) => (self.served, self.refused) = (marks, None),
            Err(_) => self.refused = Some(marks),
        }
        Some(loaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn settings(certificate: &str, key: &str) -> Tls {
        Tls { certificate: certificate.into(), key: key.into(), hsts_seconds: 1, acme: None }
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let (certificate, key) = pair(&["localhost"]);
        let (_, other) = pair(&["localhost"]);
        let sealed = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        for (name, text) in
            [("c.pem", certificate.as_str()), ("k.pem", &key), ("other.pem", &other), ("sealed.pem", &sealed), ("x.pem", "x")]
        {
            fs::write(root.path().join(name), text).unwrap();
        }
        fs::write(root.path().join("broken.pem"), certificate.replace("MII", "AAA")).unwrap();
        let error = |certificate: &str, key: &str| match Certificate::open(Some(root.path()), &settings(certificate, key)) {
            Ok(_) => String::new(),
            Err(error) => error.to_string().replace(&root.path().display().to_string(), "ROOT"),
        };
        assert_eq!(error("c.pem", "k.pem"), "");
        assert_eq!(error("c.pem", &root.path().join("k.pem").display().to_string()), "");
        assert_eq!(error("", "k.pem"), "[tls] needs both keys, 'certificate' and 'key', each with the name of a PEM file");
        assert!(error("no.pem", "k.pem").starts_with("[tls] certificate: 'ROOT/no.pem' cannot be read: "));
        assert_eq!(error("x.pem", "k.pem"), "[tls] certificate: 'ROOT/x.pem' holds no certificate in PEM");
        assert_eq!(error("k.pem", "k.pem"), "[tls] certificate: 'ROOT/k.pem' holds no certificate in PEM");
        assert_eq!(error("c.pem", "c.pem"), "[tls] key: 'ROOT/c.pem' holds no private key in PEM");
        assert_eq!(error("c.pem", "sealed.pem"), "[tls] key: 'ROOT/sealed.pem' is sealed with a password; a server needs the key without");
        assert_eq!(error("c.pem", "other.pem"), "[tls] key: 'ROOT/other.pem' is not the key of the certificate in 'ROOT/c.pem'");
        assert!(
            error("broken.pem", "k.pem").starts_with("[tls] certificate: 'ROOT/broken.pem' holds "),
            "{}",
            error("broken.pem", "k.pem")
        );
    }

    #[test]
    fn an_authority_is_shown_its_digest_and_nothing_else_is_spoken() {
        let config = challenge("id.example", &[7; 32]).unwrap();
        assert_eq!(config.alpn_protocols, [CHALLENGE.to_vec()]);
    }

    #[test]
    fn a_renewal_counts_once_both_files_are_right_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let write = |(certificate, key): (Option<&str>, Option<&str>)| {
            for (name, text) in [("c.pem", certificate), ("k.pem", key)] {
                if let Some(text) = text {
                    let beside = root.path().join("beside");
                    fs::write(&beside, text).unwrap();
                    fs::rename(&beside, root.path().join(name)).unwrap();
                }
            }
        };
        let (first, second) = (pair(&["localhost"]), pair(&["localhost"]));
        write((Some(&first.0), Some(&first.1)));
        let opened = Certificate::open(Some(root.path()), &settings("c.pem", "k.pem")).unwrap_or_else(|error| panic!("{error}"));
        let Origin::Files { files, marks } = &opened.origin else { panic!("it lies in files") };
        let mut renewal = Renewal { files: files.clone(), served: *marks, refused: None, seen: None };
        assert!(renewal.look().is_none() && renewal.look().is_none(), "nothing has changed");
        write((Some(&second.0), None));
        assert!(renewal.look().is_none(), "it may be in the middle of being written");
        assert!(matches!(renewal.look(), Some(Err(CertificateError::Mismatch { .. }))));
        assert!(renewal.look().is_none(), "it is said once");
        write((None, Some(&second.1)));
        assert!(renewal.look().is_none());
        assert!(matches!(renewal.look(), Some(Ok(_))));
        assert!(renewal.look().is_none());
        fs::remove_file(root.path().join("k.pem")).unwrap();
        assert!(renewal.look().is_none());
        assert!(matches!(renewal.look(), Some(Err(CertificateError::Unreadable { .. }))));
    }
}
