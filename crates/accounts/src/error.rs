//! Why something about an account is refused. A face says it in its own way: REST as status, code and message, a page as a sentence.

use crest::ResourceError;

use crate::limits::Limited;

/// A refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AccountError {
    /// It was not proved who asks. One answer for every cause: an unknown name, a wrong password, an inactive or ambiguous account, a text
    /// that was used already (SEC-02).
    #[error("Access Denied")]
    Denied,
    /// The password of a person who is signed in was asked for again, and is missing or wrong.
    #[error("{}", not_reauthenticated(.name.as_deref()))]
    NotReauthenticated {
        /// Whose password was wrong; `None` where none was given.
        name: Option<String>,
    },
    /// It comes too often.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// A mailed link was used, has expired, or was never one.
    #[error("This link is not valid any more")]
    InvalidLink,
    /// A mailed code is wrong, has expired, or was tried too often.
    #[error("The code is wrong or not valid any more")]
    InvalidCode,
    /// What policies, privileges or the store say.
    #[error(transparent)]
    Refused(#[from] ResourceError),
}

fn not_reauthenticated(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("Reauthentication failed for {name}"),
        None => "Reauthentication failed, missing or empty headers".to_owned(),
    }
}

impl From<AccountError> for ResourceError {
    /// 401 where it was not proved who asks. A failed re-authentication is 403 and never 401, on which a stock client signs the person out
    /// (docs/protocol/clients.md, "Profile page").
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Denied => Self::unauthorized(error.to_string()),
            AccountError::NotReauthenticated { .. } => Self::forbidden(error.to_string()),
            AccountError::InvalidLink | AccountError::InvalidCode => Self::bad_request(error.to_string()),
            AccountError::Limited(limited) => limited.into(),
            AccountError::Refused(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_reauthentication_signs_nobody_out() {
        for name in [None, Some("jane".to_owned())] {
            assert_eq!(ResourceError::from(AccountError::NotReauthenticated { name }).code, 403);
        }
        assert_eq!(ResourceError::from(AccountError::Denied).code, 401);
    }
}
