//! `/account/sessions`, `/account/notifications`, `/account/consent`, `/account/data`: where somebody is signed in, what happened, with whom data
//! are shared, and a copy of them.

use accounts::Proof;
use crest::{Fields, Patch, PatchOperation, Pointer, ResourceError, reference};
use http::StatusCode;
use identity::{Audience, Expect, Property, timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use social::LINKS;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::account::Gate;
use crate::answer::{download, see_other};
use crate::dead_end::{DeadEnd, Why};
use crate::page::Samples;
use crate::property::label;
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// Where somebody is signed in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Sessions {
    /// Newest first.
    pub(crate) sessions: Vec<OneSession>,
    /// One was ended just now.
    pub(crate) ended: bool,
}

/// One session.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct OneSession {
    /// Its public id.
    pub(crate) id: String,
    /// What the browser calls itself.
    pub(crate) browser: String,
    /// From where it was begun.
    pub(crate) address: String,
    /// When it was begun.
    pub(crate) created: Time,
    /// When it was last used.
    pub(crate) used: Time,
    /// It is this one.
    pub(crate) current: bool,
}

/// A moment: for machines, and for people in Coordinated Universal Time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Time {
    /// RFC 3339.
    pub(crate) exact: String,
    /// `2026-11-29 14:05`.
    pub(crate) shown: String,
}

/// What happened to the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Notices {
    /// Newest first.
    pub(crate) notices: Vec<OneNotice>,
}

/// One notification.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct OneNotice {
    /// Its id.
    pub(crate) id: String,
    /// What it says.
    pub(crate) says: Words,
    /// When it was left.
    pub(crate) created: Time,
}

/// With whom data are shared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Sharing {
    /// Each with whom they may be.
    pub(crate) mappings: Vec<Mapping>,
}

/// One with whom data may be shared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Mapping {
    /// Its name.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) title: String,
    /// The properties.
    pub(crate) fields: Vec<Words>,
    /// The person agreed, then.
    pub(crate) since: Option<Time>,
}

impl Time {
    fn of(seconds: i64) -> Self {
        OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .map(|exact| Self::read(&exact))
            .unwrap_or_default()
    }

    fn read(exact: &str) -> Self {
        let shown = exact.get(..16).unwrap_or(exact).replace('T', " ");
        Self { exact: exact.to_owned(), shown }
    }
}

/// Why an address is no form of the account's.
fn old() -> DeadEnd {
    DeadEnd::new(Why::OldForm)
}

/// GET and POST of the sessions.
pub(crate) async fn sessions(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let (collection, id) = (person.collection.as_str(), person.object.id.as_str());
    if !visit.may("vestibule/sessions", "query", None).await {
        return Err(DeadEnd::new(Why::Forbidden));
    }
    if visit.is_post() {
        if !visit.genuine {
            return Err(old());
        }
        match visit.form.filled("end") {
            Some(session) => {
                visit.actor().end_session(collection, id, session).await?;
            }
            None => visit.actor().end_sessions(collection, id, true, "endOthers").await?,
        }
        return Ok(see_other("/account/sessions?ended="));
    }
    let claim = |session: &process::Session, name: &str| {
        session.claims.pointer(&format!("/origin/{name}")).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let shown = |session: &process::Session| OneSession {
        id: session.id.clone(),
        browser: claim(session, "browser"),
        address: claim(session, "address"),
        created: Time::of(session.created),
        used: Time::of(session.last_used),
        current: visit.principal.session.as_deref() == Some(session.key.as_str()),
    };
    let sessions = visit.actor().sessions_of(collection, id).await?;
    let page = Sessions { sessions: sessions.iter().map(shown).collect(), ended: visit.query.has("ended") };
    visit.page(StatusCode::OK, &page)
}

/// GET and POST of the notifications.
pub(crate) async fn notifications(visit: &Visit) -> Outcome {
    if let Gate::Closed(outcome) = visit.person().await {
        return outcome;
    }
    let kept = &visit.runtime.consequences.notifications;
    let own = visit.principal.own_path();
    if visit.is_post() {
        if !visit.genuine {
            return Err(old());
        }
        match visit.form.filled("dismiss") {
            Some(id) => {
                if let Some(found) = kept.own(&visit.principal, id).await? {
                    kept.remove(visit.now, &[found]).await?;
                }
            }
            None => kept.remove_all(visit.now, &own).await?,
        }
        return Ok(see_other("/account/notifications"));
    }
    let found = kept.of(&own).await?;
    let text = |notice: &crest::Resource, name: &str| notice.content.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let notices = found
        .iter()
        .map(|notice| OneNotice {
            id: notice.id.clone(),
            says: said(&text(notice, "message")),
            created: Time::read(&text(notice, "createDate")),
        })
        .collect();
    visit.page(StatusCode::OK, &Notices { notices })
}

/// Our own notifications in every language; others as they are.
fn said(message: &str) -> Words {
    match message {
        "Your password has been updated." => Words::message("notice-password"),
        "Your profile has been updated." => Words::message("notice-profile"),
        _ => Words::theirs(message),
    }
}

/// GET and POST of what data are shared.
pub(crate) async fn consent(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let given = person.object.content.get("consentedMappings").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = |name: &str| given.iter().find(|consent| consent.get("mapping").and_then(Value::as_str) == Some(name));
    if visit.is_post() {
        if !visit.genuine {
            return Err(old());
        }
        let name = visit.form.get("mapping");
        if !visit.runtime.consents.of(&person.collection).any(|mapping| mapping.name == name) {
            return Err(DeadEnd::new(Why::NotFound));
        }
        let others = given.iter().filter(|consent| consent.get("mapping").and_then(Value::as_str) != Some(name)).cloned();
        let mut list: Vec<Value> = others.collect();
        if visit.form.get("agree") == "yes" {
            let date = timestamp(visit.accounts.clock.now());
            list.push(own(name).cloned().unwrap_or_else(|| json!({"mapping": name, "consentDate": date})));
        }
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens(["consentedMappings"]), list)]);
        visit.permitted(&patch, Proof::None).await?;
        visit.editor("patch", Proof::None).patch(&person.collection, &person.object.id, &patch, &Expect::any()).await?;
        return Ok(see_other("/account/consent"));
    }
    let mappings = visit
        .runtime
        .consents
        .of(&person.collection)
        .map(|mapping| Mapping {
            name: mapping.name.clone(),
            title: mapping.display_name.clone(),
            fields: mapping
                .fields
                .iter()
                .map(|field| label(field, person.schema.property(field).and_then(|property| property.title.as_deref())))
                .collect(),
            since: own(&mapping.name).map(|consent| Time::read(consent.get("consentDate").and_then(Value::as_str).unwrap_or_default())),
        })
        .collect();
    visit.page(StatusCode::OK, &Sharing { mappings })
}

