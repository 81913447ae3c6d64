//! `emailTemplate-<name>.json`: mails the server sends by itself (docs/protocol/mail.md, "Mail service").

use stages::MailTemplate;

use crate::diagnostic::Sink;
use crate::loose::Document;

/// The template name of a file name in `conf`.
pub(crate) fn name_of(file_name: &str) -> Option<&str> {
    let name = file_name.strip_prefix("emailTemplate-")?.strip_suffix(".json")?;
    (!name.is_empty() && !name.contains('.')).then_some(name)
}

/// A template that does not say whether it is sent is sent; bodies are `message`, or `html` in newer files; they are HTML unless they
/// say otherwise.
pub(crate) fn read(document: &Document, sink: &Sink) -> MailTemplate {
    let root = document.root(sink);
    root.expect(&crate::keys::EMAIL_TEMPLATE);
    let message = root.get("message").text_map();
    MailTemplate {
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
            let template = read(&document, &sink);
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
