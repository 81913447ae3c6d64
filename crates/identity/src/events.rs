//! Scripts at events of managed objects: which there are, and what becomes of them.
//!
//! Those of the product are recognised by the name of their module and have their effects natively; whatever an operator wrote is run
//! in the sandbox. Easiest to break: a script that calls a product module *and* does something of its own has both.

mod product;

use serde_json::Value;

use crate::loose;
use crate::people::PEOPLE;
use crate::problem::{Problems, Severity, below};
pub use crate::scripting::Effect;
use crate::scripting::source::is_script;
use crate::scripting::waiver::Waivers;
use crate::scripting::{Script, ScriptFiles, State};

/// When a script is called.
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
}

/// A script at an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub hook: Hook,
    /// The property it belongs to; `None` for the object's own.
    pub property: Option<String>,
    /// What happens natively instead.
    pub effects: Vec<Effect>,
    /// The property out of which the product's script computes, where one is named.
    pub out_of: Option<String>,
    /// What is run; `None` where the product's own modules are all there is.
    pub script: Option<Script>,
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
    /// A new object gets the date in `lastChanged`.
    pub dates_new: bool,
    /// A changed one gets it.
    pub dates_changed: bool,
    /// A new person is greeted by mail, where the template is enabled.
    pub sends_welcome_mail: bool,
}

impl Events {
    pub(crate) fn read(
        object: &Value,
        pointer: &str,
        of_properties: impl IntoIterator<Item = Event>,
        (files, waivers): (&ScriptFiles, &Waivers),
        problems: &mut Problems,
    ) -> Self {
        let mut all = scripts(object, None, pointer, files, waivers);
        all.extend(of_properties);
        for event in &all {
            report(event, problems);
        }
        actions(object, pointer, files, problems);
        let has = |hook, effect| all.iter().any(|event: &Event| event.hook == hook && event.effects.contains(&effect));
        Self {
            sets_default_fields: has(Hook::OnCreate, Effect::DefaultFields),
            dates_new: has(Hook::OnCreate, Effect::LastChanged),
            dates_changed: has(Hook::OnUpdate, Effect::LastChanged),
            sends_welcome_mail: has(Hook::PostCreate, Effect::WelcomeMail),
            all,
        }
    }

    /// The object's own script at an event, unless it is waived.
    pub(crate) fn of_object(&self, hook: Hook) -> Option<(&Event, &Script)> {
        self.all.iter().filter(|event| event.hook == hook && event.property.is_none()).find_map(Event::active)
    }

    /// The scripts of properties at an event, those that are waived excepted.
    pub(crate) fn of_properties(&self, hook: Hook) -> impl Iterator<Item = (&Event, &Script)> {
        self.all.iter().filter(move |event| event.hook == hook && event.property.is_some()).filter_map(Event::active)
    }

    /// Whether anything is run at one of these events.
    pub(crate) fn any(&self, hooks: &[Hook]) -> bool {
        self.all.iter().any(|event| hooks.contains(&event.hook) && event.active().is_some())
    }
}

impl Event {
    fn active(&self) -> Option<(&Self, &Script)> {
        self.script.as_ref().filter(|script| script.state != State::Waived).map(|script| (self, script))
    }

    /// `'onCreate'`, `'onStore' of 'cn'`.
    pub(crate) fn shown(&self) -> String {
        let key = self.hook.key();
        self.property.as_ref().map_or_else(|| format!("'{key}'"), |name| format!("'{key}' of '{name}'"))
    }
}

pub(crate) fn of_property(name: &str, raw: &Value, pointer: &str, files: &ScriptFiles, waivers: &Waivers) -> Vec<Event> {
    scripts(raw, Some(name), pointer, files, waivers)
}

fn scripts(holder: &Value, property: Option<&str>, pointer: &str, files: &ScriptFiles, waivers: &Waivers) -> Vec<Event> {
    let mut events = Vec::new();
    for hook in Hook::ALL {
        let Some(declared) = loose::member(holder, hook.key()).filter(|script| !script.is_null()) else { continue };
        let product::Understood { effects, own, out_of } = product::understand(declared, files);
        let mut script = match hook {
            Hook::OnSync => None,
            _ if !is_script(declared) => Some(Script::none()),
            _ if own => Script::read(declared, files),
            _ => None,
        };
        if let Some(script) = script.as_mut().filter(|_| waivers.covers(hook.key())) {
            script.state = State::Waived;
        }
        events.push(Event { hook, property: property.map(str::to_owned), effects, out_of, script, pointer: below(pointer, hook.key()) });
    }
    events
}

/// Actions of people that the server has itself, whatever script stands at them.
const NATIVE: [&str; 2] = ["bind", "unbind"];

/// Named actions: those of the product are native; others are scripts of the operator.
fn actions(object: &Value, pointer: &str, files: &ScriptFiles, problems: &mut Problems) {
    let is_person = loose::text(object, "name").is_some_and(|name| PEOPLE.strip_prefix("managed/") == Some(name.as_str()));
    for (name, declared) in object.get("actions").and_then(Value::as_object).into_iter().flatten() {
        if let Some(script) = Script::read(declared, files).filter(|_| product::understand(declared, files).own) {
            let is_native = is_person && NATIVE.contains(&name.as_str());
            let what = if is_native { "the server's own action answers in its place" } else { "the action answers 501" };
            let message = format!("the action '{name}' is {}, and scripts are run at events only; {what}", script.name);
            problems.add(Severity::Warning, &below(&below(pointer, "actions"), name), message);
        }
    }
}

fn report(event: &Event, problems: &mut Problems) {
    let Some((script, reason)) = event.script.as_ref().and_then(|script| Some((script, script.obstacle()?))) else { return };
    let refused = match event.hook {
        Hook::OnRead | Hook::OnRetrieve if event.property.is_some() => "the property is left out of every answer",
        Hook::OnRead | Hook::OnRetrieve => "every read is refused",
        _ => "every write that would run it is refused",
    };
    let message = format!(
        "{} is {}, which cannot be run: {reason}; {refused}, until \"vestibule\": {{\"waive\": [\"{}\"]}} beside it says that it is not needed",
        event.shown(),
        script.name,
        event.hook.key()
    );
    problems.add(Severity::Error, &event.pointer, message);
}
