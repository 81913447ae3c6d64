//! A mailed link was opened: nothing happens before somebody presses the button, because scanners open every link (decision 9).

use serde::Serialize;
use serde_json::Value;

use crate::field::Problem;
use crate::page::Samples;
use crate::question::title;
use crate::step::Step;
use crate::visit::Visit;
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ConfirmLink {
    /// The process.
    pub process: String,
    /// What it is called.
    pub title: Words,
    /// Names this form.
    pub at: String,
    /// The link brought its code; else it is asked for.
    pub has_code: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl ConfirmLink {
    pub(crate) fn of(visit: &Visit, step: &Step, at: &str) -> Self {
        debug_assert!(matches!(step.asked, Value::Null), "only a link that was opened is confirmed");
        Self {
            process: step.process.clone(),
            title: title(visit, &step.process),
            at: at.to_owned(),
            has_code: step.code.is_some(),
            problems: Vec::new(),
        }
    }
}

impl Samples for ConfirmLink {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |process: &str, has_code: bool| Self {
            process: process.to_owned(),
            title: Words::message(&format!("process-{process}")),
            at: "sample".to_owned(),
            has_code,
            problems: Vec::new(),
        };
        vec![
            ("reset", page("reset", true)),
            ("registration", page("registration", true)),
            ("without-code", page("reset", false)),
            ("wrong", Self { problems: vec![Problem::of("code", Words::message("error-code-wrong"))], ..page("reset", false) }),
        ]
    }
}
