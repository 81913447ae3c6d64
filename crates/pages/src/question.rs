//! The page that asks what a stage asks.

use identity::PEOPLE;
use serde::Serialize;
use serde_json::{Value, json};

use crate::by_provider::{CLAIM, asks_for_proof, sends_code, takes_provider};
use crate::captcha::{Captcha, WIDGETS, Widget};
use crate::failure;
use crate::field::{self, Field, Kind, Problem};
use crate::page::Samples;
use crate::present::{self, CURRENT};
use crate::property::of_password;
use crate::provider::{self, Button};
use crate::requirements::{self, Document, Known};
use crate::step::{Draft, Step};
use crate::trouble;
use crate::visit::Visit;
use crate::way::{Purpose, encoded};
use crate::words::Words;

/// Seconds after which a mail may be asked for again.
const AGAIN_AFTER: i64 = 30;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Question {
    /// The process.
    pub process: String,
    /// What it is called.
    pub title: Words,
    /// The stage, as its answer names it.
    pub stage: String,
    /// Where in the stage.
    pub tag: String,
    /// The fields.
    pub fields: Vec<Field>,
    /// Terms, a declaration of consent.
    pub documents: Vec<Document>,
    /// What is wrong, for the summary.
    pub problems: Vec<Problem>,
    /// Names this form.
    pub at: String,
    /// The project's own words for the form: title, purpose, button.
    pub display: Option<Display>,
    /// Nothing is required, so it may be left out.
    pub skippable: bool,
    /// A mail was sent; it can be sent again, after so many seconds.
    pub again_after: Option<i64>,
    /// It was sent again just now.
    pub sent_again: bool,
    /// There is something to type.
    pub asks: bool,
    /// The path to post to.
    pub action: String,
    /// The widget of a captcha that stands in it.
    pub captcha: Option<Captcha>,
    /// Identity providers that can answer it.
    pub providers: Vec<Button>,
    /// The provider that filled it in.
    pub brought: String,
    /// An account here that may be the person's.
    pub claims: Option<Claims>,
    /// A code can be mailed to the address of that account.
    pub sends_code: bool,
}

/// An account that somebody who comes from an identity provider may have here.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Claims {
    /// Its address.
    pub mail: String,
    /// The provider they come from.
    pub provider: String,
}

/// The project's own words for a form (`uiConfig`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Display {
    /// `displayName`.
    pub title: Words,
    /// `purpose`.
    pub purpose: Words,
    /// `buttonText`.
    pub button: Words,
}

impl Question {
    /// The page of a step. `at` names it.
    pub(crate) fn of(visit: &Visit, step: &Step, at: &str) -> Self {
        let asked = |member: &str| step.asked.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let none = json!({});
        let requirements = step.asked.get("requirements").unwrap_or(&none);
        let mut fields = fields_of(visit, step);
        let mut problems = failure::of_requirements(requirements, &fields);
        problems.extend(trouble::said(visit));
        problems.extend(step.draft.iter().flat_map(|draft| draft.problems.clone()));
        let problems = field::fill(&mut fields, step.draft.as_ref().map(|draft| &draft.typed), problems);
        let tag = asked("tag");
        let waits = tag == "validateCode" && step.token.is_some();
        let display = Display::of(requirements);
        let file = visit.runtime.project.processes.iter().find(|file| file.name == step.process).map(|file| &file.value);
        let captcha = fields.iter().any(|field| field.kind == Kind::Captcha).then(|| Captcha::of(file));
        let required = fields.iter().any(|field| field.required);
        Self {
            title: title(visit, &step.process),
            process: step.process.clone(),
            stage: asked("type"),
            skippable: requirements.get("attributes").is_some() && !required,
            documents: requirements::documents(requirements),
            problems,
            at: at.to_owned(),
            display,
            again_after: waits.then(|| (step.began + AGAIN_AFTER - visit.now).clamp(0, AGAIN_AFTER)),
            sent_again: step.sent_again,
            asks: !fields.is_empty(),
            fields,
            tag,
            action: action(step),
            captcha,
            providers: providers(visit, step, at),
            sends_code: sends_code(&step.asked),
            brought: came_from(visit, step).filter(|_| requirements.get("registrationProperties").is_some()).unwrap_or_default(),
            claims: came_from(visit, step)
                .filter(|_| asks_for_proof(step))
                .map(|provider| Claims { mail: requirements.get("mail").and_then(Value::as_str).unwrap_or_default().to_owned(), provider }),
        }
    }

