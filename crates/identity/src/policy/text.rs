//! What the format policies ask of a text.

use time::format_description::well_known::{Iso8601, Rfc2822, Rfc3339};
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use unicode_normalization::UnicodeNormalization;

/// `valid-email-address-format`: IDM asks for `.+@.+\..+`. Here it must also be one mailbox and nothing else (decision 7): no spaces,
/// control characters, lists or display names (SEC-22).
pub(super) fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '@' | '"');
    let plain = !local.contains(forbidden) && !domain.contains(forbidden);
    plain && !local.is_empty() && !host.is_empty() && !top.is_empty() && text.len() <= 254
}

/// `valid-phone-format`: `^\+?([0-9\- \(\)])*$`.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')'))
}

/// `valid-name-format`: letters of any script, with what stands between them in names.
pub(super) fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || is_mark(c);
    text.chars().any(char::is_alphabetic) && text.chars().all(|c| letter(c) || matches!(c, ' ' | '\'' | '’' | '-' | '.' | ',' | '·'))
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}')
}

/// `valid-username`: one name in one spelling. No spaces at its ends, nothing invisible, no compatibility forms (SEC-48), none of the
/// characters that part a path.
pub(super) fn is_user_name(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(['/', '\\']) && !has_invisible(text) && text.nfkc().eq(text.chars())
}

/// Control characters, and characters that are not seen but tell two texts apart (SEC-48).
pub(crate) fn has_invisible(text: &str) -> bool {
    text.chars().any(|c| {
        c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// `valid-date`: the forms a browser's date parser takes that real projects use.
pub(super) fn is_date(text: &str) -> bool {
    let text = text.trim();
    let plain = [
        format_description!("[year]-[month]-[day]"),
        format_description!("[year]/[month]/[day]"),
        format_description!("[month]/[day]/[year]"),
        format_description!("[year][month][day]"),
    ];
    plain.iter().any(|form| Date::parse(text, form).is_ok()) || is_date_time(text) || OffsetDateTime::parse(text, &Rfc2822).is_ok()
}

/// `valid-datetime`: ISO 8601 with a date and a time, with or without an offset.
pub(super) fn is_date_time(text: &str) -> bool {
    let text = text.trim();
    text.contains(['T', 't', ' '])
        && (OffsetDateTime::parse(text, &Rfc3339).is_ok()
            || OffsetDateTime::parse(text, &Iso8601::PARSING).is_ok()
            || PrimitiveDateTime::parse(text, &Iso8601::PARSING).is_ok())
}

/// Seconds since 1970 of a date and time; `None` for anything else.
pub(super) fn unix_seconds(text: &str) -> Option<i64> {
    let with_offset = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING));
    with_offset
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc))
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_mailbox_sec_22() {
        for good in ["ann@example.test", "a.b+c@sub.example.test", "müller@bücher.test"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in [
            "x",
            "a@b",
            "@example.test",
            "a@.test",
            "a@example.",
            "a b@example.test",
            "a@b.test,c@d.test",
            "A <a@b.test>",
            "a@b.test\r\nBcc: x@y.test",
            "a@b@c.test",
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }

    #[test]
    fn dates_and_times_are_told_from_other_text() {
        for good in ["2024-02-29", "2024/02/29", "02/29/2024", "2024-02-29T10:00:00Z", "Thu, 29 Feb 2024 10:00:00 +0000"] {
            assert!(is_date(good), "{good}");
        }
        for bad in ["2023-02-29", "soon", "13/45/2020", ""] {
            assert!(!is_date(bad), "{bad}");
        }
        for good in
            ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123Z", "2024-02-29T10:00:00+01:00", "2024-02-29T10:00:00", "20240229T100000Z"]
        {
            assert!(is_date_time(good), "{good}");
        }
        for bad in ["2024-02-29", "10:00", "2024-02-30T10:00:00Z"] {
            assert!(!is_date_time(bad), "{bad}");
        }
    }

    #[test]
    fn names_and_numbers() {
        assert!(is_name("Jean-Luc O’Neill"));
        assert!(is_name("Łukasz"));
        assert!(!is_name("Rob3rt"));
        assert!(!is_name("  "));
        assert!(is_phone("+1 (555) 01-02"));
        assert!(!is_phone("555#1"));
    }

    #[test]
    fn user_names_have_one_spelling_sec_48() {
        assert!(is_user_name("jörg.müller@example.test"));
        for bad in ["", " ann", "ann ", "a/b", "ann\u{200b}", "ａnn", "a\nb", "ann\u{202e}"] {
            assert!(!is_user_name(bad), "{bad:?}");
        }
    }
}
