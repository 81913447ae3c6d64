//! `/selfservice/<process>`: a process from its first question to its end.
//!
//! Easiest to get wrong: a GET changes nothing, and neither does a form that a machine sends: what a mailed link leads to waits for the press of
//! a button that has a value of its own. The token is in no address but the link's, which leaves it with the first answer.

use accounts::access::Decision;
use accounts::{AccountError, Limited, Runtime};
use http::StatusCode;
use process::{FactKind, Process, Standing};
use project::Feature;
use serde_json::{Map, Value, json};
use stages::Services;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::answer::see_other;
use crate::browser::random_name;
use crate::by_provider::{CLAIM, SEND_CODE, asks_for_proof, sends_code, takes_provider, with_provider};
use crate::captcha::Captcha;
use crate::dead_end::{DeadEnd, Why};
use crate::ending;
use crate::failure;
use crate::field::{self, Problem};
use crate::form::Form;
use crate::interrupted::to_sign_in;
use crate::link::ConfirmLink;
use crate::present::{self, CURRENT};
use crate::question::{Question, fields_of};
use crate::requirements::restore;
use crate::session;
use crate::signed_in::SignedInAlready;
use crate::step::{Draft, KEPT, MOST, Outcome as Led, Step, again_after};
use crate::trouble::{Trouble, told};
use crate::visit::{Outcome, Visit};
use crate::way::{HOME, Purpose, encoded};
use crate::words::Words;

/// The process in which they register.
const REGISTRATION: &str = "registration";

/// GET and POST of a short address, whose path is the name of a process.
pub(crate) async fn short(visit: &Visit) -> Outcome {
    let name = visit.parts.uri.path().trim_matches('/');
    if visit.is_post() { post(visit, name).await } else { get(visit, name).await }
}

/// GET and POST of a process.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if visit.is_post() { post(visit, visit.segment()).await } else { get(visit, visit.segment()).await }
}

/// The process, where whoever asks may go through it.
async fn found(visit: &Visit, name: &str) -> Result<Arc<Process<Services>>, DeadEnd> {
    let runtime: &Runtime = &visit.runtime;
    let off = Feature::of_process(name).is_some_and(|feature| runtime.project.ui_configuration.flag(feature) == Some(false));
    let declared = runtime.project.processes.iter().any(|file| file.name == name);
    if off && declared {
        return Err(DeadEnd::new(Why::Off).of_process(name));
    }
    let Some(process) = runtime.processes.get(name) else {
        return Err(DeadEnd::new(if declared { Why::Busy } else { Why::NotFound }));
    };
    let owed =
        visit.principal.pending.as_ref().is_some_and(|owing| !owing.processes.iter().any(|path| path.ends_with(&format!("/{name}"))));
    let allowed = visit.decide(&format!("selfservice/{name}"), "action", Some("submitRequirements"), None).await == Decision::Allowed;
    if !allowed || (owed && process.binds_session()) {
        return Err(DeadEnd::new(Why::Forbidden).of_process(name));
    }
    Ok(Arc::clone(process))
}

async fn get(visit: &Visit, name: &str) -> Outcome {
    let process = match found(visit, name).await {
        // Whoever must sign in for it comes back to it.
        Err(end) if end.why == Why::Forbidden && !visit.is_signed_in() => return signs_in_first(visit, name).await,
        other => other?,
    };
    if process.binds_session() && !visit.is_signed_in() {
        return signs_in_first(visit, name).await;
    }
    if let Some(token) = visit.query.filled("token") {
        return Ok(see_other(&opened(visit, name, token).await?));
    }
    match visit.query.filled("at") {
        Some(at) => step(visit, &process, at).await,
        None => first(visit, &process).await,
    }
}

/// To the sign-in, and back to where they are: to what a link brought, to a step, or to the beginning with what it is given.
async fn signs_in_first(visit: &Visit, name: &str) -> Outcome {
    let to = match visit.query.filled("token") {
        Some(token) => opened(visit, name, token).await?,
        None => visit.here(),
    };
    Ok(see_other(&format!("/sign-in?to={}", encoded(&to))))
}

