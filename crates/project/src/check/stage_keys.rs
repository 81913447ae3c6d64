//! Names in stage configurations, read against the object types and against each other.
//!
//! A stage that names a property nobody has runs, says success and changes nothing, or can never finish; nothing at run time would tell
//! the operator. The rule easiest to break: which key names what is said by the stage itself (`process::keys`), never by a list here.

use std::collections::BTreeMap;

use crest::{Filter, Pointer};
use identity::{JsonType, ObjectSchema, PEOPLE, Property, Scope};
use process::Catalogue;
use process::keys::{Named, Role};
use serde_json::Value;
use stages::Services;

use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::process_file::ProcessFile;
use crate::project::Project;

/// The property that holds mail addresses where a stage does not say.
const MAIL: &str = "mail";
/// Properties that every object has.
const OF_EVERY_OBJECT: [&str; 2] = ["_id", "_rev"];
/// Properties that need no declaration: a status nobody wrote means active, and answers are stored beside the declared properties.
const UNDECLARED: [&str; 2] = ["accountStatus", "kbaInfo"];

/// A stage of a process with the names it holds.
struct Place<'v> {
    pointer: String,
    name: &'v str,
    configuration: &'v Value,
    named: Vec<Named>,
    /// The key that would hold the mail field, if the stage has one.
    mail_key: Option<String>,
}

impl Place<'_> {
    /// Whether a finding is about a query field of this stage, and another one of it is right.
    fn finds_without(&self, found: &[Diagnostic], diagnostic: &Diagnostic) -> bool {
        let wrong = |named: &Named| found.iter().any(|other| other.location.pointer == named.pointer);
        let mut fields = self.named.iter().filter(|named| named.role == Role::QueryField);
        fields.clone().any(|named| named.pointer == diagnostic.location.pointer) && fields.any(|named| !wrong(named))
    }

    fn collection(&self) -> Option<&Named> {
        self.named.iter().find(|named| named.role == Role::Collection)
    }

    /// The mail field, with its place and whether it is said there; the default where it is not.
    fn mail(&self) -> Option<Said> {
        let said = self.named.iter().find(|named| named.role == Role::MailField);
        match (said, &self.mail_key) {
            (Some(named), _) => Some(Said { text: plain(&named.text), pointer: named.pointer.clone(), written: true }),
            (None, Some(key)) => Some(Said { text: MAIL.to_owned(), pointer: format!("{}/{key}", self.pointer), written: false }),
            (None, None) => None,
        }
    }
}

/// What a stage says of the account.
struct Said {
    text: String,
    pointer: String,
    /// The file says it; else it is the default.
    written: bool,
}

/// `mail` of `/mail`.
fn plain(text: &str) -> String {
    text.trim().trim_start_matches('/').to_owned()
}

/// Checks every process; one with a wrong name is not served.
pub(super) fn run(project: &mut Project, catalogue: &Catalogue<Services>, sink: &Sink) {
    let refused: Vec<String> = project
        .definitions()
        .filter(|process| !process.broken)
        .filter(|process| !check(project, process, catalogue, sink))
        .map(|process| process.file.path().to_owned())
        .collect();
    for process in &mut project.processes {
        process.refused |= refused.iter().any(|path| path == process.file.path());
        let next = process.canary.as_mut().and_then(|canary| canary.next.as_mut());
        if let Some(next) = next {
            next.refused |= refused.iter().any(|path| path == next.file.path());
        }
    }
}

/// Says what is wrong with the names of a process; true if nothing is.
fn check(project: &Project, process: &ProcessFile, catalogue: &Catalogue<Services>, sink: &Sink) -> bool {
    let places = places(process, catalogue);
    let mut found = Vec::new();
    // Query fields that would tell what nobody may see. The process is not served, whatever its other fields are.
    let mut telling = Vec::new();
    // A process is about one account, so a stage that does not say where it is means where the others say.
    let usual = places.iter().find_map(Place::collection).map_or(PEOPLE, |named| named.text.trim_matches('/'));
    for place in &places {
        let collection = place.collection().map_or(usual, |named| named.text.trim_matches('/'));
        let Some(schema) = project.schemas.get(collection) else {
            if let Some(named) = place.collection() {
                let known: Vec<String> = project.schemas.iter().map(ObjectSchema::collection).collect();
                let message = format!("there are no objects '{collection}' to work on");
                found.push(error(
                    process,
                    &named.pointer,
                    "unknown-collection",
                    message,
                    suggestion(collection, known.iter().map(String::as_str)),
                ));
            }
            continue;
        };
        // Files of the first releases declare no properties at all.
        if schema.properties.is_empty() {
            continue;
        }
        for named in &place.named {
            found.extend(property(process, schema, named));
            let top = plain(&named.text);
            let private = schema.property(top.split('/').next().unwrap_or(&top)).is_some_and(|found| found.scope == Scope::Private);
            telling.extend(Some(named.pointer.as_str()).filter(|_| private && named.role == Role::QueryField));
        }
        found.extend(condition(process, schema, place));
    }
    found.extend(neighbours(process, &places));
    found.extend(statuses(process, &places));
    // People are found by the other fields all the same, as long as there are any.
    let idle = |diagnostic: &Diagnostic| {
        let tells = telling.contains(&diagnostic.location.pointer.as_str());
        !tells && places.iter().any(|place| place.finds_without(&found, diagnostic))
    };
    let fine = found.iter().all(idle);
    for diagnostic in &found {
        sink.push(diagnostic.clone());
    }
    fine
}

