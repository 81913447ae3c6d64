//! From a process file to a [`Process`], or to the list of everything that is wrong with it. Compiling never stops at the first
//! finding: an operator mends a file in one go.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Merger, StageType};
use crate::definition::Placed;
use crate::{Companions, FactKind, Issue, Need, Options, Process, Severity, StageFacts, TokenSettings, Version, config, nearest, proof};

/// Seconds for which a mailed code is good at most.
const DAY: i64 = 86_400;

/// What became of a process file.
pub struct Compiled<S> {
    /// The process; `None` when an issue is an error.
    pub process: Option<Process<S>>,
    /// Everything there is to say.
    pub issues: Vec<Issue>,
}

/// What a stage type may see while one of its stages is compiled.
pub struct Compiling<'a, S> {
    catalogue: &'a Catalogue<S>,
    companions: &'a Companions,
    pointer: String,
    /// Findings that do not keep the stage from being made.
    pub issues: Vec<Issue>,
    used: Vec<String>,
    /// How often [`Compiling::name_of`] has given each name in this process.
    named: BTreeMap<String, u32>,
}

impl<'a, S: Send + Sync + 'static> Compiling<'a, S> {
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
        let pointer = format!("{}/{key}", self.pointer);
        let named = std::mem::take(&mut self.named);
        let (catalogue, companions) = (self.catalogue, self.companions);
        let mut inner = Compiling { catalogue, companions, pointer, issues: Vec::new(), used: Vec::new(), named };
        let placed = inner.stage(value);
        self.named = inner.named;
        self.issues.append(&mut inner.issues);
        self.used.append(&mut inner.used);
        placed
    }

    fn stage(&mut self, value: &Value) -> Result<Placed<S>, Vec<Issue>> {
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
        let catalogue = self.catalogue;
        let Value::Object(members) = value else {
            return Err(Issue::error(&self.pointer, "wrong-type", "a stage configuration is an object"));
        };
        let name = members.get("name").and_then(Value::as_str);
        if let Some(declared) = name.and_then(|name| catalogue.find(name)) {
            return Ok(declared);
        }
        if let Some(foreign) = catalogue.foreign().filter(|_| self.declared_by_project(value).is_some()) {
            return Ok(foreign);
        }
        let class = members.get("class").and_then(Value::as_str);
        if let Some(declared) = class.and_then(|class| catalogue.find_class(class)) {
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
        let issue = Issue::error(format!("{}/name", self.pointer), "unknown-stage", format!("there is no stage named '{name}'"));
        Err(match nearest(name, catalogue.names()) {
            Some(candidate) => issue.with_help(format!("did you mean '{candidate}'?")),
            None => issue,
        })
    }
}

/// The companion that holds the text of a project's file.
#[must_use]
pub fn file_companion(path: &str) -> String {
    format!("file:{path}")
}

/// The companion that holds the project's own declaration of a stage type, by its name or class.
#[must_use]
pub fn declaration_companion(name: &str) -> String {
    format!("{DECLARATION}{name}")
}

/// Begins the names of companions that hold a project's own stage types.
const DECLARATION: &str = "stage:";
/// Top-level keys of a process file.
const TOP_LEVEL: [&str; 5] = ["stageConfigs", "snapshotToken", "storage", "allInOneRegistration", "vestibule"];

/// Compiles a process file.
#[must_use]
pub fn compile<S: Send + Sync + 'static>(name: &str, file: &Value, companions: &Companions, catalogue: &Catalogue<S>) -> Compiled<S> {
    let mut issues = Vec::new();
    let Value::Object(members) = file else {
        return Compiled { process: None, issues: vec![Issue::error("", "wrong-type", "a process file holds an object")] };
    };
    for key in members.keys().filter(|key| !TOP_LEVEL.contains(&key.as_str()) && !is_disabled(key)) {
        issues.push(unknown_key("", key, TOP_LEVEL));
    }
    let options: Options = match members.get("vestibule") {
        None | Some(Value::Null) => Options::default(),
        Some(value) => config::read("/vestibule", value).unwrap_or_else(|issue| {
            issues.push(issue);
            Options::default()
        }),
    };
    let (token, token_issues) = TokenSettings::read(members, companions);
    issues.extend(token_issues);
    let mut used = vec!["jsonstore".to_owned()];
    let stages = compile_stages(members, companions, catalogue, &mut issues, &mut used);
    if !issues.iter().any(|issue| issue.severity == Severity::Error) {
        issues.extend(proof::check(&stages, &options));
        let mails_codes = stages.iter().any(|placed| placed.facts.gives.contains(&FactKind::ControlsMail));
        if mails_codes && token.lifetime > DAY {
            let message = format!("tokens live {} seconds; a code that was mailed ends after a day all the same (SEC-08)", token.lifetime);
            issues.push(Issue::hint("/snapshotToken/tokenExpiry", "code-ends-first", message));
        }
    }
    let failed = issues.iter().any(|issue| issue.severity == Severity::Error);
    let process = (!failed).then(|| {
        let used: BTreeMap<String, Value> =
            used.iter().filter_map(|name| companions.0.get(name).map(|value| (name.clone(), value.clone()))).collect();
        let source = Process::<S>::pack(file, &used);
        let version = version_of(name, &source);
        Process { name: name.to_owned(), version, stages, token, options, source, initial: OnceLock::new() }
    });
    Compiled { process, issues }
}

