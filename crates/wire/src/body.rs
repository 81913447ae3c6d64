//! The JSON body of a request: its content type, its depth, its text. Whoever reads it off the connection bounds its size first.
//!
//! Easiest to get wrong: nothing may be parsed before its depth is known to be bounded, and nothing after the document may be ignored.

use crest::ResourceError;
use http::{HeaderMap, header};
use serde::Deserialize as _;
use serde_json::Value;

/// Deepest nesting of a body (SEC-41, SEC-52); below the parser's own bound of 128, so that the message is ours.
pub const MAX_DEPTH: usize = 100;

/// What a body's kind of request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An action: any JSON or nothing, and the content type may be missing.
    Anything,
    /// A create or an update: an object.
    Object,
    /// A patch: JSON, which the patch's own reader judges.
    Document,
}

/// Judges the content type of a request whose body matters.
///
/// # Errors
/// 400 for anything but `application/json`, with the messages of docs/protocol/rest.md, "Request bodies".
pub fn check_content_type(headers: &HeaderMap, wanted: Wanted) -> Result<(), ResourceError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        if wanted == Wanted::Anything {
            return Ok(());
        }
        // Two spaces, as clients may match it.
        return Err(ResourceError::bad_request(
            "The request could not be processed because the  content-type was not specified and is required",
        ));
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some(_) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        Some((kind, subtype)) if !kind.is_empty() && !subtype.is_empty() => Err(ResourceError::bad_request(format!(
            "The request could not be processed because it specified the content-type '{essence}' when only the content-type \
             'application/json' and 'multipart/form-data' are supported"
        ))),
        _ => Err(ResourceError::bad_request("The request content type can't be parsed.")),
    }
}

/// Whether a request says that its body is a form (`application/x-www-form-urlencoded`).
#[must_use]
pub fn is_form(headers: &HeaderMap) -> bool {
    let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    written.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Judges the encoding of a request's body: it is read as it comes, or not at all.
///
/// # Errors
/// 415 for any encoding (RFC 9110 section 8.4).
pub fn check_content_encoding(headers: &HeaderMap) -> Result<(), ResourceError> {
    let lines = headers.get_all(header::CONTENT_ENCODING).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    for line in lines {
        for name in line.split(',').map(str::trim) {
            if !name.is_empty() && !name.eq_ignore_ascii_case("identity") {
                let shown: String = name.chars().take(40).collect();
                return Err(ResourceError::new(415, format!("The content encoding '{shown}' is not supported")));
            }
        }
    }
    Ok(())
}

/// Parses a body. Nothing at all, which only an action may send, is `None`.
///
/// # Errors
/// 400, with the messages of docs/protocol/processes.md, "Errors of the engine" and docs/protocol/rest.md, "Request bodies".
pub fn parse(bytes: &[u8], wanted: Wanted) -> Result<Option<Value>, ResourceError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return match wanted {
            Wanted::Anything => Ok(None),
            Wanted::Object | Wanted::Document => {
                Err(ResourceError::bad_request("The request could not be processed because it did not contain any JSON content"))
            }
        };
    }
    if too_deep(bytes) {
        return Err(ResourceError::bad_request(format!(
            "The request could not be processed because the provided content is nested more than {MAX_DEPTH} levels deep"
        )));
    }
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = Value::deserialize(&mut parser).map_err(|error| {
        ResourceError::bad_request("The request could not be processed because the provided content is not valid JSON")
            .with_detail(Value::String(error.to_string()))
    })?;
    if parser.end().is_err() {
        return Err(ResourceError::bad_request("The request could not be processed because there is trailing data after the JSON content"));
    }
    if wanted == Wanted::Object && !value.is_object() {
        return Err(ResourceError::bad_request("The request could not be processed because the provided content is not a JSON object"));
    }
    Ok(Some(value))
}

