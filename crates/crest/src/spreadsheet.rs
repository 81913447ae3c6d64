//! Cells of a table that goes into a spreadsheet.
//!
//! Easiest to break: whoever opens it runs what begins like a formula
//! ([CSV injection](https://owasp.org/www-community/attacks/CSV_Injection)).

use std::borrow::Cow;

/// Characters that a value begins with which a spreadsheet would run, and the one that keeps it from that.
const RUN: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\n', '\''];

/// A value that nothing runs: what begins like a formula has a `'` before it.
///
/// ```
/// # use vestibule_crest as crest;
/// assert_eq!(crest::harmless("=1+1"), "'=1+1");
/// assert_eq!(crest::harmless("a=1"), "a=1");
/// ```
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(RUN) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What [`harmless`] was made of.
#[must_use]
pub fn meant(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(RUN) => rest.to_owned(),
        _ => text,
    }
}

/// A [`harmless`] value as a cell of a line, as RFC 4180, section 2, writes it: with quotes where it needs them. `separator` stands between cells.
///
/// ```
/// # use vestibule_crest as crest;
/// assert_eq!(crest::cell("a,\"b\"", ','), "\"a,\"\"b\"\"\"");
/// ```
#[must_use]
pub fn cell(text: &str, separator: char) -> String {
    let text = harmless(text);
    if text.contains([separator, '"', '\n', '\r']) || text.trim().len() < text.len() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whatever_a_spreadsheet_would_run_has_a_quote_and_comes_back() {
        for text in ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "'=1", "''"] {
            let kept = harmless(text);
            assert_eq!((kept.as_ref(), meant(kept.to_string())), (format!("'{text}").as_str(), text.to_owned()));
            assert!(cell(text, ',').trim_start_matches('"').starts_with('\''), "{text:?}");
        }
        assert_eq!((harmless("a=1").as_ref(), meant("'a".to_owned())), ("a=1", "'a".to_owned()));
        assert_eq!(
            (cell("a=b", ',').as_str(), cell("a,\"b\"", ',').as_str(), cell(" a", ';').as_str()),
            ("a=b", "\"a,\"\"b\"\"\"", "\" a\"")
        );
    }

    proptest! {
        #[test]
        fn a_cell_is_one_value_that_nothing_runs(text in "([=+@'\t\r\n-]|[a-z,\" ü]){0,6}") {
            let cell = cell(&text, ',');
            let value = if let Some(inside) = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                prop_assert!(!inside.replace("\"\"", "").contains('"'));
                inside.replace("\"\"", "\"")
            } else {
                prop_assert!(!cell.contains([',', '"', '\r', '\n']));
                cell.clone()
            };
            prop_assert!(!value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
            prop_assert_eq!(meant(value), text);
        }
    }
}
