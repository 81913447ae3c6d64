//! How a configuration becomes a stage: what a stage type says about itself as values ([`StageType`]), and what it sees meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::Schema;
use serde_json::{Map, Value};

use crate::companions::DECLARATION;
use crate::hashing::canonical;
use crate::keys::Key;
use crate::{
    AnyStage, Companions, Example, FactKind, Issue, Joined, Placed, StageFacts, config, declaration_companion, file_companion, nearest,
};

/// What a configuration compiles to: the stage, and what it needs and gives; or every reason why not.
pub(crate) type Made<S> = Result<(Arc<dyn AnyStage<S>>, StageFacts), Vec<Issue>>;

/// A declared stage type, without its Rust type.
pub trait StageType<S: Send + Sync + 'static>: Send + Sync {
    /// See [`crate::Stage::NAME`].
    fn name(&self) -> &'static str;
    /// See [`crate::Stage::ALIASES`].
    fn aliases(&self) -> &'static [&'static str];
    /// See [`crate::Stage::CLASS`].
    fn class(&self) -> Option<&'static str>;
    /// See [`crate::Stage::SUMMARY`].
    fn summary(&self) -> &'static str;
    /// See [`crate::Stage::COMPANIONS`].
    fn companions(&self) -> &'static [&'static str];
    /// See [`crate::Stage::OVERRIDES`].
    fn overrides(&self) -> &'static [(&'static str, &'static str)];
    /// Whether a stage object of this type sends mail; one that cannot be read does not. See [`crate::Stage::mails_as`].
    fn mails(&self, stage: &Value) -> bool;
    /// See [`crate::Stage::IGNORED`].
    fn ignored(&self) -> &'static [&'static str];
    /// See [`crate::Stage::STATE`].
    fn state(&self) -> &'static [&'static str];
    /// See [`crate::Stage::USUAL_FOR`].
    fn usual_for(&self) -> &'static [FactKind];
    /// See [`crate::Stage::JOINED`].
    fn joined(&self) -> Joined;
    /// See [`crate::Stage::example`].
    fn example(&self) -> Example;
    /// JSON Schema of the configuration; `required` names the keys the stage cannot do without.
    fn config_schema(&self) -> Schema;
    /// The keys of the configuration: which are needed, and what the texts at them name.
    fn keys(&self) -> Vec<Key>;
    /// Reads and compiles one stage configuration.
    ///
    /// # Errors
    /// Every reason why the stage cannot be made.
    fn compile(&self, value: &Value, cx: &mut Compiling<'_, S>) -> Made<S>;
}

/// The rule that names a documented stage that is not offered yet.
pub(crate) const NOT_OFFERED: &str = "not-offered";

/// Finds stage types.
pub(crate) trait Types<S>: Send + Sync {
    /// The type that loads under a name or alias.
    fn find(&self, name: &str) -> Option<&dyn StageType<S>>;
    /// The type whose configuration class this is.
    fn find_class(&self, class: &str) -> Option<&dyn StageType<S>>;
    /// The type of stages that a project declares itself.
    fn foreign(&self) -> Option<&dyn StageType<S>>;
    /// The names and aliases, for suggestions.
    fn names(&self) -> Vec<&'static str>;
    /// Whether this is a documented stage that is not offered yet.
    fn is_later(&self, name: &str) -> bool;
    /// Whether a stage type keeps something under this name in the shared state.
    fn keeps(&self, name: &str) -> bool;
}

/// What a stage type may see while one of its stages is compiled.
pub struct Compiling<'a, S> {
    types: &'a dyn Types<S>,
    companions: &'a Companions,
    pointer: String,
    /// Findings that do not keep the stage from being made.
    pub issues: Vec<Issue>,
    pub(crate) used: Vec<String>,
    /// How often [`Compiling::name_of`] has given each name in this process.
    pub(crate) named: BTreeMap<String, u32>,
}

