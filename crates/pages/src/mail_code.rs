//! `/code`: for a link of a mail whose address holds everything behind a `#`, which no server is sent. Where no script reads it, the person
//! pastes the link, or goes on where they began and types the code.

use accounts::AccountError;
use http::StatusCode;
use serde::Serialize;

use crate::answer::see_other;
use crate::browser::random_name;
use crate::field::{self, Field, Kind, Problem};
use crate::form::Form;
use crate::page::Samples;
use crate::step::{KEPT, MOST, Step};
use crate::visit::{Outcome, Visit};
use crate::way::{HOME, encoded};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct MailCode {
    /// The field for the link.
    pub fields: Vec<Field>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Routes of the stock client, and where each is here: a process, or a page. Matched as the client does, whatever the case.
const ROUTES: [(&str, Leads); 9] = [
    ("passwordreset", Leads::To("reset")),
    ("registration", Leads::To("registration")),
    ("register", Leads::To("registration")),
    ("forgotusername", Leads::To("username")),
    ("profilecompletion", Leads::Named("profile")),
    ("login", Leads::Page("/sign-in")),
    ("profile", Leads::Page("/account/profile")),
    ("dashboard", Leads::Page(HOME)),
    ("accountclaiming", Leads::Page("/sign-in")),
];

/// Where a route leads.
#[derive(Clone, Copy)]
enum Leads {
    /// To this process.
    To(&'static str),
    /// To the process that stands behind it; to this one where none does.
    Named(&'static str),
    /// To a page.
    Page(&'static str),
}

/// What a link is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    /// A step of a process, with its token and, where it is there, its code.
    Step { process: String, token: String, code: Option<String> },
    /// A page, or the beginning of a process: a path of ours.
    Page(String),
}

/// GET and POST of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if !visit.is_post() {
        // A script of ours read what stands behind `#`, and brings it here: the address is left at once.
        return match visit.query.filled("link") {
            Some(link) => match read(link).filter(|link| is_known(visit, link)) {
                Some(link) => opened(visit, link).await,
                None => Ok(see_other(if link.contains("token=") { "/code?unread=" } else { "/" })),
            },
            None if visit.query.has("unread") => wrong(visit, "error-no-link", StatusCode::BAD_REQUEST),
            None => visit.page(StatusCode::OK, &MailCode { fields: fields(), problems: Vec::new() }),
        };
    }
    if !visit.genuine {
        return wrong(visit, "error-old-form", StatusCode::FORBIDDEN);
    }
    let typed = visit.form.get("link").trim();
    match read(typed).filter(|link| is_known(visit, link)) {
        Some(link @ Link::Step { .. }) => opened(visit, link).await,
        _ => wrong(visit, if typed.is_empty() { "error-link-missing" } else { "error-no-link" }, StatusCode::BAD_REQUEST),
    }
}

/// Keeps what a link brought for this browser, and goes where it leads.
async fn opened(visit: &Visit, link: Link) -> Outcome {
    let (process, token, code) = match link {
        Link::Page(path) => return Ok(see_other(&path)),
        Link::Step { process, token, code } => (process, token, code),
    };
    let to = format!("/selfservice/{}", encoded(&process));
    let opened = Step { process, token: Some(token), code, began: visit.now, ..Step::default() };
    let at = random_name(&visit.accounts);
    visit.counted().map_err(AccountError::from)?;
    visit.keep(&at, &opened, KEPT).await?;
    Ok(see_other(&format!("{to}?at={at}")))
}

fn is_known(visit: &Visit, link: &Link) -> bool {
    match link {
        Link::Step { process, token, .. } => visit.runtime.processes.contains_key(process) && token.len() <= MOST,
        Link::Page(_) => true,
    }
}

/// The same page with what is wrong, and with what was pasted.
fn wrong(visit: &Visit, key: &str, status: StatusCode) -> Outcome {
    let problem = if key == "error-old-form" { Problem::whole(Words::message(key)) } else { Problem::of("link", Words::message(key)) };
    let mut fields = fields();
    let problems = field::fill(&mut fields, Some(&visit.form), vec![problem]);
    visit.page(status, &MailCode { fields, problems })
}

fn fields() -> Vec<Field> {
    vec![Field::new("link", Kind::Lines, Words::message("link-from-mail")).required().autocomplete("off")]
}

/// What a link is of: one with a query of ours, or with the route of a stock client behind `#`.
fn read(link: &str) -> Option<Link> {
    let link: String = link.chars().filter(|letter| !letter.is_whitespace()).collect();
    if let Some((_, route)) = link.split_once('#') {
        return of_route(route.trim_start_matches('/'));
    }
    let (path, parameters) = link.split_once('?')?;
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    let known = ROUTES.iter().find(|(route, _)| route.eq_ignore_ascii_case(name));
    step(if let Some((_, Leads::To(process))) = known { process } else { name }, parameters)
}

/// `passwordreset/&token=…&code=…`, `profileCompletion/<process>&token=…`.
fn of_route(route: &str) -> Option<Link> {
    let end = route.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(route.len());
    let (name, rest) = route.split_at(end);
    let (_, leads) = ROUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let (named, parameters) = rest.split_at(rest.find(['&', '?']).unwrap_or(rest.len()));
    let named = named.trim_matches('/');
    let process = match *leads {
        Leads::Page(path) => return Some(Link::Page(path.to_owned())),
        Leads::Named(usual) if named.is_empty() => usual,
        Leads::Named(_) => named,
        Leads::To(process) => process,
    };
    if parameters.contains("token=") {
        return step(process, parameters);
    }
    Some(Link::Page(format!("/selfservice/{}", encoded(process))))
}

fn step(process: &str, parameters: &str) -> Option<Link> {
    let parameters = Form::parse(parameters.trim_start_matches('?').as_bytes());
    let (token, code) = (parameters.filled("token")?.to_owned(), parameters.filled("code").map(str::to_owned));
    Some(Link::Step { process: process.to_owned(), token, code })
}

impl Samples for MailCode {
    fn samples() -> Vec<(&'static str, Self)> {
        let problems = vec![Problem::of("link", Words::message("error-no-link"))];
        let mut wrong = fields();
        let problems = field::fill(&mut wrong, Some(&Form::parse(b"link=x")), problems);
        vec![("empty", Self { fields: fields(), problems: Vec::new() }), ("wrong", Self { fields: wrong, problems })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_every_kind_are_read() {
        for (link, process) in [
            ("https://id.example.test/selfservice/reset?&token=T&code=C", "reset"),
            ("http://h/registration?token=T&code=C", "registration"),
            ("http://h/#/passwordreset/&token=T&code=C", "reset"),
            ("#passwordreset&token=T&code=C", "reset"),
            ("http://h/enduser/#/registration/&token=T\n&code=C", "registration"),
            ("http://h/#/profileCompletion/confirm&token=T&code=C", "confirm"),
            ("#/profilecompletion/&token=T&code=C", "profile"),
            ("#/profilecompletion?&token=T&code=C", "profile"),
        ] {
            let step = Link::Step { process: process.to_owned(), token: "T".to_owned(), code: Some("C".to_owned()) };
            assert_eq!(read(link), Some(step), "{link}");
        }
        for (link, path) in [
            ("http://h/#/passwordreset", "/selfservice/reset"),
            ("#/profileCompletion/kbaUpdate", "/selfservice/kbaUpdate"),
            ("#/login", "/sign-in"),
            ("#/dashboard", "/account"),
            ("#/profilecompletion/..%2f", "/selfservice/%2E%2E%252f"),
        ] {
            assert_eq!(read(link), Some(Link::Page(path.to_owned())), "{link}");
        }
        for link in ["", "http://h/", "12345678", "http://h/reset?code=C", "http://h/#/list/managed/user", "#/passwordreset&token="] {
            assert_eq!(read(link), None, "{link}");
        }
    }
}