/// Whether brackets outside strings nest too deep. Runs before the parser, without recursion.
fn too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_known_by_its_whole_name_in_any_letters() {
        let says = |text: &'static str| is_form(&HeaderMap::from_iter([(header::CONTENT_TYPE, http::HeaderValue::from_static(text))]));
        assert!(["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"].into_iter().all(says));
        assert!(!["application/x-www-form-urlencoded2", "text/plain", ""].into_iter().any(says) && !is_form(&HeaderMap::new()));
    }

    fn content_type(text: &str, wanted: Wanted) -> Result<(), ResourceError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
        check_content_type(&headers, wanted)
    }

    #[test]
    fn only_json_is_read_whatever_its_parameters() {
        for text in ["application/json", "APPLICATION/JSON", "application/json;charset=utf-8", "application/json; charset=iso-8859-1"] {
            assert!(content_type(text, Wanted::Object).is_ok());
        }
        for text in ["text/plain", "application/x-www-form-urlencoded", "application/json-patch+json", "multipart/form-data; boundary=x"] {
            let error = content_type(text, Wanted::Anything).unwrap_err();
            assert_eq!(error.code, 400);
            assert!(error.message.starts_with("The request could not be processed because it specified the content-type '"), "{error}");
        }
        for text in ["", "nonsense", "/", "a/"] {
            assert_eq!(content_type(text, Wanted::Anything).unwrap_err().message, "The request content type can't be parsed.");
        }
    }

    #[test]
    fn a_body_in_an_encoding_is_not_read() {
        let code = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::CONTENT_ENCODING, line.parse().unwrap());
            }
            check_content_encoding(&headers).map_err(|error| error.code)
        };
        for lines in [&[][..], &[""], &["identity"], &["Identity, identity"]] {
            assert_eq!(code(lines), Ok(()), "{lines:?}");
        }
        for lines in [&["gzip"][..], &["identity", "br"], &["identity,gzip"], &["x-nonsense"]] {
            assert_eq!(code(lines), Err(415), "{lines:?}");
        }
    }

    #[test]
    fn a_missing_content_type_is_allowed_for_actions_only() {
        assert!(check_content_type(&HeaderMap::new(), Wanted::Anything).is_ok());
        let error = check_content_type(&HeaderMap::new(), Wanted::Document).unwrap_err();
        assert_eq!(error.message, "The request could not be processed because the  content-type was not specified and is required");
    }

    #[test]
    fn an_action_may_send_nothing_and_others_may_not() {
        assert_eq!(parse(b"", Wanted::Anything).unwrap(), None);
        assert_eq!(parse(b" \n", Wanted::Anything).unwrap(), None);
        assert_eq!(parse(b"null", Wanted::Anything).unwrap(), Some(Value::Null));
        for wanted in [Wanted::Object, Wanted::Document] {
            let error = parse(b"", wanted).unwrap_err();
            assert_eq!(error.message, "The request could not be processed because it did not contain any JSON content");
        }
    }

    #[test]
    fn what_is_no_json_and_what_follows_it_are_told_apart() {
        for text in ["{", "{\"input\":", "{'input':{}}", "[1,]", "\u{1}"] {
            let error = parse(text.as_bytes(), Wanted::Anything).unwrap_err();
            assert_eq!(error.message, "The request could not be processed because the provided content is not valid JSON");
            assert!(error.detail.is_some());
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}", Wanted::Anything).unwrap_err().code, 400);
        for text in ["{} trailing", "{}{}", "1 2"] {
            let error = parse(text.as_bytes(), Wanted::Anything).unwrap_err();
            assert_eq!(error.message, "The request could not be processed because there is trailing data after the JSON content");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_a_repeated_member_is_the_last_one() {
        assert_eq!(parse("\u{feff}{}".as_bytes(), Wanted::Object).unwrap(), Some(json!({})));
        assert_eq!(parse(br#"{"input":{},"input":{"a":1}}"#, Wanted::Object).unwrap(), Some(json!({"input": {"a": 1}})));
        let error = parse(b"[]", Wanted::Object).unwrap_err();
        assert_eq!(error.message, "The request could not be processed because the provided content is not a JSON object");
    }

    /// SEC-41.
    #[test]
    fn sec_52_depth_is_bounded_before_parsing() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes(), Wanted::Anything).is_ok());
        let error = parse(nested(MAX_DEPTH + 1).as_bytes(), Wanted::Anything).unwrap_err();
        assert!(error.message.contains("levels deep"), "{error}");
        assert_eq!(parse("[".repeat(1_000_000).as_bytes(), Wanted::Anything).unwrap_err().code, 400);
        let text = format!("\"{}\\\"{}\"", "[".repeat(200), "{".repeat(200));
        assert!(parse(text.as_bytes(), Wanted::Anything).is_ok());
    }

    proptest! {
        #[test]
        fn every_document_is_read_back(text in "\\PC{0,40}", number in any::<i64>()) {
            let value = json!({"a": [text, {"b": number}], "c": null});
            prop_assert_eq!(parse(value.to_string().as_bytes(), Wanted::Object).unwrap(), Some(value));
        }

        #[test]
        fn no_bytes_are_fatal(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes, Wanted::Anything);
        }
    }
}
