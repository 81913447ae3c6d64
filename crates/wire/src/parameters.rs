//! The parameters of a request's query string.
//!
//! Easiest to get wrong: names are compared without regard to case, and a parameter that may be given once is an error when it is
//! given twice, not a choice between the two (docs/protocol/rest.md, "Parameters").

use crest::ResourceError;
use percent_encoding::percent_decode;

/// Decoded parameters in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Most parameters of one request (SEC-52).
pub const MAX_PARAMETERS: usize = 1000;

impl Parameters {
    /// Reads a query string. `+` is a space.
    ///
    /// # Errors
    /// 400 when a `%` is not followed by two hexadecimal digits, when the bytes are no UTF-8, or when there are too many.
    pub fn parse(query: &str) -> Result<Self, ResourceError> {
        let mut all = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if all.len() == MAX_PARAMETERS {
                return Err(ResourceError::bad_request(format!("The request has more than {MAX_PARAMETERS} parameters")));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            all.push((decode(name)?, decode(value)?));
        }
        Ok(Self(all))
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every parameter in the order of the request: name and value.
    #[must_use]
    pub fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether the parameter was given at all.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of a parameter that may be given once.
    ///
    /// # Errors
    /// 400 when it was given more often.
    pub fn single(&self, name: &str) -> Result<Option<&str>, ResourceError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(ResourceError::bad_request(format!("Multiple values provided for the single-valued request parameter '{name}'")));
        }
        Ok(first)
    }

    /// A whole number.
    ///
    /// # Errors
    /// 400 when it is none, or negative.
    pub fn count(&self, name: &str) -> Result<Option<u64>, ResourceError> {
        let Some(text) = self.single(name)? else { return Ok(None) };
        // The older generation reads 32-bit integers, and takes a negative one for none.
        let value = text.strip_prefix('+').unwrap_or(text).parse::<i32>().ok().map(|value| u64::try_from(value).unwrap_or(0));
        let value = value.ok_or_else(|| {
            ResourceError::bad_request(format!("The value '{text}' for parameter '{name}' could not be parsed as a valid integer"))
        })?;
        Ok(Some(value))
    }

    /// `true` in any case; everything else is false.
    ///
    /// # Errors
    /// 400 when it was given more than once.
    pub fn flag(&self, name: &str) -> Result<bool, ResourceError> {
        Ok(self.single(name)?.is_some_and(|value| value.eq_ignore_ascii_case("true")))
    }
}

/// Decodes one name or value.
fn decode(text: &str) -> Result<String, ResourceError> {
    let spaced = text.replace('+', " ");
    decode_percent(&spaced).ok_or_else(|| ResourceError::bad_request("The query string of the request is not valid"))
}

/// Strict percent-decoding to UTF-8; `None` when either fails.
pub fn decode_percent(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return Some(text.to_owned());
    }
    let escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(at, _)| bytes.get(at + 1..at + 3));
    for digits in escapes {
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return None;
        }
    }
    percent_decode(bytes).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plus_is_a_space_and_an_escaped_plus_is_not() {
        let parameters = Parameters::parse("_queryFilter=sn+eq+%22x%2By%22&_sortKeys=%2BuserName").unwrap();
        assert_eq!(parameters.single("_queryFilter").unwrap(), Some("sn eq \"x+y\""));
        assert_eq!(parameters.single("_sortKeys").unwrap(), Some("+userName"));
    }

    #[test]
    fn names_have_no_case_and_single_values_are_single() {
        let parameters = Parameters::parse("_ACTION=a&_fields=x&_Fields=y&flag").unwrap();
        assert_eq!(parameters.single("_action").unwrap(), Some("a"));
        assert_eq!(parameters.all("_fields").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(parameters.single("flag").unwrap(), Some(""));
        let error = parameters.single("_fields").unwrap_err();
        assert_eq!(error.message, "Multiple values provided for the single-valued request parameter '_fields'");
    }

    #[test]
    fn numbers_are_whole_and_negative_ones_are_none() {
        let parameters = Parameters::parse("a=10&b=-1&c=x&d=99999999999&e=").unwrap();
        assert_eq!(parameters.count("a").unwrap(), Some(10));
        assert_eq!(parameters.count("b").unwrap(), Some(0));
        for name in ["c", "d", "e"] {
            let error = parameters.count(name).unwrap_err();
            assert!(error.message.ends_with("could not be parsed as a valid integer"), "{error}");
        }
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_refused() {
        for query in ["a=%zz", "a=%2", "%=1", "a=%ff", "a=%", "a=%+1"] {
            assert_eq!(Parameters::parse(query).unwrap_err().code, 400, "{query}");
        }
    }

    #[test]
    fn sec_52_the_number_of_parameters_is_bounded() {
        assert_eq!(Parameters::parse(&"a&".repeat(MAX_PARAMETERS + 1)).unwrap_err().code, 400);
        assert!(Parameters::parse(&"a&".repeat(MAX_PARAMETERS)).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(name in ".{1,8}", value in ".{0,40}") {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let parameters = Parameters::parse(&format!("{}={}", encode(&name), encode(&value))).unwrap();
            prop_assert_eq!(parameters.single(&name).unwrap(), Some(value.as_str()));
        }

        #[test]
        fn no_query_string_is_fatal(query in "\\PC*") {
            let _ = Parameters::parse(&query);
        }
    }
}
