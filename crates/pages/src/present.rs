//! The present password, asked for in the form that needs it: who changes a credential shows that they know it, because a session alone may have
//! been found open (SEC-20, SEC-21).

use accounts::AccountError;
use process::{FactKind, Process};
use stages::Services;
use zeroize::Zeroizing;

use crate::field::{Field, Kind, Problem};
use crate::visit::Visit;
use crate::words::Words;

/// Its field. It begins like that of the form's token, as no property of a project does.
pub(crate) const CURRENT: &str = "form_current";

/// The field that asks for it.
pub(crate) fn current() -> Field {
    Field::new(CURRENT, Kind::Password, Words::message("current-password")).required().autocomplete("current-password")
}

/// Asked for with the rest.
pub(crate) fn with_current(mut fields: Vec<Field>) -> Vec<Field> {
    if !fields.iter().any(|field| field.name == CURRENT) {
        fields.push(current());
    }
    fields
}

/// What was typed; nothing for an empty field.
pub(crate) fn typed(visit: &Visit) -> Option<Zeroizing<String>> {
    visit.form.filled(CURRENT).map(|typed| Zeroizing::new(typed.to_owned()))
}

/// Whether a form of a process needs it from the first: one that sets a password, where nothing but the session says who it is.
pub(crate) fn is_needed(process: &Process<Services>, fields: &[Field]) -> bool {
    let proves = |kind: &FactKind| matches!(kind, FactKind::ControlsMail | FactKind::KnowsAnswers);
    process.binds_session()
        && fields.iter().any(|field| field.kind == Kind::Password)
        && !process.stages.iter().any(|placed| placed.facts.gives.iter().chain(&placed.facts.may_give).any(proves))
}

/// The problem with it, where a refusal is about it: it is missing or wrong.
pub(crate) fn problem(error: &AccountError) -> Option<Problem> {
    let missing = AccountError::NotReauthenticated { name: None };
    let key = match error {
        AccountError::NotReauthenticated { name: Some(_) } => "error-current-password-wrong",
        AccountError::NotReauthenticated { name: None } => "error-current-password-missing",
        // Two stages say so in words of their own: one that sets a password, and one that edits protected properties.
        AccountError::Refused(refused) if refused.code == 403 => {
            let reason = refused.detail.as_ref().and_then(|detail| detail.get("reason")?.as_str()).unwrap_or_default();
            if refused.message != missing.to_string() && !reason.contains("the present password") {
                return None;
            }
            "error-current-password-missing"
        }
        _ => return None,
    };
    Some(Problem::of(CURRENT, Words::message(key)))
}

#[cfg(test)]
mod tests {
    use crest::ResourceError;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_for_want_of_the_present_password_is_said_at_its_field() {
        let key = |error: AccountError| problem(&error).map(|problem| (problem.field, problem.says.key));
        let at = |key: &str| Some((CURRENT.to_owned(), key.to_owned()));
        let refused = |message: &str| AccountError::Refused(ResourceError::forbidden(message));
        assert_eq!(key(AccountError::NotReauthenticated { name: Some("x".into()) }), at("error-current-password-wrong"));
        assert_eq!(key(refused("Reauthentication failed, missing or empty headers")), at("error-current-password-missing"));
        let protected = ResourceError::forbidden("Access denied")
            .with_detail(json!({"property": "mail", "reason": "changing it needs the present password, in X-OpenIDM-Reauth-Password"}));
        assert_eq!(key(AccountError::Refused(protected)), at("error-current-password-missing"));
        assert_eq!((key(refused("Access denied")), key(AccountError::Denied)), (None, None));
    }
}
