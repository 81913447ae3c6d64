//! Mails that scripts send: `external/email` with `send`, or `sendEmail` as scripts of earlier releases say it, and `sendTemplate`.
//!
//! Easiest to get wrong: earlier releases take the parts of a mail as parameters with `_` before their names. A mail without what its script
//! wrote is another mail.

use script::{Call, Thrown};
use serde_json::{Map, Value, json};

use super::Work;
use crate::loose;
use crate::managed::steps::{ScriptMail, Step};
use crate::names;

/// Most mails of one call.
const MAX_RECIPIENTS: usize = 50;
/// The parts of a mail.
const PARTS: [&str; 7] = ["from", "to", "cc", "bcc", "subject", "type", "body"];

/// The content of a call, with the parts that stand among its parameters, or have `_` before their names.
fn parts(call: &Call) -> Value {
    let mut content = call.content.as_object().cloned().unwrap_or_else(Map::new);
    for part in PARTS {
        let earlier = format!("_{part}");
        let is_said = |value: &&Value| !value.is_null();
        let here = |name: &str| call.content.get(name).filter(is_said);
        let beside = |name: &str| call.params.get(name).filter(is_said);
        if let Some(value) = here(part).or_else(|| here(&earlier)).or_else(|| beside(&earlier)).or_else(|| beside(part)) {
            content.insert(part.to_owned(), value.clone());
        }
    }
    Value::Object(content)
}

impl Work {
    /// The content of a mail, of a template where one is named.
    fn letter(&self, call: &Call) -> Result<Value, Thrown> {
        let mut content = parts(call);
        if matches!(call.name.as_str(), "send" | "sendEmail") {
            return Ok(content);
        }
        if call.name != "sendTemplate" {
            return Err(format!("there is no action '{}' on 'external/email' for scripts", call.name).into());
        }
        let name = loose::text(&content, "templateName").unwrap_or_default();
        let name = name.strip_prefix("emailTemplate/").unwrap_or(&name).to_owned();
        let locales: Vec<String> = loose::text(&content, "_locale").or_else(|| loose::text(&content, "locale")).into_iter().collect();
        let object = content.get("object").filter(|object| object.is_object()).cloned().unwrap_or_else(|| json!({}));
        let letters = self.managed.for_scripts.letters.as_ref();
        let letter = letters.and_then(|letters| letters.letter(&name, &locales, &object));
        let letter =
            letter.ok_or_else(|| Thrown::from(format!("the mail template '{name}' is not there, switched off, or without a text")))?;
        if let Value::Object(members) = &mut content {
            members.insert("subject".into(), letter.subject.into());
            members.insert("body".into(), letter.body.into());
            members.insert("type".into(), letter.mime_type.into());
            if members.get("from").is_none_or(Value::is_null) {
                members.insert("from".into(), letter.from.into());
            }
        }
        Ok(content)
    }

    pub(super) fn mail(&self, call: &Call) -> Result<Value, Thrown> {
        let content = self.letter(call)?;
        let text = |key: &str| loose::text(&content, key).filter(|text| !text.is_empty());
        let lists = ["to", "cc", "bcc"].iter().filter_map(|key| content.get(*key)).flat_map(loose::texts);
        let recipients: Vec<String> = lists
            .flat_map(|list| list.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>())
            .filter(|one| !one.is_empty())
            .collect();
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(format!("a mail has 1 to {MAX_RECIPIENTS} recipients").into());
        }
        if content.get("attachments").is_some_and(|attachments| !attachments.is_null()) {
            return Err("mails with attachments are not offered".into());
        }
        for to in recipients {
            if names::check_mail::<&str>(&to, &[]).is_err() {
                return Err(format!("'{to}' is not one mail address").into());
            }
            self.push(Step::Mail(ScriptMail {
                to,
                from: text("from"),
                subject: text("subject").unwrap_or_default().replace(char::is_control, " "),
                mime_type: text("type").unwrap_or_else(|| "text/plain".to_owned()),
                body: text("body").unwrap_or_default(),
            }));
        }
        Ok(json!({"status": "OK", "message": "Email sent"}))
    }
}
