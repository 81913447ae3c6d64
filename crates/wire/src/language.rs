//! `Accept-Language` (RFC 9110 §12.5.4): the languages a person reads, best first.
//!
//! Nothing is an error: what cannot be read is left out, and a person gets a text in some language.

use http::{HeaderMap, header};

/// Most languages that are looked at (SEC-52).
pub const MAX_TAGS: usize = 32;
/// Longest tag that is one, in bytes (RFC 5646 §4.4.1 asks for 35).
pub const MAX_LENGTH: usize = 64;

/// The tags in the order of their quality; equal ones as written. Those with quality 0 are not wanted.
pub fn locales(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut tags: Vec<(&str, u16)> = lines.flat_map(|line| line.split(',')).take(MAX_TAGS).filter_map(wanted).collect();
    tags.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    tags.into_iter().map(|(tag, _)| tag.to_owned()).collect()
}

fn wanted(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| is_range(tag))?;
    let quality = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    let quality = quality.map_or(1000, thousandths);
    (quality > 0).then_some((tag, quality))
}

/// `en`, `en-GB`, or, as Java writes it, `en_GB`.
fn is_range(tag: &str) -> bool {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag == "*" || (tag.len() <= MAX_LENGTH && tag.split(['-', '_']).all(subtag))
}

/// `0.5` as 500; 0 for what is no quality.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
        locales(&headers)
    }

    #[test]
    fn the_best_language_is_first_and_order_breaks_ties() {
        assert_eq!(read("en;q=0.5, fr-CA, de;q=0.8, fr"), ["fr-CA", "fr", "de", "en"]);
        assert_eq!(read("*;q=0.1, de;q=0, nl ; q=0.3"), ["nl", "*"]);
        assert_eq!(read("en;q=0.7;foo=bar, en_GB ; Q=0.9"), ["en_GB", "en"]);
    }

    #[test]
    fn all_lines_of_the_header_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT_LANGUAGE, "en;q=0.5".parse().unwrap());
        headers.append(header::ACCEPT_LANGUAGE, "de".parse().unwrap());
        assert_eq!(locales(&headers), ["de", "en"]);
    }

    #[test]
    fn what_is_no_language_and_what_has_no_quality_is_left_out() {
        assert_eq!(read("../etc, de, <b>, , x;y;z=,;q=2,fr;q=oops,nl;q=2,it;q=0.1234"), ["de", "x"]);
        assert!(locales(&HeaderMap::new()).is_empty());
        assert_eq!(read(&"a,".repeat(100)).len(), MAX_TAGS);
        assert!(read(&"a".repeat(9)).is_empty());
        assert!(read(&["a"; 33].join("-")).is_empty());
    }

    proptest! {
        #[test]
        fn what_was_chosen_is_chosen_again(text in "[-a-zA-Z_*;,=q.0-9 ]{0,120}") {
            let tags = read(&text);
            prop_assert_eq!(read(&tags.join(",")), tags);
        }
    }
}
