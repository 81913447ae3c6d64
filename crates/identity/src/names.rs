//! Names that people sign in with, and mail addresses: the form in which two of them are the same, and what is refused because it only
//! looks like another one (SEC-22, SEC-48).
//!
//! Easiest to break: what a person typed is what is stored and shown; the [`Canonical`] form is only ever compared. A name that has the
//! shape of a mail address is canonicalised as one, so that nobody takes another person's address as their user name.

mod characters;
mod scripts;
#[cfg(test)]
mod tests;

pub(crate) use characters::is_hidden;
use icu_casemap::CaseMapper;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

/// Longest name or address, in characters (RFC 5321 §4.5.3.1: 64, the sign, 255).
pub const MAX_CHARACTERS: usize = 320;

/// Names that speak for the service or its operator (RFC 2142, and what programs ship with), for projects that do not list their own.
pub const RESERVED_NAMES: [&str; 22] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "hostmaster",
    "info",
    "mailer-daemon",
    "no-reply",
    "nobody",
    "noreply",
    "openidm",
    "openidm-admin",
    "operator",
    "postmaster",
    "root",
    "security",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "vestibule",
    "webmaster",
];

/// The form in which a name or an address is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Canonical {
    text: String,
    skeleton: String,
}

/// Why a name or an address is refused. The messages are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but spaces.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`MAX_CHARACTERS`].
    #[error("must not be longer than {MAX_CHARACTERS} characters")]
    TooLong,
    /// A line break, a control character, one that cannot be seen, or one that turns the direction of text.
    #[error("must not contain the character U+{0:04X}, which cannot be seen")]
    Hidden(u32),
    /// Letters of scripts that nobody writes together, such as Latin and Cyrillic.
    #[error("must not mix letters of different alphabets")]
    MixedScripts,
    /// One of the names kept back.
    #[error("this name is reserved")]
    Reserved,
    /// It looks like one of the names kept back.
    #[error("this name looks like a reserved one")]
    LooksReserved,
    /// Not `local@domain`, or a domain that cannot exist.
    #[error("must be a mail address")]
    NoAddress,
}

impl Canonical {
    /// A form as it was kept: [`Canonical::as_str`] and [`Canonical::skeleton`] of a name.
    #[must_use]
    pub fn from_stored(text: String, skeleton: String) -> Self {
        Self { text, skeleton }
    }

    /// The text that is equal for equal names.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text that is equal for names that look alike: [`skeleton`].
    #[must_use]
    pub fn skeleton(&self) -> &str {
        &self.skeleton
    }

    /// Whether it is plain ASCII, in which looking alike is no fault: see [`Canonical::collides_with`].
    #[must_use]
    pub fn is_plain(&self) -> bool {
        is_plain(&self.text)
    }

    /// Whether two different names must not both exist. Names in plain ASCII are only the same when they are equal, though `corn` and
    /// `com` have one skeleton: real people have such names. As soon as one has other letters, looking alike is enough.
    #[must_use]
    pub fn collides_with(&self, other: &Self) -> bool {
        self.text == other.text || (self.skeleton == other.skeleton && !(is_plain(&self.text) && is_plain(&other.text)))
    }
}

/// Whether a name has the shape of a mail address, however its sign is written.
#[must_use]
pub fn is_address_like(name: &str) -> bool {
    form(name).map_or_else(|| name.contains('@'), |form| form.as_str().contains('@'))
}

/// The canonical form of a name that exists, whoever let it in: what [`check_name`] would refuse as a new one is compared all the same.
/// `None` for what is empty or too long to be a name.
#[must_use]
pub fn form(name: &str) -> Option<Canonical> {
    if name.len() > MAX_CHARACTERS * 4 || name.chars().count() > MAX_CHARACTERS {
        return None;
    }
    let text = address_parts(name.trim()).map_or_else(|| folded(name), |address| address.text);
    (!text.is_empty()).then(|| Canonical { skeleton: skeleton(&text), text })
}

/// Whether a name is a reserved one, or looks like one, in whatever letters.
#[must_use]
pub fn imitates<R: AsRef<str>>(name: &str, reserved: &[R]) -> bool {
    let Some(canonical) = form(name) else { return false };
    reserved.iter().map(|reserved| folded(reserved.as_ref())).any(|reserved| {
        let skeleton = skeleton(&reserved);
        canonical.collides_with(&Canonical { text: reserved, skeleton })
    })
}

