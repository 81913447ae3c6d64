//! The declaration of such a stage, as `vestibule.toml` has it.

use crest::ResourceError;
use jsonschema::{Draft, Validator};
use process::{FactKind, Issue, Need, StageFacts, nearest};
use script::Program;
use serde_json::{Map, Value};

/// Milliseconds, where nothing is said.
const DEFAULT_TIME_LIMIT: u64 = 1000;
/// What a project may vouch for. The others are proofs of who somebody is, or statements about what only our own stages write.
const GIVABLE: [FactKind; 3] = [FactKind::Human, FactKind::Parameters, FactKind::NewUser];

/// What runs.
pub(super) enum Runs {
    /// A script of the project, run in the sandbox.
    Script(Program),
    /// A service.
    Http { url: String, token: Option<String> },
}

/// A stage type of the project's own.
pub(super) struct Declaration {
    /// The name or class that a process file writes.
    pub(super) name: String,
    /// The `type` in answers.
    pub(super) shown_as: String,
    pub(super) runs: Runs,
    pub(super) facts: StageFacts,
    pub(super) time_limit_ms: u64,
    /// What is asked, where it is always the same.
    pub(super) requirements: Option<Value>,
    validator: Option<Validator>,
}

impl Declaration {
    pub(super) fn read(name: &str, declared: &Value, pointer: &str) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let text = |key: &str| declared.get(key).and_then(Value::as_str);
        let at = |rule: &'static str, message: String| Issue::error(pointer, rule, message);
        let runs = match (text("kind"), text("source"), text("url")) {
            (Some("http"), _, Some(url)) => Some(Runs::Http { url: url.to_owned(), token: text("token").map(str::to_owned) }),
            (_, Some(source), _) => {
                let file = text("file").unwrap_or(name);
                let program = Program::compile(source, file)
                    .map_err(|error| issues.push(at("script", format!("the script '{file}' cannot be read: {error}"))));
                program.ok().map(Runs::Script)
            }
            _ => {
                issues.push(at("script-file", format!("the script of the stage '{name}' is no file of the project")));
                None
            }
        };
        let facts = facts(name, declared, pointer, &mut issues);
        let requirements = declared.get("requirements").filter(|schema| schema.is_object()).cloned();
        let validator = requirements.as_ref().and_then(|schema| match jsonschema::options().with_draft(Draft::Draft4).build(schema) {
            Ok(validator) => Some(validator),
            Err(error) => {
                issues.push(at("requirements", format!("the requirements of the stage '{name}' are no JSON Schema: {error}")));
                None
            }
        });
        let time_limit_ms = declared.get("timeLimitMs").and_then(Value::as_u64).unwrap_or(DEFAULT_TIME_LIMIT);
        let shown_as = text("type").map_or_else(|| shown(name), str::to_owned);
        match runs {
            Some(runs) if issues.is_empty() => {
                Ok(Self { name: name.to_owned(), shown_as, runs, facts, time_limit_ms, requirements, validator })
            }
            _ => Err(issues),
        }
    }

    /// Whether it declares to need facts of this kind.
    pub(super) fn needs(&self, kind: FactKind) -> bool {
        self.facts.needs.iter().any(|need| need.any_of.contains(&kind))
    }

    /// Whether it declares to give them.
    pub(super) fn gives(&self, kind: FactKind) -> bool {
        self.facts.gives.contains(&kind)
    }

    /// Refuses an input that is not what was asked.
    pub(super) fn check(&self, input: &Map<String, Value>) -> Result<(), ResourceError> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let input = Value::Object(input.clone());
        // What a validator says may quote the input, which may be a secret; the place is enough.
        validator.validate(&input).map_err(|error| match error.instance_path().to_string() {
            place if place.is_empty() => ResourceError::bad_request("The input is not what was asked for: something is missing"),
            place => ResourceError::bad_request(format!("The input is not what was asked for: see {place}")),
        })
    }
}

fn facts(name: &str, declared: &Value, pointer: &str, issues: &mut Vec<Issue>) -> StageFacts {
    let mut read = |key: &str| -> Vec<FactKind> {
        let names = declared.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let kinds = names.filter_map(|written| {
            let found = KINDS.iter().find(|(known, _, _)| *known == written);
            if found.is_none() {
                let issue = Issue::error(pointer, "unknown-fact", format!("the stage '{name}' {key} '{written}', which is no fact"));
                issues.push(match nearest(written, KINDS.iter().map(|(known, _, _)| *known)) {
                    Some(candidate) => issue.with_help(format!("did you mean '{candidate}'?")),
                    None => issue,
                });
            }
            found.map(|(_, kind, _)| *kind)
        });
        kinds.collect()
    };
    let (needs, gives) = (read("needs"), read("gives"));
    for kind in gives.iter().filter(|kind| !GIVABLE.contains(kind)) {
        let message = format!("the stage '{name}' may not give {}: nobody but the server's own stages can vouch for it", kind.phrase());
        issues.push(Issue::error(pointer, "forbidden-fact", message).with_help("it may give 'human', 'parameters' and 'newUser'"));
    }
    let need = |kind: &FactKind| KINDS.iter().find(|(_, known, _)| known == kind).map(|(_, _, one)| Need::any(one));
    // Whoever adds to a new person's details leaves details, and perhaps an address, behind.
    let details = needs.contains(&FactKind::NewUser) || gives.contains(&FactKind::NewUser);
    let may_give = if details { vec![FactKind::NewUser, FactKind::Mail] } else { Vec::new() };
    StageFacts { needs: needs.iter().filter_map(need).collect(), gives, may_give, ..StageFacts::default() }
}

/// Names of facts, as a declaration writes them.
const KINDS: [(&str, FactKind, &[FactKind]); 11] = [
    ("human", FactKind::Human, &[FactKind::Human]),
    ("named", FactKind::Named, &[FactKind::Named]),
    ("controlsMail", FactKind::ControlsMail, &[FactKind::ControlsMail]),
    ("knowsAnswers", FactKind::KnowsAnswers, &[FactKind::KnowsAnswers]),
    ("signedIn", FactKind::SignedIn, &[FactKind::SignedIn]),
    ("mail", FactKind::Mail, &[FactKind::Mail]),
    ("newUser", FactKind::NewUser, &[FactKind::NewUser]),
    ("username", FactKind::Username, &[FactKind::Username]),
    ("parameters", FactKind::Parameters, &[FactKind::Parameters]),
    ("accepted", FactKind::Accepted, &[FactKind::Accepted]),
    ("created", FactKind::Created, &[FactKind::Created]),
];

/// `MathProblem` of `org.forgerock.selfservice.custom.MathProblemStageConfig`, as IDM shows it.
fn shown(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let short = last.strip_suffix("Config").unwrap_or(last);
    let short = short.strip_suffix("Stage").unwrap_or(short);
    if short.is_empty() { last.to_owned() } else { short.to_owned() }
}
