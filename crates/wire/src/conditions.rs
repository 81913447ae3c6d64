//! Conditional headers: `If-Match`, `If-None-Match` and the dates we refuse (docs/protocol/rest.md, "Conditional headers").
//!
//! Easiest to get wrong: each kind of request takes only some of them, and the others are errors, never ignored; a client that sends a
//! condition must not have it dropped.

use crest::ResourceError;
use http::{HeaderMap, header};

/// The conditions of a request, quotes taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

/// What a write to something that exists expects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any revision.
    #[default]
    Any,
    /// This one.
    Revision(String),
}

impl Expected {
    /// The revision, as a [`crest::Change`] wants it.
    pub fn revision(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Revision(revision) => Some(revision),
        }
    }
}

/// What a PUT may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// Create, and nothing else (`If-None-Match: *`).
    Create,
    /// Create, or replace what is there.
    CreateOrReplace,
    /// Replace what is there (`If-Match`).
    Replace(Expected),
}

impl Conditions {
    /// Reads the headers.
    ///
    /// # Errors
    /// 409 for conditions on dates, 400 for a header that is no text.
    pub fn of(headers: &HeaderMap) -> Result<Self, ResourceError> {
        for (name, spelling) in [(header::IF_MODIFIED_SINCE, "If-Modified-Since"), (header::IF_UNMODIFIED_SINCE, "If-Unmodified-Since")] {
            if headers.contains_key(name) {
                return Err(ResourceError::conflict(format!("Header {spelling} not supported")));
            }
        }
        Ok(Self { if_match: tag(headers, &header::IF_MATCH)?, if_none_match: tag(headers, &header::IF_NONE_MATCH)? })
    }

    /// For a read: the revision the client has already.
    ///
    /// # Errors
    /// 412 for what a read does not take.
    pub fn for_read(self) -> Result<Option<String>, ResourceError> {
        self.no_match_on("If-Match not supported for GET requests")?;
        if self.if_none_match.as_deref() == Some("*") {
            return Err(ResourceError::precondition_failed("If-None-Match * not appropriate for GET requests"));
        }
        Ok(self.if_none_match)
    }

    /// For a query.
    ///
    /// # Errors
    /// 412 for any condition.
    pub fn for_query(&self) -> Result<(), ResourceError> {
        self.no_match_on("If-Match not supported for GET requests")?;
        self.no_none_match_on("If-None-Match not supported for GET requests")
    }

    /// For a POST, whatever it does.
    ///
    /// # Errors
    /// 412 for any condition.
    pub fn for_post(&self) -> Result<(), ResourceError> {
        self.no_match_on("If-Match not supported for POST requests")?;
        self.no_none_match_on("If-None-Match not supported for POST requests")
    }

    /// For a PUT; `creates` says whether the protocol lets a PUT without conditions create.
    ///
    /// # Errors
    /// 412 for both conditions at once, 400 for an `If-None-Match` other than `*`.
    pub fn for_put(self, creates: bool) -> Result<Put, ResourceError> {
        match (self.if_match, self.if_none_match) {
            (Some(_), Some(_)) => {
                Err(ResourceError::precondition_failed("Simultaneous use of If-Match and If-None-Match not supported for PUT requests"))
            }
            (Some(tag), None) => Ok(Put::Replace(expected(Some(tag)))),
            (None, Some(tag)) if tag == "*" => Ok(Put::Create),
            (None, Some(tag)) => Err(ResourceError::bad_request(format!("\"{tag}\" is not a supported value for If-None-Match on PUT"))),
            (None, None) if creates => Ok(Put::CreateOrReplace),
            (None, None) => Ok(Put::Replace(Expected::Any)),
        }
    }

    /// For a PATCH.
    ///
    /// # Errors
    /// 412 for `If-None-Match`.
    pub fn for_patch(self) -> Result<Expected, ResourceError> {
        self.no_none_match_on("Use of If-None-Match not supported for PATCH requests")?;
        Ok(expected(self.if_match))
    }

