//! From an outbox row to an RFC 5322 message. Recipient and sender are one mailbox each, never a list (decision 7); header values
//! with control characters are refused here again, whatever was checked before (SEC-51).

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder, SinglePart};
use process::Mail;

/// Why a mail cannot be written. Such a mail can never be delivered, so it is given up at once.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
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

/// Writes the message. `default_from` is the mail service's own sender.
///
/// # Errors
/// [`MessageError`].
pub(super) fn compose(mail: &Mail, default_from: &str) -> Result<Message, MessageError> {
    let to: Mailbox = mail.to.parse().map_err(|_| MessageError::Recipient)?;
    let sender = mail.from.as_deref().filter(|from| !from.trim().is_empty()).unwrap_or(default_from);
    let from: Mailbox = sender.parse().map_err(|_| MessageError::Sender(sender.to_owned()))?;
    if mail.subject.chars().any(char::is_control) {
        return Err(MessageError::Subject);
    }
    let content_type = if mail.mime_type.eq_ignore_ascii_case("text/html") { ContentType::TEXT_HTML } else { ContentType::TEXT_PLAIN };
    let builder: MessageBuilder = Message::builder().from(from).to(to).subject(mail.subject.as_str()).message_id(None);
    Ok(builder.singlepart(SinglePart::builder().header(content_type).body(mail.body.clone()))?)
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
        }
    }

    #[test]
    fn one_mailbox_and_a_subject_beyond_ascii_are_written() {
        let message = compose(&mail("bjensen@example.org", "Wählen Sie"), "noreply@example.org").unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(text.contains("To: bjensen@example.org"), "{text}");
        assert!(text.contains("text/html; charset=utf-8"), "{text}");
    }

    #[test]
    fn sec_51_lists_and_line_breaks_are_refused() {
        assert!(matches!(compose(&mail("a@example.org, b@example.org", "x"), "n@example.org"), Err(MessageError::Recipient)));
        assert!(matches!(compose(&mail("a@example.org\r\nBcc: b@example.org", "x"), "n@example.org"), Err(MessageError::Recipient)));
        assert!(matches!(compose(&mail("a@example.org", "x\r\nBcc: b@example.org"), "n@example.org"), Err(MessageError::Subject)));
    }
}
