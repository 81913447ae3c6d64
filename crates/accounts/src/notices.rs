//! Mails of our own to the person whose account it is: what changed, and links that confirm or undo it (SEC-14, SEC-20, SEC-21).
//!
//! A project's `emailTemplate-<name>.json` of the same name replaces a text. Easiest to get wrong: what a request said never goes into a
//! mail as it came; an address is shown, a browser's name is cut and cleaned, and a link stands on the configured address (SEC-12).

use std::sync::Arc;

use process::Mail;
use serde_json::{Map, Value};
use stages::{MailAddress, MailBudget, MailRequest, MailTemplates, OwnMails};

/// What somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The password was changed.
    PasswordChanged,
    /// The security questions were changed.
    QuestionsChanged,
    /// Accounts at identity providers are linked no more: somebody else may have linked them.
    LinksEnded,
    /// A sign-in from a browser that was never used before.
    NewDevice,
    /// To a new address: confirm it.
    MailConfirm,
    /// To the old address: another one was asked for; the link undoes it.
    MailRequested,
    /// To the old address: another one counts from now on; the link undoes it.
    MailChanged,
}

impl Notice {
    /// The name of the text, and of the project's template that replaces it.
    fn name(self) -> &'static str {
        match self {
            Self::PasswordChanged => "noticePasswordChanged",
            Self::QuestionsChanged => "noticeQuestionsChanged",
            Self::LinksEnded => "noticeLinksEnded",
            Self::NewDevice => "noticeNewDevice",
            Self::MailConfirm => "mailConfirm",
            Self::MailRequested => "mailRequested",
            Self::MailChanged => "mailChanged",
        }
    }

    /// Whether the owner of the account gets it past the usual budgets of mails: without it they cannot object. Of each kind there are a few an
    /// hour, so that nobody floods a mailbox by changing something again and again.
    fn is_owed(self) -> bool {
        match self {
            Self::PasswordChanged
            | Self::QuestionsChanged
            | Self::LinksEnded
            | Self::NewDevice
            | Self::MailRequested
            | Self::MailChanged => true,
            // It goes to an address that anybody may have given.
            Self::MailConfirm => false,
        }
    }
}

/// What mails of our own are made with.
pub struct Post {
    /// Whether mail can leave.
    pub configured: bool,
    /// Bounds how many mails one person gets.
    pub budget: Arc<dyn MailBudget>,
    /// The project's own texts.
    pub templates: Arc<dyn MailTemplates>,
    /// Ours.
    pub own: Arc<dyn OwnMails>,
}

impl Post {
    /// The mail, unless there is no mail service or `to` is no mailbox. `client` is the address of whoever caused it, `values` fill the text.
    #[must_use]
    pub fn mail(&self, locales: &[String], client: &str, now: i64, notice: Notice, to: &str, values: &[(&str, &str)]) -> Option<Mail> {
        let to: MailAddress = to.trim().parse().ok().filter(|_| self.configured)?;
        let owed = notice.is_owed().then(|| notice.name());
        let withheld = self.budget.allow(&MailRequest { recipient: to.as_str(), client, process: "", nobody: false, owed }, now).is_err();
        let client = self.budget.client(client);
        let object: Map<String, Value> = values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        if let Some(own) = self.templates.render(notice.name(), locales, &Value::Object(object)) {
            return Some(Mail {
                to: to.into(),
                from: own.from,
                subject: own.subject,
                mime_type: own.mime_type,
                body: own.body,
                wait: false,
                withheld,
                client,
            });
        }
        let (subject, body) = self.own.mail(notice.name(), locales, values);
        Some(Mail { to: to.into(), from: None, subject, mime_type: "text/plain".into(), body, wait: false, withheld, client })
    }
}

#[cfg(test)]
mod tests {
    use super::Notice;

    #[test]
    fn sec_14_whoever_could_object_is_owed_the_notice_and_a_new_address_is_not() {
        use Notice::{LinksEnded, MailChanged, MailConfirm, MailRequested, NewDevice, PasswordChanged, QuestionsChanged};
        let owed = |notice: Notice| notice.is_owed();
        assert!([PasswordChanged, QuestionsChanged, LinksEnded, NewDevice, MailRequested, MailChanged].into_iter().all(owed));
        assert!(!owed(MailConfirm));
    }
}
