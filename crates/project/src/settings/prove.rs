//! `[prove]`: which proofs whoever reaches something must have shown, for `vestibule prove`.
//!
//! Easiest to break: a policy that names proofs nobody could combine. Each entry is one sufficient set; any one of them is enough.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::diagnostic::Severity;
use crate::loose::Node;

/// Keys of the section.
pub(super) const KEYS: [&str; 6] = ["credential", "address", "profile", "name", "account", "at_load"];

/// What becomes of a process at load that somebody gets through without the proofs that are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLoad {
    /// It is not served where somebody without the person's open session gets through; what a session alone is enough for is said.
    #[default]
    Outsiders,
    /// It is not served.
    Refuse,
    /// It is served, and said.
    Warn,
    /// It is not looked for.
    Off,
}

/// What somebody has that proves who they are, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proofs(u8);

impl Proofs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// They read the mails of the account's address.
    pub const MAIL: Self = Self(1);
    /// They know the answers to its security questions.
    pub const ANSWERS: Self = Self(2);
    /// They have a session of it.
    pub const SESSION: Self = Self(4);
    /// They know its password; so they can have a session.
    pub const PASSWORD: Self = Self(8 | 4);

    const NAMES: [(&'static str, Self); 4] =
        [("mail", Self::MAIL), ("answers", Self::ANSWERS), ("password", Self::PASSWORD), ("session", Self::SESSION)];

    /// Every set that somebody can have, smaller ones first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = (0..16).map(Self).filter(|set| set.0 & 8 == 0 || set.contains(Self::SESSION)).collect();
        all.sort_by_key(|set| (set.0.count_ones(), set.0));
        all
    }

    /// Whether everything of another set is in this one.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is left where nothing looks at a session.
    #[must_use]
    pub fn without_session(self) -> Self {
        Self(self.0 & 3)
    }

    /// What is in it, by the names of `[prove]`; a password is a session too, and says so by itself.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let has_password = self.contains(Self::PASSWORD);
        Self::NAMES
            .into_iter()
            .filter(move |(name, set)| self.contains(*set) && !(has_password && *name == "session"))
            .map(|(name, _)| name)
    }

    /// `mail+answers`.
    fn parse(text: &str) -> Option<Self> {
        text.split('+').try_fold(Self::NONE, |all, word| {
            Some(all.and(Self::NAMES.iter().find(|(name, _)| *name == word.trim()).map(|(_, set)| *set)?))
        })
    }
}

/// The names of `[prove]`, as a list.
impl Serialize for Proofs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// `the mailbox and the answers`; `nothing` for the empty set.
impl fmt::Display for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for (set, word) in [(Self::MAIL, "the mailbox"), (Self::ANSWERS, "the answers"), (Self::PASSWORD, "the password")] {
            words.extend(self.contains(set).then_some(word));
        }
        if self.contains(Self::SESSION) && !self.contains(Self::PASSWORD) {
            words.push("an open session");
        }
        f.write_str(&if words.is_empty() { "nothing".to_owned() } else { words.join(" and ") })
    }
}

/// What has to be shown for what. Any one of the sets is enough; no set at all means that nothing has to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prove {
    /// Before a credential or the answers to questions are replaced, or a session is had (SEC-03, SEC-20).
    pub credential: Vec<Proofs>,
    /// Before a mail address is replaced (SEC-21).
    pub address: Vec<Proofs>,
    /// Before anything else of an object is changed.
    pub profile: Vec<Proofs>,
    /// Before a user name is told. Where this is not said, a process that reveals by design may (SEC-01).
    pub name: Option<Vec<Proofs>>,
    /// Before an account is made with an address (SEC-23); by default nothing, and `check` warns.
    pub account: Vec<Proofs>,
    /// What becomes of a process at load that does not keep to this.
    pub at_load: AtLoad,
}

impl Default for Prove {
    fn default() -> Self {
        let any = vec![Proofs::MAIL, Proofs::ANSWERS, Proofs::PASSWORD];
        let own = vec![Proofs::MAIL, Proofs::ANSWERS, Proofs::SESSION];
        Self { credential: any.clone(), address: any, profile: own, name: None, account: Vec::new(), at_load: AtLoad::default() }
    }
}

impl Prove {
    /// Whether what somebody has is enough.
    #[must_use]
    pub fn permits(asked: &[Proofs], has: Proofs) -> bool {
        asked.is_empty() || asked.iter().any(|set| has.contains(*set))
    }

    pub(super) fn read(node: &Node<'_>) -> Self {
        let default = Self::default();
        let read = |key: &str| {
            let written = node.get(key);
            if !written.is_present() {
                return None;
            }
            let mut sets = Vec::new();
            for item in written.items() {
                let Some(text) = item.text() else { continue };
                if let Some(set) = Proofs::parse(&text) {
                    sets.push(set);
                } else {
                    let message = format!("'{text}' is no set of proofs; the default counts");
                    let help = "write mail, answers, session or password, or several joined by '+': \"mail+answers\"".to_owned();
                    item.report(Severity::Error, "wrong-value", message, Some(help));
                    return None;
                }
            }
            Some(sets)
        };
        Self {
            credential: read("credential").unwrap_or(default.credential),
            address: read("address").unwrap_or(default.address),
            profile: read("profile").unwrap_or(default.profile),
            name: read("name"),
            account: read("account").unwrap_or(default.account),
            at_load: at_load(&node.get("at_load")),
        }
    }
}

fn at_load(node: &Node<'_>) -> AtLoad {
    match node.filled_text().as_deref() {
        None | Some("outsiders") => AtLoad::Outsiders,
        Some("refuse") => AtLoad::Refuse,
        Some("warn") => AtLoad::Warn,
        Some("off") => AtLoad::Off,
        Some(other) => {
            let message = format!("'{other}' is none of outsiders, refuse, warn and off; what is refuted is refused");
            node.report(Severity::Error, "wrong-value", message, None);
            AtLoad::Refuse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sink;
    use crate::loose::Document;
    use crate::source::SourceFile;

    #[test]
    fn sets_are_read_and_what_is_none_is_an_error() {
        let sink = Sink::default();
        let text = "credential = [\"mail+answers\", \"password\"]\nname = [\"mail\"]\nprofile = []\naddress = [\"luck\"]\n";
        let document = Document::read(SourceFile::new("vestibule.toml", text), &|_: &str| None, &sink).unwrap();
        let prove = Prove::read(&document.root(&sink));
        assert_eq!(prove.credential, [Proofs::MAIL.and(Proofs::ANSWERS), Proofs::PASSWORD]);
        assert_eq!((prove.name, prove.profile, prove.address), (Some(vec![Proofs::MAIL]), Vec::new(), Prove::default().address));
        let found: Vec<_> = sink.into_sorted().iter().map(|found| (found.rule, found.location.pointer.clone())).collect();
        assert_eq!(found, [("wrong-value", "/address/0".to_owned())]);
        assert!(!Prove::permits(&prove.credential, Proofs::MAIL) && Prove::permits(&prove.credential, Proofs::MAIL.and(Proofs::ANSWERS)));
        assert_eq!((Proofs::all().len(), Proofs::all()[0]), (12, Proofs::NONE));
        assert_eq!(Proofs::MAIL.and(Proofs::SESSION).to_string(), "the mailbox and an open session");
        assert_eq!(Proofs::PASSWORD.to_string(), "the password");
    }
}
