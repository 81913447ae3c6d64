//! From an outbox row to an RFC 5322 message. Recipient and sender are one mailbox each, never a list; header values with control
//! characters are refused here again, whatever was checked before (SEC-51).

use identity::MailAddress;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, SinglePart};
use lettre::{Address, Message};
use process::Mail;

use crate::letter::Letter;

/// Why a mail cannot be written. Such a mail can never be delivered, so it is given up at once.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The recipient is not one mailbox.
    #[error("the recipient is not a mailbox")]
    Recipient,
    /// The sender is not one mailbox.
    #[error("the sender '{0}' is not a mailbox")]
    Sender(String),
    /// A header has a line break or another control character.
    #[error("the subject has control characters")]
    Subject,
    /// The library refuses it.
    #[error("the message cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
}

/// Who a mail is from: an address, with a name before it or without.
pub(crate) struct Sender {
    pub(crate) name: Option<String>,
    pub(crate) address: MailAddress,
}

impl Sender {
    /// The sender of a mail; `default` is the mail service's own.
    pub(crate) fn of(mail: &Mail, default: &str) -> Result<Self, MessageError> {
        let text = mail.from.as_deref().filter(|from| !from.trim().is_empty()).unwrap_or(default).trim();
        let refused = || MessageError::Sender(text.chars().filter(|c| !c.is_control()).collect());
        if text.chars().any(char::is_control) {
            return Err(refused());
        }
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (Some(name.trim().trim_matches('"').replace("\\\"", "\"")), address.trim()),
            None => (None, text),
        };
        let address = address.parse().map_err(|_| refused())?;
        Ok(Self { name: name.filter(|name| !name.is_empty()), address })
    }
}

/// The recipient of a mail.
pub(crate) fn recipient(mail: &Mail) -> Result<MailAddress, MessageError> {
    mail.to.parse().map_err(|_| MessageError::Recipient)
}

/// Writes the message. `default_from` is the mail service's own sender.
///
/// # Errors
/// [`MessageError`].
pub(crate) fn compose(mail: &Mail, default_from: &str) -> Result<Letter, MessageError> {
    let (to, from) = (recipient(mail)?, Sender::of(mail, default_from)?);
    if mail.subject.chars().any(char::is_control) {
        return Err(MessageError::Subject);
    }
    let mailbox = |name: Option<String>, address: &MailAddress| {
        // The address has been judged; the library's own rule knows less of letters outside ASCII.
        Mailbox::new(name, Address::new_dangerous(address.local(), address.ascii_domain()))
    };
    let part = SinglePart::builder().header(content_type(&mail.mime_type)).body(mail.body.clone());
    let builder = Message::builder().from(mailbox(from.name, &from.address)).to(mailbox(None, &to)).subject(mail.subject.as_str());
    let message = builder.message_id(Some(message_id(&from.address))).singlepart(part)?;
    Ok(Letter {
        from: from.address.for_transport(),
        to: to.for_transport(),
        message: message.formatted(),
        utf8: from.address.needs_utf8() || to.needs_utf8(),
    })
}

/// A mail that a server is asked about and never gets: from the mail service's own sender, to that sender unless somebody is named.
///
/// # Errors
/// [`MessageError`].
pub(crate) fn sample(default_from: &str, to: Option<MailAddress>) -> Result<Letter, MessageError> {
    let mut mail = Mail {
        to: String::new(),
        from: None,
        subject: "Vestibule".to_owned(),
        mime_type: "text/plain".to_owned(),
        body: String::new(),
        wait: false,
        withheld: false,
        client: None,
    };
    mail.to = match to {
        Some(to) => to.into(),
        None => Sender::of(&mail, default_from)?.address.into(),
    };
    compose(&mail, default_from)
}

/// Unique, and at the sender's own domain: one at this machine's name would tell what it is called.
#[expect(clippy::disallowed_methods, reason = "a message id is unique and nothing else; no test and no rule depends on it")]
fn message_id(from: &MailAddress) -> String {
    format!("<{}@{}>", uuid::Uuid::new_v4().simple(), from.ascii_domain())
}

