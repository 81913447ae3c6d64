//! `/account`: what is due, how complete the profile is, and the ways on.

use http::StatusCode;
use serde::Serialize;

use crate::account::Gate;
use crate::answer::see_other;
use crate::page::Samples;
use crate::personal::is_personal;
use crate::property::label;
use crate::question::title;
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Dashboard {
    /// What the person is called.
    pub(crate) name: String,
    /// Processes that are due, in order.
    pub(crate) owed: Vec<Owed>,
    /// How complete the profile is, in percent; none where it cannot be said.
    pub(crate) complete: Option<u8>,
    /// Properties that hold nothing.
    pub(crate) missing: Vec<Missing>,
    /// Notifications that were not dismissed.
    pub(crate) notifications: usize,
    /// The account has a profile to be changed.
    pub(crate) profile: bool,
}

/// A process that is due.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Owed {
    /// Its name.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) title: Words,
}

/// A property that holds nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Missing {
    /// Its name.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) label: Words,
    /// Where it can be given.
    pub(crate) to: String,
}

impl Missing {
    /// A property that is filled in on this page.
    fn on(page: &str, name: &str, label: Words) -> Self {
        Self { name: name.to_owned(), label, to: format!("/account/{page}#f-{name}") }
    }
}

/// GET of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if !visit.is_signed_in() {
        return Ok(see_other("/sign-in"));
    }
    let owed = visit.principal.pending.iter().flat_map(|owing| &owing.processes);
    let owed: Vec<Owed> = owed
        .map(|path| path.rsplit('/').next().unwrap_or(path))
        .map(|name| Owed { name: name.to_owned(), title: title(visit, name) })
        .collect();
    let mut page = Dashboard { name: visit.principal.authentication_id.clone(), ..Dashboard::default() };
    if !owed.is_empty() || !visit.principal.is_managed() {
        page.owed = owed;
        return visit.page(StatusCode::OK, &page);
    }
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let text = |name: &str| person.object.content.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.trim().is_empty());
    page.name = text("displayName").or_else(|| text("givenName")).unwrap_or(&page.name).to_owned();
    page.profile = true;
    let percent = visit.runtime.managed.completeness(&person.collection, &person.object)?;
    page.complete = Some(rounded(percent));
    let empty = |property: &&identity::Property| {
        property.counts_for_completeness() && property.relationship.is_none() && is_empty(person.object.content.get(&property.name))
    };
    page.missing = person
        .schema
        .properties
        .iter()
        .filter(empty)
        .filter_map(|property| {
            let label = label(&property.name, property.title.as_deref());
            match property.name.as_str() {
                "preferences" if property.user_editable => Some(Missing {
                    to: "/account/preferences".to_owned(),
                    ..Missing::on("preferences", &property.name, Words::message("preferences"))
                }),
                "mail" if property.user_editable => Some(Missing::on("mail", &property.name, label)),
                name => is_personal(&visit.runtime, property).then(|| Missing::on("personal", name, label)),
            }
        })
        .collect();
    page.notifications = visit.runtime.consequences.notifications.of(&visit.principal.own_path()).await?.len();
    visit.page(StatusCode::OK, &page)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
fn rounded(percent: f32) -> u8 {
    percent.clamp(0.0, 100.0).floor() as u8
}

fn is_empty(value: Option<&serde_json::Value>) -> bool {
    use serde_json::Value;
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(_) => false,
    }
}

impl Samples for Dashboard {
    fn samples() -> Vec<(&'static str, Self)> {
        let missing = ["telephoneNumber", "city"];
        let missing = missing.iter().map(|name| Missing::on("personal", name, label(name, None))).collect();
        let full = Self { name: "Barbara".to_owned(), complete: Some(57), missing, notifications: 2, profile: true, owed: Vec::new() };
        let owed = ["termsAndConditions", "kbaUpdate", "profile"];
        let owed = owed.iter().map(|name| Owed { name: (*name).to_owned(), title: Words::message(&format!("process-{name}")) }).collect();
        vec![
            ("complete", Self { complete: Some(100), missing: Vec::new(), notifications: 0, ..full.clone() }),
            ("incomplete", full),
            ("owing", Self { name: "bjensen".to_owned(), owed, ..Self::default() }),
            ("administrator", Self { name: "openidm-admin".to_owned(), ..Self::default() }),
        ]
    }
}
