//! The address that people come back to from an identity provider (`redirectUri`), where it is one of ours: they are signed in, register, show that
//! an account is theirs, or link the two.
//!
//! Easiest to get wrong: nobody is linked to an account here by what a provider says. Whoever is linked is signed in; whoever is not goes through the
//! project's own processes, `socialUserClaim` and `registration`; and whoever links their own account sees which one it is before.

use accounts::{AccountError, NAME_COOKIE};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use social::Answered;
use wire::cookie;

use crate::answer::see_other;
use crate::away::{self, Away};
use crate::browser::random_name;
use crate::confirm;
use crate::self_service;
use crate::session;
use crate::trouble::{Trouble, told};
use crate::visit::{Outcome, Visit};
use crate::way::{HOME, LINKS, Purpose};

/// Seconds for which an account waits for its owner to press the button.
const WAITS: i64 = 900;

/// An account that waits to be linked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// What proves it.
    pub(crate) text: String,
}

/// GET of the address.
pub(crate) async fn serve(visit: &Visit, away: &Away) -> Outcome {
    away::forget(visit);
    if visit.is_signed_in() && !matches!(away.purpose, Purpose::Link | Purpose::Confirm { .. }) {
        // They signed in meanwhile: nobody is turned into somebody else by coming back.
        return Ok(see_other(HOME));
    }
    let answered: Answered = visit.query.pairs().collect();
    let name = cookie::values(&visit.parts.headers, NAME_COOKIE).next();
    let text = match visit.attempt().came_back(&away.challenge, &answered, name).await {
        Ok(text) => text,
        Err(error) => return told(&away.purpose, &away.provider, Trouble::of(error)?),
    };
    match &away.purpose {
        Purpose::Link => waits(visit, text).await,
        Purpose::Confirm { what } => confirm::came_back(visit, (&away.purpose, what), &away.provider, &text).await,
        Purpose::Enter { to } => {
            if session::begin_by_provider(visit, &text).await?.is_some() {
                return Ok(see_other(to));
            }
            self_service::comes(visit, text, Map::new()).await
        }
        Purpose::Step { process, at } => self_service::continues(visit, (process, at), text).await,
    }
}

/// The account waits until its owner has seen which one it is.
async fn waits(visit: &Visit, text: String) -> Outcome {
    let at = random_name(&visit.accounts);
    visit.counted().map_err(AccountError::from)?;
    visit.keep(&at, &Waiting { text }, WAITS).await?;
    Ok(see_other(&format!("{LINKS}?at={at}")))
}
