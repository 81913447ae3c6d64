//! Scripts at events of managed objects (decision 23).
//!
//! Scripts are never run. Those of the product are recognised by the name of their module (`reference/projects.md`, ranked 4) and
//! have their effects natively; whatever an operator wrote himself is named with what it would have been called for. Easiest to
//! break: a script that calls a product module *and* does something of its own must still be reported.

mod product;

use serde_json::Value;

use crate::loose;
use crate::problem::{Problems, Severity, below};
use crate::schema::Property;
pub use product::Effect;

/// When a script would be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before an object is created.
    OnCreate,
    /// Before it is updated.
    OnUpdate,
    /// Before it is deleted.
    OnDelete,
    /// After it was created.
    PostCreate,
    /// After it was updated.
    PostUpdate,
    /// After it was deleted.
    PostDelete,
    /// When it is read.
    OnRead,
    /// When it, or a property, is fetched from the store.
    OnRetrieve,
    /// Before it, or a property, is stored.
    OnStore,
    /// When it, or a property, is validated.
    OnValidate,
    /// After a synchronization.
    OnSync,
}

impl Hook {
    const ALL: [Self; 11] = [
        Self::OnCreate,
        Self::OnUpdate,
        Self::OnDelete,
        Self::PostCreate,
        Self::PostUpdate,
        Self::PostDelete,
        Self::OnRead,
        Self::OnRetrieve,
        Self::OnStore,
        Self::OnValidate,
        Self::OnSync,
    ];

    /// The key in `managed.json`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::OnCreate => "onCreate",
            Self::OnUpdate => "onUpdate",
            Self::OnDelete => "onDelete",
            Self::PostCreate => "postCreate",
            Self::PostUpdate => "postUpdate",
            Self::PostDelete => "postDelete",
            Self::OnRead => "onRead",
            Self::OnRetrieve => "onRetrieve",
            Self::OnStore => "onStore",
            Self::OnValidate => "onValidate",
            Self::OnSync => "onSync",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::OnCreate => "before an object is created",
            Self::OnUpdate => "before an object is changed",
            Self::OnDelete => "before an object is deleted",
            Self::PostCreate => "after an object was created",
            Self::PostUpdate => "after an object was changed",
            Self::PostDelete => "after an object was deleted",
            Self::OnRead => "when an object is read",
            Self::OnRetrieve => "to compute a value that is read",
            Self::OnStore => "to compute a value that is stored",
            Self::OnValidate => "to validate a value",
            Self::OnSync => "after a synchronization",
        }
    }
}

/// A script at an event, understood as far as it is one of the product's.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub hook: Hook,
    /// The property it belongs to; `None` for the object's own.
    pub property: Option<String>,
    /// What happens natively instead.
    pub effects: Vec<Effect>,
    /// What the script is, where (part of) it cannot be run: a file's name or `an inline script`.
    pub not_run: Option<String>,
    /// Where it stands in `managed.json`.
    pub pointer: String,
}

/// What happens at the events of an object type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// All of them, those of properties included.
    pub all: Vec<Event>,
    /// A new object gets `accountStatus`, the default role and metadata.
    pub sets_default_fields: bool,
    /// A new person is greeted by mail, where the template is enabled.
    pub sends_welcome_mail: bool,
}

impl Events {
    pub(crate) fn read(object: &Value, pointer: &str, properties: &[Property], problems: &mut Problems) -> Self {
        let mut all = scripts(object, None, pointer);
        for property in properties {
            all.extend(property.events.iter().cloned());
        }
        for event in &all {
            report(event, problems);
        }
        actions(object, pointer, problems);
        let has = |hook, effect| all.iter().any(|event: &Event| event.hook == hook && event.effects.contains(&effect));
        Self {
            sets_default_fields: has(Hook::OnCreate, Effect::DefaultFields),
            sends_welcome_mail: has(Hook::PostCreate, Effect::WelcomeMail),
            all,
        }
    }

    /// The native effect on a property, such as computing `effectiveRoles`.
    #[must_use]
    pub fn of_property(&self, name: &str) -> Option<Effect> {
        let event = self.all.iter().find(|event| event.property.as_deref() == Some(name) && event.hook == Hook::OnRetrieve);
        event.and_then(|event| event.effects.first().copied())
    }
}

pub(crate) fn of_property(name: &str, raw: &Value, pointer: &str) -> Vec<Event> {
    scripts(raw, Some(name), pointer)
}

fn scripts(holder: &Value, property: Option<&str>, pointer: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for hook in Hook::ALL {
        let Some(script) = loose::member(holder, hook.key()).filter(|script| script.is_object()) else { continue };
        let (effects, not_run) = product::understand(script);
        events.push(Event { hook, property: property.map(str::to_owned), effects, not_run, pointer: below(pointer, hook.key()) });
    }
    events
}

/// Named actions: `resetPassword`, `bind` and `unbind` are the product's; others are scripts of the operator.
fn actions(object: &Value, pointer: &str, problems: &mut Problems) {
    for (name, script) in object.get("actions").and_then(Value::as_object).into_iter().flatten() {
        let (_, not_run) = product::understand(script);
        if let Some(what) = not_run {
            let message = format!("the action '{name}' is {what}, which cannot be run; the action answers 501");
            problems.add(Severity::Warning, &below(&below(pointer, "actions"), name), message);
        }
    }
}

fn report(event: &Event, problems: &mut Problems) {
    let Some(what) = &event.not_run else { return };
    let key = event.hook.key();
    let of = event.property.as_ref().map(|name| format!(" of '{name}'")).unwrap_or_default();
    let more = if event.effects.is_empty() { "" } else { " (what it calls of the product's own modules happens natively)" };
    let message = format!("'{key}'{of} is {what}, which would be called {}; scripts are not run here{more}", event.hook.purpose());
    problems.add(Severity::Warning, &event.pointer, message);
}
