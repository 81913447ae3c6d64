//! The table of stages. A new stage is one file below `stage/` and one line here.

mod attempts;
mod captcha;
mod email_username;
mod email_validation;
mod input;
mod kba_verification;
mod letter;
mod notice;
mod parameters;
mod reset;
mod retrieve_username;
mod user_query;
mod validate_active_account;

use process::{Catalogue, Declared};

use crate::Services;

/// Every stage this server knows.
#[must_use]
pub fn catalogue() -> Catalogue<Services> {
    Catalogue::new(vec![
        Box::new(Declared::<parameters::Parameters>::new()),
        Box::new(Declared::<captcha::Captcha>::new()),
        Box::new(Declared::<user_query::UserQuery>::new()),
        Box::new(Declared::<validate_active_account::ValidateActiveAccount>::new()),
        Box::new(Declared::<email_validation::EmailValidation>::new()),
        Box::new(Declared::<kba_verification::KbaVerification>::new()),
        Box::new(Declared::<reset::Reset>::new()),
        Box::new(Declared::<email_username::EmailUsername>::new()),
        Box::new(Declared::<retrieve_username::RetrieveUsername>::new()),
    ])
}