/// GET of a copy of everything, as the stock client downloads it: with the accounts elsewhere, and with what the person refers to.
pub(crate) async fn data(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let managed = &visit.runtime.managed;
    let meta = person.schema.meta_property();
    // What others keep of a person, such as who reports to them, is theirs.
    let kept = |property: &&Property| property.relationship.as_ref().is_some_and(|one| !one.is_found()) && property.viewable;
    let kept = person.schema.properties.iter().filter(kept).map(|property| property.name.as_str());
    let kept = kept.fold(String::new(), |kept, name| kept + "," + name);
    let fields = format!("*{kept},{LINKS}/*,{meta}/createDate,{meta}/lastChanged,{meta}/termsAccepted,{meta}/loginCount");
    let fields = Fields::parse(&fields)?;
    let object = managed.with_effective(&person.collection, person.object, Audience::Owner, &fields).await?;
    let object = managed.with_references(&person.collection, object, &fields).await?;
    let mut seen = managed.show(&person.collection, &object, Audience::Owner, &fields);
    if let Value::Object(members) = &mut seen {
        members.shift_remove("_rev");
        members.shift_remove(&visit.runtime.kba.property);
        if let Some(Value::Array(links)) = members.get_mut(LINKS) {
            for link in links {
                beside(visit, link).await?;
            }
        }
    }
    Ok(download("userProfile.json", serde_json::to_string_pretty(&seen).unwrap_or_default()))
}

/// Puts what a provider said of the person beside the reference to their account there. It is all theirs.
async fn beside(visit: &Visit, link: &mut Value) -> Result<(), ResourceError> {
    let Some((collection, id)) = reference::place(link).map(|(collection, id)| (collection.to_owned(), id.to_owned())) else {
        return Ok(());
    };
    let Some(account) = visit.runtime.managed.objects.read(&collection, &id).await? else { return Ok(()) };
    let account = visit.actor().managed().retrieved(&collection, account).await?;
    let said = visit.runtime.managed.show(&collection, &account, Audience::Administrator, &Fields::all());
    if let (Value::Object(link), Value::Object(said)) = (link, said) {
        for (name, value) in said.into_iter().filter(|(name, _)| !name.starts_with('_')) {
            link.entry(name).or_insert(value);
        }
    }
    Ok(())
}

impl Samples for Sessions {
    fn samples() -> Vec<(&'static str, Self)> {
        let session = |id: &str, browser: &str, current: bool| OneSession {
            id: id.to_owned(),
            browser: browser.to_owned(),
            address: "192.0.2.7".to_owned(),
            created: Time::read("2026-11-02T08:15:00Z"),
            used: Time::read("2026-11-02T09:40:00Z"),
            current,
        };
        let sessions = vec![session("a", "Firefox/145.0", true), session("b", "Chrome/156.0 <value>", false)];
        vec![("one", Self { sessions: sessions.iter().take(1).cloned().collect(), ended: true }), ("two", Self { sessions, ended: false })]
    }
}

impl Samples for Notices {
    fn samples() -> Vec<(&'static str, Self)> {
        let notice = OneNotice { id: "1".to_owned(), says: Words::message("notice-password"), created: Time::read("2026-11-02T08:15:00Z") };
        vec![("none", Self::default()), ("one", Self { notices: vec![notice] })]
    }
}

impl Samples for Sharing {
    fn samples() -> Vec<(&'static str, Self)> {
        let mapping = |since: Option<Time>| Mapping {
            name: "crm".to_owned(),
            title: "Customer <value>".to_owned(),
            fields: vec![label("givenName", None), label("mail", None)],
            since,
        };
        vec![
            ("given", Self { mappings: vec![mapping(Some(Time::read("2026-11-02T08:15:00Z"))), mapping(None)] }),
            ("none", Self::default()),
        ]
    }
}
