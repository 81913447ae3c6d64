//! `[tls.acme]`: the authority that the certificate is ordered from (RFC 8555), and for which names.
//!
//! The rule easiest to break: nobody but the operator agrees to an authority's terms.

use crate::diagnostic::Severity;
use crate::loose::Node;

/// How a certificate is ordered. It may be incomplete: [`Acme::problems`] says so, and no server starts with it then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acme {
    /// The address of the authority's directory, `https:`.
    pub directory: String,
    /// The names that the certificate is for, in small letters.
    pub domains: Vec<String>,
    /// Where the authority reaches the operator, as `mailto:` addresses.
    pub contact: Vec<String>,
    /// The operator has agreed to the authority's terms of service.
    pub terms_agreed: bool,
    /// A PEM file with the certificates that the authority's own is judged by, in the place of the machine's; absolute or relative to the project.
    pub ca: Option<String>,
}

/// Keys of the section.
pub(super) const KEYS: [&str; 5] = ["directory", "domains", "contact", "terms_agreed", "ca"];

/// Names in one certificate; authorities allow no more.
const MOST_NAMES: usize = 100;

impl Acme {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let acme = Self {
            directory: node.get("directory").filled_text().unwrap_or_default(),
            domains: node.get("domains").texts().into_iter().map(|name| name.trim().to_ascii_lowercase()).collect(),
            contact: node.get("contact").texts(),
            terms_agreed: node.get("terms_agreed").boolean().unwrap_or_default(),
            ca: node.get("ca").filled_text(),
        };
        for (key, problem) in acme.problems() {
            let (place, rule) = if node.get(key).is_present() { (node.get(key), "wrong-value") } else { (node.clone(), "missing-key") };
            place.report(Severity::Error, rule, problem, None);
        }
        acme
    }

    /// What keeps it from being used: the key, and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.directory.is_empty() {
            problems.push(("directory", "missing key 'directory': at which address is the authority's directory?".to_owned()));
        } else if !is_https(&self.directory) {
            problems.push(("directory", format!("'{}' is not an address like 'https://acme.example/directory'", self.directory)));
        }
        if self.domains.is_empty() {
            problems.push(("domains", "missing key 'domains': which names is the certificate for?".to_owned()));
        }
        if self.domains.len() > MOST_NAMES {
            problems.push(("domains", format!("a certificate has at most {MOST_NAMES} names")));
        }
        problems.extend(self.domains.iter().filter_map(|name| Some(("domains", wrong_name(name)?))));
        let wrong = |contact: &&String| contact.strip_prefix("mailto:").is_none_or(|address| !address.contains('@'));
        let contacts = self.contact.iter().filter(wrong);
        problems.extend(contacts.map(|contact| ("contact", format!("'{contact}' is not an address like 'mailto:operator@example.com'"))));
        if !self.terms_agreed {
            let text = "the authority's terms of service are not agreed to: read them, then write terms_agreed = true";
            problems.push(("terms_agreed", text.to_owned()));
        }
        problems
    }
}

fn is_https(address: &str) -> bool {
    let host = address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.contains('@')) && !address.contains(char::is_whitespace)
}

/// Why no certificate can be ordered for a name by this challenge: it is asked for at the name itself (RFC 8737).
fn wrong_name(name: &str) -> Option<String> {
    if name.starts_with("*.") {
        return Some(format!("'{name}' is for many names: the authority asks each name itself, so write them one by one"));
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Some(format!("'{name}' is an address: a certificate is ordered for names"));
    }
    let label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_name = name.len() <= 253 && name.split('.').all(label);
    (!is_name).then(|| format!("'{name}' is no name of a host; one with other letters is written as in the DNS, 'xn--…'"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    const GOOD: &str = "[tls.acme]\ndirectory = \"https://acme.example/dir\"\ndomains = [\"ID.example.com\"]\nterms_agreed = true\n";

    #[test]
    fn a_certificate_is_ordered_where_everything_is_said() {
        let (settings, found) = read(&format!("{GOOD}contact = \"mailto:ops@example.com\"\nca = \"ca.pem\""));
        assert_eq!(found, Vec::new());
        assert_eq!(settings.scheme(), "https");
        let tls = settings.tls.unwrap();
        let acme = tls.acme.unwrap();
        assert_eq!((tls.certificate.as_str(), tls.key.as_str(), acme.domains), ("", "", vec!["id.example.com".to_owned()]));
        assert_eq!((acme.contact, acme.ca.as_deref()), (vec!["mailto:ops@example.com".to_owned()], Some("ca.pem")));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_and_tls_is_still_asked_for() {
        for (text, rule, words) in [
            ("[tls.acme]\ndomains = [\"a.example\"]\nterms_agreed = true", "missing-key", "missing key 'directory'"),
            (&GOOD.replace("https", "http"), "wrong-value", "is not an address like 'https://"),
            (&GOOD.replace("https://", "https://u:p@"), "wrong-value", "is not an address like 'https://"),
            (&GOOD.replace("\"ID.example.com\"", ""), "wrong-value", "missing key 'domains'"),
            (&GOOD.replace("ID.", "*."), "wrong-value", "write them one by one"),
            (&GOOD.replace("ID.example.com", "192.0.2.7"), "wrong-value", "ordered for names"),
            (&GOOD.replace("ID.", "büro."), "wrong-value", "'xn--"),
            (&GOOD.replace("ID.", "-a."), "wrong-value", "is no name of a host"),
            (&GOOD.replace("true", "false"), "wrong-value", "terms of service are not agreed to"),
            (&GOOD.replace("terms_agreed = true", ""), "missing-key", "terms of service are not agreed to"),
            (&format!("{GOOD}contact = [\"ops@example.com\"]"), "wrong-value", "like 'mailto:"),
            (&format!("{GOOD}contacts = []"), "unknown-key", "there is no key 'contacts'"),
            (&format!("[tls]\ncertificate = \"c.pem\"\n{GOOD}"), "wrong-value", "leave one of them out"),
        ] {
            let (settings, found) = read(text);
            assert!(settings.tls.is_some() && found.len() == 1, "{text}: {found:?}");
            assert!(found[0].is_error() && found[0].rule == rule && found[0].message.contains(words), "{text}: {found:?}");
        }
    }
}
