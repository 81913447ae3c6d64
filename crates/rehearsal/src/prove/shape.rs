//! Kinds of accounts, as far as they matter to a process.

use std::fmt;

use serde::Serialize;

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// It has an address and answered questions.
    Whole,
    /// It has an address and no questions.
    NoQuestions,
    /// It has answered questions and no address.
    NoAddress,
    /// It has neither.
    Bare,
    /// It is switched off.
    SwitchedOff,
    /// There is none.
    Nobody,
}

impl Shape {
    /// Every kind.
    pub(crate) const ALL: [Self; 6] = [Self::Whole, Self::NoQuestions, Self::NoAddress, Self::Bare, Self::SwitchedOff, Self::Nobody];

    /// Whether there is an account.
    #[must_use]
    pub fn exists(self) -> bool {
        self != Self::Nobody
    }

    /// Whether it has an address.
    pub(crate) fn has_mail(self) -> bool {
        !matches!(self, Self::NoAddress | Self::Bare)
    }

    /// Whether its questions are answered.
    pub(crate) fn has_answers(self) -> bool {
        matches!(self, Self::Whole | Self::NoAddress | Self::SwitchedOff)
    }

    /// Whether it is not switched off.
    pub(crate) fn is_active(self) -> bool {
        self != Self::SwitchedOff
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "an account with an address and answered questions",
            Self::NoQuestions => "an account with an address and no questions",
            Self::NoAddress => "an account with answered questions and no address",
            Self::Bare => "an account with neither address nor questions",
            Self::SwitchedOff => "an account that is switched off",
            Self::Nobody => "nobody",
        })
    }
}
