//! The certificate of `[tls]`: whether it can be used, for how long, and for which names; where it is ordered, what became of that.

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Case, Found, bad, doubtful, good};
use crate::listener::Certificate;
use crate::{acme, keys};
use project::Acme;
use wire::host::{host_of, is_here};

/// A certificate that ends within so many days is worth a word: what renews it by itself does so earlier.
const SOON: i64 = 21;
const DAY: i64 = 24 * 3600;

pub(super) fn look(case: &Case) -> Vec<Found> {
    let Some(settings) = &case.project.settings.tls else { return vec![good("TLS is not spoken here ([tls] is not set)")] };
    if let Err(error) = Certificate::open(case.source.root(), settings) {
        return vec![bad(error.to_string(), "the server does not start; correct [tls] or the files that it names")];
    }
    let url = case.project.settings.public_url_at(None);
    let host = host_of(&url);
    if let Some(acme) = &settings.acme {
        return ordered(case, acme, host);
    }
    let path = case.source.place(&settings.certificate);
    match CertificateDer::from_pem_file(&path) {
        Ok(first) => said(&first, case.now, host, "renew the files: they are taken up while the server runs"),
        Err(error) => vec![bad(format!("{} cannot be read: {error}", path.display()), "correct [tls] certificate")],
    }
}

/// What lies in the store of a certificate that is ordered.
fn ordered(case: &Case, settings: &Acme, host: &str) -> Vec<Found> {
    let unknown = |error: &dyn std::fmt::Display| {
        vec![doubtful(format!("what became of the order cannot be told: {error}"), "look at the checks 'store' and 'keys' first")]
    };
    let keys = match keys::look(&case.data, &case.project.settings.keys, case.source.root()) {
        Ok(looked) => looked.ring,
        Err(error) => return unknown(&error),
    };
    let told = match store::Inspection::open(&case.store).and_then(|store| acme::told(&store, &keys, settings)) {
        Ok(told) => told,
        Err(error) => return unknown(&error),
    };
    let mut rows = match told.chain.as_deref().map(|chain| CertificateDer::from_pem_slice(chain.as_bytes())) {
        Some(Ok(first)) => said(&first, case.now, host, "look at what the order says: it is renewed at two thirds of its life"),
        Some(Err(error)) => vec![bad(format!("the certificate in the store cannot be read: {error}"), "have another one ordered")],
        None => vec![doubtful(
            format!("no certificate was issued yet by {}", settings.directory),
            "the running server orders it; until then it is not ready, and tells nothing but that",
        )],
    };
    if told.chain.is_some() && !told.fits {
        rows.push(doubtful(
            "the certificate is of another authority, or not for all of [tls.acme] domains",
            "the running server orders another",
        ));
    }
    if let Some((times, next, said)) = told.failure {
        let text = format!(
            "{times} attempts to order a certificate have failed, the next is in {} s: {said}",
            next.saturating_sub(case.now).max(0)
        );
        let advice = "the authority must reach this server at each of [tls.acme] domains, on port 443, with its TLS passed on as it is";
        rows.push(if told.fits { doubtful(text, advice) } else { bad(text, advice) });
    }
    rows
}

/// What a certificate says of itself at `now`, whether it is for `host`, and how it is renewed.
fn said(der: &CertificateDer<'_>, now: i64, host: &str, renew: &str) -> Vec<Found> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return vec![bad("the certificate cannot be read", "have it issued again")];
    };
    let (from, to) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let days = to.saturating_sub(now) / DAY;
    let mut rows = vec![if now > to {
        bad(format!("the certificate ended {} days ago", now.saturating_sub(to) / DAY), renew)
    } else if now < from {
        bad("the certificate is not valid yet", "look at the clock, or have it issued again")
    } else if days < SOON {
        doubtful(format!("the certificate ends in {days} days"), renew)
    } else {
        good(format!("the certificate is good for {days} days"))
    }];
    let names: Vec<&str> = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names
            .value
            .general_names
            .iter()
            .filter_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    // What leads to this machine alone is for trying.
    if !is_here(host) && !is_for(der, host) {
        rows.push(bad(
            format!("the certificate is not for {host}, but for: {}", names.join(", ")),
            "have it issued for the host of [server] public_url",
        ));
    }
    rows
}

/// Whether a client that came for `host`, a name or an address, would take the certificate (RFC 6125 section 6).
fn is_for(der: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(host) = ServerName::try_from(host) else { return false };
    ParsedCertificate::try_from(der).and_then(|certificate| verify_server_name(&certificate, &host)).is_ok()
}

#[cfg(test)]
mod tests {
    use store::Health;

    use super::*;

    fn made(names: &[&str], from: i32, to: i32) -> CertificateDer<'static> {
        let mut parameters = rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_is_good_ends_soon_has_ended_and_is_for_its_names() {
        let certificate = made(&["id.example.com", "*.example.org", "idp", "192.0.2.7"], 2020, 2030);
        // 2030-01-01.
        let end = 1_893_456_000;
        let row = |now: i64, host: &str| {
            let rows = said(&certificate, now, host, "renew");
            rows.iter().map(|row| (row.health, row.text.clone())).max().unwrap()
        };
        assert_eq!(row(end - 100 * DAY, "id.example.com").0, Health::Good);
        assert_eq!(row(end - 20 * DAY, "a.example.org"), (Health::Doubtful, "the certificate ends in 20 days".to_owned()));
        assert_eq!(row(end + 3 * DAY, "id.example.com"), (Health::Bad, "the certificate ended 3 days ago".to_owned()));
        assert_eq!(row(0, "id.example.com").0, Health::Bad);
        for host in ["ID.Example.com", "idp", "192.0.2.7", "localhost", "::1"] {
            assert_eq!(row(end - 100 * DAY, host).0, Health::Good, "{host}");
        }
        for host in ["example.org", "b.a.example.org", "id.example.net", "id", "192.0.2.8", "2001:db8::7", "a b"] {
            assert!(row(end - 100 * DAY, host).1.starts_with(&format!("the certificate is not for {host}")), "{host}");
        }
        assert_eq!(row(end - 100 * DAY, "127.0.0.1").0, Health::Good);
        assert_eq!(said(&CertificateDer::from_slice(b"x"), 0, "", "")[0].health, Health::Bad);
    }
}
