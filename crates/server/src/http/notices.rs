//! Mails of our own to the person whose account it is: what changed, and links that confirm or undo it (SEC-14, SEC-20, SEC-21).
//!
//! A project's `emailTemplate-<name>.json` of the same name replaces a text. Easiest to get wrong: what a request said never goes into a
//! mail as it came; an address is shown, a browser's name is cut and cleaned, and a link stands on the configured address (SEC-12).

mod texts;

use std::sync::Arc;

use process::Mail;
use serde_json::{Map, Value};
use stages::locale::Translations;
use stages::{MailAddress, MailBudget, MailTemplates};

use crate::runtime::Runtime;

/// What somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The password was changed.
    PasswordChanged,
    /// The security questions were changed.
    QuestionsChanged,
    /// A sign-in from a browser that was never used before.
    NewDevice,
    /// To a new address: confirm it.
    MailConfirm,
    /// To the old address: another one was asked for; the link undoes it.
    MailRequested,
    /// To the old address: another one counts from now on; the link undoes it.
    MailChanged,
}

/// A text in one language: subject and body, in which `%name%` stands for a value.
pub(super) type Text = (&'static str, &'static str, &'static str);

impl Notice {
    /// The name of the project's template that replaces the text.
    fn template(self) -> &'static str {
        match self {
            Self::PasswordChanged => "noticePasswordChanged",
            Self::QuestionsChanged => "noticeQuestionsChanged",
            Self::NewDevice => "noticeNewDevice",
            Self::MailConfirm => "mailConfirm",
            Self::MailRequested => "mailRequested",
            Self::MailChanged => "mailChanged",
        }
    }

    /// Whether the owner of the account must have it, however many mails others made him get: it is what he can object to.
    fn is_owed(self) -> bool {
        matches!(self, Self::PasswordChanged | Self::QuestionsChanged | Self::MailRequested | Self::MailChanged)
    }

    fn texts(self) -> &'static [Text] {
        match self {
            Self::PasswordChanged => &texts::PASSWORD_CHANGED,
            Self::QuestionsChanged => &texts::QUESTIONS_CHANGED,
            Self::NewDevice => &texts::NEW_DEVICE,
            Self::MailConfirm => &texts::MAIL_CONFIRM,
            Self::MailRequested => &texts::MAIL_REQUESTED,
            Self::MailChanged => &texts::MAIL_CHANGED,
        }
    }
}

/// What mails of our own are made with.
pub(crate) struct Post {
    /// Whether mail can leave.
    pub(crate) configured: bool,
    /// Bounds how many mails one person gets.
    pub(crate) budget: Arc<dyn MailBudget>,
    /// The project's own texts.
    pub(crate) templates: Arc<dyn MailTemplates>,
    /// The language when none of the reader's fits.
    pub(crate) default_locale: String,
}

impl Post {
    /// The mail, unless there is no mail service or `to` is no mailbox. `values` fill the text.
    pub(crate) fn mail(&self, locales: &[String], now: i64, notice: Notice, to: &str, values: &[(&str, &str)]) -> Option<Mail> {
        let to: MailAddress = to.trim().parse().ok().filter(|_| self.configured)?;
        let withheld = !self.budget.allow(to.as_str(), now) && !notice.is_owed();
        let object: Map<String, Value> = values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        if let Some(own) = self.templates.render(notice.template(), locales, &Value::Object(object)) {
            return Some(Mail {
                to: to.into(),
                from: own.from,
                subject: own.subject,
                mime_type: own.mime_type,
                body: own.body,
                wait: false,
                withheld,
            });
        }
        let pick = |choose: fn(&Text) -> &'static str| {
            let pairs: Vec<(&str, &str)> = notice.texts().iter().map(|text| (text.0, choose(text))).collect();
            Translations::of(&pairs).choose(locales, &self.default_locale).unwrap_or_default().to_owned()
        };
        let (subject, body) = (pick(|text| text.1), pick(|text| text.2));
        let body = filled(&body, values);
        Some(Mail { to: to.into(), from: None, subject, mime_type: "text/plain".into(), body, wait: false, withheld })
    }
}

/// A mail at a sign-in.
pub(crate) fn written(
    runtime: &Runtime,
    headers: &http::HeaderMap,
    now: i64,
    notice: Notice,
    to: &str,
    values: &[(&str, &str)],
) -> Option<Mail> {
    runtime.consequences.post.mail(&wire::language::locales(headers), now, notice, to, values)
}

/// Puts values into a text in one pass, so that a value that looks like a place is left alone.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut result = String::with_capacity(text.len() + 256);
    for (index, part) in text.split('%').enumerate() {
        match values.iter().find(|(name, _)| index % 2 == 1 && *name == part) {
            Some((_, value)) => result.push_str(value),
            None => result.push_str(part),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_once_and_every_place_has_its_value() {
        assert_eq!(filled("a %x% b %y%.", &[("x", "%y%"), ("y", "1")]), "a %y% b 1.");
        for notice in [
            Notice::PasswordChanged,
            Notice::QuestionsChanged,
            Notice::NewDevice,
            Notice::MailConfirm,
            Notice::MailRequested,
            Notice::MailChanged,
        ] {
            let places = |text: &str| {
                let mut names: Vec<String> = text.split('%').skip(1).step_by(2).map(str::to_owned).collect();
                names.sort_unstable();
                names
            };
            let (first, rest) = notice.texts().split_first().unwrap();
            assert_eq!(first.0, "en");
            assert_eq!(rest.iter().map(|text| text.0).collect::<Vec<_>>(), ["de", "fr", "es"]);
            for text in rest {
                assert_eq!(places(text.2), places(first.2), "{notice:?} {}", text.0);
            }
        }
    }
}
