//! The forms of the account, a page each: personal data, mail address, password, security questions, preferences.
//!
//! Easiest to get wrong: what is not changed is not sent, and what is emptied is removed; and who wants another password or address shows that
//! they know the present one, because a session alone may have been found open (SEC-20, SEC-21).

use accounts::AccountError;
use accounts::access::Decision;
use accounts::mail_confirmation::MailChange;
use crest::{Patch, PatchOperation, Pointer};
use identity::{Audience, Expect};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::account::{Gate, Person};
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::failure;
use crate::field::{self, Becomes, Field, Kind, Problem};
use crate::page::Samples;
use crate::personal::{is_personal, preferences};
use crate::present::{self, CURRENT, current, with_current};
use crate::property::{new_password, of_object, of_password, with_value};
use crate::requirements::question_fields;
use crate::step::{Draft, status};
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Edit {
    /// What is edited: `personal`, `mail`, `password`, `questions`, `preferences`, `delete`.
    pub(crate) what: String,
    /// The fields.
    pub(crate) fields: Vec<Field>,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// The path to post to.
    pub(crate) action: String,
    /// The new address that waits for its code.
    pub(crate) pending: String,
    /// What is asked for its code, and the present password where the change was made without.
    pub(crate) confirms: Vec<Field>,
}

/// The present password beside the code of a new address, which stands on the same page as the form for another one.
const CURRENT_OF_CODE: &str = "form_current_of_code";

/// GET and POST of a form. The last part of the path says which.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    let what = visit.segment();
    if !["personal", "mail", "password", "questions", "preferences", "delete"].contains(&what) {
        return Err(DeadEnd::new(Why::NotFound));
    }
    let own = visit.principal.own_path();
    let (path, method) = match what {
        "questions" => (format!("selfservice/user/{}", visit.principal.id), "patch"),
        "delete" => (own.clone(), "delete"),
        _ => (own.clone(), "patch"),
    };
    if visit.decide(&path, method, None, None).await == Decision::Denied || (what == "questions" && visit.runtime.project.kba.is_none()) {
        return Err(DeadEnd::new(Why::Forbidden));
    }
    let fields = fields(visit, &person, what);
    if !visit.is_post() {
        let draft = visit.draft().await?;
        return shown(visit, what, fields, draft.as_ref()).await;
    }
    if !visit.genuine {
        let problems = vec![Problem::whole(Words::message("error-old-form"))];
        return again(visit, what, fields, problems, 403).await;
    }
    if what == "mail" && visit.form.has("cancel") {
        visit.actor().cancel_mail_change().await?;
        return Ok(see_other("/account/profile?done=mail-cancelled"));
    }
    if what == "mail" && visit.form.has("code") {
        return confirm_mail(visit, fields).await;
    }
    let input = match field::read(&fields, &visit.form) {
        Ok(input) => input,
        Err(problems) => return again(visit, what, fields, problems, 400).await,
    };
    match save(visit, &person, what, &fields, &Value::Object(input)).await {
        Ok(to) => Ok(see_other(&to)),
        Err(error) => refused(visit, what, fields, error).await,
    }
}

async fn refused(visit: &Visit, what: &str, fields: Vec<Field>, error: AccountError) -> Outcome {
    if let Some(problem) = present::problem(&error) {
        return again(visit, what, with_current(fields), vec![problem], 403).await;
    }
    match error {
        AccountError::InvalidCode => again(visit, what, fields, vec![Problem::of("code", Words::message("error-code-wrong"))], 400).await,
        AccountError::Refused(error) if matches!(error.code, 400 | 403) => {
            let problems = failure::problems(&error, &fields);
            again(visit, what, fields, problems, 400).await
        }
        other => Err(other.into()),
    }
}

async fn again(visit: &Visit, what: &str, fields: Vec<Field>, problems: Vec<Problem>, status: u16) -> Outcome {
    let shown_fields = fields.clone();
    let pending = visit.actor().mail_change().await?;
    visit.back(&fields, problems, status, |draft| page(visit, what, shown_fields, Some(draft), pending)).await
}

async fn shown(visit: &Visit, what: &str, fields: Vec<Field>, draft: Option<&Draft>) -> Outcome {
    let pending = visit.actor().mail_change().await?;
    let asks_password = draft.is_some_and(|draft| draft.problems.iter().any(|problem| problem.field == CURRENT));
    page(visit, what, if asks_password { with_current(fields) } else { fields }, draft, pending)
}

