//! What the format policies ask of a text.

use time::format_description::well_known::{Iso8601, Rfc2822, Rfc3339};
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};
use unicode_normalization::UnicodeNormalization;

use crate::MailAddress;

/// `valid-email-address-format`: IDM asks for `.+@.+\..+`. Here it must also be a [`MailAddress`], the one rule for whatever a mail is
/// sent to (SEC-22).
pub(super) fn is_mail_address(text: &str) -> bool {
    text.parse::<MailAddress>().is_ok() && text.split_once('@').is_some_and(|(_, domain)| domain.contains('.'))
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

/// `valid-time`: a time of day, ISO 8601, with or without seconds and an offset.
pub(super) fn is_time(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix(['T', 't']).unwrap_or(text);
    let forms = [
        format_description!("[hour]:[minute]"),
        format_description!("[hour]:[minute]:[second]"),
        format_description!("[hour]:[minute]:[second].[subsecond]"),
    ];
    let plain = |text: &str| forms.iter().any(|form| Time::parse(text, form).is_ok());
    let offset = |text: &str| Time::parse(text, format_description!("[hour]:[minute]")).is_ok();
    let (time, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    };
    plain(time) && (matches!(zone, "Z" | "z") || zone.get(1..).is_some_and(offset))
}

/// `valid-duration`: ISO 8601, such as `P1Y2M10DT2H30M` or `P3W`.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('P') else { return false };
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return false,
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    !rest.is_empty() && are_amounts(days, "YMWD") && are_amounts(time, "HMS")
}

/// Amounts with their units in this order, each at most once.
fn are_amounts(text: &str, units: &str) -> bool {
    let mut units = units.chars();
    let mut amount = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() || c == '.' || c == ',' {
            amount.push(c);
        } else if amount.replace(',', ".").parse::<f64>().is_ok() && units.any(|unit| unit == c) {
            amount.clear();
        } else {
            return false;
        }
    }
    amount.is_empty()
}

/// A form of dates as Java and JavaScript libraries write it: `yyyy-MM-dd`, `DD/MM/YYYY HH:mm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateForm(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// A letter and how often it stands there; letters of the same meaning are one.
    Field(char, usize),
}

impl DateForm {
    /// `None` for a form with letters that are not known.
    pub(super) fn read(form: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut quoted = false;
        for c in form.chars() {
            match c {
                '\'' => quoted = !quoted,
                c if quoted || !c.is_ascii_alphabetic() => parts.push(Part::Literal(c)),
                c => {
                    let field = match c {
                        'Y' | 'u' => 'y',
                        'D' => 'd',
                        'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'S' | 'a' => c,
                        'T' | 'Z' => {
                            parts.push(Part::Literal(c));
                            continue;
                        }
                        _ => return None,
                    };
                    match parts.last_mut() {
                        Some(Part::Field(same, times)) if *same == field => *times += 1,
                        _ => parts.push(Part::Field(field, 1)),
                    }
                }
            }
        }
        (!quoted && parts.iter().any(|part| matches!(part, Part::Field(..)))).then_some(Self(parts))
    }

    /// Whether a text is a date, or a time, of this form that there is.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.read_date(text.trim()).is_some()
    }

    fn read_date(&self, text: &str) -> Option<()> {
        let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (2000, 1_u8, 1_u8, 0_u8, 0_u8, 0_u8);
        let mut rest = text;
        for (at, part) in self.0.iter().enumerate() {
            let Part::Field(field, times) = part else {
                let Part::Literal(literal) = part else { return None };
                rest = rest.strip_prefix(*literal)?;
                continue;
            };
            if (*field, *times) == ('a', 1) || (*field == 'M' && *times > 2) {
                let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
                rest = rest.get(word.len()..)?;
                if *field == 'M' {
                    month = month_named(&word)?;
                } else if !matches!(word.to_ascii_lowercase().as_str(), "am" | "pm") {
                    return None;
                }
                continue;
            }
            // Beside another field there is no telling where a longer number would end.
            let exact = *times > 1 || matches!(self.0.get(at + 1), Some(Part::Field(..)));
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if exact && digits < *times {
                return None;
            }
            let digits = if exact { *times } else { digits.min(4) };
            let number: u16 = rest.get(..digits)?.parse().ok()?;
            rest = rest.get(digits..)?;
            let small = u8::try_from(number.min(255)).ok()?;
            match field {
                'y' => year = i32::from(number) + if *times == 2 { 2000 } else { 0 },
                'M' => month = small,
                'd' => day = small,
                'H' => hour = small,
                'h' => hour = if (1..=12).contains(&small) { small % 12 } else { return None },
                'm' => minute = small,
                's' => second = small,
                _ => {}
            }
        }
        Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        Time::from_hms(hour, minute, second).ok()?;
        rest.is_empty().then_some(())
    }
}

fn month_named(word: &str) -> Option<u8> {
    const MONTHS: [&str; 12] =
        ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
    let word = word.to_lowercase();
    let at = MONTHS.iter().position(|month| *month == word || (word.len() == 3 && month.starts_with(&word)))?;
    u8::try_from(at + 1).ok()
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
    fn times_durations_and_forms_of_dates_are_told_from_other_text() {
        for good in ["10:00", "10:00:59", "10:00:59.123", "T23:59Z", "23:59:59+02:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in ["", "24:00", "10", "10:60", "10:00+25:00", "noon"] {
            assert!(!is_time(bad), "{bad}");
        }
        for good in ["P1Y2M10DT2H30M", "P3W", "PT0.5S", "P1D"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "P", "PT", "1D", "P1", "PD", "P1D2Y", "P1H", "PT1D"] {
            assert!(!is_duration(bad), "{bad}");
        }
        for (form, good, bad) in [
            ("yyyy-MM-dd", "2024-02-29", "2023-02-29"),
            ("DD/MM/YYYY", "31/12/2024", "12/31/2024"),
            ("d.M.yyyy", "1.2.2024", "1.2.24.5"),
            ("dd MMM yyyy", "03 Feb 2024", "03 Foo 2024"),
            ("yyyyMMdd", "20240229", "2024-02-29"),
            ("yyyy-MM-dd'T'HH:mm:ss", "2024-02-29T10:00:00", "2024-02-29 10:00:00"),
        ] {
            let read = DateForm::read(form).unwrap();
            assert!(read.holds(good), "{form} {good}");
            assert!(!read.holds(bad), "{form} {bad}");
        }
        assert_eq!((DateForm::read("yyyy-Q"), DateForm::read("--")), (None, None));
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
