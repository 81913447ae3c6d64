//! The forms of the account, a page each: personal data, mail address, password, security questions, preferences.
//!
//! Easiest to get wrong: what is not changed is not sent, and what is emptied is removed; and who wants another password or address shows that
//! they know the present one, because a session alone may have been found open (SEC-20, SEC-21).

use accounts::access::Decision;
use accounts::mail_confirmation::MailChange;
use accounts::{AccountError, Proof};
use crest::{Patch, PatchOperation, Pointer};
use identity::{Audience, Expect};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::account::{Gate, Person};
use crate::answer::see_other;
use crate::confirm::{self, Confirm, Standing};
use crate::dead_end::{DeadEnd, Why};
use crate::failure;
use crate::field::{self, Becomes, Field, Kind, Problem};
use crate::page::Samples;
use crate::personal::{is_personal, preferences};
use crate::present::{self, CURRENT, current, with_current};
use crate::property::{new_password, of_object, of_password, with_value};
use crate::requirements::question_fields;
use crate::step::{Draft, status};
use crate::trouble;
use crate::visit::{Outcome, Visit};
use crate::way::CONFIRMABLE;
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
    /// The form is not shown before who has no password has shown that it is them.
    pub(crate) closed: bool,
    /// How they do that.
    pub(crate) confirm: Option<Confirm>,
    /// They have, just now.
    pub(crate) confirmed: bool,
    /// There is no password yet.
    pub(crate) first: bool,
}

/// The present password beside the code of a new address, which stands on the same page as the form for another one.
const CURRENT_OF_CODE: &str = "form_current_of_code";

/// A form of somebody's account, at one visit.
struct At<'v> {
    visit: &'v Visit,
    /// Which form.
    what: &'v str,
    /// What the person brings to be believed.
    standing: Standing,
    /// How who has no password shows that it is them; nothing where that need not be.
    ways: Option<Confirm>,
}

impl At<'_> {
    /// What shows that a request is the person's own; `typed` is their password.
    fn proof<'t>(&self, typed: Option<&'t str>) -> Proof<'t> {
        match self.standing {
            Standing::Confirmed(confirmed) => Proof::Confirmed(confirmed),
            Standing::Password | Standing::Keyless => typed.into(),
        }
    }

    fn has_password(&self) -> bool {
        matches!(self.standing, Standing::Password)
    }

    /// Whether the form can be sent only by who has shown that it is them.
    fn is_closed(&self) -> bool {
        self.ways.is_some() && self.what != "personal"
    }

    /// The problem with what shows that it is them, where a refusal is about that. `field` is that of their password.
    fn unproven(&self, error: &AccountError, field: &str) -> Option<Problem> {
        let problem = present::problem(error)?;
        Some(if self.has_password() {
            Problem { field: field.to_owned(), ..problem }
        } else {
            Problem::whole(Words::message(CONFIRM_FIRST))
        })
    }
}

/// The message for who has still to show that it is them.
const CONFIRM_FIRST: &str = "error-confirm-first";

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
    let standing = visit.standing(&person).await?;
    let ways = match standing {
        Standing::Keyless if CONFIRMABLE.contains(&what) => Some(visit.ways_to_confirm(&person, what).await?),
        _ => None,
    };
    let at = At { visit, what, standing, ways };
    let fields = fields(&at, &person);
    if !visit.is_post() {
        let draft = visit.draft().await?;
        return shown(&at, fields, draft.as_ref()).await;
    }
    if !visit.genuine {
        let problems = vec![Problem::whole(Words::message("error-old-form"))];
        return again(&at, fields, problems, 403).await;
    }
    if what == "mail" && visit.form.has("cancel") {
        visit.actor().cancel_mail_change().await?;
        return Ok(see_other("/account/profile?done=mail-cancelled"));
    }
    if what == "mail" && visit.form.has("code") {
        return confirm_mail(&at, fields).await;
    }
    if at.is_closed() {
        return again(&at, fields, vec![Problem::whole(Words::message(CONFIRM_FIRST))], 403).await;
    }
    let input = match field::read(&fields, &visit.form) {
        Ok(input) => input,
        Err(problems) => return again(&at, fields, problems, 400).await,
    };
    match save(&at, &person, &fields, &Value::Object(input)).await {
        Ok(to) => Ok(see_other(&to)),
        Err(error) => refused(&at, fields, error).await,
    }
}

