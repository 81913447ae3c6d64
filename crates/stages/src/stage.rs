//! The table of stages. A new stage is one file below `stage/` and one line of [`table`].

mod all_in_one;
mod attempts;
mod by_provider;
mod claim_filter;
mod counted;
mod details;
mod foreign;
mod form;
mod letter;
mod mailed_code;
mod questions;

use process::{Catalogue, Declared};

use crate::Services;

pub(crate) use conditional_user::ConditionalUser;
pub use counted::counters;
pub use local_auto_login::{CREDENTIAL_PURPOSE, credential_subject};

/// A line is the file and its stage; the order is that of the reference.
macro_rules! table {
    ($($file:ident::$stage:ident,)*) => {
        $(mod $file;)*

        /// Every stage this server knows.
        #[must_use]
        pub fn catalogue() -> Catalogue<Services> {
            Catalogue::new(vec![$(Box::new(Declared::<$file::$stage>::new()),)*])
                .with_foreign(Box::new(Declared::<foreign::Foreign>::new()))
                .with_merger(all_in_one::merger())
        }
    };
}

table! {
    parameters::Parameters,
    captcha::Captcha,
    user_query::UserQuery,
    validate_active_account::ValidateActiveAccount,
    email_validation::EmailValidation,
    kba_verification::KbaVerification,
    reset::Reset,
    email_username::EmailUsername,
    retrieve_username::RetrieveUsername,
    idm_user_details::IdmUserDetails,
    user_details::UserDetails,
    social_user_details::SocialUserDetails,
    social_user_claim::SocialUserClaim,
    terms::TermsAndConditions,
    consent::Consent,
    kba_definition::KbaDefinition,
    self_registration::SelfRegistration,
    local_auto_login::LocalAutoLogin,
    open_am_auto_login::OpenAmAutoLogin,
    conditional_user::ConditionalUser,
    attribute_collection::AttributeCollection,
    kba_update::KbaUpdate,
    patch_object::PatchObject,
}
