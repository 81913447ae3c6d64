//! One request of a browser, once it is known who sits before it.

use std::sync::{Arc, Mutex, PoisonError};

use accounts::access::{Asked, Decision, Question};
use accounts::{Accounts, Actor, Attempt, Principal, Runtime, Turns};
use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use process::Caller;
use serde_json::{Value, json};
use wire::client::Client;
use wire::parameters::decode_percent;

use crate::answer;
use crate::browser::Browser;
use crate::dead_end::DeadEnd;
use crate::form::Form;
use crate::language::direction;
use crate::look::Look;
use crate::operator::Operator;
use crate::page::Page;
use crate::way::{MOST as MOST_OF_AN_ADDRESS, encoded};

/// What a page answers.
pub(crate) type Outcome = Result<Response<Body>, DeadEnd>;

/// One request.
pub(crate) struct Visit {
    /// Everything faces share.
    pub(crate) accounts: Arc<Accounts>,
    /// What the console works on.
    pub(crate) operator: Arc<Operator>,
    /// The project.
    pub(crate) runtime: Arc<Runtime>,
    /// How its pages look.
    pub(crate) look: Arc<Look>,
    /// Lets the two requests of a double click follow one another.
    pub(crate) clicks: Arc<Turns>,
    /// From where.
    pub(crate) client: Client,
    /// Joins the events of the request.
    pub(crate) transaction: String,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Who it is; everybody's account before signing in.
    pub(crate) principal: Principal,
    /// The browser.
    pub(crate) browser: Browser,
    /// The session's cookie goes over https alone.
    pub(crate) secure: bool,
    /// The languages of the person, best first.
    pub(crate) locales: Vec<String>,
    /// The language of the page.
    pub(crate) language: String,
    /// The request itself.
    pub(crate) parts: Parts,
    /// The path's parts that vary.
    pub(crate) segments: Vec<String>,
    /// The query.
    pub(crate) query: Form,
    /// The form that was sent.
    pub(crate) form: Form,
    /// The form was made for this browser and session.
    pub(crate) genuine: bool,
    /// Cookies to be set.
    pub(crate) cookies: Mutex<Vec<HeaderValue>>,
}