/// The stages of a process in order, those inside others behind them.
fn places<'v>(process: &'v ProcessFile, catalogue: &Catalogue<Services>) -> Vec<Place<'v>> {
    let places = super::placed(process, catalogue).into_iter().map(|(pointer, name, configuration)| {
        // What stands in a stage inside this one is that stage's.
        let named = catalogue.own_names_in(&pointer, configuration);
        let keys = catalogue.of(configuration).map(process::StageType::keys).unwrap_or_default();
        let mail_key = keys.into_iter().find(|key| key.role == Some(Role::MailField)).and_then(|key| key.path.into_iter().next());
        Place { pointer, name, configuration, named, mail_key }
    });
    places.collect()
}

fn error(process: &ProcessFile, pointer: &str, rule: &'static str, message: String, help: Option<String>) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Severity::Error, rule, process.file.locate(pointer), message);
    diagnostic.help = help;
    diagnostic
}

/// What is wrong with a name of a property.
fn property(process: &ProcessFile, schema: &ObjectSchema, named: &Named) -> Option<Diagnostic> {
    let collection = schema.collection();
    let path = plain(&named.text);
    let top = path.split('/').next().unwrap_or(&path);
    let missing = |top: &str, what: &str, candidates: Vec<&str>| {
        let message = format!("there is no {what} '{top}' in {collection}");
        Some(error(process, &named.pointer, "unknown-property", message, suggestion(top, candidates)))
    };
    match named.role {
        Role::Collection | Role::Stage | Role::File => return None,
        Role::Preference => {
            let declared = schema.property("preferences")?;
            let names: Vec<&str> = names_of(&declared.properties);
            return if names.is_empty() || names.contains(&top) { None } else { missing(top, "preference", names) };
        }
        role if needs_no_declaration(role, top) => return None,
        _ => {}
    }
    let Some(found) = schema.property(top) else { return missing(top, "property", names_of(&schema.properties)) };
    let inner = match below(found, &path) {
        Ok(inner) => inner,
        Err((name, within)) => {
            let message = format!("there is no property '{name}' in '{}' of {collection}", within.name);
            return Some(error(process, &named.pointer, "unknown-property", message, suggestion(name, names_of(&within.properties))));
        }
    };
    let why = unfit(named.role, found, inner)?;
    let help = schema.credentials().next().filter(|_| named.role == Role::PasswordField);
    let help = help.map(|property| format!("did you mean '{}'?", property.name));
    Some(error(process, &named.pointer, "unfit-property", why.replace("{}", &format!("'{top}' of {collection}")), help))
}

fn names_of(properties: &[Property]) -> Vec<&str> {
    properties.iter().map(|property| property.name.as_str()).collect()
}

/// Whether a key may name this property though `managed.json` does not.
fn needs_no_declaration(role: Role, top: &str) -> bool {
    match role {
        Role::IdField | Role::UserNameField => top == "_id",
        Role::StatusField => top == "accountStatus",
        Role::MailField | Role::PasswordField => false,
        _ => OF_EVERY_OBJECT.contains(&top) || UNDECLARED.contains(&top),
    }
}

/// The property that a path below `top` leads to, as far as properties of properties are declared; or the first name that is not there,
/// and where it is not.
fn below<'p, 'n>(top: &'p Property, path: &'n str) -> Result<&'p Property, (&'n str, &'p Property)> {
    let mut found = top;
    for name in path.split('/').skip(1) {
        if found.properties.is_empty() {
            break;
        }
        found = found.properties.iter().find(|property| property.name == name).ok_or((name, found))?;
    }
    Ok(found)
}

