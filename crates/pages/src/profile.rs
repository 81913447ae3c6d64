//! `/account/profile`: everything about the account, with a way to change each part.

use accounts::access::Decision;
use http::StatusCode;
use identity::{Audience, Property};
use serde::Serialize;
use serde_json::{Value, json};

use crate::account::Gate;
use crate::field::Kind;
use crate::page::Samples;
use crate::personal::{Row, is_personal, preferences};
use crate::property::{label, of_schema, written};
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Profile {
    /// What is known of the person.
    pub(crate) rows: Vec<Row>,
    /// The address, and the one that waits for its confirmation.
    pub(crate) mail: String,
    /// The new address that waits.
    pub(crate) pending: String,
    /// The person's preferences.
    pub(crate) preferences: Vec<Row>,
    /// They have a password.
    pub(crate) password: bool,
    /// Security questions can be changed.
    pub(crate) questions: bool,
    /// Accounts elsewhere can be linked.
    pub(crate) providers: bool,
    /// Data are shared where the person agrees.
    pub(crate) consent: bool,
    /// The account can be deleted by its owner.
    pub(crate) deletable: bool,
    /// What was done just now, by name.
    pub(crate) done: String,
}

/// What may have been done before the page is shown; each has a sentence.
const DONE: [&str; 8] = ["personal", "mail", "mail-confirmed", "mail-cancelled", "password", "questions", "preferences", "consent"];

/// GET of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let managed = &visit.runtime.managed;
    let seen = managed.show(&person.collection, &person.object, Audience::Owner, &crest::Fields::all());
    let row = |property: &Property| {
        let kind = of_schema(&property.name, &property.name, &property.raw).kind;
        let held = seen.get(&property.name).unwrap_or(&Value::Null);
        let value = match (kind, held) {
            (Kind::Checkbox, held) if !held.is_null() => String::new(),
            (_, Value::Array(list)) => list.iter().map(written).collect::<Vec<_>>().join(", "),
            (_, held) => written(held),
        };
        Row {
            name: property.name.clone(),
            label: label(&property.name, property.title.as_deref()),
            value,
            editable: property.user_editable,
            on: kind == Kind::Checkbox && *held == json!(true),
        }
    };
    let shown = person.schema.properties.iter().filter(|property| property.viewable && is_personal(&visit.runtime, property));
    let pending = visit.actor().mail_change().await?;
    let own = visit.principal.own_path();
    let done = visit.query.get("done");
    let page = Profile {
        rows: shown.map(row).collect(),
        mail: seen.get("mail").map(written).unwrap_or_default(),
        pending: pending.map(|pending| pending.new).unwrap_or_default(),
        preferences: preferences(&person.schema, &seen),
        password: person.has_password || !visit.links_are_offered(),
        questions: visit.runtime.project.kba.is_some() && visit.runtime.feature_enabled("kba"),
        providers: visit.links_are_offered(),
        consent: visit.runtime.consents.required(&person.collection),
        deletable: visit.decide(&own, "delete", None, None).await != Decision::Denied,
        done: DONE.iter().find(|known| **known == done).copied().unwrap_or_default().to_owned(),
    };
    visit.page(StatusCode::OK, &page)
}

impl Samples for Profile {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |name: &str, value: &str| Row {
            name: name.to_owned(),
            label: label(name, None),
            value: value.to_owned(),
            editable: true,
            on: false,
        };
        let page = Self {
            rows: vec![row("userName", "bjensen"), row("givenName", "Barbara"), row("sn", "Jensen"), row("telephoneNumber", "")],
            mail: "bjensen@example.com".to_owned(),
            preferences: vec![Row { label: Words::message("preference-updates"), on: true, ..row("updates", "") }],
            password: true,
            questions: true,
            providers: true,
            consent: true,
            deletable: true,
            ..Self::default()
        };
        vec![
            ("without-password", Self { password: false, ..page.clone() }),
            ("pending", Self { pending: "new@example.com".to_owned(), done: "mail".to_owned(), ..page.clone() }),
            ("plain", page),
        ]
    }
}