    /// The template for it: the stage's own, where there is one.
    pub(crate) fn template(&self, visit: &Visit) -> String {
        let plain = !self.stage.is_empty() && self.stage.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let own = format!("stages/{}.html", self.stage);
        if plain && visit.look.templates.has(&own) { own } else { "process.html".to_owned() }
    }
}

/// What the provider is called that somebody came from, once a stage was told.
fn came_from(visit: &Visit, step: &Step) -> Option<String> {
    let text = step.brought.as_deref().filter(|_| step.told)?;
    let from = visit.attempt().elsewhere(text)?;
    visit.runtime.social.get(&from.provider).map(|provider| provider.label().to_owned())
}

/// The providers that can answer a step: all of them, or those with which an account can be shown to be one's own.
fn providers(visit: &Visit, step: &Step, at: &str) -> Vec<Button> {
    let proves = asks_for_proof(step) && step.told;
    if !takes_provider(visit, &step.process, &step.asked) || (step.told && !proves) {
        return Vec::new();
    }
    let purpose = Purpose::Step { process: step.process.clone(), at: at.to_owned() }.query();
    let given = given(step);
    let mut buttons = visit.buttons(&if given.is_empty() { purpose } else { format!("{purpose}&{given}") });
    if proves {
        let listed = step.asked.pointer("/requirements/definitions/providers/items/oneOf").and_then(Value::as_array);
        let listed: Vec<&str> = listed.into_iter().flatten().filter_map(|one| one.get("provider")?.as_str()).collect();
        buttons.retain(|button| listed.contains(&button.name.as_str()));
    }
    buttons
}

/// Where the form goes.
fn action(step: &Step) -> String {
    let query = given(step);
    format!("/selfservice/{}{}{query}", step.process, if query.is_empty() { "" } else { "?" })
}

