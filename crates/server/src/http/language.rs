//! `Accept-Language`: the languages a person reads, best first.

use http::{HeaderMap, header};

/// Most languages that are looked at (SEC-52).
const MAX_TAGS: usize = 32;
/// Longest tag that is one (RFC 5646 §4.4.1 asks for 35).
const MAX_LENGTH: usize = 64;

/// The tags in the order of their quality; equal ones as written. Those with quality 0 are not wanted.
pub(crate) fn locales(headers: &HeaderMap) -> Vec<String> {
    let Some(value) = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else { return Vec::new() };
    let mut tags: Vec<(&str, f32)> = value.split(',').take(MAX_TAGS).filter_map(tag).collect();
    tags.sort_by(|left, right| right.1.total_cmp(&left.1));
    tags.into_iter().map(|(tag, _)| tag.to_owned()).collect()
}

fn tag(element: &str) -> Option<(&str, f32)> {
    let mut parts = element.split(';');
    let tag = parts.next()?.trim();
    let well_formed = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if tag.is_empty() || tag.len() > MAX_LENGTH || (tag != "*" && !well_formed(tag)) {
        return None;
    }
    let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok()).unwrap_or(1.0);
    (quality > 0.0).then_some((tag, quality.min(1.0)))
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn what_is_no_language_is_left_out() {
        assert_eq!(read("../etc, de;q=x, <b>, "), ["de"]);
        assert!(locales(&HeaderMap::new()).is_empty());
        assert_eq!(read(&"a,".repeat(100)).len(), MAX_TAGS);
        assert!(read(&"a".repeat(MAX_LENGTH + 1)).is_empty());
    }
}
