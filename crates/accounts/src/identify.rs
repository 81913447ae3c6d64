//! Who makes a request: a session's owner, else whoever the credentials prove, else a visitor with the cookie of `anonymous`.
//!
//! Easiest to get wrong: a person's session outranks credentials, even those of `anonymous` (docs/protocol/clients.md, "Transport").

use zeroize::Zeroizing;

use crate::attempt::{Attempt, Identified};
use crate::error::AccountError;
use crate::principal::Principal;
use crate::session;

/// A name and a password, as typed.
pub struct Password {
    /// The login name.
    pub user: String,
    /// The password as it was typed; wiped when dropped.
    pub password: Zeroizing<String>,
    /// The value of the browser's [`crate::devices::COOKIE`]; empty without one.
    pub device: String,
}

/// What a process that makes accounts handed to its new person.
pub struct Newcomer<'a> {
    /// The text, as it was sent.
    pub text: &'a [u8],
    /// The login name that was sent along, with or without a password.
    pub user: Option<String>,
}

/// A text that proves an account at an identity provider.
#[derive(Clone, Copy, Debug)]
pub struct ByProvider<'a> {
    /// The text.
    pub text: &'a str,
    /// The provider that the client says it is of, where it says so. A text of another one counts for nothing.
    pub of: Option<&'a str>,
}

/// What a request brings to prove whose it is.
pub struct Evidence<'a> {
    /// The first values of the session's cookie, in the order sent. A browser may send several, of different paths.
    pub cookies: [Option<&'a str>; session::MAX_COOKIES],
    /// What a new person signs in with.
    pub newcomer: Option<Newcomer<'a>>,
    /// The text that proves an account at an identity provider, where the request is a sign-in with it (`X-OpenIDM-OAuth-Login`).
    pub provider: Option<ByProvider<'a>>,
    /// A name and a password.
    pub password: Option<Password>,
    /// As whom the request is to be made, where it says so.
    pub run_as: Option<String>,
}

impl Attempt<'_> {
    /// Finds out who makes the request. Whoever calls this commits [`Identified::spend`].
    ///
    /// # Errors
    /// [`AccountError::Denied`] without good credentials, [`AccountError::Limited`] for too many attempts, 503 when store or hashing pool
    /// do not answer.
    pub async fn identify(&self, mut evidence: Evidence<'_>) -> Result<Identified, AccountError> {
        if let Some(name) = evidence.run_as.take() {
            return self.on_behalf(evidence, &name).await;
        }
        let presented = session::find(self, &evidence.cookies).await?;
        if let Some(principal) = presented.principal {
            if let Some(brought) = evidence.provider {
                return if self.is_linked_to(brought, &principal).await? { Ok(principal.into()) } else { Err(AccountError::Denied) };
            }
            let agrees = evidence.newcomer.is_none_or(|newcomer| self.is_for(newcomer.text, &principal));
            return if agrees { Ok(principal.into()) } else { Err(AccountError::Denied) };
        }
        if let Some(brought) = evidence.provider {
            return self.by_provider(brought).await;
        }
        if let Some(newcomer) = evidence.newcomer {
            return self.newcomer(newcomer.text, newcomer.user.as_deref()).await;
        }
        if let Some(password) = &evidence.password {
            return self.verify(password).await.map(Identified::from);
        }
        if presented.anonymous
            && let Some(mut principal) = Principal::anonymous(&self.runtime.project.authentication)
        {
            principal.by_cookie = true;
            return Ok(principal.into());
        }
        Err(AccountError::Denied)
    }
}
