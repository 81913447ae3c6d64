//! What a project calls the mail address and the user name of its people: its processes may name other properties (`identityEmailField`,
//! `identityUsernameField`), and the whole process follows them. And which security questions they ask beside those of the project (`kbaConfig`).

use crest::Pointer;
use identity::kba::{self, KbaConfig};
use project::{ProcessFile, Project};
use serde_json::{Map, Value};

/// Everything that the definitions of a project say and that its other processes are played by, too: what addresses and user names are called, in the
/// present definitions and in the next ones, and which properties hold passwords. What was found out about a process holds as long as this is the same.
#[must_use]
pub fn named(project: &Project) -> String {
    let next = |process: &ProcessFile| process.canary.as_ref().and_then(|canary| canary.next.as_deref()).map(|next| next.value.clone());
    let with_next: Vec<Value> = project.processes.iter().map(|process| next(process).unwrap_or_else(|| process.value.clone())).collect();
    let names = (Names::of(project.processes.iter().map(|process| &process.value)), Names::of(&with_next));
    let schemas = project.schemas.iter().map(|schema| (schema.collection(), schema));
    let passwords = schemas.flat_map(|(collection, schema)| schema.credentials().map(move |property| (collection.clone(), &property.name)));
    format!("{names:?} {:?} {}", passwords.collect::<Vec<_>>(), project.policies.password_property())
}

/// The properties of people that hold an address, and those that hold a user name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Names {
    mails: Vec<Pointer>,
    logins: Vec<Pointer>,
    /// Stages' own questions.
    questions: Vec<KbaConfig>,
    /// The most answers that a stage asks for.
    answers: usize,
}

impl Default for Names {
    fn default() -> Self {
        let one = |name: &str| vec![Pointer::from_tokens([name])];
        Self { mails: one("mail"), logins: one("userName"), questions: Vec::new(), answers: 0 }
    }
}

impl Names {
    /// As the stages of these definitions name them, those inside of others among them.
    pub(crate) fn of<'v>(definitions: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut names = Self::default();
        for definition in definitions {
            names.read(definition);
        }
        // Where people sign in with their address, it is an address.
        names.logins.retain(|login| !names.mails.contains(login));
        names
    }

    fn read(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let list = match name.as_str() {
                        "identityEmailField" => &mut self.mails,
                        "identityUsernameField" => &mut self.logins,
                        "kbaConfig" if inner.is_object() => {
                            self.questions.push(KbaConfig::read(inner).0);
                            continue;
                        }
                        "numberOfQuestionsUserMustAnswer" => {
                            let wanted = inner.as_u64().or_else(|| inner.as_str()?.trim().parse().ok());
                            let wanted =
                                wanted.and_then(|wanted| usize::try_from(wanted).ok()).filter(|wanted| *wanted <= kba::MAX_ANSWERS);
                            self.answers = self.answers.max(wanted.unwrap_or(0));
                            continue;
                        }
                        _ => {
                            self.read(inner);
                            continue;
                        }
                    };
                    let named = inner.as_str().filter(|text| !text.trim().is_empty()).and_then(|text| Pointer::parse(text.trim()).ok());
                    if let Some(pointer) = named.filter(|pointer| !pointer.is_root() && !list.contains(pointer)) {
                        list.push(pointer);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            _ => {}
        }
    }

    /// Whose questions somebody has answered who gets through every process: those of the project, and those that its stages ask instead.
    pub(crate) fn questions<'a>(&'a self, project: &'a KbaConfig) -> impl Iterator<Item = &'a KbaConfig> {
        std::iter::once(project).chain(self.questions.iter().filter(|own| own.property == project.property))
    }

    /// The most answers that a stage asks for.
    pub(crate) fn most_answers(&self) -> usize {
        self.answers
    }

    /// Whether a property, written as a name or a pointer, holds an address.
    pub(crate) fn is_mail(&self, field: &str) -> bool {
        Pointer::parse(field).is_ok_and(|field| self.mails.contains(&field))
    }

    /// Whether addresses lie in this member of an object.
    pub(crate) fn holds_mail(&self, member: &str) -> bool {
        self.mails.iter().any(|field| field.top() == Some(member))
    }

    /// The addresses of somebody.
    pub(crate) fn mails_of<'v>(&self, person: &'v Value) -> impl Iterator<Item = &'v str> {
        self.mails.iter().filter_map(|field| field.get(person)?.as_str())
    }

    /// The members that are only there because a stage names them: an address and a user name that an object has under no other name.
    pub(crate) fn fill(&self, person: &mut Map<String, Value>) {
        let mut object = Value::Object(std::mem::take(person));
        for (fields, usual) in [(&self.mails, "mail"), (&self.logins, "userName")] {
            let Some(value) = object.get(usual).cloned() else { continue };
            for field in fields.iter().filter(|field| field.get(&object).is_none()).cloned().collect::<Vec<_>>() {
                field.set(&mut object, value.clone());
            }
        }
        put_back(person, object);
    }

    /// Gives somebody an address, or none, under every name.
    pub(crate) fn set_mail(&self, person: &mut Map<String, Value>, address: Option<&str>) {
        Self::set(&self.mails, person, address);
    }

    /// Gives somebody a user name, under every name.
    pub(crate) fn set_login(&self, person: &mut Map<String, Value>, login: &str) {
        Self::set(&self.logins, person, Some(login));
    }

    fn set(fields: &[Pointer], person: &mut Map<String, Value>, text: Option<&str>) {
        let mut object = Value::Object(std::mem::take(person));
        for field in fields {
            match text {
                Some(text) => {
                    field.set(&mut object, text.into());
                }
                None => {
                    field.remove(&mut object);
                }
            }
        }
        put_back(person, object);
    }
}

