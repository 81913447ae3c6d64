//! Pages where a way ends: what happened, and what to do now.

use accounts::AccountError;
use crest::ResourceError;
use http::StatusCode;
use serde::Serialize;

use crate::page::Samples;

/// Why a way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// There is no such page.
    NotFound,
    /// The address cannot be read.
    Unreadable,
    /// Whoever asks may not.
    Forbidden,
    /// The process is switched off.
    Off,
    /// The link, or what was begun, is too old.
    Expired,
    /// It was completed already.
    Used,
    /// It is no link of ours, cut off, or somebody else's.
    Foreign,
    /// The process was changed since it was begun.
    Changed,
    /// What this page belonged to is not known here: another browser's, or forgotten.
    Forgotten,
    /// Too many attempts.
    TooMany,
    /// The server cannot do it now.
    Busy,
    /// The form is older than the session, or not ours.
    OldForm,
    /// More was sent than is taken.
    TooLarge,
    /// A method that no page has.
    Method,
    /// Something else than a form was sent.
    Type,
    /// It was changed elsewhere meanwhile.
    Conflict,
    /// It failed, and it is our fault.
    Failed,
}

/// The end of a way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DeadEnd {
    /// Why.
    pub why: Why,
    /// Where the same can be begun anew; empty for nowhere.
    pub again: String,
    /// The process it was about, for its name; empty for none.
    pub process: String,
    /// Minutes after which it can be tried again.
    pub minutes: Option<u64>,
    /// Seconds of the same, for the header.
    #[serde(skip)]
    pub retry_after: Option<u64>,
    /// The rate limit that ended it.
    #[serde(skip)]
    pub limit: Option<&'static str>,
    /// Methods that the page has.
    #[serde(skip)]
    pub allow: &'static str,
    /// The status, where it is another one than that of the reason.
    #[serde(skip)]
    pub status: Option<StatusCode>,
}

impl Why {
    /// The status that belongs to it.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Off | Self::OldForm => StatusCode::FORBIDDEN,
            Self::Expired | Self::Used => StatusCode::GONE,
            Self::Foreign | Self::Changed | Self::Forgotten | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl DeadEnd {
    /// An end without further facts.
    pub(crate) fn new(why: Why) -> Self {
        Self { why, again: String::new(), process: String::new(), minutes: None, retry_after: None, limit: None, allow: "", status: None }
    }

    /// Names the process, and where it can be begun anew.
    pub(crate) fn of_process(mut self, name: &str) -> Self {
        name.clone_into(&mut self.process);
        if matches!(self.why, Why::Expired | Why::Foreign | Why::Changed | Why::Forgotten | Why::OldForm | Why::Used) {
            self.again = format!("/selfservice/{name}");
        }
        self
    }
}

impl From<ResourceError> for DeadEnd {
    fn from(error: ResourceError) -> Self {
        let why = match error.code {
            401 | 403 => Why::Forbidden,
            404 => Why::NotFound,
            409 | 412 => Why::Conflict,
            413 => Why::TooLarge,
            429 => Why::TooMany,
            400..=499 => Why::Foreign,
            503 => Why::Busy,
            _ => Why::Failed,
        };
        let retry_after = matches!(why, Why::TooMany | Why::Busy).then(|| error.retry_after.unwrap_or(5));
        Self { retry_after, minutes: retry_after.map(|seconds| seconds.div_ceil(60).max(1)), ..Self::new(why) }
    }
}

impl From<AccountError> for DeadEnd {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Limited(limited) => {
                let minutes = limited.retry_after.div_ceil(60).max(1);
                let retry_after = Some(limited.retry_after);
                Self { minutes: Some(minutes), retry_after, limit: Some(limited.limit), ..Self::new(Why::TooMany) }
            }
            other => ResourceError::from(other).into(),
        }
    }
}

impl Samples for DeadEnd {
    fn samples() -> Vec<(&'static str, Self)> {
        let end = |why: Why| Self::new(why);
        vec![
            ("not-found", end(Why::NotFound)),
            ("unreadable", end(Why::Unreadable)),
            ("forbidden", end(Why::Forbidden)),
            ("off", end(Why::Off).of_process("registration")),
            ("expired", end(Why::Expired).of_process("reset")),
            ("used", end(Why::Used).of_process("registration")),
            ("foreign", end(Why::Foreign).of_process("reset")),
            ("changed", end(Why::Changed).of_process("reset")),
            ("forgotten", end(Why::Forgotten).of_process("username")),
            ("too-many", Self { minutes: Some(12), ..end(Why::TooMany) }),
            ("busy", end(Why::Busy)),
            ("old-form", end(Why::OldForm)),
            ("too-large", end(Why::TooLarge)),
            ("method", end(Why::Method)),
            ("conflict", end(Why::Conflict)),
            ("failed", end(Why::Failed)),
        ]
    }
}