async fn refused(at: &At<'_>, fields: Vec<Field>, error: AccountError) -> Outcome {
    if let Some(problem) = at.unproven(&error, CURRENT) {
        let fields = if at.has_password() { with_current(fields) } else { fields };
        return again(at, fields, vec![problem], 403).await;
    }
    match error {
        AccountError::InvalidCode => again(at, fields, vec![Problem::of("code", Words::message("error-code-wrong"))], 400).await,
        AccountError::Refused(error) if matches!(error.code, 400 | 403) => {
            let problems = failure::problems(&error, &fields);
            again(at, fields, problems, 400).await
        }
        other => Err(other.into()),
    }
}

async fn again(at: &At<'_>, fields: Vec<Field>, problems: Vec<Problem>, status: u16) -> Outcome {
    let shown_fields = fields.clone();
    let pending = at.visit.actor().mail_change().await?;
    at.visit.back(&fields, problems, status, |draft| page(at, shown_fields, Some(draft), pending)).await
}

async fn shown(at: &At<'_>, fields: Vec<Field>, draft: Option<&Draft>) -> Outcome {
    let pending = at.visit.actor().mail_change().await?;
    let asks_password = at.has_password() && draft.is_some_and(|draft| draft.problems.iter().any(|problem| problem.field == CURRENT));
    page(at, if asks_password { with_current(fields) } else { fields }, draft, pending)
}

fn page(at: &At<'_>, mut fields: Vec<Field>, draft: Option<&Draft>, pending: Option<MailChange>) -> Outcome {
    let what = at.what;
    let mut problems = draft.map(|draft| draft.problems.clone()).unwrap_or_default();
    let is_unproven = problems.iter().any(|problem| problem.says.key == CONFIRM_FIRST);
    problems.extend(trouble::said(at.visit));
    let mut problems = field::fill(&mut fields, draft.map(|draft| &draft.typed), problems);
    let asked = |pending: &MailChange| confirms(pending.password && at.has_password());
    let mut confirms = pending.as_ref().filter(|_| what == "mail").map(asked).unwrap_or_default();
    problems = field::fill(&mut confirms, None, problems);
    // Where nothing waits any more there is no field for its code.
    problems.iter_mut().filter(|problem| confirms.is_empty() && problem.field == "code").for_each(|problem| problem.field.clear());
    let pending = pending.map(|pending| pending.new).unwrap_or_default();
    let page = Edit {
        what: what.to_owned(),
        fields,
        problems,
        action: format!("/account/{what}"),
        pending,
        confirms,
        closed: at.is_closed(),
        confirm: at.ways.clone().filter(|_| at.is_closed() || is_unproven),
        confirmed: matches!(at.standing, Standing::Confirmed(_)) && CONFIRMABLE.contains(&what),
        first: !at.has_password(),
    };
    at.visit.page(status(draft), &page)
}

/// What is asked where the code of a new address is typed.
fn confirms(password: bool) -> Vec<Field> {
    let code = Field::new("code", Kind::Code, Words::message("code")).required().autocomplete("one-time-code");
    let mut fields = vec![code.hint(Words::message("mail-code-hint"))];
    fields.extend(password.then(|| Field { name: CURRENT_OF_CODE.to_owned(), ..current() }));
    fields
}

fn fields(at: &At<'_>, person: &Person) -> Vec<Field> {
    let At { visit, what, .. } = *at;
    let runtime = &visit.runtime;
    let seen = runtime.managed.show(&person.collection, &person.object, Audience::Owner, &crest::Fields::all());
    // Who has no password shows in another way that it is them.
    let password = || at.has_password().then(current);
    match what {
        "personal" => {
            let edited = person.schema.properties.iter().filter(|property| property.user_editable && is_personal(runtime, property));
            let mut fields: Vec<Field> = edited
                .map(|property| with_value(of_object(&person.schema, property), seen.get(&property.name).unwrap_or(&Value::Null)))
                .collect();
            // A project may want the password again with some of them.
            if at.has_password() && visit.form.has(CURRENT) {
                fields = with_current(fields);
            }
            fields
        }
        "mail" => {
            let mail = Field::new("mail", Kind::Email, Words::message("new-mail")).required().autocomplete("email");
            [mail].into_iter().chain(password()).collect()
        }
        "password" => {
            let described = of_password(&runtime.policies, &visit.principal.own_path());
            password().into_iter().chain([new_password("password", &described)]).collect()
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
            fields.extend(password());
            fields
        }
        "preferences" => preferences(&person.schema, &seen)
            .into_iter()
            .map(|row| {
                let field = Field::new(&row.name, Kind::Checkbox, row.label).becomes(Becomes::Boolean);
                with_value(field, &json!(row.on))
            })
            .collect(),
        _ => password().into_iter().collect(),
    }
}