/// A mailed link was opened. What it brought is kept for this browser, under the address that is given back: the one that it came in is left at once.
async fn opened(visit: &Visit, name: &str, token: &str) -> Result<String, DeadEnd> {
    let code = visit.query.filled("code").map(str::to_owned);
    let opened = Step { process: name.to_owned(), token: Some(token.to_owned()), code, began: visit.now, ..Step::default() };
    let at = random_name(&visit.accounts);
    if token.len() <= MOST {
        visit.counted().map_err(AccountError::from)?;
        visit.keep(&at, &opened, KEPT).await?;
    }
    Ok(format!("/selfservice/{name}?at={at}"))
}

/// The first question, without any effect.
async fn first(visit: &Visit, process: &Process<Services>) -> Outcome {
    if let Some(refused) = already(visit, process, "")? {
        return Ok(refused);
    }
    let step = beginning(visit, process, &visit.query).await?;
    let at = random_name(&visit.accounts);
    if step.asked.is_null() {
        return ending::nothing_asked(visit, &process.name);
    }
    shown(visit, &step, &at, StatusCode::OK)
}

/// The step before the first submission. `source` is where `returnParams` and their like stand.
async fn beginning(visit: &Visit, process: &Process<Services>, source: &Form) -> Result<Step, DeadEnd> {
    let given = given(visit, process, source);
    let asked = visit.runtime.engine.opening(process, &visit.caller(), &given).await?;
    Ok(Step { process: process.name.clone(), asked: asked.unwrap_or_default(), given, began: visit.now, ..Step::default() })
}

/// What the first stage is given beside what is typed.
fn given(visit: &Visit, process: &Process<Services>, source: &Form) -> Map<String, Value> {
    let value = |name: &str| source.filled(name).filter(|value| value.len() <= MOST).map(|value| (name.to_owned(), json!(value)));
    visit.parameters(&process.name).filter_map(value).collect()
}

/// The step that somebody leaves for an identity provider. Of a first question nothing is kept, but what its page was opened with must be there
/// when they come back.
pub(crate) async fn left(visit: &Visit, name: &str, at: String) -> Result<String, DeadEnd> {
    let is_bare = visit.query.only(|name| !["process", "at"].contains(&name)).len() == 0;
    if is_bare || visit.kept::<Step>(&at).await?.is_some_and(|step| step.process == name) {
        return Ok(at);
    }
    let process = found(visit, name).await?;
    let step = beginning(visit, &process, &visit.query).await?;
    if step.given.is_empty() {
        return Ok(at);
    }
    visit.counted().map_err(AccountError::from)?;
    let at = random_name(&visit.accounts);
    visit.keep(&at, &step, KEPT).await?;
    Ok(at)
}

/// A step that was kept.
async fn step(visit: &Visit, process: &Process<Services>, at: &str) -> Outcome {
    let Some(step) = visit.kept::<Step>(at).await?.filter(|step| step.process == process.name) else {
        // Nothing is kept of a first question. Whoever went from it to an identity provider, and came back with nothing, is asked it again.
        return if visit.query.has("trouble") {
            first(visit, process).await
        } else {
            Err(DeadEnd::new(Why::Forgotten).of_process(&process.name))
        };
    };
    if let Some(ended) = &step.ended {
        return ending::shown(visit, &step, ended);
    }
    let step = asked_now(visit, process, step).await?;
    stands(visit, process, &step).await?;
    if let Some(refused) = already(visit, process, at)? {
        return Ok(refused);
    }
    if step.asked.is_null() && step.token.is_none() && step.code.is_none() {
        return ending::nothing_asked(visit, &process.name);
    }
    if step.asked.is_null() {
        return visit.page(StatusCode::OK, &ConfirmLink::of(visit, &step, at));
    }
    let status = step.draft.as_ref().map_or(200, |draft| draft.status);
    shown(visit, &step, at, StatusCode::from_u16(status).unwrap_or(StatusCode::OK))
}

/// A step as it is asked now. Of a first question nothing is kept but what was typed into it, by somebody who had to sign in once more: it is asked
/// anew. What somebody else typed is not shown.
async fn asked_now(visit: &Visit, process: &Process<Services>, step: Step) -> Result<Step, DeadEnd> {
    let is_first = step.asked.is_null() && step.token.is_none() && step.draft.is_some();
    let draft = step.draft.clone().and_then(|draft| visit.owned(draft));
    let step = if is_first { beginning(visit, process, &Form::of_texts(&step.given)).await? } else { step };
    Ok(Step { draft, ..step })
}