    /// For a DELETE.
    ///
    /// # Errors
    /// 412 for `If-None-Match`.
    pub fn for_delete(self) -> Result<Expected, ResourceError> {
        self.no_none_match_on("If-None-Match not supported for DELETE requests")?;
        Ok(expected(self.if_match))
    }

    fn no_match_on(&self, message: &str) -> Result<(), ResourceError> {
        if self.if_match.is_some() { Err(ResourceError::precondition_failed(message)) } else { Ok(()) }
    }

    fn no_none_match_on(&self, message: &str) -> Result<(), ResourceError> {
        if self.if_none_match.is_some() { Err(ResourceError::precondition_failed(message)) } else { Ok(()) }
    }
}

fn expected(tag: Option<String>) -> Expected {
    match tag {
        None => Expected::Any,
        Some(tag) if tag == "*" => Expected::Any,
        Some(tag) => Expected::Revision(tag),
    }
}

/// One entity tag, bare or quoted, weak or not. A list of them was never supported and matches nothing.
fn tag(headers: &HeaderMap, name: &http::HeaderName) -> Result<Option<String>, ResourceError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| ResourceError::bad_request(format!("The header {name} is not valid")))?.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Ok(Some(bare.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(headers: &[(&'static str, &str)]) -> Result<Conditions, ResourceError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Conditions::of(&map)
    }

    fn given(headers: &[(&'static str, &str)]) -> Conditions {
        conditions(headers).unwrap()
    }

    #[test]
    fn tags_may_be_bare_quoted_or_weak() {
        for text in ["7", "\"7\"", "W/\"7\""] {
            assert_eq!(given(&[("if-none-match", text)]).for_read().unwrap().as_deref(), Some("7"));
        }
        assert_eq!(given(&[("if-match", "\"*\"")]).for_patch().unwrap(), Expected::Any);
        assert_eq!(given(&[("if-match", "\"7\"")]).for_delete().unwrap(), Expected::Revision("7".into()));
    }

    #[test]
    fn dates_are_refused() {
        assert_eq!(conditions(&[("if-modified-since", "x")]).unwrap_err().message, "Header If-Modified-Since not supported");
        let error = conditions(&[("if-unmodified-since", "x")]).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (409, "Header If-Unmodified-Since not supported"));
    }

    #[test]
    fn reads_take_a_revision_to_compare_and_nothing_else() {
        assert_eq!(given(&[]).for_read().unwrap(), None);
        let message = |headers: &[(&'static str, &str)]| given(headers).for_read().unwrap_err().message;
        assert_eq!(message(&[("if-match", "1")]), "If-Match not supported for GET requests");
        assert_eq!(message(&[("if-none-match", "*")]), "If-None-Match * not appropriate for GET requests");
        assert_eq!(given(&[("if-none-match", "1")]).for_query().unwrap_err().message, "If-None-Match not supported for GET requests");
        assert_eq!(given(&[("if-match", "1")]).for_post().unwrap_err().code, 412);
        assert_eq!(given(&[("if-none-match", "1")]).for_post().unwrap_err().code, 412);
    }

    #[test]
    fn puts_create_replace_or_both() {
        assert_eq!(given(&[]).for_put(true).unwrap(), Put::CreateOrReplace);
        assert_eq!(given(&[]).for_put(false).unwrap(), Put::Replace(Expected::Any));
        assert_eq!(given(&[("if-none-match", "\"*\"")]).for_put(false).unwrap(), Put::Create);
        assert_eq!(given(&[("if-match", "3")]).for_put(true).unwrap(), Put::Replace(Expected::Revision("3".into())));
        let error = given(&[("if-none-match", "\"1\"")]).for_put(true).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "\"1\" is not a supported value for If-None-Match on PUT"));
        let error = given(&[("if-none-match", "*"), ("if-match", "1")]).for_put(true).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (412, "Simultaneous use of If-Match and If-None-Match not supported for PUT requests")
        );
    }

    #[test]
    fn patches_and_deletes_refuse_if_none_match() {
        let error = given(&[("if-none-match", "*")]).for_patch().unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (412, "Use of If-None-Match not supported for PATCH requests"));
        let error = given(&[("if-none-match", "*")]).for_delete().unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (412, "If-None-Match not supported for DELETE requests"));
    }
}
