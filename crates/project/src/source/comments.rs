//! Comments of JSON files.
//!
//! Easiest to break: they are blanked, not cut, or every position behind one would be wrong.

use std::borrow::Cow;

/// The text with blanks for `/* … */` and `// …`, as many bytes as before. A comment that is not closed ends with the text.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = next_comment(rest) {
        let (before, comment) = rest.split_at(at);
        let end = if comment.starts_with("//") {
            comment.find(['\n', '\r']).unwrap_or(comment.len())
        } else {
            comment.get(2..).and_then(|inside| inside.find("*/")).map_or(comment.len(), |inside| inside + 4)
        };
        let (comment, after) = comment.split_at(end);
        plain.push_str(before);
        plain.extend(comment.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' }));
        rest = after;
    }
    if plain.is_empty() {
        return Cow::Borrowed(text);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Where the first comment outside of any text begins.
fn next_comment(text: &str) -> Option<usize> {
    let (mut in_text, mut escaped) = (false, false);
    let bytes = text.as_bytes();
    bytes.iter().enumerate().position(|(at, byte)| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'/' if !in_text => return matches!(bytes.get(at + 1), Some(b'/' | b'*')),
            _ => {}
        }
        false
    })
}
