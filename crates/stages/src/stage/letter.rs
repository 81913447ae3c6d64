//! What stages that send mail have in common: the operator's texts, the sender, whether to wait.

use crest::ResourceError;
use process::keys::{Flag, Needed, Text};
use process::{Compiling, Issue, Mail};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::Cx;
use crate::locale::Translations;
use crate::{Services, mail_text};

/// `emailServiceParameters`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ServiceParameters {
    /// The submission waits for the delivery and reports its failure.
    #[serde(default)]
    wait_for_completion: Flag,
}

/// The keys of a stage that are about its mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// The mail service; there is one.
    #[serde(default, rename = "emailServiceUrl")]
    _email_service_url: Option<String>,
    /// How to send.
    #[serde(default)]
    email_service_parameters: Option<ServiceParameters>,
    /// The sender; empty takes the mail service's own.
    #[serde(default)]
    from: Text,
    /// The subject where `subjectTranslations` is missing.
    #[serde(default)]
    subject: Text,
    /// `text/html` or `text/plain`.
    #[serde(default)]
    mime_type: Text,
    /// The subject by locale.
    #[serde(default)]
    subject_translations: Translations,
    /// The message by locale.
    #[serde(default)]
    message_translations: Needed<Translations>,
}

/// A mail to be written.
#[derive(Clone)]
pub(super) struct Letter {
    from: Option<String>,
    mime_type: String,
    subjects: Translations,
    messages: Translations,
    wait: bool,
}

/// A letter in the language of one person.
pub(super) struct Draft {
    from: Option<String>,
    mime_type: String,
    subject: String,
    message: String,
    wait: bool,
    client: Option<i64>,
}

impl Letter {
    /// Checks the texts. `tokens` are the placeholders of which at least one should occur in every message.
    pub(super) fn compile(keys: Keys, tokens: &[&str], cx: &mut Compiling<'_, Services>) -> Self {
        let Keys { from, subject, mime_type, subject_translations: subjects, message_translations: messages, .. } = keys;
        let subjects = if subjects.is_empty() { Translations::single(subject.0) } else { subjects };
        if subjects.texts().all(|text| text.trim().is_empty()) {
            cx.issues.push(Issue::warning(cx.pointer(), "no-subject", "the mail has no subject: 'subjectTranslations' is missing"));
        }
        for text in messages.texts().filter(|text| !tokens.iter().any(|token| text.contains(token))) {
            let start: String = text.chars().take(40).collect();
            let message = format!("the message \"{start}…\" has no {}, so it tells nobody how to go on", tokens.join(" and no "));
            cx.issues.push(Issue::warning(format!("{}/messageTranslations", cx.pointer()), "missing-token", message));
        }
        let wait = keys.email_service_parameters.unwrap_or_default().wait_for_completion.0;
        if wait {
            let pointer = format!("{}/emailServiceParameters/waitForCompletion", cx.pointer());
            let message = "waiting for the delivery tells by its time, and by its failure, to which accounts mail is sent";
            cx.issues.push(Issue::hint(pointer, "waits-for-delivery", message).with_help("false hands the mail to the outbox"));
        }
        let or = |text: Text, default: Option<&str>| {
            if text.trim().is_empty() { default.map(str::to_owned) } else { Some(text.trim().to_owned()) }
        };
        let mime_type = or(mime_type, Some("text/plain")).unwrap_or_default();
        Self { from: or(from, None), mime_type: mail_text::header(&mime_type), subjects, messages: messages.0, wait }
    }

    /// Chooses subject and message, each on its own, in the caller's language.
    pub(super) fn draft(&self, cx: &Cx<'_>) -> Draft {
        let choose = |texts: &Translations| texts.choose(&cx.caller.locales, &cx.services.default_locale).unwrap_or_default().to_owned();
        Draft {
            from: self.from.clone(),
            mime_type: self.mime_type.clone(),
            subject: mail_text::header(&choose(&self.subjects)),
            message: choose(&self.messages),
            wait: self.wait,
            client: cx.services.mail_budget.client(&cx.caller.address),
        }
    }
}

impl Draft {
    /// Whether values must be escaped.
    pub(super) fn is_html(&self) -> bool {
        mail_text::is_html(&self.mime_type)
    }

    /// The mail, with these placeholders replaced.
    pub(super) fn fill(self, to: String, values: &[(&str, &str)], withheld: bool) -> Mail {
        let body = mail_text::fill(&self.message, values);
        Mail { to, from: self.from, subject: self.subject, mime_type: self.mime_type, body, wait: self.wait, withheld, client: self.client }
    }
}

/// Says in the audit trail what becomes of a mail: `nobody` is to get it, or a budget is used up.
pub(super) fn tell(cx: &mut Cx<'_>, nobody: bool, allowed: Result<(), &'static str>) {
    match allowed {
        _ if nobody => cx.because("mail-for-nobody", Value::Null),
        Err(by) => cx.because("mail-over-budget", json!({ "by": by })),
        Ok(()) => cx.because("mail-written", Value::Null),
    }
}

/// Stages that need mail fail at submission where there is no mail service, for known and unknown accounts alike (decision 24).
///
/// # Errors
/// 503 without a mail service.
pub(super) fn require_service(cx: &Cx<'_>) -> Result<(), ResourceError> {
    if cx.services.mail_configured {
        return Ok(());
    }
    tracing::error!(
        process.name = cx.process(),
        "a process has to send mail, but no mail service is configured (conf/external.email.json)"
    );
    Err(ResourceError::unavailable("Mail cannot be sent: no mail service is configured"))
}