fn compile_stages<S: Send + Sync + 'static>(
    members: &Map<String, Value>,
    companions: &Companions,
    catalogue: &Catalogue<S>,
    issues: &mut Vec<Issue>,
    used: &mut Vec<String>,
) -> Vec<Placed<S>> {
    let configs = match members.get("stageConfigs") {
        Some(Value::Array(configs)) if !configs.is_empty() => configs,
        Some(Value::Array(_)) => {
            issues.push(Issue::error("/stageConfigs", "no-stages", "the process has no stages"));
            return Vec::new();
        }
        Some(_) => {
            issues.push(Issue::error("/stageConfigs", "wrong-type", "stageConfigs is a list of stages"));
            return Vec::new();
        }
        None => {
            issues.push(Issue::error("", "missing-key", "missing key 'stageConfigs'"));
            return Vec::new();
        }
    };
    let mut stages: Vec<Placed<S>> = Vec::with_capacity(configs.len());
    let mut named = BTreeMap::new();
    for (index, value) in configs.iter().enumerate() {
        let pointer = format!("/stageConfigs/{index}");
        let mut cx = Compiling { catalogue, companions, pointer, issues: Vec::new(), used: Vec::new(), named };
        match cx.stage(value) {
            Ok(placed) => stages.push(placed),
            Err(errors) => issues.extend(errors),
        }
        issues.append(&mut cx.issues);
        used.append(&mut cx.used);
        named = cx.named;
    }
    let all_in_one = members
        .get("allInOneRegistration")
        .is_some_and(|flag| flag == true || flag.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")));
    let mut stages = match catalogue.merger() {
        Some(merger) if all_in_one => merge(stages, merger, issues),
        _ => stages,
    };
    bind_to_session(&mut stages);
    stages
}

/// A stage that works on whoever is there needs the signed-in person where no stage before it brings another.
fn bind_to_session<S>(stages: &mut [Placed<S>]) {
    let brings = |facts: &StageFacts| [FactKind::Named, FactKind::NewUser, FactKind::Created].iter().any(|kind| facts.gives.contains(kind));
    let mut somebody = false;
    for placed in stages {
        let session = Need::any(&[FactKind::SignedIn]);
        if placed.facts.wants_session && !somebody && !placed.facts.needs.contains(&session) {
            placed.facts.needs.push(session);
        }
        somebody |= brings(&placed.facts);
    }
}

/// Joins the members of one form at the place of the first of them; the others keep their order.
fn merge<S: Send + Sync + 'static>(stages: Vec<Placed<S>>, merger: &Merger<S>, issues: &mut Vec<Issue>) -> Vec<Placed<S>> {
    let is_member = |placed: &Placed<S>| merger.members.contains(&placed.stage.name());
    if stages.iter().filter(|placed| is_member(placed)).count() < 2 {
        let message = "allInOneRegistration joins several stages into one form; with fewer than two of them it has no effect";
        issues.push(
            Issue::warning("/allInOneRegistration", "all-in-one-alone", message)
                .with_help(format!("it joins {}", merger.members.join(", "))),
        );
        return stages;
    }
    let place = stages.iter().position(is_member).unwrap_or_default();
    let (joined, mut rest): (Vec<_>, Vec<_>) = stages.into_iter().partition(is_member);
    rest.insert(place, (merger.merge)(joined));
    rest
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
    let passes =
        |key: &str| known.contains(&key) || ["name", "class"].contains(&key) || declared.ignored().contains(&key) || is_disabled(key);
    members.keys().filter(|key| !passes(key)).map(|key| unknown_key(pointer, key, known.iter().copied())).collect()
}

/// `_id` and `_rev` of an exported file, and keys somebody switched off by a sign in front of them.
fn is_disabled(key: &str) -> bool {
    key.starts_with(['_', '#'])
}

fn unknown_key<'c>(pointer: &str, key: &str, known: impl IntoIterator<Item = &'c str>) -> Issue {
    let escaped = key.replace('~', "~0").replace('/', "~1");
    let issue = Issue::warning(format!("{pointer}/{escaped}"), "unknown-key", format!("the key '{key}' is not known and has no effect"));
    match nearest(key, known) {
        Some(candidate) => issue.with_help(format!("did you mean '{candidate}'?")),
        None => issue,
    }
}

/// Hash of the canonical form (members sorted), so that reformatting a file changes nothing for people in flight.
fn version_of(name: &str, source: &Value) -> Version {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(name.as_bytes());
    context.update(&[0]);
    canonical(source, &mut |bytes| context.update(bytes));
    let hash = context.finish();
    Version(URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default()))
}

fn canonical(value: &Value, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Object(members) => {
            sink(b"{");
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (key, member) in sorted {
                sink(Value::String(key.clone()).to_string().as_bytes());
                sink(b":");
                canonical(member, sink);
                sink(b",");
            }
            sink(b"}");
        }
        Value::Array(items) => {
            sink(b"[");
            for item in items {
                canonical(item, sink);
                sink(b",");
            }
            sink(b"]");
        }
        scalar => sink(scalar.to_string().as_bytes()),
    }
}