/// Why a property is not what a key is about; `{}` stands for the property. `top` is the property of the object, `inner` the one that
/// the key leads to, the same or one below it.
fn unfit(role: Role, top: &Property, inner: &Property) -> Option<&'static str> {
    let is_text = inner.relationship.is_none() && inner.accepts(JsonType::String);
    let secret = [top, inner].iter().any(|property| property.is_credential() || property.encrypted);
    let private = [top, inner].iter().any(|property| property.scope == Scope::Private);
    match role {
        Role::PasswordField if !holds_password(inner) => Some("{} holds no password: it is neither hashed nor encrypted"),
        Role::MailField if !is_text || top.is_credential() => Some("{} holds no mail address, which is a text"),
        Role::QueryField if secret => Some("nobody can be found by {}: its values are hashed or encrypted"),
        Role::QueryField if private => Some("nobody is found by {}: its values are private, and who searches by them could guess them"),
        Role::QueryField if top.relationship.is_some() => Some("nobody can be found by {}: it is a relationship"),
        Role::UserNameField | Role::IdField | Role::StatusField if secret || private => {
            Some("{} is shown to nobody, because its values are hashed, encrypted or private, and this key would show them")
        }
        Role::UserNameField if !is_text => Some("{} holds no user name, which is a text"),
        Role::IdField if !is_text => Some("{} holds no id, which is a text"),
        Role::StatusField if !is_text && !inner.accepts(JsonType::Boolean) || inner.relationship.is_some() => {
            Some("{} holds no status, which is a text, or true or false")
        }
        _ => None,
    }
}

fn holds_password(property: &Property) -> bool {
    property.relationship.is_none()
        && property.accepts(JsonType::String)
        && (property.is_credential() || property.encrypted || property.secure_hash.is_some())
}

/// Properties that a filter of a condition compares.
fn condition(process: &ProcessFile, schema: &ObjectSchema, place: &Place<'_>) -> Vec<Diagnostic> {
    let Some(condition) = place.configuration.get("condition") else { return Vec::new() };
    if condition.get("type").and_then(Value::as_str) != Some("queryFilter") {
        return Vec::new();
    }
    let Some((key, text)) = ["filter", "queryFilter"].into_iter().find_map(|key| Some((key, condition.get(key)?.as_str()?))) else {
        return Vec::new();
    };
    let Ok(filter) = Filter::parse(text) else { return Vec::new() };
    let pointer = format!("{}/condition/{key}", place.pointer);
    let unknown = |field: &&Pointer| {
        let top = field.tokens().first().map(AsRef::as_ref).unwrap_or_default();
        !OF_EVERY_OBJECT.contains(&top) && !UNDECLARED.contains(&top) && !top.starts_with('_') && schema.property(top).is_none()
    };
    let names = || schema.properties.iter().map(|property| property.name.as_str());
    filter
        .pointers()
        .filter(unknown)
        .map(|field| {
            let top = field.tokens().first().map(AsRef::as_ref).unwrap_or_default();
            let message = format!("there is no property '{top}' in {}", schema.collection());
            error(process, &pointer, "unknown-property", message, suggestion(top, names()))
        })
        .collect()
}

/// Keys that take for the status of an account what holds its name or its address: no account would ever be inactive.
fn statuses(process: &ProcessFile, places: &[Place<'_>]) -> Vec<Diagnostic> {
    let of = |role: Role| places.iter().flat_map(|place| &place.named).filter(move |named| named.role == role);
    let names = || [Role::MailField, Role::UserNameField, Role::IdField].into_iter().flat_map(of);
    of(Role::StatusField)
        .filter_map(|status| {
            let other = names().find(|named| plain(&named.text) == plain(&status.text))?;
            let message = format!("'{}' holds no status: it is something else at {}", plain(&status.text), other.pointer);
            Some(error(process, &status.pointer, "unfit-property", message, Some("did you mean 'accountStatus'?".to_owned())))
        })
        .collect()
}

/// Stages that say different things of the same account.
fn neighbours(process: &ProcessFile, places: &[Place<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut first: BTreeMap<&str, (Said, &str)> = BTreeMap::new();
    for place in places {
        let collection = place.collection().map(|named| Said {
            text: named.text.trim_matches('/').to_owned(),
            pointer: named.pointer.clone(),
            written: true,
        });
        for (what, said) in [("collection", collection), ("mail", place.mail())] {
            let Some(said) = said else { continue };
            let Some((before, name)) = first.get(what) else {
                first.insert(what, (said, place.name));
                continue;
            };
            if before.text == said.text {
                continue;
            }
            let (rule, consequence) = match what {
                "mail" => ("other-mail-field", "the code is mailed to one address and asked of the other, so nobody could finish"),
                _ => ("other-collection", "a process is about one account"),
            };
            // The key that is written is the one to mend.
            let ((here, at), (there, theirs, name)) = if said.written {
                ((&said.text, &said.pointer), (&before.text, &before.pointer, *name))
            } else {
                ((&before.text, &before.pointer), (&said.text, &said.pointer, place.name))
            };
            let message = format!("'{here}' here, but '{there}' in '{name}' at {theirs}: {consequence}");
            found.push(error(process, at, rule, message, Some(format!("say the same in both: '{there}' or '{here}'"))));
        }
    }
    found
}
