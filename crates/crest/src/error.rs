//! The one error a client ever sees.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value, json};

/// An error as it is sent: `{code, reason, message, detail?}`, the status line saying the same code.
///
/// `message` is plain text, never HTML-escaped, and never carries a cause the client has no business with.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceError {
    /// HTTP status, also the body's `code`.
    pub code: u16,
    /// The status's standard phrase, as IDM spells it.
    pub reason: Cow<'static, str>,
    /// What is wrong, for the caller.
    pub message: String,
    /// Structured facts, such as `failedPolicyRequirements`.
    pub detail: Option<Value>,
    /// Seconds after which the caller may try again, where that is known; not part of the body.
    pub retry_after: Option<u64>,
    /// A word for what was refused, for whoever says it in words of their own; not part of the body.
    pub kind: Option<&'static str>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl ResourceError {
            $($(#[$doc])* #[must_use] pub fn $name(message: impl Into<String>) -> Self { Self::new($code, message) })*
        }
    };
}

constructors! {
    /// 400 Bad Request.
    bad_request = 400;
    /// 401 Unauthorized: only for missing or wrong credentials (stock clients log out on it).
    unauthorized = 401;
    /// 403 Forbidden.
    forbidden = 403;
    /// 404 Not Found.
    not_found = 404;
    /// 409 Conflict.
    conflict = 409;
    /// 412 Precondition Failed.
    precondition_failed = 412;
    /// 413 Request Entity Too Large.
    too_large = 413;
    /// 429 Too Many Requests.
    too_many_requests = 429;
    /// 500 Internal Server Error: always our fault.
    internal = 500;
    /// 501 Not Implemented.
    not_implemented = 501;
    /// 503 Service Unavailable.
    unavailable = 503;
}

impl ResourceError {
    /// An error of any status.
    #[must_use]
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, reason: Cow::Borrowed(reason(code)), message: message.into(), detail: None, retry_after: None, kind: None }
    }

    /// Adds `detail`.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says what kind of a refusal it is.
    #[must_use]
    pub fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The body.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut body = Map::new();
        body.insert("code".into(), json!(self.code));
        body.insert("reason".into(), json!(self.reason));
        body.insert("message".into(), json!(self.message));
        if let Some(detail) = &self.detail {
            body.insert("detail".into(), detail.clone());
        }
        Value::Object(body)
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for ResourceError {}

/// The phrases of the 4.5–7.5 servers, which differ from today's RFC names in a few places.
fn reason(code: u16) -> &'static str {
    match code {
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        _ => "Resource Exception",
    }
}