/// The canonical form of a name to sign in with. `reserved` are names nobody may take or imitate.
///
/// ```
/// # use vestibule_identity as identity;
/// use identity::names::{NameError, check_name};
///
/// assert_eq!(check_name(" BJensen ", &["admin"])?.as_str(), "bjensen");
/// assert_eq!(check_name("\u{430}dmin", &["admin"]), Err(NameError::MixedScripts));
/// assert_eq!(check_name("\u{ff21}DMIN", &["admin"]), Err(NameError::Reserved));
/// # Ok::<(), NameError>(())
/// ```
///
/// # Errors
/// Why it is refused.
pub fn check_name<R: AsRef<str>>(name: &str, reserved: &[R]) -> Result<Canonical, NameError> {
    let name = visible(name)?;
    let (text, parts) = if let Some(Address { text, parts }) = address_parts(name) {
        (text, parts)
    } else {
        let text = folded(name);
        (text.clone(), vec![text])
    };
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if !parts.iter().all(|part| scripts::are_written_together(part)) {
        return Err(NameError::MixedScripts);
    }
    let canonical = Canonical { skeleton: skeleton(&text), text };
    for reserved in reserved {
        let reserved = folded(reserved.as_ref());
        if reserved == canonical.text {
            return Err(NameError::Reserved);
        }
        if skeleton(&reserved) == canonical.skeleton {
            return Err(NameError::LooksReserved);
        }
    }
    Ok(canonical)
}

/// The canonical form of a mail address: the domain in its ASCII form, the local part as names are. `reserved_domains` are those in
/// which nobody may register; their subdomains are theirs.
///
/// # Errors
/// Why it is refused.
pub fn check_mail<R: AsRef<str>>(address: &str, reserved_domains: &[R]) -> Result<Canonical, NameError> {
    let Address { text, parts } = address_parts(visible(address)?).ok_or(NameError::NoAddress)?;
    if !parts.iter().all(|part| scripts::are_written_together(part)) {
        return Err(NameError::MixedScripts);
    }
    let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
    for reserved in reserved_domains {
        let Some(reserved) = ascii_domain(&folded(reserved.as_ref())) else { continue };
        if domain == reserved || domain.strip_suffix(reserved.as_str()).is_some_and(|rest| rest.ends_with('.')) {
            return Err(NameError::Reserved);
        }
        if skeleton_of_domain(domain) == skeleton_of_domain(&reserved) {
            return Err(NameError::LooksReserved);
        }
    }
    Ok(Canonical { skeleton: skeleton(&text), text })
}

/// The text in which letters that look alike are one letter (Unicode TR39 §4), in any case. It is for comparing with other skeletons, and
/// never shown.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let text = folded(text);
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", look(local), skeleton_of_domain(domain)),
        None => look(&text),
    }
}

fn skeleton_of_domain(domain: &str) -> String {
    let unicode = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow).0;
    look(&folded(&unicode))
}

/// The prototypes of TR39 have a case: the digit 0 looks like a capital O.
fn look(text: &str) -> String {
    fold_case(&unicode_security::skeleton(text).collect::<String>())
}

/// A text of a good length without surrounding spaces, in which every character can be seen.
fn visible(text: &str) -> Result<&str, NameError> {
    // Bytes first, so that a text of a megabyte is not walked.
    if text.len() > MAX_CHARACTERS * 4 || text.chars().count() > MAX_CHARACTERS {
        return Err(NameError::TooLong);
    }
    if let Some(hidden) = text.chars().find(|character| is_hidden(*character)) {
        return Err(NameError::Hidden(u32::from(hidden)));
    }
    let text = text.trim();
    if text.is_empty() { Err(NameError::Empty) } else { Ok(text) }
}

/// Equal for texts that differ in case, in width or in how characters are composed (Unicode §3.13, D146), white space trimmed and
/// collapsed.
fn folded(text: &str) -> String {
    // Each form of ASCII is itself (UAX #15, section 9), and its letters fold to the small ones.
    if text.is_ascii() {
        return single_spaced(&text.to_ascii_lowercase());
    }
    folded_by_unicode(text)
}

fn folded_by_unicode(text: &str) -> String {
    let once: String = fold_case(&text.nfd().collect::<String>()).nfkc().collect();
    let twice: String = fold_case(&once).nfkc().collect();
    single_spaced(&twice)
}

fn single_spaced(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut spaced = words.next().unwrap_or_default().to_owned();
    for word in words {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced
}

fn fold_case(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { CaseMapper::new().fold_string(text).into_owned() }
}

struct Address {
    text: String,
    /// The local part, and the labels of the domain in Unicode: what people see, each of which may be in a script of its own.
    parts: Vec<String>,
}

/// The canonical address, if `text` is one.
fn address_parts(text: &str) -> Option<Address> {
    let text = folded(text);
    let (local, domain) = text.split_once('@')?;
    let is_atom = |text: &str| {
        text.split('.').all(|atom| !atom.is_empty()) && !text.contains(|c: char| c.is_whitespace() || "\"(),:;<>@[\\]".contains(c))
    };
    if !is_atom(local) {
        return None;
    }
    let ascii = ascii_domain(domain)?;
    let (unicode, _) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    let parts = std::iter::once(local.to_owned()).chain(unicode.split('.').map(str::to_owned)).collect();
    Some(Address { text: format!("{local}@{ascii}"), parts })
}

/// IDNA (UTS 46), lower case; `None` for what no domain can be.
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(
        domain.strip_suffix('.').unwrap_or(domain).as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    ascii.ok().map(std::borrow::Cow::into_owned)
}

fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains("@xn--") && !text.contains(".xn--")
}
