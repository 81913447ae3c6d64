//! What went wrong with an identity provider, in words, on the page where somebody can go on without it.
//!
//! Easiest to get wrong: the address names what happened, so that *back* and *reload* work; it holds a word of a list, and no text.

use accounts::{AccountError, trouble as kinds};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::see_other;
use crate::dead_end::DeadEnd;
use crate::field::Problem;
use crate::provider::label;
use crate::visit::{Outcome, Visit};
use crate::way::Purpose;
use crate::words::Words;

/// No account here is linked, and none can be made.
const STRANGER: &str = "provider-stranger";
/// The account that is linked may not sign in.
const CLOSED: &str = "provider-closed";
/// Each kind with its message.
const ALL: [(&str, &str); 9] = [
    (kinds::CANCELLED, "provider-cancelled"),
    (kinds::REFUSED, "provider-refused"),
    (kinds::UNTRUSTED, "provider-untrusted"),
    (kinds::DOWN, "provider-down"),
    (kinds::OLD, "provider-old"),
    (kinds::TAKEN, "provider-taken"),
    (kinds::LAST, "provider-last"),
    (STRANGER, STRANGER),
    (CLOSED, CLOSED),
];

/// What went wrong: the name of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble(&'static str);

impl Trouble {
    /// No account here is linked, and none can be made.
    pub(crate) const STRANGER: Self = Self(STRANGER);
    /// The account that is linked may not sign in.
    pub(crate) const CLOSED: Self = Self(CLOSED);
    /// The answer belongs to nothing that was begun here.
    pub(crate) const OLD: Self = Self("provider-old");

    /// What an error says of a provider; any other ends the way.
    pub(crate) fn of(error: AccountError) -> Result<Self, DeadEnd> {
        match error {
            AccountError::Refused(error) => match ALL.iter().find(|(kind, _)| error.kind == Some(*kind)) {
                Some((_, message)) => Ok(Self(message)),
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
    let provider = utf8_percent_encode(provider, NON_ALPHANUMERIC);
    let word = trouble.0.trim_start_matches("provider-");
    Ok(see_other(&format!("{back}{}trouble={word}&provider={provider}", if back.contains('?') { '&' } else { '?' })))
}

/// What the address says went wrong.
pub(crate) fn said(visit: &Visit) -> Option<Problem> {
    let word = visit.query.filled("trouble")?;
    let (kind, message) = ALL.iter().find(|(_, message)| message.trim_start_matches("provider-") == word)?;
    let provider = visit.runtime.social.get(visit.query.get("provider"))?;
    let words = Words::message(message);
    // The others are about no provider in particular.
    let names = ![kinds::OLD, kinds::LAST].contains(kind);
    Some(Problem::whole(if names { words.with("name", label(provider)) } else { words }))
}