/// Somebody whose session has ended meanwhile sent a form that they must be signed in for.
async fn interrupted(visit: &Visit, process: &Process<Services>) -> Outcome {
    let name = &process.name;
    let kept: Option<Step> = visit.kept(visit.form.get("at")).await?.filter(|step: &Step| step.process == *name && step.ended.is_none());
    let step = match kept {
        Some(step) if step.asked.is_null() => step,
        Some(step) => {
            let fields = fields_of(visit, &step);
            let typed = visit.form.only(|name| fields.iter().any(|field| field.keeps(name)));
            Step { draft: Some(visit.interrupted_draft(typed)), ..step }
        }
        None => {
            let (draft, given) = (visit.interrupted_draft(visit.typed_by_nobody()), given(visit, process, &visit.query));
            Step { process: name.clone(), given, draft: Some(draft), began: visit.now, ..Step::default() }
        }
    };
    if step.draft.as_ref().is_some_and(|draft| draft.typed.len() > MOST) {
        return Ok(to_sign_in(&format!("/selfservice/{name}")));
    }
    visit.counted().map_err(AccountError::from)?;
    let at = random_name(&visit.accounts);
    visit.keep(&at, &step, KEPT).await?;
    Ok(to_sign_in(&format!("/selfservice/{name}?at={at}")))
}

/// Ends the way where the token is not good any more.
async fn stands(visit: &Visit, process: &Process<Services>, step: &Step) -> Result<(), DeadEnd> {
    let Some(token) = &step.token else { return Ok(()) };
    let definitions = visit.accounts.definitions.as_ref();
    let why = match visit.runtime.engine.standing(definitions, &process.name, token, &visit.caller()).await? {
        Standing::Open => return Ok(()),
        Standing::Foreign => Why::Foreign,
        Standing::Expired => Why::Expired,
        Standing::Spent => Why::Used,
        Standing::Changed => Why::Changed,
    };
    Err(DeadEnd::new(why).of_process(&process.name))
}

/// Whoever is signed in is not somebody who forgot the password, and has an account.
fn already(visit: &Visit, process: &Process<Services>, at: &str) -> Result<Option<axum::response::Response>, DeadEnd> {
    let is_for_strangers = Feature::of_process(&process.name).is_some() || finds_or_makes_an_account(process);
    if !visit.is_signed_in() || !is_for_strangers {
        return Ok(None);
    }
    visit.page(StatusCode::OK, &SignedInAlready::of(visit, &process.name, at)).map(Some)
}

