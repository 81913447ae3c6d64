//! The choice between the system's list and the linked one.

use std::fmt;
use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;
use rustls_native_certs::CertificateResult;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// By these an operator says whom the system believes, as for OpenSSL.
const NAMED_BY: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// No authority is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nobody(String);

impl fmt::Display for Nobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no certificate authority is trusted here")?;
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl std::error::Error for Nobody {}

/// The authorities that are believed, as the system names them at this moment.
///
/// # Errors
/// [`Nobody`], where the operator names none that can be read, or the system's cannot be read.
pub fn certificates() -> Result<Vec<CertificateDer<'static>>, Nobody> {
    chosen(rustls_native_certs::load_native_certs(), is_named())
}

/// The linked authorities, where they count; none where the system names its own. It is found out once: every client of a process asks, and for each
/// the system's list would be read and parsed.
#[must_use]
pub fn linked() -> Option<&'static [CertificateDer<'static>]> {
    static COUNTS: OnceLock<bool> = OnceLock::new();
    COUNTS.get_or_init(|| counts(&rustls_native_certs::load_native_certs(), is_named())).then_some(TLS_SERVER_ROOT_CERTS)
}

fn is_named() -> bool {
    NAMED_BY.iter().any(|name| std::env::var_os(name).is_some())
}

/// Whether the linked list counts.
fn counts(found: &CertificateResult, is_named: bool) -> bool {
    !is_named && found.certs.is_empty() && found.errors.is_empty()
}

fn chosen(found: CertificateResult, is_named: bool) -> Result<Vec<CertificateDer<'static>>, Nobody> {
    if counts(&found, is_named) {
        return Ok(TLS_SERVER_ROOT_CERTS.to_vec());
    }
    if found.certs.is_empty() {
        return Err(Nobody(found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")));
    }
    Ok(found.certs)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustls_native_certs::load_certs_from_paths;

    use super::*;

    #[test]
    fn the_linked_list_counts_only_where_the_system_has_none() {
        let nothing = CertificateResult::default;
        let linked = chosen(nothing(), false).unwrap();
        assert!(linked.len() > 50 && rustls::RootCertStore::empty().add_parsable_certificates(linked).1 == 0);
        assert_eq!(chosen(nothing(), true), Err(Nobody(String::new())), "whoever names a list that is empty believes nobody");
        let mut own = CertificateResult::default();
        own.certs.push(TLS_SERVER_ROOT_CERTS[0].clone());
        assert_eq!(chosen(own, false).unwrap().len(), 1, "nobody is added to what the system believes");
    }

    #[test]
    fn a_list_that_cannot_be_read_is_no_reason_to_believe_others() {
        let unreadable = load_certs_from_paths(Some(Path::new("/nowhere/at/all.pem")), None);
        let Err(nobody) = chosen(unreadable, false) else { panic!("others are believed") };
        assert!(nobody.to_string().contains("/nowhere/at/all.pem"), "{nobody}");
    }
}