fn put_back(person: &mut Map<String, Value>, object: Value) {
    if let Value::Object(members) = object {
        *person = members;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use project::EmbeddedFiles;
    use serde_json::json;

    #[test]
    fn what_one_definition_says_of_people_is_told_of_all_and_nothing_else() {
        let query = |mail: &str| json!({ "name": "userQuery", "validQueryFields": ["userName"], "identityEmailField": mail, "identityServiceUrl": "managed/user" });
        let reset =
            |password: &str| json!({ "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": password });
        let file = |stages: &Value| json!({ "stageConfigs": stages, "vestibule": { "canary": { "file": "selfservice-b.next.json", "share": 0.1 } } });
        let of = |name: &str, present: &Value, next: &Value| {
            let files = [
                (format!("conf/selfservice-{name}.json"), file(present).to_string()),
                ("conf/selfservice-b.next.json".to_owned(), json!({ "stageConfigs": next }).to_string()),
            ];
            named(&Project::open(&EmbeddedFiles::new(files), &|_: &str| None))
        };
        let plain = json!([query("mail")]);
        let first = of("b", &plain, &plain);
        assert_eq!(of("b", &json!([query("mail"), query("/mail")]), &plain), first, "the same names");
        assert_ne!(of("b", &json!([query("description")]), &plain), first, "an address of the present definition");
        // Both begin alike.
        assert_ne!(of("b", &plain, &json!([query("mail"), query("description")])), first, "an address of the next one");
        assert_ne!(of("reset", &json!([query("mail"), reset("description")]), &plain), first, "a password");
    }

    #[test]
    fn questions_of_stages_and_how_many_of_them_are_asked_are_read_too() {
        let inline = json!({ "questions": { "7": { "en": "Which river?" } } });
        let definition = json!({ "stageConfigs": [
            { "name": "kbaSecurityAnswerVerificationStage", "kbaConfig": inline, "numberOfQuestionsUserMustAnswer": "3" },
            { "name": "kbaSecurityAnswerVerificationStage", "kbaConfig": { "kbaPropertyName": "other" }, "numberOfQuestionsUserMustAnswer": 2 },
            { "name": "kbaSecurityAnswerVerificationStage", "kbaConfig": null, "numberOfQuestionsUserMustAnswer": 4_000_000 },
        ] });
        let names = Names::of([&definition]);
        let project = KbaConfig::default();
        let ids: Vec<&str> = names.questions(&project).flat_map(|kba| &kba.questions).map(|question| question.id.as_str()).collect();
        assert!(ids.contains(&"7") && names.questions(&project).count() == 2, "{ids:?}");
        assert_eq!(names.most_answers(), 3);
    }

    #[test]
    fn other_names_of_address_and_user_name_are_read_from_the_stages_and_their_branches() {
        let definition = json!({ "stageConfigs": [
            { "name": "userQuery", "identityEmailField": "/contact", "identityUsernameField": "mail" },
            { "name": "conditionaluser", "onConditionTrue": { "name": "x", "identityEmailField": "more/mail", "identityUsernameField": "login" } },
        ] });
        let names = Names::of([&definition]);
        assert!(["mail", "contact", "/contact", "/more/mail"].iter().all(|field| names.is_mail(field)) && !names.is_mail("login"));
        assert!(names.holds_mail("more") && !names.holds_mail("userName"));
        let mut person = json!({ "mail": "a@example.com", "userName": "a" }).as_object().cloned().unwrap();
        names.fill(&mut person);
        assert_eq!(
            Value::Object(person.clone()),
            json!({ "mail": "a@example.com", "userName": "a", "contact": "a@example.com", "more": { "mail": "a@example.com" }, "login": "a" })
        );
        names.set_mail(&mut person, None);
        assert_eq!(names.mails_of(&Value::Object(person)).count(), 0);
    }
}