/// Whether a process is about an account that somebody names or is given in it, whoever is signed in.
fn finds_or_makes_an_account(process: &Process<Services>) -> bool {
    let is_of_an_account = |kind: &FactKind| matches!(kind, FactKind::Named | FactKind::Created);
    !process.binds_session()
        && process.stages.iter().any(|placed| placed.facts.gives.iter().chain(&placed.facts.may_give).any(is_of_an_account))
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the function of a page returns")]
fn shown(visit: &Visit, step: &Step, at: &str, status: StatusCode) -> Outcome {
    let question = Question::of(visit, step, at);
    let template = question.template(visit);
    let sources = question.captcha.as_ref().map(Captcha::sources);
    Ok(again_after(visit.page_by(status, &question, &template, sources.as_deref()), step.draft.as_ref()))
}

async fn post(visit: &Visit, name: &str) -> Outcome {
    let found = found(visit, name).await;
    let is_for_others = match &found {
        Ok(process) => process.binds_session(),
        Err(end) => end.why == Why::Forbidden,
    };
    if is_for_others
        && visit.is_interrupted()
        && let Some(process) = visit.runtime.processes.get(name)
    {
        return interrupted(visit, process).await;
    }
    let process = found?;
    if process.binds_session() && !visit.is_signed_in() {
        return Err(DeadEnd::new(Why::OldForm).of_process(name));
    }
    let at = visit.form.get("at").to_owned();
    let turn = visit.own(&at);
    let _turn = visit.clicks.turn(&turn).await;
    // The same form, sent twice, leads to where it led.
    let led: Option<Led> = visit.kept(&format!("led/{at}")).await?;
    if let Some(led) = led.filter(|_| visit.genuine) {
        if let Some(cookie) = &led.session {
            session::set(visit, cookie);
        }
        return Ok(see_other(&led.to));
    }
    let kept: Option<Step> = visit.kept(&at).await?.filter(|step: &Step| step.process == name && step.ended.is_none());
    let step = match kept {
        Some(step) => asked_now(visit, &process, step).await?,
        None => beginning(visit, &process, &visit.query).await?,
    };
    if !visit.genuine {
        return again(visit, &step, vec![Problem::whole(Words::message("error-old-form"))], 403, None).await;
    }
    if let Some(refused) = already(visit, &process, &at)? {
        return Ok(refused);
    }
    if visit.form.has("again") {
        return send_again(visit, &process, &step, &at).await;
    }
    let input = if step.asked.is_null() {
        // Opening a link does nothing, and neither does a form that nobody pressed the button of.
        match (&step.code, visit.form.filled("code").map(str::trim).filter(|code| !code.is_empty())) {
            (_, Some(typed)) => Map::from_iter([("code".to_owned(), json!(typed))]),
            (Some(code), None) if visit.form.get("confirm") == "yes" => Map::from_iter([("code".to_owned(), json!(code))]),
            (None, None) if step.token.is_none() => return ending::nothing_asked(visit, name),
            _ => {
                stands(visit, &process, &step).await?;
                let page = ConfirmLink::of(visit, &step, &at);
                if visit.form.has("code") {
                    return visit
                        .page(StatusCode::BAD_REQUEST, &page.asks(|_| vec![Problem::of("code", Words::message("error-code-missing"))]));
                }
                return visit.page(StatusCode::OK, &page);
            }
        }
    } else {
        let fields = fields_of(visit, &step);
        let skips = visit.form.has("skip");
        match field::read(&fields, &visit.form) {
            _ if skips => Map::new(),
            _ if visit.form.has(SEND_CODE) && sends_code(&step.asked) => Map::from_iter([(SEND_CODE.to_owned(), true.into())]),
            Ok(input) => restore(input),
            Err(problems) => match visit.counted() {
                Ok(()) => return again(visit, &step, problems, 400, None).await,
                Err(limited) => return too_often(visit, &step, &limited).await,
            },
        }
    };
    submit(visit, &process, &step, &at, input).await
}

/// Asks for the mail with the code once more.
async fn send_again(visit: &Visit, process: &Process<Services>, step: &Step, at: &str) -> Outcome {
    let Some(token) = &step.token else { return Err(DeadEnd::new(Why::Forgotten).of_process(&process.name)) };
    match visit.actor().send_again(process, token, &visit.caller()).await {
        Ok(submitted) => went_on(visit, process, step, at, &submitted.body, submitted.finished, true).await,
        Err(error) => refused(visit, process, step, error).await,
    }
}

async fn submit(visit: &Visit, process: &Process<Services>, step: &Step, at: &str, mut input: Map<String, Value>) -> Outcome {
    let (actor, caller) = (visit.actor(), visit.caller());
    // It is the person's own proof, and no part of what the stage asked.
    input.shift_remove(CURRENT);
    let typed = present::typed(visit);
    let password = typed.as_ref().map(|typed| typed.as_str());
    let input = Value::Object(input);
    let token = step.token.clone().map(Value::String);
    let begins = process.stages.first().is_some_and(|placed| placed.stage.name() == "parameters");
    let submitted = if token.is_none() && begins {
        // The stage that takes what a link brought along, and then the one that was shown.
        actor.begin(process, &Value::Object(step.given.clone()), &input, (&caller, password)).await
    } else {
        actor.submit(process, token.as_ref(), Some(&input), (&caller, password)).await
    };
    match submitted {
        Ok(submitted) => went_on(visit, process, step, at, &submitted.body, submitted.finished, false).await,
        Err(error) => refused(visit, process, step, error).await,
    }
}

/// The next question, or the end.
async fn went_on(
    visit: &Visit,
    process: &Process<Services>,
    step: &Step,
    at: &str,
    body: &Value,
    finished: bool,
    sent_again: bool,
) -> Outcome {
    if finished {
        let claimed = body.pointer("/additions/claimedProfile").is_some();
        return match &step.brought {
            // Nobody here is meant by it: a new person.
            Some(text) if process.name == CLAIM && !claimed => registers(visit, text.clone(), step.given.clone()).await,
            brought => ending::reached(visit, &process.name, at, body, brought.as_deref()).await,
        };
    }
    let token = body.get("token").and_then(Value::as_str).map(str::to_owned);
    let asked = json!({"type": body.get("type"), "tag": body.get("tag"), "requirements": body.get("requirements")});
    let failed = asked.pointer("/requirements/error").is_some();
    let mut next = Step { process: process.name.clone(), token, asked, began: visit.now, sent_again, ..Step::default() };
    (next.brought, next.told, next.given) = (step.brought.clone(), step.told, step.given.clone());
    if let Some(text) = next.brought.clone().filter(|_| !failed && !next.told && takes_provider(visit, &process.name, &next.asked)) {
        return tell(visit, process, next, at, text).await;
    }
    if failed {
        next.draft = Some(Draft::of(visit, &fields_of(visit, &next), Vec::new(), 400));
    } else if !sent_again && !step.telling && next.asked == step.asked {
        // Asked again what was answered: something that is needed was left out.
        let fields = fields_of(visit, &next);
        next.draft = Some(Draft::of(visit, &fields, vec![Problem::whole(Words::message("error-something-missing"))], 400));
    }
    let at = random_name(&visit.accounts);
    visit.keep(&at, &next, KEPT.max(process.token.lifetime.saturating_add(KEPT))).await?;
    Ok(see_other(&format!("/selfservice/{}?at={at}", process.name)))
}

/// The submission was refused: the same form again, with what is wrong; or the end of the way, where the token is not good any more.
async fn refused(visit: &Visit, process: &Process<Services>, step: &Step, error: AccountError) -> Outcome {
    if let AccountError::Limited(limited) = &error {
        return too_often(visit, step, limited).await;
    }
    stands(visit, process, step).await?;
    if let Some(problem) = present::problem(&error).filter(|_| !step.asked.is_null() && process.binds_session()) {
        return again(visit, step, vec![problem], 403, None).await;
    }
    let error = crest::ResourceError::from(error);
    if step.telling {
        return refused_provider(visit, process, step, error);
    }
    match error.code {
        503 => again(visit, step, vec![Problem::whole(Words::message("error-busy"))], 503, Some(5)).await,
        429 => {
            let seconds = error.retry_after.unwrap_or(60);
            again(visit, step, vec![failure::later(seconds)], 429, Some(seconds)).await
        }
        500.. => {
            tracing::warn!(transaction.id = visit.transaction, %error, "a page could not be served");
            Err(DeadEnd::new(Why::Failed))
        }
        _ if step.asked.is_null() => {
            let page = ConfirmLink::of(visit, step, visit.form.get("at"));
            visit.page(StatusCode::BAD_REQUEST, &page.asks(|fields| failure::problems(&error, fields)))
        }
        _ => again(visit, step, failure::problems(&error, &fields_of(visit, step)), 400, None).await,
    }
}

/// A stage does not take what somebody comes with from an identity provider.
fn refused_provider(visit: &Visit, process: &Process<Services>, step: &Step, error: crest::ResourceError) -> Outcome {
    let text = step.brought.as_deref().unwrap_or_default();
    let provider = visit.attempt().elsewhere(text).map(|one| one.provider);
    let enter = Purpose::Enter { to: HOME.to_owned() };
    let trouble = match (error.code, &provider) {
        (400 | 409, None) => Trouble::OLD,
        // Whoever it is linked to would have been signed in.
        (409, Some(_)) => Trouble::CLOSED,
        // More than one account is meant.
        (400, Some(_)) if process.name == CLAIM => Trouble::STRANGER,
        _ => return Err(DeadEnd::from(error).of_process(&process.name)),
    };
    let named = provider.or_else(|| visit.runtime.social.iter().next().map(|one| one.name.clone())).unwrap_or_default();
    told(&enter, &named, trouble)
}

/// What a function here gives back that may lead to itself.
type Going<'v> = Pin<Box<dyn Future<Output = Outcome> + Send + 'v>>;

/// Answers a question with the account elsewhere.
fn tell<'v>(visit: &'v Visit, process: &'v Process<Services>, step: Step, at: &'v str, text: String) -> Going<'v> {
    Box::pin(async move {
        let input = Map::from_iter([("clientToken".to_owned(), json!(text))]);
        let step = Step { brought: Some(text), told: true, telling: true, ..step };
        submit(visit, process, &step, at, input).await
    })
}

