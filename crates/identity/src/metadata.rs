//! Metadata of a person: when the account was made, how often they signed in, which forms are due and done, which terms they accepted
//! (docs/protocol/progressive-profile.md, "Metadata").
//!
//! It lives inside the user's object under the property that `meta` names (`_meta`), and the person's id is the id of what clients see
//! as `internal/usermeta/<id>`. So it is written with the object, in one transaction. [`crate::Managed::view`] shows it to its owner
//! and to administrators, when `_fields` asks.
//!
//! Easiest to break: only what is tracked is written, and no real project tracks `loginCount`; a condition that needs it does
//! ([`Tracked::of`]).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::SystemTime;

use crest::{Change, Guard, Operation, Patch, PatchOperation, Pointer, Resource};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::loose;
use crate::managed::timestamp;
use crate::schema::ObjectSchema;
use crate::terms::TERMS_ACCEPTED;

/// Forms that are due until the person completes or skips them. IDM has no member for this.
const STAGES_DUE: &str = "stagesOwed";

/// What is known about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metadatum {
    /// When the object was made.
    CreateDate,
    /// When it was last changed.
    LastChanged,
    /// How many sign-ins there were.
    LoginCount,
    /// When the last one was.
    LastLogin,
    /// Which forms were completed.
    StagesCompleted,
    /// Which terms were accepted, and when.
    TermsAccepted,
}

impl Metadatum {
    const ALL: [Self; 6] =
        [Self::CreateDate, Self::LastChanged, Self::LoginCount, Self::LastLogin, Self::StagesCompleted, Self::TermsAccepted];

    /// The member's name, also in `trackedProperties`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::CreateDate => "createDate",
            Self::LastChanged => "lastChanged",
            Self::LoginCount => "loginCount",
            Self::LastLogin => "lastLogin",
            Self::StagesCompleted => "stagesCompleted",
            Self::TermsAccepted => TERMS_ACCEPTED,
        }
    }
}

/// What is kept about the people of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    kept: BTreeSet<Metadatum>,
    exact: bool,
}

impl Tracked {
    /// What the schema's `trackedProperties` name, what configured conditions need ([`crate::conditions::Condition::needs`]), and always
    /// the acceptance of terms.
    #[must_use]
    pub fn of(schema: &ObjectSchema, needed_by_conditions: impl IntoIterator<Item = Metadatum>) -> Self {
        let mut kept: BTreeSet<Metadatum> = needed_by_conditions.into_iter().collect();
        let exact = kept.contains(&Metadatum::LoginCount);
        kept.extend(Metadatum::ALL.into_iter().filter(|datum| schema.tracks(datum.key())));
        kept.insert(Metadatum::TermsAccepted);
        Self { kept, exact }
    }

    /// Whether `datum` is kept.
    #[must_use]
    pub fn keeps(&self, datum: Metadatum) -> bool {
        self.kept.contains(&datum)
    }
}

/// The metadata of one object, for reading. What is there in a wrong shape reads as absent.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a>(&'a Value);

impl<'a> Metadata<'a> {
    /// That of an object in its stored form.
    #[must_use]
    pub fn of(schema: &ObjectSchema, content: &'a Value) -> Self {
        Self(content.get(schema.meta_property()).unwrap_or(&Value::Null))
    }

    /// Without any values, as of an account that does not exist.
    #[must_use]
    pub fn none() -> Self {
        Self(&Value::Null)
    }

    /// All of it, as stored.
    #[must_use]
    pub fn as_value(self) -> &'a Value {
        self.0
    }

    /// Whether the object was changed after `time`. One that was only made since, as by an import of people without metadata, was not.
    #[must_use]
    pub fn was_changed_after(self, time: SystemTime) -> bool {
        let date = |datum| self.member(datum).and_then(|value| value.get("date").unwrap_or(value).as_str());
        let changed = date(Metadatum::LastChanged);
        changed.is_some_and(|changed| changed > timestamp(time).as_str() && date(Metadatum::CreateDate) != Some(changed))
    }

    /// How many sign-ins were counted.
    #[must_use]
    pub fn login_count(self) -> u64 {
        self.member(Metadatum::LoginCount).and_then(loose::as_count).unwrap_or(0)
    }

    /// When the last sign-in was.
    #[must_use]
    pub fn last_login(self) -> Option<OffsetDateTime> {
        let text = self.member(Metadatum::LastLogin)?.as_str()?;
        OffsetDateTime::parse(text, &Rfc3339).ok()
    }

    /// Forms that were completed.
    #[must_use]
    pub fn stages_completed(self) -> Vec<String> {
        self.member(Metadatum::StagesCompleted).map(loose::texts).unwrap_or_default()
    }

    /// Forms that became due at some sign-in and are neither completed nor skipped.
    #[must_use]
    pub fn stages_due(self) -> Vec<String> {
        loose::member(self.0, STAGES_DUE).map(loose::texts).unwrap_or_default()
    }

    fn member(self, datum: Metadatum) -> Option<&'a Value> {
        loose::member(self.0, datum.key())
    }
}