fn page(visit: &Visit, what: &str, mut fields: Vec<Field>, draft: Option<&Draft>, pending: Option<MailChange>) -> Outcome {
    let problems = draft.map(|draft| draft.problems.clone()).unwrap_or_default();
    let mut problems = field::fill(&mut fields, draft.map(|draft| &draft.typed), problems);
    let mut confirms = pending.as_ref().filter(|_| what == "mail").map(|pending| confirms(pending.password)).unwrap_or_default();
    problems = field::fill(&mut confirms, None, problems);
    // Where nothing waits any more there is no field for its code.
    problems.iter_mut().filter(|problem| confirms.is_empty() && problem.field == "code").for_each(|problem| problem.field.clear());
    let pending = pending.map(|pending| pending.new).unwrap_or_default();
    let page = Edit { what: what.to_owned(), fields, problems, action: format!("/account/{what}"), pending, confirms };
    visit.page(status(draft), &page)
}

/// What is asked where the code of a new address is typed.
fn confirms(password: bool) -> Vec<Field> {
    let code = Field::new("code", Kind::Code, Words::message("code")).required().autocomplete("one-time-code");
    let mut fields = vec![code.hint(Words::message("mail-code-hint"))];
    fields.extend(password.then(|| Field { name: CURRENT_OF_CODE.to_owned(), ..current() }));
    fields
}

fn fields(visit: &Visit, person: &Person, what: &str) -> Vec<Field> {
    let runtime = &visit.runtime;
    let seen = runtime.managed.show(&person.collection, &person.object, Audience::Owner, &crest::Fields::all());
    match what {
        "personal" => {
            let edited = person.schema.properties.iter().filter(|property| property.user_editable && is_personal(runtime, property));
            let mut fields: Vec<Field> = edited
                .map(|property| with_value(of_object(&person.schema, property), seen.get(&property.name).unwrap_or(&Value::Null)))
                .collect();
            // A project may want the password again with some of them.
            if visit.form.has(CURRENT) {
                fields = with_current(fields);
            }
            fields
        }
        "mail" => vec![Field::new("mail", Kind::Email, Words::message("new-mail")).required().autocomplete("email"), current()],
        "password" => {
            let described = of_password(&runtime.policies, &visit.principal.own_path());
            vec![current(), new_password("password", &described)]
        }
        "questions" => {
            let listed = runtime.kba.questions_value();
            let offered = listed.as_object().into_iter().flatten().map(|(id, texts)| json!({"id": id, "question": texts}));
            let offered: Vec<Value> = match &listed {
                Value::Array(list) => list.clone(),
                _ => offered.collect(),
            };
            let least = u64::from(runtime.kba.answers_to_define(None)).max(1);
            let mut fields = question_fields(least, &offered, &visit.locales, &runtime.services.default_locale);
            fields.push(current());
            fields
        }
        "preferences" => preferences(&person.schema, &seen)
            .into_iter()
            .map(|row| {
                let field = Field::new(&row.name, Kind::Checkbox, row.label).becomes(Becomes::Boolean);
                with_value(field, &json!(row.on))
            })
            .collect(),
        _ => vec![current()],
    }
}

/// Does it, and says where to go.
async fn save(visit: &Visit, person: &Person, what: &str, fields: &[Field], input: &Value) -> Result<String, AccountError> {
    let (collection, id) = (person.collection.as_str(), person.object.id.as_str());
    let typed = present::typed(visit);
    let password = typed.as_ref().map(|typed| typed.as_str());
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let expect = Expect::any();
    match what {
        "questions" => {
            let list = input.get("kba").cloned().unwrap_or_default();
            visit.editor("patch", password).questions(collection, id, &list, &expect).await?;
        }
        "delete" => {
            visit.attempt().reauthenticate(&visit.principal, password).await?;
            visit.editor("delete", None).delete(collection, id, &expect).await?;
            crate::session::end(visit).await?;
            return Ok("/".to_owned());
        }
        "password" => {
            visit.attempt().reauthenticate(&visit.principal, password).await?;
            let patch = Patch::new(vec![PatchOperation::replace(pointer("password"), text("password"))]);
            visit.not_forbidden(&patch).await?;
            visit.editor("patch", password).patch(collection, id, &patch, &expect).await?;
        }
        "mail" => {
            visit.attempt().reauthenticate(&visit.principal, password).await?;
            let patch = Patch::new(vec![PatchOperation::replace(pointer("mail"), text("mail"))]);
            visit.not_forbidden(&patch).await?;
            visit.editor("patch", password).patch(collection, id, &patch, &expect).await?;
        }
        "preferences" => {
            let operation = |field: &Field| {
                let value = input.get(&field.name).cloned().unwrap_or(Value::Bool(false));
                PatchOperation::replace(Pointer::from_tokens(["preferences", field.name.as_str()]), value)
            };
            let patch: Patch = fields.iter().map(operation).collect();
            visit.permitted(&patch, password).await?;
            visit.editor("patch", None).patch(collection, id, &patch, &expect).await?;
        }
        _ => {
            let patch = changed(person, fields, input);
            if !patch.operations().is_empty() {
                visit.permitted(&patch, password).await?;
                visit.editor("patch", password).patch(collection, id, &patch, &expect).await?;
            }
        }
    }
    Ok(format!("/account/profile?done={what}"))
}

