//! The table of stages. A new stage is one file below `stage/` and one line here.

mod all_in_one;
mod attempts;
mod attribute_collection;
mod captcha;
mod conditional_user;
mod consent;
mod details;
mod email_username;
mod email_validation;
mod foreign;
mod form;
mod idm_user_details;
mod input;
mod kba_definition;
mod kba_update;
mod kba_verification;
mod letter;
mod local_auto_login;
mod notice;
mod open_am_auto_login;
mod parameters;
mod patch_object;
mod questions;
mod reset;
mod retrieve_username;
mod self_registration;
mod social_user_details;
mod terms;
mod user_details;
mod user_query;
mod validate_active_account;

use process::{Catalogue, Declared};

use crate::Services;

pub(crate) use conditional_user::ConditionalUser;
pub use local_auto_login::{CREDENTIAL_PURPOSE, credential_subject};

/// The product's own configuration classes: files that the administration pages of 4.5 and 5.0 wrote name some stages by them.
const CLASSES: [(&str, &str); 12] = [
    ("org.forgerock.openidm.selfservice.stage.SocialUserDetailsConfig", "socialUserDetails"),
    ("org.forgerock.selfservice.stages.captcha.CaptchaStageConfig", "captcha"),
    ("org.forgerock.selfservice.stages.email.VerifyEmailAccountConfig", "emailValidation"),
    ("org.forgerock.selfservice.stages.kba.SecurityAnswerDefinitionConfig", "kbaSecurityAnswerDefinitionStage"),
    ("org.forgerock.selfservice.stages.kba.SecurityAnswerVerificationConfig", "kbaSecurityAnswerVerificationStage"),
    ("org.forgerock.selfservice.stages.registration.UserRegistrationConfig", "selfRegistration"),
    ("org.forgerock.selfservice.stages.reset.ResetStageConfig", "resetStage"),
    ("org.forgerock.selfservice.stages.terms.TermsAndConditionsConfig", "termsAndConditions"),
    ("org.forgerock.selfservice.stages.user.EmailUsernameConfig", "emailUsername"),
    ("org.forgerock.selfservice.stages.user.RetrieveUsernameConfig", "retrieveUsername"),
    ("org.forgerock.selfservice.stages.user.UserDetailsConfig", "userDetails"),
    ("org.forgerock.selfservice.stages.user.UserQueryConfig", "userQuery"),
];

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
        Box::new(Declared::<idm_user_details::IdmUserDetails>::new()),
        Box::new(Declared::<user_details::UserDetails>::new()),
        Box::new(Declared::<social_user_details::SocialUserDetails>::new()),
        Box::new(Declared::<terms::TermsAndConditions>::new()),
        Box::new(Declared::<consent::Consent>::new()),
        Box::new(Declared::<kba_definition::KbaDefinition>::new()),
        Box::new(Declared::<self_registration::SelfRegistration>::new()),
        Box::new(Declared::<local_auto_login::LocalAutoLogin>::new()),
        Box::new(Declared::<open_am_auto_login::OpenAmAutoLogin>::new()),
        Box::new(Declared::<conditional_user::ConditionalUser>::new()),
        Box::new(Declared::<attribute_collection::AttributeCollection>::new()),
        Box::new(Declared::<kba_update::KbaUpdate>::new()),
        Box::new(Declared::<patch_object::PatchObject>::new()),
    ])
    .with_classes(&CLASSES)
    .with_foreign(Box::new(Declared::<foreign::Foreign>::new()))
    .with_merger(all_in_one::merger())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_the_product_is_a_stage_of_ours() {
        for (class, name) in CLASSES {
            assert!(catalogue().find(name).is_some_and(|declared| declared.name() == name), "{class}");
        }
    }
}
