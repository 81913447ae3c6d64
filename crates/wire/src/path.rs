//! The path of a resource below the context `/openidm`.
//!
//! Easiest to get wrong: access rules and routes must see the same path. So it is taken apart once, each segment decoded once, and a
//! segment that decodes to a slash, a dot or two is refused: `a%2Fb` never becomes `a/b`.

use crest::ResourceError;

use crate::parameters::decode_percent;

/// What follows `/openidm`, if the path is in that context.
pub fn below_context(path: &str) -> Option<&str> {
    path.strip_prefix("/openidm").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path can be decoded, wherever it leads.
pub fn is_readable(path: &str) -> bool {
    decode_percent(path).is_some()
}

/// A decoded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    segments: Vec<String>,
    /// Decoded, joined; what access rules are matched with.
    joined: String,
    /// As the request spelled it, for messages.
    raw: String,
}

/// Most segments of a path; longer ones lead nowhere (SEC-52).
pub const MAX_SEGMENTS: usize = 32;

impl Path {
    /// The context itself.
    pub fn root() -> Self {
        Self { segments: Vec::new(), joined: String::new(), raw: String::new() }
    }

    /// Reads what follows `/openidm` in a request's path. One slash at the end is tolerated (docs/protocol/clients.md, "Transport").
    ///
    /// # Errors
    /// 400 when a segment cannot be decoded or could be mistaken for another path.
    pub fn parse(below_context: &str) -> Result<Self, ResourceError> {
        let raw = below_context.strip_prefix('/').unwrap_or(below_context);
        let raw = raw.strip_suffix('/').unwrap_or(raw);
        let invalid = || ResourceError::bad_request("The path of the request is not valid");
        let mut segments = Vec::new();
        if !raw.is_empty() {
            for segment in raw.split('/') {
                let decoded = decode_percent(segment).ok_or_else(invalid)?;
                let confusing = decoded.contains(['/', '\\']) || matches!(decoded.as_str(), "." | "..");
                if confusing || decoded.chars().any(char::is_control) || segments.len() == MAX_SEGMENTS {
                    return Err(invalid());
                }
                segments.push(decoded);
            }
        }
        Ok(Self { joined: segments.join("/"), segments, raw: raw.to_owned() })
    }

    /// The decoded path, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// The decoded segments.
    pub fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// 404, naming the path without its first `known` segments as the older generation does.
    pub fn not_found(&self, known: usize) -> ResourceError {
        let rest = self.raw.split('/').skip(known).collect::<Vec<_>>().join("/");
        ResourceError::not_found(format!("Resource '{rest}' not found"))
    }
}

/// The segments of a path that stand for the names of a pattern, if the path is one of it.
pub fn captured<'a>(pattern: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let mut segments = segments.iter().copied();
    for part in pattern.split('/') {
        if part.starts_with("{*") {
            found.extend(segments);
            return Some(found);
        }
        let segment = segments.next()?;
        if part.starts_with('{') {
            found.push(segment);
        } else if part != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_its_own_paths_and_gives_what_varies() {
        let take = |pattern, path: &'static str| captured(pattern, &path.split('/').collect::<Vec<_>>());
        assert_eq!(take("consent", "consent"), Some(vec![]));
        assert_eq!(take("consent", "consent/x"), None);
        assert_eq!(take("outbox/{id}", "outbox"), None);
        assert_eq!(take("outbox/{id}", "outbox/1"), Some(vec!["1"]));
        assert_eq!(take("a/{id}/b/{other}", "a/1/b/2"), Some(vec!["1", "2"]));
        assert_eq!(take("a/{id}/b", "a/1/c"), None);
        assert_eq!(take("policy/{*resource}", "policy"), Some(vec![]));
        assert_eq!(take("policy/{*resource}", "policy/a/b"), Some(vec!["a", "b"]));
        assert_eq!(captured("consent", &[]), None);
        assert_eq!(captured("{*all}", &[]), Some(vec![]));
    }

    #[test]
    fn a_slash_at_the_end_is_tolerated() {
        for text in ["/policy/managed/user", "/policy/managed/user/", "policy/managed/user"] {
            assert_eq!(Path::parse(text).unwrap().as_str(), "policy/managed/user");
        }
        for text in ["", "/"] {
            assert!(Path::parse(text).unwrap().segments().is_empty());
        }
    }

    #[test]
    fn a_segment_is_decoded_once_and_never_becomes_another_path() {
        assert_eq!(Path::parse("/managed/user/a%20b%2520").unwrap().segments(), ["managed", "user", "a b%20"]);
        for text in ["/a%2Fb", "/a%2fb", "/managed/user/..%2f..", "/a/../b", "/a/%2e%2E/b", "/./a", "/a%5Cb", "/%zz", "/%", "/%ff", "/a%00"]
        {
            assert_eq!(Path::parse(text).unwrap_err().code, 400, "{text}");
        }
    }

    #[test]
    fn an_empty_segment_stays_one_and_matches_nothing() {
        assert_eq!(Path::parse("//selfservice/reset").unwrap().segments(), ["", "selfservice", "reset"]);
    }

    #[test]
    fn what_is_not_found_is_named_as_it_was_asked_for() {
        assert_eq!(Path::parse("/%3Cscript%3E").unwrap().not_found(0).message, "Resource '%3Cscript%3E' not found");
        assert_eq!(Path::parse("/managed/nosuch/x").unwrap().not_found(1).message, "Resource 'nosuch/x' not found");
        assert_eq!(Path::parse("/managed").unwrap().not_found(1).message, "Resource '' not found");
    }

    #[test]
    fn sec_52_the_number_of_segments_is_bounded() {
        assert_eq!(Path::parse(&"/a".repeat(MAX_SEGMENTS + 1)).unwrap_err().code, 400);
    }

    #[test]
    fn the_context_is_a_whole_segment() {
        assert_eq!(below_context("/openidm"), Some(""));
        assert_eq!(below_context("/openidm/info/ping"), Some("/info/ping"));
        for path in ["/openidmx", "/", "//openidm/info", "/OPENIDM/info"] {
            assert_eq!(below_context(path), None, "{path}");
        }
    }
}
