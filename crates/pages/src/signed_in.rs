//! Somebody who is signed in opened what is for people who are not: a forgotten password, a registration.

use serde::Serialize;

use crate::page::Samples;
use crate::question::title;
use crate::visit::Visit;
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct SignedInAlready {
    /// The process that was opened.
    pub process: String,
    /// What it is called.
    pub title: Words,
    /// Where to go on after signing out.
    pub to: String,
    /// The login name.
    pub name: String,
    /// The password can be changed in the account instead.
    pub password: bool,
}

impl SignedInAlready {
    pub(crate) fn of(visit: &Visit, process: &str, at: &str) -> Self {
        let at = if at.is_empty() { String::new() } else { format!("?at={at}") };
        Self {
            process: process.to_owned(),
            title: title(visit, process),
            to: format!("/selfservice/{process}{at}"),
            name: visit.principal.authentication_id.clone(),
            password: process == "reset" && visit.principal.is_managed(),
        }
    }
}

impl Samples for SignedInAlready {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |process: &str| Self {
            process: process.to_owned(),
            title: Words::message(&format!("process-{process}")),
            to: format!("/selfservice/{process}"),
            name: "bjensen".to_owned(),
            password: process == "reset",
        };
        vec![("reset", page("reset")), ("registration", page("registration"))]
    }
}
