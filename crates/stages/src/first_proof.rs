//! A credential is set by whoever reads the mailbox of an account whose address nobody had shown to be theirs before (docs/protocol/social.md, "Links and the
//! mailbox"). Whoever made such an account may be anybody, and may have linked an account of their own to it: that link ends with the credential.
//!
//! Easiest to get wrong: a code alone confirms nothing here. If it did, somebody who stops behind the code, and resets another day, would leave the stranger in.

use crest::{Change, ResourceError};
use identity::find::{Confirmation, address_form};
use identity::{Expect, Managed, PEOPLE};
use process::{Effect, Fact, Subject};
use serde_json::json;

use crate::services::Cx;

/// Whether the address of an account was given by somebody, and never shown to be theirs. Of one of which nothing is known, as of people who moved in, that is not
/// so.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn is_merely_given(cx: &Cx<'_>, subject: &Subject, address: &str) -> Result<bool, ResourceError> {
    let known = cx.services.managed.objects.confirmation(&subject.collection, &subject.id).await?;
    Ok(Confirmation::rank(known.as_ref(), address_form(address).as_deref()) == 0)
}

/// What a first proof brings about.
#[derive(Default)]
pub(crate) struct FirstProof {
    /// What is committed with the credential.
    pub(crate) effects: Vec<Effect>,
    /// What the providers are called whose accounts are linked no more.
    pub(crate) ended: Vec<String>,
}

/// What follows from a new credential where the process proved the mailbox and nobody had before: the address counts as confirmed, and accounts at identity
/// providers are linked no more.
///
/// # Errors
/// What a script at the deletion of a link refuses, 503 when the store does not answer.
pub(crate) async fn of_credential(cx: &mut Cx<'_>, managed: &Managed, subject: &Subject) -> Result<FirstProof, ResourceError> {
    let proven = cx.facts().iter().find_map(|fact| match fact {
        Fact::ControlsMail { subject: Some(whose), address } if whose == subject => Some(address.clone()),
        _ => None,
    });
    let Some(address) = proven else { return Ok(FirstProof::default()) };
    if !is_merely_given(cx, subject, &address).await? {
        return Ok(FirstProof::default());
    }
    let Subject { collection, id, .. } = subject.clone();
    let mut first = FirstProof::default();
    first.effects.push(Effect::Address { collection, id: id.clone(), address, confirmed: true });
    if subject.collection != PEOPLE {
        return Ok(first);
    }
    let Some(person) = managed.objects.read(PEOPLE, &id).await? else { return Ok(first) };
    for (of, account) in managed.linked_accounts(&person).await? {
        if managed.schemas.get(&of).is_some() {
            let prepared = managed.delete(&of, &account, &Expect::any()).await?;
            first.effects.extend(prepared.change.clone().map(Effect::Change));
            first.effects.extend(crate::of_scripts(managed, &prepared));
        } else {
            // Its provider may be used again one day.
            first.effects.push(Effect::Change(Change::Delete { collection: of.clone(), id: account, expected: None }));
        }
        let name = of.strip_prefix("managed/").unwrap_or(&of).to_owned();
        let detail =
            json!({ "provider": name, "linked": false, "reason": "address-proven", "process": cx.process(), "instance": cx.instance() });
        cx.audit("unlink", format!("{PEOPLE}/{id}"), true, detail);
        first.ended.push(cx.services.social.get(&name).map_or(name.clone(), |provider| provider.label().to_owned()));
    }
    Ok(first)
}
