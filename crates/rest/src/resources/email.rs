//! `external/email`: the administrator sends a mail (docs/protocol/mail.md, "Mail service").
//!
//! Easiest to get wrong: every recipient is one mailbox and gets a mail of its own, so that nobody learns of the others and no header
//! is ever put together from a list (decision 7, SEC-51).

use async_trait::async_trait;
use crest::ResourceError;
use process::Mail;
use serde_json::{Value, json};
use stages::MailAddress;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Body, Route, Who, action, perhaps};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "external/email",
    chapter: "Server",
    resource: |cx, _| perhaps(Email::find(cx)),
    operations: &[
        action("/external/email", "send", Who::Administrators, "Puts a mail into the outbox.")
            .with(&["waitForCompletion"])
            .carries(Body::Object),
        action("/external/email", "sendTemplate", Who::Administrators, "Puts a mail of a template into the outbox.")
            .with(&["waitForCompletion"])
            .carries(Body::Object),
    ],
}];

/// Most recipients of one request.
const MAX_RECIPIENTS: usize = 100;

/// The mail service.
pub(super) struct Email;

impl Email {
    /// The mail service, where there is one.
    pub(super) fn find(cx: &Context<'_>) -> Option<Self> {
        cx.app.accounts.delivery.is_configured().then_some(Self)
    }
}

#[async_trait]
impl Resource for Email {
    fn kind(&self) -> &'static str {
        "external"
    }

    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Err(ResourceError::forbidden("Operation is not implemented").into())
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        let wait = cx.call.parameters.single("waitForCompletion")?.is_none_or(|value| !value.eq_ignore_ascii_case("false"));
        let of_template = name == "sendTemplate";
        let mails = if of_template { of_template_mails(cx, wait)? } else { mails(cx.body(), wait)? };
        let sent = cx.actor().send_mails(mails).await?;
        if wait {
            cx.app.accounts.delivery.wait(&sent).await?;
        }
        let done = if of_template { json!({ "status": "OK", "message": "Email sent" }) } else { json!({ "status": "OK" }) };
        Ok(Reply::Action(Some(done)))
    }
}

/// The mails of a template of the project, filled in with `object`, in the language of `_locale` or of the request.
fn of_template_mails(cx: &Context<'_>, wait: bool) -> Result<Vec<Mail>, ResourceError> {
    let body = cx.body();
    let name = body.get("templateName").and_then(Value::as_str).unwrap_or_default();
    let name = name.strip_prefix("emailTemplate/").unwrap_or(name);
    if name.is_empty() {
        return Err(ResourceError::bad_request("templateName: which template is sent?"));
    }
    let object = match body.get("object") {
        None | Some(Value::Null) => json!({}),
        Some(object) if object.is_object() => object.clone(),
        Some(_) => return Err(ResourceError::bad_request("object is a JSON object")),
    };
    let locales = match body.get("_locale").or_else(|| body.get("locale")).and_then(Value::as_str) {
        Some(locale) => vec![locale.to_owned()],
        None => cx.caller().locales,
    };
    let rendered = cx.runtime.services.templates.render(name, &locales, &object);
    let rendered =
        rendered.ok_or_else(|| ResourceError::not_found(format!("Email template '{name}' not found, switched off, or without a text")))?;
    let mut filled = body.clone();
    if let Some(members) = filled.as_object_mut() {
        members.insert("subject".into(), rendered.subject.into());
        members.insert("body".into(), rendered.body.into());
        members.insert("type".into(), rendered.mime_type.into());
        for name in ["_subject", "_body", "_type"] {
            members.shift_remove(name);
        }
    }
    let named = ["from", "_from"].iter().any(|name| body.get(name).is_some_and(|from| !from.is_null()));
    let mut mails = mails(&filled, wait)?;
    if !named {
        // The template's own sender may have a display name.
        for mail in &mut mails {
            mail.from.clone_from(&rendered.from);
        }
    }
    Ok(mails)
}

/// Whether this is a mailbox, which may have a name before it (RFC 5322 §3.4), as the configured sender may.
fn is_sender(text: &str) -> bool {
    let is_address = |text: &str| text.parse::<MailAddress>().is_ok();
    match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => !name.contains(['<', '>']) && is_address(address.trim()),
        None => is_address(text),
    }
}