/// Makes the changes that keep metadata, for the people of one type.
#[derive(Clone, Copy, Debug)]
pub struct Keeper<'a> {
    /// The type.
    pub schema: &'a ObjectSchema,
    /// What is kept.
    pub tracked: &'a Tracked,
}

impl Keeper<'_> {
    /// The member a new object needs beside what every new object gets (`createDate`, `lastChanged`): the acceptance of terms
    /// ([`crate::terms::acceptance`]). Hand it to [`crate::Managed::create`] within the content, by a
    /// [`Writer::Process`](crate::Writer::Process) that owns this member.
    #[must_use]
    pub fn of_new(&self, acceptance: &Value) -> (String, Value) {
        (self.schema.meta_property().to_owned(), json!({TERMS_ACCEPTED: acceptance}))
    }

    /// Counts a sign-in of `user`, remembers the forms that are due from now on (`due`), and renames those that were due before (`renamed`).
    /// `None` when there is nothing to remember.
    ///
    /// The number is incremented inside the transaction, so none is lost. Where a condition depends on it, the change also says which
    /// number was read: on [`GuardFailed`](crest::Guard) read again, evaluate again, try again. Otherwise two people at two doors could
    /// both take the 24th sign-in for theirs, and nobody would be asked at the 25th.
    #[must_use]
    pub fn sign_in(&self, user: &Resource, now: SystemTime, due: &[String], renamed: &[(String, String)]) -> Option<Change> {
        let metadata = Metadata::of(self.schema, &user.content);
        let (mut operations, mut guard) = (Vec::new(), None);
        if !matches!(metadata.0, Value::Null | Value::Object(_)) {
            // An import may have left anything there; it must not keep its owner out.
            operations.push(PatchOperation::replace(Pointer::from_tokens([self.schema.meta_property()]), Map::new()));
        }
        if self.tracked.keeps(Metadatum::LoginCount) {
            let field = self.field(Metadatum::LoginCount.key());
            let read = metadata.member(Metadatum::LoginCount);
            let can_increment = read.is_some_and(Value::is_u64);
            if !can_increment || self.tracked.exact {
                guard = Some(Guard::new(field.clone(), read.cloned()));
            }
            operations.push(if can_increment {
                PatchOperation::increment(field, 1)
            } else {
                PatchOperation::replace(field, metadata.login_count().saturating_add(1))
            });
        }
        if self.tracked.keeps(Metadatum::LastLogin) {
            operations.push(PatchOperation::replace(self.field(Metadatum::LastLogin.key()), timestamp(now)));
        }
        operations.extend(renamed.iter().map(|(before, _)| self.no_longer_owed(before)));
        let due: Vec<&String> = due.iter().chain(renamed.iter().map(|(_, name)| name)).collect();
        if !due.is_empty() {
            operations.push(PatchOperation::add(self.field(STAGES_DUE), json!(due)));
        }
        (!operations.is_empty()).then(|| self.change(&user.id, operations, guard))
    }

    /// A form was completed: it is no longer due, and recorded where that is tracked. `known_as` begins with its name; the others are
    /// other names under which it may be due.
    #[must_use]
    pub fn complete(&self, id: &str, known_as: &[String]) -> Change {
        let mut operations: Vec<PatchOperation> = known_as.iter().map(|name| self.no_longer_owed(name)).collect();
        if self.tracked.keeps(Metadatum::StagesCompleted) {
            operations
                .extend(known_as.first().map(|name| PatchOperation::add(self.field(Metadatum::StagesCompleted.key()), json!([name]))));
        }
        self.change(id, operations, None)
    }

    /// A form was skipped: it is no longer due, and counts as not completed.
    #[must_use]
    pub fn skip(&self, id: &str, known_as: &[String]) -> Change {
        self.change(id, known_as.iter().map(|name| self.no_longer_owed(name)).collect(), None)
    }

    /// Terms were accepted ([`crate::terms::acceptance`]).
    #[must_use]
    pub fn accept_terms(&self, id: &str, acceptance: &Value) -> Change {
        self.change(id, vec![PatchOperation::replace(self.field(TERMS_ACCEPTED), acceptance.clone())], None)
    }

    fn no_longer_owed(&self, stage: &str) -> PatchOperation {
        PatchOperation { operation: Operation::Remove, field: self.field(STAGES_DUE), value: Some(json!(stage)), from: None }
    }

    fn field(&self, name: &str) -> Pointer {
        Pointer::from_tokens([self.schema.meta_property(), name])
    }

    fn change(&self, id: &str, operations: Vec<PatchOperation>, guard: Option<Guard>) -> Change {
        let patch = Patch::new(operations);
        Change::Patch { collection: self.schema.collection(), id: id.to_owned(), patch, expected: None, guard }
    }
}
