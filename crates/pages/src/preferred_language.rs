//! The language that somebody chose: kept by the browser, and by the profile where a project has a place for it.

use accounts::Principal;

use crate::browser;
use crate::visit::Visit;

/// The cookie that keeps the choice.
pub(crate) const COOKIE: &str = "vestibule-language";
/// The property of a profile that does, where a project has it.
pub(crate) const PROPERTY: &str = "preferredLanguage";
/// Seconds the cookie is kept.
const KEPT: i64 = 365 * 24 * 3600;

/// Keeps a choice in the browser.
pub(crate) fn keep(visit: &Visit, language: &str) {
    visit.set_cookie(browser::set(COOKIE, language, visit.secure, Some(KEPT)));
}

/// Takes the language from the profile of whoever signs in: the choice of a person follows them to another browser, and stands before that of
/// whoever used this one before.
pub(crate) async fn recall(visit: &Visit, principal: &Principal) {
    let schema = visit.runtime.schemas.get(&principal.component);
    if schema.and_then(|schema| schema.property(PROPERTY)).is_none() {
        return;
    }
    let object = match visit.runtime.managed.objects.read(&principal.component, &principal.id).await {
        Ok(object) => object,
        Err(error) => {
            tracing::debug!(transaction.id = visit.transaction, %error, "the language of a profile could not be read");
            return;
        }
    };
    let kept = object.as_ref().and_then(|object| object.content.get(PROPERTY)?.as_str());
    if let Some(language) = kept.and_then(|kept| visit.look.languages.nearest(&kept.replace('_', "-"))) {
        keep(visit, language);
    }
}
