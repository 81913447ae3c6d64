//! `Accept-API-Version`: which edition of the protocol a client speaks (docs/protocol/rest.md, "Protocol versions").
//!
//! The resource's version is read for its grammar only: every edition gets the same answers.

use crest::ResourceError;
use http::HeaderMap;

/// The protocol's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Protocol {
    major: u32,
    minor: u32,
}

impl Protocol {
    /// What is spoken when a client does not say.
    pub const CURRENT: Self = Self { major: 2, minor: 1 };

    /// A PUT without conditions creates what is not there.
    pub fn put_creates(self) -> bool {
        self.major >= 2
    }

    /// A POST without `_action` creates.
    pub fn post_creates(self) -> bool {
        self >= Self::CURRENT
    }

    /// Reads the header: `protocol=N[.M]`, `resource=N[.M]`, or both.
    ///
    /// # Errors
    /// 400 for another grammar or a protocol newer than ours.
    pub fn of(headers: &HeaderMap) -> Result<Self, ResourceError> {
        let Some(value) = headers.get("accept-api-version") else { return Ok(Self::CURRENT) };
        let text = String::from_utf8_lossy(value.as_bytes());
        if text.trim().is_empty() {
            return Ok(Self::CURRENT);
        }
        let invalid = || ResourceError::bad_request(format!("Version string is in an invalid format: {text}"));
        let mut protocol = None;
        let mut resource = None;
        for part in text.split(',') {
            let (name, version) = part.split_once('=').ok_or_else(invalid)?;
            let version = Self::version(version.trim()).ok_or_else(invalid)?;
            let slot = match name.trim() {
                name if name.eq_ignore_ascii_case("protocol") => &mut protocol,
                name if name.eq_ignore_ascii_case("resource") => &mut resource,
                _ => return Err(invalid()),
            };
            if slot.replace(version).is_some() {
                return Err(invalid());
            }
        }
        let protocol = protocol.unwrap_or(Self::CURRENT);
        if protocol.major > Self::CURRENT.major {
            return Err(ResourceError::bad_request(format!("Unsupported major version: {}.{}", protocol.major, protocol.minor)));
        }
        if protocol.minor > Self::CURRENT.minor {
            return Err(ResourceError::bad_request(format!("Unsupported minor version: {}.{}", protocol.major, protocol.minor)));
        }
        Ok(protocol)
    }

    fn version(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        Some(Self { major: number(major)?, minor: number(minor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Protocol, ResourceError> {
        let mut headers = HeaderMap::new();
        headers.insert("accept-api-version", text.parse().unwrap());
        Protocol::of(&headers)
    }

    #[test]
    fn both_parts_come_in_either_order() {
        assert_eq!(Protocol::of(&HeaderMap::new()).unwrap(), Protocol::CURRENT);
        assert_eq!(of("resource=1.0").unwrap(), Protocol::CURRENT);
        assert_eq!(of("protocol=2.0,resource=1.0").unwrap(), Protocol { major: 2, minor: 0 });
        assert_eq!(of("resource=7 , protocol=1").unwrap(), Protocol { major: 1, minor: 0 });
    }

    #[test]
    fn another_grammar_is_refused() {
        for text in [
            "1.0",
            "resource",
            "resource=",
            "resource=x",
            "resource=1.",
            "resource=+1",
            "foo=1.0",
            "resource=1,resource=2",
            "protocol=2.1;resource=1",
        ] {
            let error = of(text).unwrap_err();
            assert_eq!(error.message, format!("Version string is in an invalid format: {text}"));
        }
        assert_eq!(of("").unwrap(), of(" ").unwrap(), "an empty header is none");
        assert_eq!(of("protocol=3.0").unwrap_err().message, "Unsupported major version: 3.0");
        assert_eq!(of("protocol=2.2").unwrap_err().message, "Unsupported minor version: 2.2");
    }

    #[test]
    fn older_protocols_create_less() {
        assert!(!of("protocol=1").unwrap().put_creates());
        assert!(of("protocol=2.0").unwrap().put_creates());
        assert!(!of("protocol=2.0").unwrap().post_creates());
    }
}
