//! A mailed link was opened: nothing happens before somebody presses the button, because scanners open every link (decision 9).

use serde::Serialize;
use serde_json::Value;

use crate::field::{self, Field, Kind, Problem};
use crate::page::Samples;
use crate::question::title;
use crate::step::Step;
use crate::visit::Visit;
use crate::way::encoded;
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
    /// The code, where it is asked for; nothing where the link brought it.
    pub fields: Vec<Field>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The mail can be sent again, after so many seconds.
    pub again_after: Option<i64>,
    /// The path to post to.
    pub action: String,
}

impl ConfirmLink {
    pub(crate) fn of(visit: &Visit, step: &Step, at: &str) -> Self {
        debug_assert!(matches!(step.asked, Value::Null), "only a link that was opened is confirmed");
        Self {
            process: step.process.clone(),
            title: title(visit, &step.process),
            at: at.to_owned(),
            fields: if step.code.is_some() { Vec::new() } else { fields("link-code") },
            action: action(&step.process),
            ..Self::default()
        }
    }

    /// The same where no code, or a wrong one, came: whoever's link was cut types the one of the mail, or asks for another mail.
    pub(crate) fn asks(self, problems: impl FnOnce(&[Field]) -> Vec<Problem>) -> Self {
        let mut fields = fields("code-hint");
        let problems = problems(&fields);
        let problems = field::fill(&mut fields, None, problems);
        Self { fields, problems, again_after: Some(0), ..self }
    }
}

fn fields(hint: &str) -> Vec<Field> {
    vec![Field::new("code", Kind::Code, Words::message("code")).required().autocomplete("one-time-code").hint(Words::message(hint))]
}

fn action(process: &str) -> String {
    format!("/selfservice/{}", encoded(process))
}

impl Samples for ConfirmLink {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |process: &str| Self {
            process: process.to_owned(),
            title: Words::message(&format!("process-{process}")),
            at: "sample".to_owned(),
            action: action(process),
            ..Self::default()
        };
        vec![
            ("reset", page("reset")),
            ("registration", page("registration")),
            ("without-code", Self { fields: fields("link-code"), ..page("reset") }),
            ("wrong", page("reset").asks(|_| vec![Problem::of("code", Words::message("error-code-wrong"))])),
        ]
    }
}
