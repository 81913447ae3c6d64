//! The project's mail templates, `emailTemplate-<name>.json`: handlebars texts by locale (docs/protocol/mail.md, "Mail service",
//! docs/protocol/project-files.md).
//!
//! Easiest to break: a value is data, never a template, and in HTML it is escaped (SEC-51). Templates have no helper that reads, loops
//! without end or includes a file: they see the object and nothing else.

use std::collections::BTreeMap;

use handlebars::{Handlebars, no_escape};
use serde_json::{Value, json};
use thiserror::Error;

use crate::locale::Translations;
use crate::mail_text;
use crate::services::{MailTemplates, RenderedMail};

/// A template as its file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailTemplate {
    /// Whether mails are made of it.
    pub enabled: bool,
    /// The sender; `None` takes the mail service's own.
    pub from: Option<String>,
    /// Subjects by locale.
    pub subject: BTreeMap<String, String>,
    /// Texts by locale.
    pub message: BTreeMap<String, String>,
    /// The language when none of the reader's fits.
    pub default_locale: Option<String>,
    /// `text/html` or `text/plain`.
    pub mime_type: String,
    /// A style sheet for HTML texts.
    pub styles: Option<String>,
}

/// A text of a template that cannot be read. No mail is made of the template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the text '{part}' of the mail template '{name}' cannot be read: {reason}")]
pub struct BrokenTemplate {
    /// The template.
    pub name: String,
    /// `subject/en`, `message/fr`.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The templates of a project, ready to be filled in.
#[derive(Default)]
pub struct HandlebarsTemplates {
    escaping: Handlebars<'static>,
    plain: Handlebars<'static>,
    templates: BTreeMap<String, Ready>,
    default_locale: String,
}

struct Ready {
    from: Option<String>,
    mime_type: String,
    styles: Option<String>,
    default_locale: Option<String>,
    /// Names under which the texts are registered, by locale.
    subject: Translations,
    message: Translations,
}

impl HandlebarsTemplates {
    /// Reads the templates. Those that are switched off are left out; those that cannot be read are left out and named.
    /// `default_locale` serves templates that name none.
    #[must_use]
    pub fn new(templates: &BTreeMap<String, MailTemplate>, default_locale: &str) -> (Self, Vec<BrokenTemplate>) {
        let mut ready = Self { default_locale: default_locale.to_owned(), ..Self::default() };
        ready.plain.register_escape_fn(no_escape);
        let mut broken = Vec::new();
        for (name, template) in templates.iter().filter(|(_, template)| template.enabled) {
            match ready.read(name, template) {
                Ok(one) => {
                    ready.templates.insert(name.clone(), one);
                }
                Err(error) => broken.push(error),
            }
        }
        (ready, broken)
    }

