//! Processes made of what the stages declare: the example of each stage, behind whatever it needs. A new stage of the catalogue is in
//! every test that is driven by this, without a line there.

use std::sync::atomic::Ordering;

use crest::{Clock as _, Filter, Query};
use identity::Objects as _;
use process::{Caller, Catalogue, Severity, StageType, Subject, Submitted};
use serde_json::{Value, json};
use vestibule_stages::Services;

use crate::harness::*;

type Type<'c> = &'c dyn StageType<Services>;

/// A process around one stage, and a client that knows the right answers.
pub(crate) struct Walk<'c> {
    pub(crate) world: World,
    pub(crate) catalogue: &'c Catalogue<Services>,
    /// The names of its stages, in order.
    pub(crate) stages: Vec<&'static str>,
    /// Which of the right answers is sent; the last where there are fewer.
    pub(crate) spelling: usize,
}

/// The name of the process in its world.
pub(crate) const NAME: &str = "example";

/// A stage's configuration as its example has it.
pub(crate) fn configuration(declared: Type<'_>) -> Value {
    let mut config = declared.example().config;
    config["name"] = declared.name().into();
    config
}

/// A world in which every example works: its companions, and `bjensen`, who answers `street` to everything.
pub(crate) fn world(catalogue: &Catalogue<Services>) -> World {
    let mut world = World::new();
    world.companions = catalogue.iter().flat_map(|declared| declared.example().companions).collect();
    world.person_with("bjensen", &world.answers_to(&["1"]));
    world
}

/// Puts in front of the stages what they need, as the diagnostics say, until the process is proved.
pub(crate) fn completed(world: &World, catalogue: &Catalogue<Services>, mut stages: Vec<&'static str>) -> (Vec<&'static str>, Value, bool) {
    loop {
        let configurations: Value = stages.iter().map(|name| configuration(catalogue.find(name).expect("it is known"))).collect();
        let file = json!({ "stageConfigs": configurations });
        let compiled = world.compile_with(NAME, &file, catalogue);
        if let Some(process) = compiled.process {
            return (stages, file, process.binds_session());
        }
        let issue = compiled.issues.iter().find(|issue| issue.severity == Severity::Error).expect("why it is refused");
        let usual = issue.help.as_deref().filter(|help| help.starts_with("put '")).and_then(|help| help.split('\'').nth(1));
        let usual = usual.and_then(|name| catalogue.find(name)).unwrap_or_else(|| panic!("{stages:?}: {issue:#?}")).name();
        let place: usize = issue.pointer["/stageConfigs/".len()..].parse().expect("the place of a stage");
        assert!(!stages[..place].contains(&usual), "{usual} does not give what {issue:?} asks for");
        stages.insert(place, usual);
    }
}

impl<'c> Walk<'c> {
    /// The process of one stage's example.
    pub(crate) fn of(catalogue: &'c Catalogue<Services>, declared: Type<'_>) -> Self {
        Self::through(catalogue, vec![declared.name()])
    }

    /// A process with these stages, completed.
    pub(crate) fn through(catalogue: &'c Catalogue<Services>, stages: Vec<&'static str>) -> Self {
        let mut world = world(catalogue);
        let (stages, file, on_session) = completed(&world, catalogue, stages);
        world.serve_with(NAME, &file, catalogue);
        if on_session {
            let subject = Subject { collection: USER.into(), id: "bjensen".into(), decoy: false };
            world.caller = Caller { user: "bjensen".into(), subject: Some(subject), session: Some("session".into()), ..Caller::default() };
        }
        world.budget.limit.store(u32::MAX, Ordering::SeqCst);
        Self { world, catalogue, stages, spelling: 0 }
    }

    /// Serves the same stages with `allInOneRegistration`.
    pub(crate) fn join(&mut self) {
        let configurations: Value = self.stages.iter().map(|name| configuration(self.catalogue.find(name).expect("it is known"))).collect();
        self.world.serve_with(NAME, &json!({ "stageConfigs": configurations, "allInOneRegistration": true }), self.catalogue);
    }

    /// The stage that `body` asks for.
    pub(crate) fn asking(&self, body: &Value) -> Type<'c> {
        let shown = body["type"].as_str().expect("a type");
        self.catalogue.find(shown).unwrap_or_else(|| panic!("no stage is shown as {shown}"))
    }

    /// The right answers to `body`, the first as a client would send it.
    pub(crate) fn right(&self, body: &Value) -> Vec<Value> {
        let declared = self.asking(body);
        let example = declared.example();
        let answer = example.answers.iter().find(|answer| body["tag"] == answer.tag.0);
        let answer = answer.unwrap_or_else(|| panic!("{} declares no answer to '{}'", declared.name(), body["tag"]));
        std::iter::once(&answer.input).chain(&answer.also).map(|input| self.filled(input)).collect()
    }

    /// What only the run knows, in place of its placeholder.
    fn filled(&self, input: &Value) -> Value {
        match input {
            Value::String(text) if text == "{code}" => match self.world.mails().last() {
                Some(mail) if mail.body.contains("&code=") => link_of(mail).1.into(),
                Some(mail) if digits(mail).is_some() => digits(mail).into(),
                _ => "0b2f6a1c-1111-4222-8333-444455556666".into(),
            },
            Value::String(text) if text == "{clientToken}" => {
                client_token("1", "bjensen@example.test", self.world.clock.unix_seconds()).into()
            }
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            Value::Array(elements) => elements.iter().map(|element| self.filled(element)).collect(),
            other => other.clone(),
        }
    }

    /// The answer to a GET.
    pub(crate) fn initial(&self) -> Value {
        self.world.initial(NAME)
    }

    /// Sends `input` with the token of `body`.
    pub(crate) fn send(&self, body: &Value, input: &Value) -> Result<Submitted, crest::ResourceError> {
        self.world.submit_whole(NAME, body["token"].as_str(), input)
    }

    /// Every stored object.
    pub(crate) fn stored(&self) -> Value {
        let found = now(self.world.objects.query(USER, &Query::all(Filter::True))).expect("objects in memory").result;
        found.into_iter().map(|object| (object.id, object.content)).collect::<serde_json::Map<_, _>>().into()
    }

    /// Answers right until the end; `visit` sees every question before it is answered.
    pub(crate) fn to_the_end(&self, mut visit: impl FnMut(&Value)) -> Value {
        let mut body = self.initial();
        // A process that asks nothing at once begins with an empty submission.
        for _ in 0..20 {
            if body["tag"] == "end" {
                return body;
            }
            let asks_nothing = self.asking(&body).example().answers.is_empty() || body["requirements"] == json!({});
            let mut right = if asks_nothing { vec![json!({})] } else { self.right(&body) };
            let input = right.swap_remove(self.spelling.min(right.len() - 1));
            if !asks_nothing {
                visit(&body);
            }
            body = self.send(&body, &input).unwrap_or_else(|error| panic!("{:?} {input}: {error}", self.stages)).body;
        }
        panic!("{:?} does not end", self.stages)
    }
}

/// The members of an object.
pub(crate) fn members(value: &Value) -> Vec<String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// What a question asks for.
pub(crate) fn asked(body: &Value) -> Vec<String> {
    members(&body["requirements"]["properties"])
}
