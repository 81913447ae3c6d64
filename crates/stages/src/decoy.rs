//! Who stands in for an account that does not exist, is ambiguous or is not active (decision 5). A decoy is a keyed function of what
//! was named, in whatever words: the same every time, so that asking twice tells nothing, and unknown to everybody without the key.
//!
//! Easiest to break: the state of a decoy has the members of a real account, and [`put`] makes both equally long, because the length
//! of a token can be seen.

use crest::{Filter, Pointer};
use process::{StageContext, Subject};
use serde_json::{Map, Value};

use crate::account::Cx;
use crate::naming::Naming;
use crate::{MailAddress, Services, state};

/// What a process keeps of the account it is about.
pub(crate) struct Profile {
    /// The account.
    pub(crate) subject: Subject,
    /// Its id as the state shows it.
    pub(crate) user_id: String,
    /// Its address.
    pub(crate) mail: Option<String>,
    /// Its user name.
    pub(crate) user_name: Option<String>,
    /// Its status.
    pub(crate) status: Option<String>,
    /// Digest of its credential.
    pub(crate) credential: String,
}

/// Accounts fill the state in steps of this many bytes: room for ids, addresses and names of usual lengths.
const SIZE_CLASS: usize = 320;
/// What `"d":true` adds to a decoy's fact.
const DECOY_MARK: usize = 9;

/// Puts an account, or a decoy, into the state.
pub(crate) fn put(cx: &mut Cx<'_>, profile: &Profile) {
    let mut members = Map::new();
    members.insert(state::USER_ID.into(), profile.user_id.clone().into());
    for (key, value) in [(state::MAIL, &profile.mail), (state::USER_NAME, &profile.user_name), (state::ACCOUNT_STATUS, &profile.status)] {
        match value {
            Some(text) => members.insert(key.into(), text.clone().into()),
            None => cx.take(key),
        };
    }
    members.insert(state::CREDENTIAL.into(), profile.credential.clone().into());
    let mark = if profile.subject.decoy { DECOY_MARK } else { 0 };
    // The subject's id stands in the fact as well.
    let length = Value::Object(members.clone()).to_string().len() + profile.subject.id.len() + mark;
    let filler = length.next_multiple_of(SIZE_CLASS) - length;
    members.insert(state::FILLER.into(), "x".repeat(filler).into());
    for (key, value) in members {
        cx.put(&key, value);
    }
}

impl Profile {
    /// The decoy for a filter that found no account. What was typed as address or name is believed; the rest is made up.
    pub(crate) fn decoy(
        cx: &StageContext<'_, Services>,
        collection: &str,
        filter: &Filter,
        mail: &Pointer,
        user_name: &Pointer,
        credential: String,
    ) -> Self {
        let named = Naming::of(filter, mail, user_name).text();
        let subject = decoy_subject(cx, collection, named.as_bytes());
        let made_up = made_up_name(cx, &subject);
        let typed_mail = typed(filter, mail).filter(|text| text.parse::<MailAddress>().is_ok());
        let user_name = typed(filter, user_name).map(str::to_owned).or_else(|| Some(typed_mail?.split('@').next()?.to_owned()));
        Self {
            mail: Some(typed_mail.map_or_else(|| format!("{made_up}@invalid"), str::to_owned)),
            user_name: Some(user_name.unwrap_or(made_up)),
            status: Some("active".into()),
            user_id: subject.id.clone(),
            subject,
            credential,
        }
    }
}

/// The decoy in place of a subject that turned out not to be usable.
pub(crate) fn in_place_of(cx: &StageContext<'_, Services>, subject: &Subject) -> Subject {
    decoy_subject(cx, &subject.collection, subject.id.as_bytes())
}

fn decoy_subject(cx: &StageContext<'_, Services>, collection: &str, seed: &[u8]) -> Subject {
    let bytes = cx.keyed_for_long("decoy", &[collection.as_bytes(), seed]);
    Subject { collection: collection.to_owned(), id: uuid_text(&bytes), decoy: true }
}

/// A UUID of version 4 from the first 16 of these bytes.
pub(crate) fn uuid_text(bytes: &[u8; 32]) -> String {
    let mut half = [0; 16];
    half.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte);
    uuid::Builder::from_random_bytes(half).into_uuid().to_string()
}

/// Seven letters.
fn made_up_name(cx: &StageContext<'_, Services>, subject: &Subject) -> String {
    let bytes = cx.keyed_for_long("decoy name", &[subject.id.as_bytes()]);
    bytes.iter().take(7).map(|byte| char::from(b'a' + byte % 26)).collect()
}

/// What a filter says about a field, wherever it says it first.
fn typed<'f>(filter: &'f Filter, field: &Pointer) -> Option<&'f str> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().find_map(|part| typed(part, field)),
        Filter::Compare { pointer, value, .. } if pointer == field => value.as_str().filter(|text| !text.is_empty()),
        _ => None,
    }
}
