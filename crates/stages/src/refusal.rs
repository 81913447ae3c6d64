//! What our stages refuse, each with a kind. A face with sentences of its own, as the pages are, knows a refusal by its kind and never by its
//! words, which are those of the REST answer.

use crest::ResourceError;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $code:literal, $message:literal;)*) => {
        /// A refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word for it, as an error carries it ([`ResourceError::kind`]).
            #[must_use]
            pub fn kind(self) -> &'static str {
                match self { $(Self::$name => $kind),* }
            }

            fn said(self) -> (u16, &'static str) {
                match self { $(Self::$name => ($code, $message)),* }
            }
        }
    };
}

refusals! {
    /// A mailed code that is wrong, used or too old.
    CodeWrong = "code-wrong", 400, "Invalid code";
    /// No code was typed.
    CodeMissing = "code-missing", 400, "Input code is missing";
    /// No address was typed.
    MailMissing = "mail-missing", 400, "mail should not be empty";
    /// What was typed is no address.
    NoMailAddress = "no-mail-address", 400, "mail is not a mail address";
    /// Another address than the one that was confirmed.
    MailMismatch = "mail-mismatch", 400, "Email address mismatch";
    /// Answers to security questions that were not given before.
    AnswersWrong = "answers-wrong", 400, "Answers are not matched";
    /// Terms that were not accepted.
    AgreementMissing = "agreement-missing", 400, "Must accept terms and conditions";
    /// A captcha that was not solved.
    CaptchaWrong = "captcha-wrong", 400, "Recaptcha verification is unsuccessful.";
    /// No new password was typed.
    PasswordMissing = "password-missing", 400, "password is missing from input";
    /// Nobody has such an account; said only where the process may say so.
    NoAccount = "no-account", 400, "Unable to find account";
    /// What cannot be the name of an account.
    NoAccountName = "no-account-name", 400, "Invalid query filter";
    /// Whoever is signed in changes a credential without their present password (docs/protocol/authentication.md, "Re-authentication").
    PresentPasswordMissing = "present-password-missing", 403, "Reauthentication failed, missing or empty headers";
}

impl Refusal {
    /// Which one an error is.
    #[must_use]
    pub fn of(error: &ResourceError) -> Option<Self> {
        error.kind.and_then(Self::named)
    }

    /// The one of this kind.
    #[must_use]
    pub fn named(kind: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.kind() == kind)
    }
}

impl From<Refusal> for ResourceError {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = refusal.said();
        Self::new(code, message).of_kind(refusal.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_known_by_its_kind() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::of(&ResourceError::from(*refusal)), Some(*refusal));
        }
        assert_eq!(Refusal::of(&ResourceError::bad_request("Invalid code")), None);
    }
}
