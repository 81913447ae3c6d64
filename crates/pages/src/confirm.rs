//! Whoever has no password shows once more that it is them at the identity provider that they sign in with, before they change what they could be locked
//! out by (SEC-20). The browser keeps a cookie of it for a few minutes.
//!
//! Easiest to get wrong: coming back changes nothing. It opens the form that somebody was at, and the form is sent by its own button.

use accounts::{AccountError, CONFIRMED_FOR, Confirmed};
use serde::Serialize;
use wire::cookie;

use crate::account::Person;
use crate::answer::see_other;
use crate::browser;
use crate::provider::{self, Button};
use crate::trouble::{Trouble, told};
use crate::visit::{Outcome, Visit};
use crate::way::{Purpose, encoded};

/// The cookie's name.
const COOKIE: &str = "vestibule-confirmed";

/// What is shown to who has no password, in the place of the field for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Confirm {
    /// The providers at which it can be shown: those that the account is linked to.
    pub(crate) providers: Vec<Button>,
    /// A password can be set with a mail.
    pub(crate) reset: bool,
}

/// What a visit brings in the place of a password.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// There is a password, to be typed.
    Password,
    /// There is none, and they have come back from a provider.
    Confirmed(Confirmed),
    /// There is none, and they have still to go.
    Keyless,
}

impl Visit {
    /// What this person brings.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn standing(&self, person: &Person) -> Result<Standing, AccountError> {
        if person.has_password || !self.links_are_offered() {
            return Ok(Standing::Password);
        }
        let name = browser::named(COOKIE, self.secure);
        let kept = cookie::values(&self.parts.headers, &name).next();
        Ok(self.actor().confirmed(kept).await?.map_or(Standing::Keyless, Standing::Confirmed))
    }

    /// The ways to show that it is them, for the form `what`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn ways_to_confirm(&self, person: &Person, what: &str) -> Result<Confirm, AccountError> {
        let linked = self.actor().links(&person.object.id).await?;
        let mut providers = self.buttons(&Purpose::Confirm { what: what.to_owned() }.query());
        providers.retain(|button| linked.iter().any(|one| one.provider == button.name));
        Ok(Confirm { providers, reset: self.runtime.feature_enabled("passwordReset") })
    }
}

/// Somebody came back: `text` is what the provider proves, `what` the form that they were at.
pub(crate) async fn came_back(visit: &Visit, (purpose, what): (&Purpose, &str), provider: &str, text: &str) -> Outcome {
    let Some(sealed) = visit.actor().confirm(text).await? else { return told(purpose, provider, Trouble::OTHER) };
    visit.set_cookie(browser::set(&browser::named(COOKIE, visit.secure), &sealed, visit.secure, Some(CONFIRMED_FOR)));
    Ok(see_other(&format!("/account/{}", encoded(what))))
}

/// Samples of it: where there are ways, and where there are none.
pub(crate) fn samples() -> [Confirm; 2] {
    [Confirm { providers: provider::samples(), reset: true }, Confirm::default()]
}