    fn read(&mut self, name: &str, template: &MailTemplate) -> Result<Ready, BrokenTemplate> {
        let html = mail_text::is_html(&template.mime_type);
        let mut register = |kind: &str, texts: &BTreeMap<String, String>, html: bool| {
            let mut names = Vec::new();
            for (locale, text) in texts {
                let part = format!("{kind}/{locale}");
                let key = format!("{name}/{part}");
                let registry = if html { &mut self.escaping } else { &mut self.plain };
                registry.register_template_string(&key, text).map_err(|error| BrokenTemplate {
                    name: name.to_owned(),
                    part,
                    reason: error.reason().to_string(),
                })?;
                names.push((locale.clone(), key));
            }
            let pairs: Vec<(&str, &str)> = names.iter().map(|(locale, key)| (locale.as_str(), key.as_str())).collect();
            Ok(Translations::of(&pairs))
        };
        Ok(Ready {
            subject: register("subject", &template.subject, false)?,
            message: register("message", &template.message, html)?,
            from: template.from.clone(),
            mime_type: mail_text::header(&template.mime_type),
            styles: template.styles.clone().filter(|styles| html && !styles.trim().is_empty()),
            default_locale: template.default_locale.clone(),
        })
    }
}

fn fill(registry: &Handlebars<'static>, key: &str, object: &Value) -> Option<String> {
    let filled = registry.render(key, &json!({ "object": object }));
    filled.inspect_err(|error| tracing::error!(template = key, reason = %error.reason(), "a mail template cannot be filled in")).ok()
}

impl MailTemplates for HandlebarsTemplates {
    fn render(&self, name: &str, locales: &[String], object: &Value) -> Option<RenderedMail> {
        let template = self.templates.get(name)?;
        let default = template.default_locale.as_deref().unwrap_or(&self.default_locale);
        let subject = template.subject.choose(locales, default).and_then(|key| fill(&self.plain, key, object)).unwrap_or_default();
        let html = mail_text::is_html(&template.mime_type);
        let registry = if html { &self.escaping } else { &self.plain };
        let text = fill(registry, template.message.choose(locales, default)?, object)?;
        let body = match &template.styles {
            Some(styles) => format!("<style>{}</style>{text}", styles.replace("</", "<\\/")),
            None => text,
        };
        Some(RenderedMail {
            from: template.from.clone(),
            subject: mail_text::header(&subject),
            mime_type: template.mime_type.clone(),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(locale, text)| ((*locale).to_owned(), (*text).to_owned())).collect()
    }

    fn welcome() -> MailTemplate {
        MailTemplate {
            enabled: true,
            subject: texts(&[("en", "Welcome {{object.userName}}"), ("fr", "Bienvenue")]),
            message: texts(&[
                ("en", "<p>Your username is '{{object.userName}}'.{{#if object.mail}} Mail: {{object.mail}}{{else}} No mail{{/if}}</p>"),
                ("de", "<p>{{{object.userName}}}</p>"),
            ]),
            default_locale: Some("en".into()),
            mime_type: "text/html".into(),
            ..MailTemplate::default()
        }
    }

    fn render(template: MailTemplate, locales: &[&str], object: &Value) -> Option<RenderedMail> {
        let (templates, broken) = HandlebarsTemplates::new(&BTreeMap::from([("welcome".to_owned(), template)]), "en");
        assert_eq!(broken, []);
        let locales: Vec<String> = locales.iter().map(|locale| (*locale).to_owned()).collect();
        templates.render("welcome", &locales, object)
    }

    #[test]
    fn each_map_is_chosen_from_on_its_own_and_conditions_work() {
        let mail = render(welcome(), &["fr-CA"], &json!({"userName": "ann", "mail": "a@b"})).unwrap();
        assert_eq!((mail.subject.as_str(), mail.body.as_str()), ("Bienvenue", "<p>Your username is 'ann'. Mail: a@b</p>"));
        let mail = render(welcome(), &["x"], &json!({})).unwrap();
        assert_eq!((mail.subject.as_str(), mail.body.as_str()), ("Welcome", "<p>Your username is ''. No mail</p>"));
    }

    #[test]
    fn sec_51_values_are_escaped_in_html_never_read_as_a_template_and_keep_subjects_on_one_line() {
        let object = json!({"userName": "<b>{{object.mail}}</b>\r\nBcc: x@y", "mail": "secret"});
        let mail = render(welcome(), &["en"], &object).unwrap();
        assert!(mail.body.contains("&lt;b&gt;{{object.mail}}&lt;/b&gt;"), "{}", mail.body);
        assert_eq!(mail.subject, "Welcome <b>{{object.mail}}</b> Bcc: x@y");
        let plain = MailTemplate { mime_type: "text/plain".into(), ..welcome() };
        assert!(render(plain, &["en"], &object).unwrap().body.contains("<b>{{object.mail}}</b>"));
    }

    #[test]
    fn styles_stand_before_the_text_and_cannot_end_themselves() {
        let template = MailTemplate { styles: Some("p{}</style><script>".into()), ..welcome() };
        assert!(render(template, &["de"], &json!({"userName": "x"})).unwrap().body.starts_with("<style>p{}<\\/style><script></style><p>x"));
    }

    #[test]
    fn a_template_that_is_off_missing_or_broken_makes_no_mail() {
        assert_eq!(render(MailTemplate { enabled: false, ..welcome() }, &[], &json!({})), None);
        let broken = MailTemplate { message: texts(&[("en", "{{#if object.x}}")]), ..welcome() };
        let (templates, found) = HandlebarsTemplates::new(&BTreeMap::from([("welcome".to_owned(), broken)]), "en");
        assert_eq!((found[0].name.as_str(), found[0].part.as_str()), ("welcome", "message/en"));
        assert_eq!(templates.render("welcome", &[], &json!({})), None);
        assert_eq!(templates.render("other", &[], &json!({})), None);
    }
}