/// The type of the text, which is written in UTF-8 whatever the configuration says of it. What is no media type is plain text.
fn content_type(written: &str) -> ContentType {
    let mut parts = written.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let rest: Vec<&str> = parts.filter(|part| !part.is_empty() && !part.to_ascii_lowercase().starts_with("charset")).collect();
    let charset = if essence.starts_with("text/") || essence.ends_with("xml") { Some("charset=utf-8") } else { None };
    let text: Vec<&str> = std::iter::once(essence.as_str()).chain(charset).chain(rest).collect();
    ContentType::parse(&text.join("; ")).unwrap_or(ContentType::TEXT_PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail {
            to: to.into(),
            from: None,
            subject: subject.into(),
            mime_type: "text/html".into(),
            body: "<p>Grüße</p>".into(),
            wait: false,
            withheld: false,
            client: None,
        }
    }

    fn text(letter: &Letter) -> String {
        String::from_utf8(letter.message.clone()).unwrap()
    }

    #[test]
    fn one_mailbox_and_a_subject_beyond_ascii_are_written() {
        let letter = compose(&mail("bjensen@example.org", "Wählen Sie"), "noreply@example.org").unwrap();
        let text = text(&letter);
        assert!(text.contains("To: bjensen@example.org"), "{text}");
        assert!(text.contains("text/html; charset=utf-8"), "{text}");
        assert!(text.contains("@example.org>\r\n") && text.is_ascii() && !letter.utf8, "{text}");
    }

    #[test]
    fn sec_51_lists_and_line_breaks_are_refused() {
        let refused = |to: &str| matches!(compose(&mail(to, "x"), "n@example.org"), Err(MessageError::Recipient));
        assert!(refused("a@example.org, b@example.org") && refused("a@example.org\r\nBcc: b@example.org"));
        assert!(matches!(compose(&mail("a@example.org", "x\r\nBcc: b@example.org"), "n@example.org"), Err(MessageError::Subject)));
        for from in ["a@example.org, b@example.org", "X\r\nBcc: b <a@example.org>", "nobody", "<>"] {
            assert!(matches!(compose(&mail("a@example.org", "x"), from), Err(MessageError::Sender(_))), "{from}");
        }
    }

    #[test]
    fn a_domain_is_written_in_a_labels_and_a_local_part_in_utf8() {
        let letter = compose(&mail("jörg@bücher.example", "x"), "Büro <desk@bücher.example>").unwrap();
        assert_eq!(
            (letter.to.as_str(), letter.from.as_str(), letter.utf8),
            ("jörg@xn--bcher-kva.example", "desk@xn--bcher-kva.example", true)
        );
        let text = text(&letter);
        assert!(text.contains("To: jörg@xn--bcher-kva.example\r\n"), "{text}");
        assert!(text.contains("From: =?utf-8?b?QsO8cm8=?= <desk@xn--bcher-kva.example>\r\n"), "{text}");
        assert!(!compose(&mail("info@bücher.example", "x"), "n@example.org").unwrap().utf8);
    }

    #[test]
    fn a_media_type_keeps_its_parameters_and_the_charset_is_the_one_written() {
        for (written, sent) in [
            ("text/html", "text/html; charset=utf-8"),
            ("Text/HTML; charset=ISO-8859-1", "text/html; charset=utf-8"),
            ("text/plain;format=flowed", "text/plain; charset=utf-8; format=flowed"),
            ("text/xml", "text/xml; charset=utf-8"),
            ("nonsense", "text/plain; charset=utf-8"),
            ("", "text/plain; charset=utf-8"),
        ] {
            let letter = compose(&Mail { mime_type: written.into(), ..mail("a@example.org", "x") }, "n@example.org").unwrap();
            assert!(text(&letter).contains(&format!("Content-Type: {sent}\r\n")), "{written}: {}", text(&letter));
        }
    }
}