/// Somebody comes from an identity provider, and the account there is linked to nobody here: they show that an account is theirs, or register. `given`
/// is what the page was opened with that they came from.
pub(crate) async fn comes(visit: &Visit, text: String, given: Map<String, Value>) -> Outcome {
    match found(visit, CLAIM).await {
        Ok(process) => begun(visit, &process, text, &given).await,
        Err(end) if is_closed(&end) => registers(visit, text, given).await,
        Err(end) => Err(end),
    }
}

fn is_closed(end: &DeadEnd) -> bool {
    matches!(end.why, Why::NotFound | Why::Off | Why::Forbidden)
}

/// They register, where that can be done with a provider.
fn registers(visit: &Visit, text: String, given: Map<String, Value>) -> Going<'_> {
    Box::pin(async move {
        let process = match found(visit, REGISTRATION).await {
            Ok(process) if with_provider(visit, REGISTRATION) => process,
            Err(end) if !is_closed(&end) => return Err(end),
            _ => {
                let provider = visit.attempt().elsewhere(&text).map(|one| one.provider).unwrap_or_default();
                return told(&Purpose::Enter { to: HOME.to_owned() }, &provider, Trouble::STRANGER);
            }
        };
        begun(visit, &process, text, &given).await
    })
}

/// Begins a process with what somebody comes with.
async fn begun(visit: &Visit, process: &Process<Services>, text: String, given: &Map<String, Value>) -> Outcome {
    if let Some(refused) = already(visit, process, "")? {
        return Ok(refused);
    }
    let step = beginning(visit, process, &Form::of_texts(given)).await?;
    if takes_provider(visit, &process.name, &step.asked) {
        return tell(visit, process, step, "", text).await;
    }
    // Something else is asked first.
    let at = random_name(&visit.accounts);
    visit.counted().map_err(AccountError::from)?;
    visit.keep(&at, &Step { brought: Some(text), ..step }, KEPT).await?;
    Ok(see_other(&format!("/selfservice/{}?at={at}", process.name)))
}

