//! One mailbox. Whatever a mail is sent to has passed through here: never a list, never a display name, never a control character, so
//! that nothing typed or stored can add a recipient or a header (decision 7, SEC-22, SEC-51).

use std::fmt;
use std::str::FromStr;

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
const MAX_BYTES: usize = 254;
/// Longest local part, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// Longest label of a domain, in bytes (RFC 1035 §2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// An address of the form `local@domain`, kept as it was written.
///
/// The local part is a dot-atom of RFC 5321, with the letters of RFC 6531 §3.3; quoted ones are refused, because mail servers disagree
/// about them. The domain may have letters outside ASCII as far as they have a form in A-labels (RFC 5890). Nowhere are there characters
/// that look like nothing, like a dot or like an at sign. Whether a mail server takes such letters is another question:
/// [`MailAddress::needs_utf8`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MailAddress(String);

/// The text is not one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailAddressError;

impl MailAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the at sign.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// The domain in A-labels and small letters, as mail servers and name servers read it.
    #[must_use]
    pub fn ascii_domain(&self) -> String {
        let domain = self.0.split_once('@').map_or("", |(_, domain)| domain);
        idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_ascii_lowercase())
    }

    /// The address as it goes over the wire: the domain in A-labels.
    #[must_use]
    pub fn for_transport(&self) -> String {
        format!("{}@{}", self.local(), self.ascii_domain())
    }

    /// Whether only a mail server with SMTPUTF8 (RFC 6531) can take it.
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.local().is_ascii()
    }

    /// Whether both are the same address but for case.
    #[must_use]
    pub fn agrees_with(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.to_lowercase()
    }
}

impl FromStr for MailAddress {
    type Err = MailAddressError;

    fn from_str(text: &str) -> Result<Self, MailAddressError> {
        if text.len() > MAX_BYTES {
            return Err(MailAddressError);
        }
        let (local, domain) = text.split_once('@').ok_or(MailAddressError)?;
        let good = is_local(local) && domain.split('.').all(is_label) && (domain.is_ascii() || has_a_labels(domain));
        if good { Ok(Self(text.to_owned())) } else { Err(MailAddressError) }
    }
}

impl From<MailAddress> for String {
    fn from(address: MailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MailAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a mail address")
    }
}

impl std::error::Error for MailAddressError {}

fn is_local(local: &str) -> bool {
    let is_text =
        |c: char| if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) } else { !is_invisible_or_dot(c) };
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_text);
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(is_atom)
}

fn is_label(label: &str) -> bool {
    let is_letter = |c: char| if c.is_ascii() { c.is_ascii_alphanumeric() || c == '-' } else { !is_invisible_or_dot(c) };
    !label.is_empty() && label.len() <= MAX_LABEL_BYTES && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(is_letter)
}

/// Whether a domain can be asked for: every label has a form in A-labels, none longer than a label may be.
fn has_a_labels(domain: &str) -> bool {
    idna::domain_to_ascii(domain)
        .is_ok_and(|ascii| ascii.len() <= MAX_BYTES && ascii.split('.').all(|label| (1..=MAX_LABEL_BYTES).contains(&label.len())))
}

/// White space, controls, format and private characters, and what is read as a full stop or an at sign.
fn is_invisible_or_dot(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}')
        || matches!(c, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{3002}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}')
        || matches!(c, '\u{fe52}' | '\u{fe6b}' | '\u{feff}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff61}' | '\u{ffa0}')
        || ('\u{fff0}'..='\u{ffff}').contains(&c)
        || c >= '\u{e0000}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_mailbox_is_taken_as_it_is_written() {
        for text in [
            "bjensen@example.com",
            "a@b",
            "x+y.z'q@Sub.Example.test",
            "jörg@example.com",
            "用户@例子.example",
            "info@bücher.example",
            "a@पानी.example",
        ] {
            assert_eq!(text.parse::<MailAddress>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn sec_51_lists_names_and_control_characters_are_no_mailbox() {
        for text in [
            "",
            "plain",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a@b,c@d",
            "a@b;c@d",
            "Name <a@b>",
            "<a@b>",
            "a b@c",
            "a@b c",
            "a@b\r\nBcc: x@y",
            "a@b\n",
            "\0a@b",
            "a..b@c",
            ".a@c",
            "a.@c",
            "\"a b\"@c",
            "a@[127.0.0.1]",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a@-b",
            "a@b-",
            "jö rg@b",
            "j\u{200b}g@b",
            "a\u{ff20}b@c",
            "a@\u{300}b.example",
            "a@b\u{200b}c",
            "a@b。c",
            "a@b\u{202e}c",
            "a@b\u{a0}c",
            "a@b\u{ff0e}c",
            "a%b@c d",
        ] {
            assert!(text.parse::<MailAddress>().is_err(), "{text:?}");
        }
        assert!(format!("{}@b.example", "a".repeat(65)).parse::<MailAddress>().is_err());
        assert!(format!("a@{}", vec!["b".repeat(60); 5].join(".")).parse::<MailAddress>().is_err());
    }

    #[test]
    fn a_domain_travels_in_a_labels_and_only_a_local_part_needs_smtputf8() {
        let address = |text: &str| text.parse::<MailAddress>().unwrap();
        assert_eq!(address("info@Bücher.example").for_transport(), "info@xn--bcher-kva.example");
        assert!(!address("info@bücher.example").needs_utf8() && address("jörg@b.example").needs_utf8());
        assert_eq!(address("A@B.Example").for_transport(), "A@b.example");
    }

    proptest! {
        #[test]
        fn whatever_passes_has_one_at_sign_and_nothing_a_header_could_read(text in "\\PC{0,20}@\\PC{0,40}|[ -~\\r\\n]{0,40}") {
            if let Ok(address) = text.parse::<MailAddress>() {
                prop_assert_eq!(address.as_str(), text.as_str());
                prop_assert_eq!(text.matches('@').count(), 1);
                prop_assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || ",;:<>()\"[]\\".contains(c)));
            }
        }
    }
}
