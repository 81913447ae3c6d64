//! `/language`: the language of the pages, chosen by the person. It stays with the browser, and with the profile where that has a place for it.

use accounts::Proof;
use accounts::access::Decision;
use crest::{Patch, PatchOperation, Pointer};
use identity::Expect;

use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::preferred_language::{PROPERTY, keep};
use crate::visit::{Outcome, Visit};
use crate::way::page;

/// POST of the choice.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    let to = page(visit.form.filled("to").unwrap_or("/"));
    if !visit.is_post() {
        return Ok(see_other("/"));
    }
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    let chosen = visit.form.get("language").to_owned();
    if !visit.look.languages.tags().any(|tag| tag == chosen) {
        return Err(DeadEnd::new(Why::NotFound));
    }
    keep(visit, &chosen);
    if let Err(error) = remember(visit, &chosen).await {
        tracing::debug!(transaction.id = visit.transaction, %error, "a language could not be kept in the profile");
    }
    Ok(see_other(&to))
}

/// Keeps it in the profile, where the person may write it there.
async fn remember(visit: &Visit, language: &str) -> Result<(), accounts::AccountError> {
    let principal = &visit.principal;
    let schema = visit.runtime.schemas.get(&principal.component);
    let editable = schema.and_then(|schema| schema.property(PROPERTY)).is_some_and(|property| property.user_editable);
    let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([PROPERTY]), language)]);
    if !editable || principal.pending.is_some() || visit.judged(&patch).await != Decision::Allowed {
        return Ok(());
    }
    visit.editor("patch", Proof::None).patch(&principal.component, &principal.id, &patch, &Expect::any()).await?;
    Ok(())
}