/// Somebody who was asked something went to an identity provider, and is back.
pub(crate) async fn continues(visit: &Visit, (name, at): (&str, &str), text: String) -> Outcome {
    let process = found(visit, name).await?;
    let kept: Option<Step> = visit.kept::<Step>(at).await?.filter(|step| step.process == name && step.ended.is_none());
    let step = match kept {
        Some(step) => step,
        None => beginning(visit, &process, &Form::default()).await?,
    };
    stands(visit, &process, &step).await?;
    if step.told && asks_for_proof(&step) {
        // Another account, which shows that the one here is theirs.
        return submit(visit, &process, &step, at, Map::from_iter([("clientToken".to_owned(), json!(text))])).await;
    }
    if session::begin_by_provider(visit, &text).await?.is_some() {
        return Ok(see_other(HOME));
    }
    if step.token.is_none() && [REGISTRATION, CLAIM].contains(&name) {
        return comes(visit, text, step.given).await;
    }
    if !takes_provider(visit, name, &step.asked) {
        return Err(DeadEnd::new(Why::Forgotten).of_process(name));
    }
    tell(visit, &process, step, at, text).await
}

/// The same form, for later.
async fn too_often(visit: &Visit, step: &Step, limited: &Limited) -> Outcome {
    again(visit, step, vec![failure::too_often(visit, limited)], 429, Some(limited.retry_after)).await
}

/// The same form with what was typed and what is wrong with it.
async fn again(visit: &Visit, step: &Step, problems: Vec<Problem>, status: u16, retry_after: Option<u64>) -> Outcome {
    if step.asked.is_null() {
        return visit.page(
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            &ConfirmLink { problems, ..ConfirmLink::of(visit, step, visit.form.get("at")) },
        );
    }
    let draft = Draft::of(visit, &fields_of(visit, step), problems, status).retry_after(retry_after);
    let step = Step { draft: Some(draft.clone()), sent_again: false, ..step.clone() };
    if let Some(at) = visit.keep_draft(&draft, &step).await? {
        return Ok(see_other(&format!("/selfservice/{}?at={at}", step.process)));
    }
    let at = if visit.form.get("at").is_empty() { random_name(&visit.accounts) } else { visit.form.get("at").to_owned() };
    shown(visit, &step, &at, StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
}
