//! What went wrong with an identity provider, in words, on the page where somebody can go on without it.
//!
//! Easiest to get wrong: the address names what happened, so that *back* and *reload* work; it holds a word of a list, and no text.

use accounts::{AccountError, trouble as kinds};

use crate::answer::see_other;
use crate::dead_end::DeadEnd;
use crate::field::Problem;
use crate::visit::{Outcome, Visit};
use crate::way::{Purpose, encoded};
use crate::words::Words;

/// No account here is linked, and none can be made.
const STRANGER: &str = "provider-stranger";
/// The account that is linked may not sign in.
const CLOSED: &str = "provider-closed";
/// The account is not linked to whoever is to show that they are themselves.
const OTHER: &str = "provider-other";
/// Every kind of trouble; each is the name of its message.
pub(crate) const ALL: [&str; 10] =
    [kinds::CANCELLED, kinds::REFUSED, kinds::UNTRUSTED, kinds::DOWN, kinds::OLD, kinds::TAKEN, kinds::LAST, STRANGER, CLOSED, OTHER];
/// What every one of them begins with, and what the address leaves out.
const BEGINS: &str = "provider-";

/// What went wrong: the name of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble(&'static str);

impl Trouble {
    /// No account here is linked, and none can be made.
    pub(crate) const STRANGER: Self = Self(STRANGER);
    /// The account that is linked may not sign in.
    pub(crate) const CLOSED: Self = Self(CLOSED);
    /// The account is not linked to whoever came back.
    pub(crate) const OTHER: Self = Self(OTHER);
    /// The answer belongs to nothing that was begun here.
    pub(crate) const OLD: Self = Self(kinds::OLD);

    fn word(self) -> &'static str {
        self.0.trim_start_matches(BEGINS)
    }

    /// What an error says of a provider; any other ends the way.
    pub(crate) fn of(error: AccountError) -> Result<Self, DeadEnd> {
        match error {
            AccountError::Refused(error) => match ALL.into_iter().find(|kind| error.kind == Some(*kind)) {
                Some(kind) => Ok(Self(kind)),
                None => Err(error.into()),
            },
            other => Err(other.into()),
        }
    }
}

/// Back to where somebody was, with what went wrong.
#[expect(clippy::unnecessary_wraps, reason = "it is what the function of a page returns")]
pub(crate) fn told(purpose: &Purpose, provider: &str, trouble: Trouble) -> Outcome {
    let back = purpose.back();
    let between = if back.contains('?') { '&' } else { '?' };
    Ok(see_other(&format!("{back}{between}trouble={}&provider={}", trouble.word(), encoded(provider))))
}

/// What the address says went wrong.
pub(crate) fn said(visit: &Visit) -> Option<Problem> {
    let word = visit.query.filled("trouble")?;
    let kind = ALL.into_iter().find(|kind| Trouble(kind).word() == word)?;
    let provider = visit.runtime.social.get(visit.query.get("provider"))?;
    let words = Words::message(kind);
    // The others are about no provider in particular.
    let names = ![kinds::OLD, kinds::LAST].contains(&kind);
    Some(Problem::whole(if names { words.with("name", provider.label().to_owned()) } else { words }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::COMPLETE;
    use crate::wording;

    /// The address has a word of the list, and the page the message of that name.
    #[test]
    fn every_trouble_is_said_by_a_message_of_its_name_and_no_other_word_is() {
        let defined: Vec<String> = wording::builtin(COMPLETE).into_keys().filter(|key| key.starts_with(BEGINS)).collect();
        let named: Vec<&String> = defined.iter().filter(|key| ALL.contains(&key.as_str())).collect();
        assert_eq!(named.len(), ALL.len(), "{defined:?}");
        assert!(ALL.iter().all(|kind| kind.starts_with(BEGINS) && !Trouble(kind).word().is_empty()));
    }
}
