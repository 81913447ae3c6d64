//! `/code`: for a link of a mail whose address holds everything behind a `#`, which no server is sent. Where no script reads it, the person
//! pastes the link, or goes on where they began and types the code.

use accounts::AccountError;
use http::StatusCode;
use serde::Serialize;

use crate::answer::see_other;
use crate::browser::random_name;
use crate::dead_end::{DeadEnd, Why};
use crate::field::{self, Field, Kind, Problem};
use crate::form::Form;
use crate::page::Samples;
use crate::step::{KEPT, MOST, Step};
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct MailCode {
    /// The field for the link.
    pub fields: Vec<Field>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Routes of the stock client, and the process each is for.
const ROUTES: [(&str, &str); 4] =
    [("passwordreset", "reset"), ("registration", "registration"), ("register", "registration"), ("forgotusername", "username")];

/// GET and POST of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if !visit.is_post() {
        return visit.page(StatusCode::OK, &MailCode { fields: fields(), problems: Vec::new() });
    }
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    let typed = visit.form.get("link").trim();
    let Some((process, token, code)) =
        read(typed).filter(|(process, token, _)| visit.runtime.processes.contains_key(process) && token.len() <= MOST)
    else {
        let problems = vec![Problem::of("link", Words::message(if typed.is_empty() { "error-link-missing" } else { "error-no-link" }))];
        let mut fields = fields();
        let problems = field::fill(&mut fields, Some(&visit.form), problems);
        return visit.page(StatusCode::BAD_REQUEST, &MailCode { fields, problems });
    };
    let opened = Step { process: process.clone(), token: Some(token), code, began: visit.now, ..Step::default() };
    let at = random_name(&visit.accounts);
    visit.counted().map_err(AccountError::from)?;
    visit.keep(&at, &opened, KEPT).await?;
    Ok(see_other(&format!("/selfservice/{process}?at={at}")))
}

fn fields() -> Vec<Field> {
    vec![Field::new("link", Kind::Lines, Words::message("link-from-mail")).required().autocomplete("off")]
}

/// The process, the token and the code of a link: with a query of ours, or with the route of a stock client behind `#`.
fn read(link: &str) -> Option<(String, String, Option<String>)> {
    let link: String = link.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (path, parameters) = match link.split_once('#') {
        Some((_, route)) => route.trim_start_matches('/').split_once('/')?,
        None => link.split_once('?')?,
    };
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    let process = match ROUTES.iter().find(|(route, _)| route.eq_ignore_ascii_case(name)) {
        Some((_, process)) => (*process).to_owned(),
        None if path.eq_ignore_ascii_case("profilecompletion") => parameters.split(['/', '&']).next()?.to_owned(),
        None => name.to_owned(),
    };
    let at = parameters.find('&').filter(|_| link.contains('#')).unwrap_or(0);
    let parameters = Form::parse(parameters.get(at..)?.as_bytes());
    let token = parameters.filled("token")?.to_owned();
    Some((process, token, parameters.filled("code").map(str::to_owned)))
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
        let pair = |process: &str| Some((process.to_owned(), "T".to_owned(), Some("C".to_owned())));
        for (link, process) in [
            ("https://id.example.test/selfservice/reset?&token=T&code=C", "reset"),
            ("http://h/registration?token=T&code=C", "registration"),
            ("http://h/#/passwordreset/&token=T&code=C", "reset"),
            ("http://h/enduser/#/registration/&token=T\n&code=C", "registration"),
            ("http://h/#/profileCompletion/confirm&token=T&code=C", "confirm"),
        ] {
            assert_eq!(read(link), pair(process), "{link}");
        }
        for link in ["", "http://h/", "12345678", "http://h/reset?code=C", "http://h/#/passwordreset"] {
            assert_eq!(read(link), None, "{link}");
        }
    }
}
