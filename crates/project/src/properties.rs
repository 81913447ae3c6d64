//! Java properties text (`boot.properties`).
//!
//! The format of `java.util.Properties.load`: `=`, `:` or white space end a key, `\` continues a line and escapes, `#` and `!` open a
//! comment. The rule easiest to break: white space *around* the separator is dropped, white space at the end of a value is not.

use std::collections::BTreeMap;

/// Reads properties; the last of two equal keys counts. Nothing is refused: Java refuses only a broken `\u`, which stays as written.
#[must_use]
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    logical_lines(text).iter().map(|line| entry(line)).collect()
}

/// Properties from bytes: UTF-8, or else ISO 8859-1, which is what Java used to write.
pub(crate) fn parse_bytes(bytes: &[u8]) -> BTreeMap<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(_) => parse(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{c}')
}

fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open: Option<String> = None;
    for natural in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let line = natural.trim_start_matches(is_blank);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let mut whole = open.take().unwrap_or_default();
        let escapes = line.chars().rev().take_while(|character| *character == '\\').count();
        if escapes % 2 == 1 {
            whole.push_str(line.strip_suffix('\\').unwrap_or(line));
            open = Some(whole);
        } else {
            whole.push_str(line);
            lines.push(whole);
        }
    }
    lines.extend(open.filter(|line| !line.is_empty()));
    lines
}

fn entry(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.find(|character: char| {
        if escaped {
            escaped = false;
            return false;
        }
        escaped = character == '\\';
        matches!(character, '=' | ':') || is_blank(character)
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(is_blank);
    (unescape(key), unescape(value))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let mut characters = after.chars();
        let (_, Some(escape)) = (characters.next(), characters.next()) else { return plain };
        rest = characters.as_str();
        match escape {
            't' => plain.push('\t'),
            'n' => plain.push('\n'),
            'r' => plain.push('\r'),
            'f' => plain.push('\u{c}'),
            'u' => match unicode(rest) {
                Some((character, remaining)) => {
                    plain.push(character);
                    rest = remaining;
                }
                None => plain.push_str("\\u"),
            },
            other => plain.push(other),
        }
    }
    plain.push_str(rest);
    plain
}

/// The character after `\u`, and what follows it; a surrogate needs its partner.
fn unicode(text: &str) -> Option<(char, &str)> {
    let (unit, rest) = unit(text)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, rest));
    }
    let (low, rest) = rest.strip_prefix("\\u").and_then(self::unit)?;
    let pair = [u16::try_from(unit).ok()?, u16::try_from(low).ok()?];
    char::decode_utf16(pair).next()?.ok().map(|character| (character, rest))
}

fn unit(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(digits, 16).ok()?, text.get(4..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> (String, String) {
        parse(text).into_iter().next().unwrap()
    }

    #[test]
    fn spaces_round_the_sign_are_dropped_and_a_value_may_be_empty() {
        assert_eq!(one("openidm.host = localhost"), ("openidm.host".into(), "localhost".into()));
        assert_eq!(one("openidm.port.http=8080 "), ("openidm.port.http".into(), "8080 ".into()));
        assert_eq!(one("openidm.empty="), ("openidm.empty".into(), String::new()));
        assert_eq!(one("openidm.alone"), ("openidm.alone".into(), String::new()));
        assert_eq!(one("a:b=c"), ("a".into(), "b=c".into()));
        assert_eq!(one("a b c"), ("a".into(), "b c".into()));
    }

    #[test]
    fn comments_continuations_and_escapes_are_java_s() {
        let read =
            parse("# a=1\r\n  ! b=2\r\nlist = one,\\\r\n   two\\\\\r\nk\\=ey\\ x = \\u00e9\\t\\q \\ud83d\\ude00\n\nlist2=\\uZZ\nlast=x\\");
        assert_eq!(read["list"], "one,two\\");
        assert_eq!(read["k=ey x"], "é\tq 😀");
        assert_eq!(read["list2"], "\\uZZ");
        assert_eq!(read["last"], "x");
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn latin_1_bytes_are_read() {
        assert_eq!(parse_bytes(b"a=\xe9")["a"], "é");
    }

    proptest! {
        #[test]
        fn what_is_written_escaped_is_read_back(key in "[a-z.]{1,8}", value in "\\PC{0,20}") {
            let escaped: String = value.chars().map(|character| if character.is_ascii_alphanumeric() { character.to_string() } else { format!("\\{character}") }).collect();
            prop_assert_eq!(parse(&format!("{key} = {escaped}")), BTreeMap::from([(key, value)]));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\\\u0-9a-f=:# \r\n\\PC]{0,60}") {
            let _ = parse(&text);
        }
    }
}