/// What differs from what is stored.
fn changed(person: &Person, fields: &[Field], input: &Value) -> Patch {
    let operation = |field: &Field| {
        let before = person.object.content.get(&field.name).filter(|value| !value.is_null());
        match input.get(&field.name) {
            None => before.filter(|before| **before != json!("")).map(|_| PatchOperation::remove(pointer(&field.name))),
            // A box that was never ticked is not there yet.
            Some(Value::Bool(false)) if before.is_none() => None,
            Some(value) if Some(value) == before => None,
            Some(value) => Some(PatchOperation::replace(pointer(&field.name), value.clone())),
        }
    };
    fields.iter().filter(|field| field.name != CURRENT).filter_map(operation).collect()
}

fn pointer(name: &str) -> Pointer {
    Pointer::from_tokens([name])
}

/// The code of a mail to the new address was typed.
async fn confirm_mail(visit: &Visit, fields: Vec<Field>) -> Outcome {
    let Some(code) = visit.form.filled("code").map(str::trim).filter(|code| !code.is_empty()) else {
        return again(visit, "mail", fields, vec![Problem::of("code", Words::message("error-code-missing"))], 400).await;
    };
    let typed = visit.form.filled(CURRENT_OF_CODE).map(|typed| Zeroizing::new(typed.to_owned()));
    let password = typed.as_ref().map(|typed| typed.as_str());
    match visit.actor().confirm_mail_change(code, password).await {
        Ok(()) => Ok(see_other("/account/profile?done=mail-confirmed")),
        Err(error) => match present::problem(&error) {
            Some(problem) => again(visit, "mail", fields, vec![Problem { field: CURRENT_OF_CODE.to_owned(), ..problem }], 403).await,
            None => refused(visit, "mail", fields, error).await,
        },
    }
}

impl Samples for Edit {
    fn samples() -> Vec<(&'static str, Self)> {
        let described = json!({"name": "password", "policies": [{"policyRequirements": ["MIN_LENGTH"], "params": {"minLength": 8}}]});
        let text =
            |name: &str| Field::new(name, Kind::Text, crate::property::label(name, None)).autocomplete(crate::property::autocomplete(name));
        let page =
            |what: &str, fields: Vec<Field>| Self { what: what.to_owned(), fields, action: format!("/account/{what}"), ..Self::default() };
        let wrong = |mut page: Self, field: &str, key: &str| {
            page.problems = field::fill(&mut page.fields, None, vec![Problem::of(field, Words::message(key))]);
            page
        };
        let mail = || vec![Field::new("mail", Kind::Email, Words::message("new-mail")).required().autocomplete("email"), current()];
        let pending = |password: bool, problems: Vec<Problem>| {
            let mut confirms = confirms(password);
            let problems = field::fill(&mut confirms, None, problems);
            Self { pending: "new@example.com".to_owned(), confirms, problems, ..page("mail", mail()) }
        };
        let offered = [json!({"id": "1", "question": {"en": "Where did you grow up?"}})];
        let password = || vec![current(), new_password("password", &described)];
        let updates = Field::new("updates", Kind::Checkbox, Words::message("preference-updates")).becomes(Becomes::Boolean);
        vec![
            ("personal", page("personal", vec![text("givenName").required(), text("sn").required(), text("telephoneNumber")])),
            ("personal-wrong", wrong(page("personal", vec![text("givenName").required()]), "givenName", "error-missing")),
            ("mail", page("mail", mail())),
            ("mail-pending", pending(true, Vec::new())),
            ("mail-code-wrong", pending(false, vec![Problem::of("code", Words::message("error-code-wrong"))])),
            ("password", page("password", password())),
            ("password-wrong", wrong(page("password", password()), CURRENT, "error-current-password-wrong")),
            ("questions", page("questions", question_fields(2, &offered, &[], "en"))),
            ("preferences", page("preferences", vec![updates])),
            ("delete", page("delete", vec![current()])),
        ]
    }
}