impl Visit {
    /// The request, as far as accounts are concerned.
    pub(crate) fn attempt(&self) -> Attempt<'_> {
        Attempt {
            accounts: &self.accounts,
            runtime: &self.runtime,
            address: self.client.address,
            transaction: &self.transaction,
            now: self.now,
        }
    }

    /// The same, and who makes it.
    pub(crate) fn actor(&self) -> Actor<'_> {
        Actor { attempt: self.attempt(), principal: &self.principal }
    }

    /// Who asks, as stages may know.
    pub(crate) fn caller(&self) -> Caller {
        self.actor().caller(self.locales.clone())
    }

    /// Whether a form was sent.
    pub(crate) fn is_post(&self) -> bool {
        self.parts.method == Method::POST
    }

    /// Whether somebody has signed in.
    pub(crate) fn is_signed_in(&self) -> bool {
        !self.principal.is_anonymous()
    }

    /// The part of the path that varies.
    pub(crate) fn segment(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// What the project's access rules say of a request to the resource behind a page.
    pub(crate) async fn decide(&self, path: &str, method: &str, action: Option<&str>, body: Option<&Value>) -> Decision {
        let asked = Asked { path, method, action, body, replaces: false, target: None, by_expression: false, parameters: &[] };
        Question { runtime: &self.runtime, principal: &self.principal, asked }.decide().await
    }

    /// Whether they allow it, with the password again or without.
    pub(crate) async fn may(&self, path: &str, method: &str, action: Option<&str>) -> bool {
        self.decide(path, method, action, None).await != Decision::Denied
    }

    /// Sets a cookie with the answer.
    pub(crate) fn set_cookie(&self, cookie: Option<HeaderValue>) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).extend(cookie);
    }

    /// A page.
    #[expect(clippy::unnecessary_wraps, reason = "it is what the function of a page returns")]
    pub(crate) fn page<P: Page>(&self, status: StatusCode, page: &P) -> Outcome {
        Ok(self.page_by(status, page, P::TEMPLATE, None))
    }

    /// A page by a template of its own; `captcha` lists where the widget of a captcha comes from.
    pub(crate) fn page_by<P: Page>(&self, status: StatusCode, page: &P, template: &str, captcha: Option<&str>) -> Response<Body> {
        match self.look.render(self.surroundings(), page, template) {
            Ok(html) => answer::html(status, html, captcha),
            Err(fault) => {
                tracing::error!(file = fault.file, line = fault.line, "a built-in page cannot be shown: {}", fault.message);
                // Whoever reads this has not been told anything but the truth.
                answer::html(StatusCode::INTERNAL_SERVER_ERROR, "<!DOCTYPE html><title>Error</title><h1>Error</h1>".to_owned(), None)
            }
        }
    }

    /// What every page knows.
    fn surroundings(&self) -> Value {
        let look = &self.look;
        let languages: Vec<Value> = look
            .languages
            .tags()
            .map(|tag| json!({"tag": tag, "dir": direction(tag), "name": look.languages.plain(tag, "language-name", &[]), "current": tag == self.language}))
            .collect();
        let signed_in = self.is_signed_in();
        let person = signed_in.then(|| self.principal.own_path());
        json!({
            "language": self.language,
            "dir": direction(&self.language),
            "languages": languages,
            "brand": look.brand,
            "logo": look.logo(),
            "assets": {"style": look.assets.path("style.css"), "script": look.assets.path("page.js"), "icon": icon(look)},
            "form_token": self.browser.token(&self.accounts, self.principal.session.as_deref(), person.as_deref()),
            "here": self.here(),
            "account": if signed_in { self.principal.authentication_id.as_str() } else { "" },
            "pages_on": self.runtime.project.settings.pages.builtin,
            "owing": self.principal.pending.is_some(),
            "features": {
                "registration": self.runtime.feature_enabled("registration"),
                "reset": self.runtime.feature_enabled("passwordReset"),
                "username": self.runtime.feature_enabled("retrieveUsername"),
            },
        })
    }

    /// What the first stage of a process is given by the address of its page, by name.
    pub(crate) fn parameters(&self, process: &str) -> impl Iterator<Item = &str> {
        let file = self.runtime.project.processes.iter().find(|file| file.name == process);
        let names = file.and_then(|file| file.value.pointer("/stageConfigs/0/parameterNames")).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Where this page is, without what may only be known to it: its path, the step, where a sign-in leads, and what a process is given.
    pub(crate) fn here(&self) -> String {
        let path = self.parts.uri.path();
        let process = process_at(path);
        let given = process.iter().flat_map(|process| self.parameters(process));
        let known = ["at", "to"].into_iter().chain(given).filter(|name| !["token", "code"].contains(name));
        let pairs = known.filter_map(|name| Some(format!("{}={}", encoded(name), encoded(self.query.filled(name)?))));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() || path.len() + query.len() >= MOST_OF_AN_ADDRESS { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// The process whose page stands at a path: at its own, or at a short one.
fn process_at(path: &str) -> Option<String> {
    let name = path.strip_prefix("/selfservice/").or_else(|| path.strip_prefix('/'))?;
    decode_percent(name.strip_suffix('/').unwrap_or(name))
}

/// The picture of a tab. Ours is in the address itself, so that a first visit asks for nothing more.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' \
                    fill='%231a5fb4'/%3E%3Cpath d='M4 13V6a4 4 0 0 1 8 0v7' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E";

fn icon(look: &Look) -> &str {
    ["icon.svg", "icon.png", "favicon.ico"].into_iter().map(|name| look.assets.path(name)).find(|path| !path.is_empty()).unwrap_or(ICON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_every_address_of_its_page() {
        let pairs =
            [("/selfservice/reset", "reset"), ("/reset", "reset"), ("/selfservice/reset/", "reset"), ("/selfservice/re%20set", "re set")];
        for (path, process) in pairs.into_iter().chain([("/selfservice/%72eset", "reset"), ("/selfservice/selfservice", "selfservice")]) {
            assert_eq!(process_at(path).as_deref(), Some(process), "{path}");
        }
        assert_eq!(process_at("/selfservice/%zz"), None);
    }
}