/// What the page was opened with, as a query: before the first submission every way from it takes that along.
fn given(step: &Step) -> String {
    let given = step.given.iter().filter(|_| step.token.is_none());
    let pairs = given.filter_map(|(name, value)| Some(format!("{}={}", encoded(name), encoded(value.as_str()?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// What a process is called: in our own words where it is a usual one, else by its name.
pub(crate) fn title(visit: &Visit, process: &str) -> Words {
    let key = format!("process-{process}");
    let plain = process.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && visit.look.languages.has(&visit.language, &key) { Words::message(&key) } else { Words::theirs(spaced(process)) }
}

/// `inviteColleague` as `Invite colleague`.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        match letter {
            '-' | '_' => text.push(' '),
            _ if letter.is_uppercase() && !text.is_empty() => {
                text.push(' ');
                text.extend(letter.to_lowercase());
            }
            _ if text.is_empty() => text.extend(letter.to_uppercase()),
            _ => text.push(letter),
        }
    }
    text
}

/// The fields of a step, without anything typed.
pub(crate) fn fields_of(visit: &Visit, step: &Step) -> Vec<Field> {
    let runtime = &visit.runtime;
    let file = runtime.project.processes.iter().find(|file| file.name == step.process).map(|file| &file.value);
    let query_fields = file.map(query_fields).unwrap_or_default();
    let collection = collection_of(visit, &step.process);
    let asked = step.asked.get("type").and_then(Value::as_str).unwrap_or_default();
    let usual = if asked == "resetStage" { "selfservice/reset" } else { "selfservice/registration" };
    // These are about one collection each, which need not be that of the process.
    let is_usual = runtime.policies.collection_of(usual) == collection;
    let password = || of_password(&runtime.policies, if is_usual { usual } else { &collection });
    let known = Known {
        locales: &visit.locales,
        default_locale: &runtime.services.default_locale,
        query_fields,
        schema: runtime.schemas.get(&collection),
        password: &password,
    };
    let mut fields = requirements::fields(step.asked.get("requirements").unwrap_or(&Value::Null), &known);
    if step.told && runtime.social_module().is_some() && step.asked.pointer("/requirements/registrationProperties").is_some() {
        // Whoever signs in with a provider may do without (ADR 36).
        fields.iter_mut().filter(|field| field.place == "user/password").for_each(|field| field.required = false);
    }
    let lacking = |draft: &Draft| draft.problems.iter().any(|problem| problem.field == CURRENT);
    // A form that sets a password is the one that a stage of the process wants it with.
    let sets = fields.iter().any(|field| field.kind == Kind::Password);
    let needed = runtime.processes.get(&step.process).is_some_and(|process| process.wants_present_password());
    let asks = (sets && needed) || visit.form.has(CURRENT) || step.draft.as_ref().is_some_and(lacking);
    if asks { present::with_current(fields) } else { fields }
}

/// The stages of a process file, nested ones too.
fn stages(file: &Value) -> impl Iterator<Item = &Value> {
    file.get("stageConfigs").and_then(Value::as_array).into_iter().flatten()
}

/// The properties that the process finds accounts by.
fn query_fields(file: &Value) -> Vec<String> {
    let listed = stages(file).find_map(|stage| stage.get("validQueryFields"));
    match listed {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(|name| name.trim_start_matches('/').to_owned()).collect(),
        Some(Value::String(name)) => vec![name.trim_start_matches('/').to_owned()],
        _ => Vec::new(),
    }
}

/// The collection of a process's people.
pub(crate) fn collection_of(visit: &Visit, process: &str) -> String {
    let file = visit.runtime.project.processes.iter().find(|file| file.name == process).map(|file| &file.value);
    let mut named = file.into_iter().flat_map(stages).filter_map(|stage| stage.get("identityServiceUrl")?.as_str());
    named.next().map_or_else(|| PEOPLE.to_owned(), |collection| collection.trim_matches('/').to_owned())
}

/// Texts that stand where a project says nothing, and those of the usual processes as they are delivered. A project that left one has it in
/// every language of ours.
const USUAL: [(&str, &str); 12] = [
    ("Complete your profile", "complete-your-profile"),
    ("Please fill in what is missing.", "fill-in-what-is-missing"),
    ("Save", "save"),
    ("Update your security questions", "update-questions"),
    ("Please review and update your security questions", "update-questions-lead"),
    ("Update", "update"),
    ("We have updated our terms", "updated-terms"),
    ("We've updated our terms", "updated-terms"),
    ("You must accept the updated terms in order to proceed.", "updated-terms-lead"),
    ("Accept", "accept"),
    ("Add your telephone number", "add-telephone"),
    ("Help us verify your identity", "add-telephone-lead"),
];

impl Display {
    fn of(requirements: &Value) -> Option<Self> {
        let texts = requirements.get("uiConfig")?.as_object().filter(|texts| !texts.is_empty())?;
        let words = |name: &str| match texts.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            Some(text) => match USUAL.iter().find(|(usual, _)| *usual == text) {
                Some((_, key)) => Words::message(key),
                None => Words::theirs(text),
            },
            None => Words::default(),
        };
        Some(Self { title: words("displayName"), purpose: words("purpose"), button: words("buttonText") })
    }
}

impl Samples for Question {
    fn samples() -> Vec<(&'static str, Self)> {
        let password = || {
            json!({"name": "password", "policies": [
                {"policyRequirements": ["MIN_LENGTH"], "params": {"minLength": 8}},
                {"policyRequirements": ["AT_LEAST_X_NUMBERS"], "params": {"numNums": 1}},
            ]})
        };
        let known = |query: &[&str]| Known {
            locales: &[],
            default_locale: "en",
            query_fields: query.iter().map(|name| (*name).to_owned()).collect(),
            schema: None,
            password: &password,
        };
        let page = |process: &str, stage: &str, tag: &str, requirements: &Value| {
            let fields = requirements::fields(requirements, &known(&["userName", "mail"]));
            Self {
                process: process.to_owned(),
                title: Words::message(&format!("process-{process}")),
                stage: stage.to_owned(),
                tag: tag.to_owned(),
                documents: requirements::documents(requirements),
                display: Display::of(requirements),
                at: "sample".to_owned(),
                asks: !fields.is_empty(),
                fields,
                action: format!("/selfservice/{process}"),
                ..Self::default()
            }
        };
        let captcha = |widget: &'static Widget| {
            let asked = json!({"properties": {"response": {"recaptchaSiteKey": "key"}}});
            Self { captcha: Some(Captcha::from(widget)), ..page("registration", "captcha", "initial", &asked) }
        };
        let with_current = |process: &str, stage: &str, requirements: &Value| {
            let page = page(process, stage, "initial", requirements);
            Self { fields: present::with_current(page.fields), ..page }
        };
        let text = |name: &str| json!({"properties": {name: {"type": "string"}}, "required": [name]});
        let wrong = |mut page: Self, field: &str, key: &str| {
            page.problems = field::fill(&mut page.fields, None, vec![Problem::of(field, Words::message(key))]);
            page
        };
        let details = json!({
            "registrationProperties": {"required": ["userName", "mail"], "properties": {
                "userName": {"title": "Username", "type": "string"}, "givenName": {"title": "First Name", "type": "string"},
                "mail": {"title": "Email Address", "type": "string"}, "badge": {"title": "Badge <value>", "type": "integer"},
            }},
            "registrationPreferences": {"updates": {"description": "Send me news and updates", "type": "boolean"}},
            "properties": {"user": {"type": "object", "default": {}}, "accept": {"type": "string"}, "kba": {"minItems": 2, "questions": [
                {"id": "1", "question": {"en": "Where did you grow up?", "de": "Wo sind Sie aufgewachsen?"}},
            ]}},
            "required": ["user", "accept", "kba"],
            "terms": "<h2>Terms</h2><p>Be kind.</p>",
        });
        let code = Self { again_after: Some(30), ..page("reset", "emailValidation", "validateCode", &text("code")) };
        let generic = json!({"required": ["colour"], "properties": {
            "colour": {"type": "string", "enum": ["red", "green"], "title": "Colour"}, "note": {"type": "string", "description": "Note"},
            "fragile": {"type": "boolean", "title": "Fragile"}, "tags": {"type": "array", "title": "Tags", "items": {"enum": ["a", "b"]}},
        }});
        let attributes = json!({"attributes": [{"name": "city", "isRequired": false, "value": "Oslo", "schema": {"type": "string", "title": "City"}}],
            "uiConfig": {"displayName": "Complete your profile", "purpose": "Please fill in what is missing.", "buttonText": "Save"}});
        let answers = json!({"properties": {"answer1": {"systemQuestion": {"en": "Where did you grow up?"}}}, "required": ["answer1"]});
        let proof = json!({"properties": {"password": {}, "clientToken": {}}, "required": ["password"], "mail": "bjensen@example.com"});
        let claims = Claims { mail: "bjensen@example.com".to_owned(), provider: "Acme".to_owned() };
        let claim = Self { claims: Some(claims), ..page(CLAIM, CLAIM, "verifyProfile", &proof) };
        vec![
            ("find-account", page("reset", "userQuery", "initial", &text("queryFilter"))),
            ("find-account-empty", wrong(page("username", "userQuery", "initial", &text("queryFilter")), "who", "error-missing")),
            ("mail", page("registration", "emailValidation", "initial", &text("mail"))),
            ("code-wrong", wrong(code.clone(), "code", "error-code-wrong")),
            ("code", code),
            ("answers", page("reset", "kbaSecurityAnswerVerificationStage", "initial", &answers)),
            ("password", page("reset", "resetStage", "initial", &text("password"))),
            ("password-of-a-session", with_current("reset", "resetStage", &text("password"))),
            ("password-weak", wrong(page("reset", "resetStage", "initial", &text("password")), "password", "error-password-missing")),
            ("details", page("registration", "allInOneRegistration", "initial", &details)),
            ("details-wrong", wrong(page("registration", "idmUserDetails", "initial", &details), "user.userName", "policy-UNIQUE")),
            (
                "terms",
                page(
                    "termsAndConditions",
                    "termsAndConditions",
                    "initial",
                    &json!({"properties": {"accept": {}}, "terms": "<p>Be kind.</p>"}),
                ),
            ),
            (
                "consent",
                page("registration", "consent", "initial", &json!({"properties": {"consentGiven": {}}, "consent": "<p>May we?</p>"})),
            ),
            (
                "registration-providers",
                Self { providers: provider::samples(), ..page("registration", "idmUserDetails", "initial", &details) },
            ),
            ("registration-brought", Self { brought: "Acme".to_owned(), ..page("registration", "idmUserDetails", "initial", &details) }),
            (
                "claim-start",
                Self { providers: provider::samples(), ..page(CLAIM, CLAIM, "initial", &json!({"properties": {"clientToken": {}}})) },
            ),
            ("claim", claim.clone()),
            ("claim-by-mail", Self { sends_code: true, ..claim.clone() }),
            ("claim-by-mail-alone", Self { sends_code: true, fields: Vec::new(), asks: false, ..claim.clone() }),
            (
                "claim-code",
                Self { claims: claim.claims.clone(), again_after: Some(30), ..page(CLAIM, CLAIM, "validateCode", &text("code")) },
            ),
            ("claim-wrong", wrong(claim.clone(), "", "claim-wrong-password")),
            ("claim-elsewhere", Self { providers: provider::samples(), fields: Vec::new(), asks: false, ..claim }),
            ("captcha-g", captcha(&WIDGETS[0])),
            ("captcha-h", captcha(&WIDGETS[1])),
            ("captcha-cf", captcha(&WIDGETS[2])),
            ("profile", Self { skippable: true, ..page("profile", "conditionaluser", "initial", &attributes) }),
            ("generic", page("reset", "somethingNew", "initial", &generic)),
        ]
    }
}
