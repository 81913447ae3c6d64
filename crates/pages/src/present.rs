//! The present password, asked for in the form that needs it: who changes a credential shows that they know it, because a session alone may have
//! been found open (SEC-20, SEC-21).

use accounts::AccountError;
use stages::Refusal;
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
        // The present one comes before the new one, as everywhere.
        let at = fields.iter().position(|field| field.kind == Kind::Password).unwrap_or(fields.len());
        fields.insert(at, current());
    }
    fields
}

/// What was typed; nothing for an empty field.
pub(crate) fn typed(visit: &Visit) -> Option<Zeroizing<String>> {
    visit.form.filled(CURRENT).map(|typed| Zeroizing::new(typed.to_owned()))
}

/// The problem with it, where a refusal is about it: it is missing or wrong.
pub(crate) fn problem(error: &AccountError) -> Option<Problem> {
    let key = match error {
        AccountError::NotReauthenticated { name: Some(_) } => "error-current-password-wrong",
        AccountError::NotReauthenticated { name: None } => "error-current-password-missing",
        // A stage says so too: one that sets a password, or edits what is protected.
        AccountError::Refused(refused) if Refusal::of(refused) == Some(Refusal::PresentPasswordMissing) => "error-current-password-missing",
        _ => return None,
    };
    Some(Problem::of(CURRENT, Words::message(key)))
}

#[cfg(test)]
mod tests {
    use crest::ResourceError;

    use super::*;

    #[test]
    fn a_refusal_for_want_of_the_present_password_is_said_at_its_field() {
        let key = |error: AccountError| problem(&error).map(|problem| (problem.field, problem.says.key));
        let at = |key: &str| Some((CURRENT.to_owned(), key.to_owned()));
        assert_eq!(key(AccountError::NotReauthenticated { name: Some("x".into()) }), at("error-current-password-wrong"));
        assert_eq!(key(AccountError::NotReauthenticated { name: None }), at("error-current-password-missing"));
        assert_eq!(key(AccountError::Refused(Refusal::PresentPasswordMissing.into())), at("error-current-password-missing"));
        // The words alone are anybody's.
        let said = AccountError::NotReauthenticated { name: None }.to_string();
        assert_eq!((key(AccountError::Refused(ResourceError::forbidden(said))), key(AccountError::Denied)), (None, None));
    }
}