/// Does it, and says where to go.
async fn save(at: &At<'_>, person: &Person, fields: &[Field], input: &Value) -> Result<String, AccountError> {
    let At { visit, what, .. } = *at;
    let (collection, id) = (person.collection.as_str(), person.object.id.as_str());
    let typed = present::typed(visit);
    let proof = at.proof(typed.as_ref().map(|typed| typed.as_str()));
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let expect = Expect::any();
    match what {
        "questions" => {
            let list = input.get("kba").cloned().unwrap_or_default();
            visit.editor("patch", proof).questions(collection, id, &list, &expect).await?;
        }
        "delete" => {
            visit.attempt().prove(&visit.principal, proof).await?;
            visit.editor("delete", Proof::None).delete(collection, id, &expect).await?;
            crate::session::end(visit).await?;
            return Ok("/".to_owned());
        }
        "password" => {
            visit.attempt().prove(&visit.principal, proof).await?;
            let patch = Patch::new(vec![PatchOperation::replace(pointer("password"), text("password"))]);
            visit.not_forbidden(&patch).await?;
            visit.editor("patch", proof).patch(collection, id, &patch, &expect).await?;
        }
        "mail" => {
            visit.attempt().prove(&visit.principal, proof).await?;
            let patch = Patch::new(vec![PatchOperation::replace(pointer("mail"), text("mail"))]);
            visit.not_forbidden(&patch).await?;
            visit.editor("patch", proof).patch(collection, id, &patch, &expect).await?;
        }
        "preferences" => {
            let operation = |field: &Field| {
                let value = input.get(&field.name).cloned().unwrap_or(Value::Bool(false));
                PatchOperation::replace(Pointer::from_tokens(["preferences", field.name.as_str()]), value)
            };
            let patch: Patch = fields.iter().map(operation).collect();
            visit.permitted(&patch, proof).await?;
            visit.editor("patch", Proof::None).patch(collection, id, &patch, &expect).await?;
        }
        _ => {
            let patch = changed(person, fields, input);
            if !patch.operations().is_empty() {
                visit.permitted(&patch, proof).await?;
                visit.editor("patch", proof).patch(collection, id, &patch, &expect).await?;
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
            // A browser has one way of writing line breaks, which is not always how they are stored.
            Some(Value::String(typed))
                if before.and_then(Value::as_str).is_some_and(|text| text.trim().replace("\r\n", "\n") == *typed) =>
            {
                None
            }
            Some(value) => Some(PatchOperation::replace(pointer(&field.name), value.clone())),
        }
    };
    fields.iter().filter(|field| field.name != CURRENT).filter_map(operation).collect()
}

fn pointer(name: &str) -> Pointer {
    Pointer::from_tokens([name])
}

/// The code of a mail to the new address was typed.
async fn confirm_mail(at: &At<'_>, fields: Vec<Field>) -> Outcome {
    let visit = at.visit;
    let Some(code) = visit.form.filled("code").map(str::trim).filter(|code| !code.is_empty()) else {
        return again(at, fields, vec![Problem::of("code", Words::message("error-code-missing"))], 400).await;
    };
    let typed = visit.form.filled(CURRENT_OF_CODE).map(|typed| Zeroizing::new(typed.to_owned()));
    let proof = at.proof(typed.as_ref().map(|typed| typed.as_str()));
    match visit.actor().confirm_mail_change(code, proof).await {
        Ok(()) => Ok(see_other("/account/profile?done=mail-confirmed")),
        Err(error) => match at.unproven(&error, CURRENT_OF_CODE) {
            Some(problem) => again(at, fields, vec![problem], 403).await,
            None => refused(at, fields, error).await,
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
        let [way, dead_end] = confirm::samples();
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
            ("password-none", Self { closed: true, confirm: Some(way.clone()), first: true, ..page("password", Vec::new()) }),
            (
                "mail-none",
                Self {
                    confirm: Some(dead_end),
                    closed: true,
                    first: true,
                    ..pending(false, vec![Problem::whole(Words::message(CONFIRM_FIRST))])
                },
            ),
            ("password-first", Self { confirmed: true, first: true, ..page("password", vec![new_password("password", &described)]) }),
            ("personal-none", Self { confirm: Some(way), first: true, ..page("personal", vec![text("givenName").required()]) }),
        ]
    }
}