/// The mails of a request, one for each recipient.
fn mails(body: &Value, wait: bool) -> Result<Vec<Mail>, ResourceError> {
    // Each member may be written with an underscore before it.
    let member = |name: &str| body.get(name).or_else(|| body.get(format!("_{name}"))).filter(|value| !value.is_null());
    let text = |name: &str| member(name).and_then(Value::as_str);
    let bad = |what: &str| ResourceError::bad_request(format!("Bad {what}: email address"));
    let from = match member("from") {
        None => None,
        Some(value) => {
            let text = value.as_str().map(str::trim).filter(|text| is_sender(text) && !text.chars().any(char::is_control));
            Some(text.ok_or_else(|| bad("From"))?.to_owned())
        }
    };
    // One mail less than what was asked for is none that was sent.
    if member("attachments").is_some_and(|attachments| attachments.as_array().is_none_or(|list| !list.is_empty())) {
        return Err(ResourceError::bad_request("Mails with attachments are not sent here"));
    }
    if member("to").is_none() {
        return Err(ResourceError::bad_request("To: email address is absent"));
    }
    let mut recipients: Vec<MailAddress> = Vec::new();
    for (name, what) in [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")] {
        let Some(value) = member(name) else { continue };
        for one in value.as_str().ok_or_else(|| bad(what))?.split(',') {
            let one: MailAddress = one.trim().parse().map_err(|_| bad(what))?;
            if !recipients.contains(&one) {
                recipients.push(one);
            }
        }
    }
    if recipients.len() > MAX_RECIPIENTS {
        return Err(ResourceError::bad_request(format!("A mail has at most {MAX_RECIPIENTS} recipients")));
    }
    let mime_type = text("type").unwrap_or("text/plain");
    let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(essence.as_str(), "text/plain" | "text/html" | "text/xml") || mime_type.chars().any(char::is_control) {
        return Err(ResourceError::bad_request(format!("Email type: {mime_type} is not handled")));
    }
    let subject = text("subject").unwrap_or("<no subject>");
    if subject.chars().any(char::is_control) {
        return Err(ResourceError::bad_request("The subject must not contain control characters"));
    }
    let mail = |to: MailAddress| Mail {
        to: to.as_str().to_owned(),
        from: from.clone(),
        subject: subject.to_owned(),
        mime_type: mime_type.to_owned(),
        body: text("body").unwrap_or("<empty message>").to_owned(),
        wait,
        withheld: false,
        client: None,
    };
    Ok(recipients.into_iter().map(mail).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipient_gets_a_mail_of_their_own() {
        let body =
            json!({"to": "a@example.test, b@example.test", "_bcc": "c@example.test", "cc": "a@example.test", "from": "f@example.test"});
        let mails = mails(&body, false).unwrap();
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["a@example.test", "b@example.test", "c@example.test"]);
        let first = &mails[0];
        assert_eq!(
            (first.from.as_deref(), first.subject.as_str(), first.body.as_str(), first.mime_type.as_str()),
            (Some("f@example.test"), "<no subject>", "<empty message>", "text/plain")
        );
    }

    #[test]
    fn a_sender_may_have_a_name() {
        let body = json!({"to": "a@example.test", "from": "The desk <f@example.test>", "attachments": []});
        let mails = mails(&body, false).unwrap();
        assert_eq!(mails[0].from.as_deref(), Some("The desk <f@example.test>"));
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        for (body, expected) in [
            (json!({}), "To: email address is absent"),
            (json!(null), "To: email address is absent"),
            (json!({"to": "bad address"}), "Bad To: email address"),
            (json!({"to": ["a@example.test"]}), "Bad To: email address"),
            (json!({"to": "a@example.test\r\nBcc: b@example.test"}), "Bad To: email address"),
            (json!({"to": "a@example.test", "cc": "x"}), "Bad Cc: email address"),
            (json!({"to": "a@example.test", "from": "Me <f.example.test>"}), "Bad From: email address"),
            (json!({"to": "a@example.test", "from": "Me\r\nBcc: b@example.test <f@example.test>"}), "Bad From: email address"),
            (json!({"to": "a@example.test", "from": "a@example.test> <f@example.test>"}), "Bad From: email address"),
            (json!({"to": "a@example.test", "attachments": [{"filename": "a.pdf"}]}), "Mails with attachments are not sent here"),
            (json!({"to": "a@example.test", "_attachments": "a.pdf"}), "Mails with attachments are not sent here"),
            (json!({"to": "a@example.test", "type": "text/css"}), "Email type: text/css is not handled"),
            (json!({"to": "a@example.test", "subject": "a\r\nBcc: b@example.test"}), "The subject must not contain control characters"),
        ] {
            let error = mails(&body, true).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (400, expected));
        }
    }
}