impl<'a, S: Send + Sync + 'static> Compiling<'a, S> {
    pub(crate) fn new(types: &'a dyn Types<S>, companions: &'a Companions, pointer: String, named: BTreeMap<String, u32>) -> Self {
        Self { types, companions, pointer, issues: Vec::new(), used: Vec::new(), named }
    }

    /// The JSON pointer of the stage's configuration.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The content of a companion file the type declared in `COMPANIONS`; null when there is none.
    #[must_use]
    pub fn companion(&self, name: &str) -> &'a Value {
        self.companions.get(name)
    }

    /// The text of a file of the project that the configuration names, `script/due.js`; it becomes part of the definition.
    pub fn file(&mut self, path: &str) -> Option<&'a str> {
        let name = file_companion(path);
        let text = self.companions.get(&name).as_str();
        self.used.push(name);
        text
    }

    /// Whether some stage type keeps something of its own under this name in the shared state, so that a client may not.
    #[must_use]
    pub fn is_reserved(&self, name: &str) -> bool {
        self.types.keeps(name)
    }

    /// The project's own declaration of the stage type that a configuration names by `name` or `class`; it becomes part of the
    /// definition.
    pub fn declaration(&mut self, configuration: &Value) -> Option<(&'a str, &'a Value)> {
        let (companion, declaration) = self.declared_by_project(configuration)?;
        self.used.push(companion.to_owned());
        Some((companion.strip_prefix(DECLARATION).unwrap_or(companion), declaration))
    }

    fn declared_by_project(&self, configuration: &Value) -> Option<(&'a str, &'a Value)> {
        let named = |key: &str| configuration.get(key).and_then(Value::as_str).map(declaration_companion);
        let companions = &self.companions.0;
        [named("name"), named("class")]
            .into_iter()
            .flatten()
            .find_map(|name| companions.get_key_value(&name))
            .map(|(name, value)| (name.as_str(), value))
    }

    /// A name for a part of the process that an edit of other parts never changes, unlike its place: a hash of `content`, which says what
    /// the part is, and a number for the second and later ones that say the same.
    pub fn name_of(&mut self, content: &Value) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        canonical(content, &mut |bytes| hash.update(bytes));
        let name = URL_SAFE_NO_PAD.encode(hash.finish().as_ref().get(..9).unwrap_or_default());
        let count = self.named.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { format!("{name}.{count}") }
    }

    /// Compiles a stage configuration nested at `key`, as in `onConditionTrue`.
    ///
    /// # Errors
    /// Every reason why it cannot be made.
    pub fn nested(&mut self, key: &str, value: &Value) -> Result<Placed<S>, Vec<Issue>> {
        let named = std::mem::take(&mut self.named);
        let mut inner = Compiling::new(self.types, self.companions, format!("{}/{key}", self.pointer), named);
        let placed = inner.stage(value);
        self.named = inner.named;
        self.issues.append(&mut inner.issues);
        self.used.append(&mut inner.used);
        placed
    }

    pub(crate) fn stage(&mut self, value: &Value) -> Result<Placed<S>, Vec<Issue>> {
        let declared = self.declared(value).map_err(|issue| vec![issue])?;
        self.used.extend(declared.companions().iter().map(|name| (*name).to_owned()));
        if let Value::Object(members) = value {
            let findings = unknown_keys(declared, members, &self.pointer);
            self.issues.extend(findings);
        }
        let (stage, facts) = declared.compile(value, self)?;
        Ok(Placed { stage, facts, pointer: self.pointer.clone() })
    }

    fn declared(&self, value: &Value) -> Result<&'a dyn StageType<S>, Issue> {
        let types = self.types;
        let Value::Object(members) = value else {
            return Err(Issue::error(&self.pointer, "wrong-type", "a stage configuration is an object"));
        };
        let name = members.get("name").and_then(Value::as_str);
        if let Some(declared) = name.and_then(|name| types.find(name)) {
            return Ok(declared);
        }
        if let Some(foreign) = types.foreign().filter(|_| self.declared_by_project(value).is_some()) {
            return Ok(foreign);
        }
        let class = members.get("class").and_then(Value::as_str);
        if let Some(declared) = class.and_then(|class| types.find_class(class)) {
            return Ok(declared);
        }
        if let Some(class) = class {
            let message = format!("the stage is the Java class {class}, which cannot run here; this process is not served");
            return Err(Issue::error(format!("{}/class", self.pointer), "custom-class", message).with_help(
                "declare it in vestibule.toml as a script or an HTTP call (docs/custom-stages.md), or take it out of stageConfigs",
            ));
        }
        let Some(name) = name else {
            return Err(Issue::error(&self.pointer, "missing-key", "missing key 'name': which stage is this?"));
        };
        if types.is_later(name) {
            let message = format!("the stage '{name}' is not offered yet, so this process is not served");
            return Err(Issue::warning(format!("{}/name", self.pointer), NOT_OFFERED, message));
        }
        let issue = Issue::error(format!("{}/name", self.pointer), "unknown-stage", format!("there is no stage named '{name}'"));
        Err(match nearest(name, types.names()) {
            Some(candidate) => issue.with_help(format!("did you mean '{candidate}'?")),
            None => issue,
        })
    }
}

/// Keys of a stage configuration that its type does not know.
fn unknown_keys<S: Send + Sync + 'static>(declared: &dyn StageType<S>, members: &Map<String, Value>, pointer: &str) -> Vec<Issue> {
    let schema = declared.config_schema();
    if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let known: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let passes = |key: &str| {
        known.contains(&key) || ["name", "class"].contains(&key) || declared.ignored().contains(&key) || config::is_disabled(key)
    };
    members.keys().filter(|key| !passes(key)).map(|key| config::unknown_key(pointer, key, known.iter().copied())).collect()
}
