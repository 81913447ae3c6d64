//! `emailTemplate-<name>.json`: mails the server sends by itself (idm-docs §5.6).

use std::collections::BTreeMap;

use crate::diagnostic::Sink;
use crate::loose::Document;

/// A mail template; texts are handlebars, each map is chosen from on its own (projects.md, ranked 19).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailTemplate {
    /// Is it sent at all? A template that does not say so is.
    pub enabled: bool,
    /// Sender; without one the mail service's.
    pub from: Option<String>,
    /// Subjects by locale.
    pub subject: BTreeMap<String, String>,
    /// Bodies by locale: `message`, or `html` in newer files.
    pub message: BTreeMap<String, String>,
    /// Locale to fall back to.
    pub default_locale: Option<String>,
    /// `text/html` by default.
    pub mime_type: String,
    /// Style sheet of the newer files.
    pub styles: Option<String>,
}

impl EmailTemplate {
    /// The template name of a file name in `conf`.
    #[must_use]
    pub fn name_of(file_name: &str) -> Option<&str> {
        let name = file_name.strip_prefix("emailTemplate-")?.strip_suffix(".json")?;
        (!name.is_empty() && !name.contains('.')).then_some(name)
    }

    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        let root = document.root(sink);
        let known = ["enabled", "from", "subject", "message", "html", "defaultLocale", "mimeType", "styles"];
        root.expect_keys(
            &known,
            &["passwordRules", "passwordLength", "types", "advancedEditor", "displayName", "name", "description", "templateId"],
        );
        let message = root.get("message").text_map();
        Self {
            enabled: root.get("enabled").boolean().unwrap_or(true),
            // `&{email.from}` is often undefined; then the mail service's own sender serves.
            from: Some(root.get("from")).filter(|from| !from.is_flawed()).and_then(|from| from.filled_text()),
            subject: root.get("subject").text_map(),
            message: if message.is_empty() { root.get("html").text_map() } else { message },
            default_locale: root.get("defaultLocale").filled_text(),
            mime_type: root.get("mimeType").filled_text().unwrap_or_else(|| "text/html".to_owned()),
            styles: root.get("styles").filled_text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn both_generations_of_templates_are_read() {
        let sink = Sink::default();
        for (key, from) in [("message", "\"a@example.test\""), ("html", "\"&{email.from}\"")] {
            let text = format!(
                "{{\"enabled\": \"true\", \"from\": {from}, \"subject\": {{\"en\": \"Hello\", \"fr\": \"Salut\"}}, \"{key}\": {{\"en\": \"{{{{object.userName}}}}\"}}, \"passwordRules\": []}}"
            );
            let document =
                Document::read(SourceFile::new("conf/emailTemplate-welcome.json", &text), &|_: &str| None, &Sink::default()).unwrap();
            let template = EmailTemplate::read(&document, &sink);
            assert!(template.enabled);
            assert_eq!(
                (template.subject.len(), template.message["en"].as_str(), template.mime_type.as_str()),
                (2, "{{object.userName}}", "text/html")
            );
            assert_eq!(template.from.is_some(), key == "message");
        }
        assert!(sink.into_sorted().is_empty());
    }
}
