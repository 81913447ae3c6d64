//! TLS for mail servers: certificates are always verified, against what the system trusts ([`authorities`]).

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Versions of the protocol that may be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocols {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// TLS 1.2 only.
    OnlyTls12,
    /// TLS 1.3 only.
    OnlyTls13,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The name can be on no certificate.
    #[error("'{0}' is not the name of a server")]
    Name(String),
    /// The system trusts nobody.
    #[error(transparent)]
    NoRoots(#[from] authorities::Nobody),
    /// The library refuses the settings.
    #[error(transparent)]
    Settings(#[from] rustls::Error),
}

/// TLS to one server.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// TLS to the server of that name or address.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(host: &str, protocols: Protocols) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities::certificates()?);
        Self::trusting(name, roots, protocols)
    }

    fn trusting(name: ServerName<'static>, roots: RootCertStore, protocols: Protocols) -> Result<Self, TlsError> {
        let versions: &[&SupportedProtocolVersion] = match protocols {
            Protocols::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
            Protocols::OnlyTls12 => &[&rustls::version::TLS12],
            Protocols::OnlyTls13 => &[&rustls::version::TLS13],
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> std::io::Result<TlsStream<S>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}
