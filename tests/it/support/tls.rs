//! TLS as a client speaks it: certificates made for a test, and connections that say exactly what it wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned, SupportedProtocolVersion,
};

use super::http::{PATIENCE, Request, Response};

/// A connection.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate of its own and its key, both in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    /// For a name, or an address.
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }
}

/// A client that trusts one certificate.
#[derive(Clone)]
pub(crate) struct Tls {
    roots: Arc<RootCertStore>,
    versions: &'static [&'static SupportedProtocolVersion],
    protocols: Vec<Vec<u8>>,
    before: Vec<u8>,
    anybody: bool,
}

/// Believes whoever comes: for what is served before anybody can be believed.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl Tls {
    pub(crate) fn trusting(pair: &Pair) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()).unwrap();
        Self { roots: Arc::new(roots), versions: rustls::ALL_VERSIONS, protocols: Vec::new(), before: Vec::new(), anybody: false }
    }

    /// One that believes whoever comes.
    pub(crate) fn trusting_anybody() -> Self {
        let (roots, versions) = (Arc::new(RootCertStore::empty()), rustls::ALL_VERSIONS);
        Self { roots, versions, protocols: Vec::new(), before: Vec::new(), anybody: true }
    }

    /// Offers these protocols (ALPN).
    pub(crate) fn offering(mut self, protocols: &[&str]) -> Self {
        self.protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// Speaks these versions alone.
    pub(crate) fn speaking(mut self, versions: &'static [&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions;
        self
    }

    /// Sends these bytes before TLS begins.
    pub(crate) fn after(mut self, bytes: &[u8]) -> Self {
        self.before = bytes.to_vec();
        self
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(self.versions).unwrap();
        let mut config = builder.with_root_certificates(Arc::clone(&self.roots)).with_no_client_auth();
        if self.anybody {
            config.dangerous().set_certificate_verifier(anybody);
        }
        config.alpn_protocols.clone_from(&self.protocols);
        config
    }

    /// A connection whose handshake is done.
    pub(crate) fn connect(&self, to: SocketAddr) -> std::io::Result<Stream> {
        self.over(TcpStream::connect(to)?)
    }

    /// The same over a connection that stands.
    pub(crate) fn over(&self, mut socket: TcpStream) -> std::io::Result<Stream> {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        socket.write_all(&self.before)?;
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(self.config()), name).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// Sends a request of HTTP/1.1 on a connection of its own.
    pub(crate) fn send(&self, to: SocketAddr, request: &Request) -> std::io::Result<Response> {
        let mut stream = self.connect(to)?;
        request.try_send_over(&mut stream, "localhost")
    }
}

/// Everything that still comes, however the connection ends.
pub(crate) fn rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..length]);
    }
    bytes
}
