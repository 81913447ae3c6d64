//! The head of one request.

use std::ops::Range;

use crest::ResourceError;
use http::{Method, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::path::below_context;

/// Most header fields of a request.
pub const MAX_HEADERS: usize = 100;
/// Longest target, in bytes; the type that holds it takes little more.
const MAX_TARGET: usize = 60 * 1024;

/// What may not stand in a target (RFC 3986 sections 3.3 and 3.4). `%` stays: whether it begins an encoded byte is for whoever decodes it; so do the
/// brackets, which every reader takes.
const FORBIDDEN: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked,
}

/// A head that can be read.
#[derive(Debug)]
pub(super) struct Head {
    /// Where the target stands and what it is instead; `None` where it is right.
    pub(super) target: Option<Target>,
    pub(super) body: Body,
}

/// What is said of a head that does not end.
pub(super) fn too_large(head: &[u8]) -> ResourceError {
    // Without a line's end all of it is the request line.
    if head.contains(&b'\n') {
        ResourceError::new(431, "The headers of the request are too large")
    } else {
        ResourceError::new(414, "The path of the request is too long")
    }
}

fn invalid(what: &str) -> ResourceError {
    ResourceError::bad_request(format!("The request could not be read: {what}"))
}

impl Head {
    /// Reads a head, its last empty line included.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ResourceError> {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = lines.next().unwrap_or_default();
        let (target, is_old) = request_line(line)?;
        let mut fields = Fields::default();
        for line in lines.take_while(|line| !line.is_empty()) {
            fields.add(line)?;
        }
        Ok(Self { target, body: fields.body(is_old)? })
    }
}

/// A target as it is to be, in the place of the one that was sent.
type Target = (Range<usize>, String);

/// What the target is instead, if anything, and whether the version is 1.0.
fn request_line(line: &[u8]) -> Result<(Option<Target>, bool), ResourceError> {
    let no_line = || invalid("its first line is not a method, a path and a version");
    if line.iter().any(u8::is_ascii_control) {
        return Err(invalid("control characters in its first line"));
    }
    let first = line.iter().position(|byte| *byte == b' ').ok_or_else(no_line)?;
    let last = line.iter().rposition(|byte| *byte == b' ').filter(|last| *last > first).ok_or_else(no_line)?;
    let (method, place, version) = (line.get(..first).unwrap_or_default(), first + 1..last, line.get(last + 1..).unwrap_or_default());
    let is_old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(ResourceError::new(505, "HTTP/1.0 and HTTP/1.1 are spoken here, and HTTP/2 where TLS chooses it"));
        }
        _ => return Err(no_line()),
    };
    let method = Method::from_bytes(method).map_err(|_| invalid("its method is no word"))?;
    if method == Method::CONNECT {
        return Err(ResourceError::not_implemented("Method CONNECT not supported"));
    }
    let written = line.get(place.clone()).unwrap_or_default();
    let target = percent_encode(written, FORBIDDEN).to_string();
    if target.len() > MAX_TARGET {
        return Err(ResourceError::new(414, "The path of the request is too long"));
    }
    // `*` stands for the server as a whole, which has options and nothing else (RFC 9112 section 3.2.4).
    let is_readable = target.parse::<Uri>().is_ok_and(|uri| uri.path().starts_with('/') || (target == "*" && method == Method::OPTIONS));
    if !is_readable {
        return Err(ResourceError::bad_request("The path of the request is not valid"));
    }
    Ok(((target.as_bytes() != written).then_some((place, target)), is_old))
}

/// Whether a head, readable or not, looks like that of a browser which wants a page: nothing below the context of REST, and `Accept` names HTML.
pub(super) fn asks_for_page(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    let target = lines.next().and_then(|line| line.split(|byte| *byte == b' ').nth(1)).unwrap_or_default();
    let accepts = |line: &[u8]| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix(b"accept:").is_some_and(|value| value.windows(9).any(|window| window == b"text/html"))
    };
    let path = String::from_utf8_lossy(target.split(|byte| matches!(byte, b'?' | b'\r')).next().unwrap_or_default());
    below_context(&path).is_none() && lines.any(accepts)
}

/// Bytes of a token (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What the header fields say of the message's end and of whom it is for.
#[derive(Default)]
struct Fields {
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Fields {
    fn add(&mut self, line: &[u8]) -> Result<(), ResourceError> {
        self.count += 1;
        if self.count > MAX_HEADERS {
            return Err(ResourceError::new(431, format!("The request has more than {MAX_HEADERS} headers")));
        }
        let colon = line.iter().position(|byte| *byte == b':').filter(|colon| *colon > 0);
        let (name, value) = line.split_at_checked(colon.ok_or_else(|| invalid("a header without a name"))?).unwrap_or_default();
        if !name.iter().copied().all(is_token) {
            return Err(invalid("a header whose name is no word"));
        }
        let value = value.get(1..).unwrap_or_default();
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(invalid("control characters in a header"));
        }
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            if self.hosts > 1 {
                return Err(invalid("it has more than one header Host"));
            }
            if !value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte)) {
                return Err(invalid("its header Host names no host"));
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = digits.and_then(|text| text.parse().ok());
            if self.length.is_some() || length.is_none_or(|length: u64| length > u64::MAX - 2) {
                return Err(invalid("its header Content-Length is not one number"));
            }
            self.length = length;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(ResourceError::not_implemented("The only transfer encoding that is supported is 'chunked'"));
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn body(&self, is_old: bool) -> Result<Body, ResourceError> {
        match (self.chunked, self.length) {
            _ if self.hosts == 0 && !is_old => Err(invalid("it has no header Host")),
            (true, Some(_)) => Err(invalid("it has both a length and a transfer encoding")),
            (true, None) if is_old => Err(invalid("HTTP/1.0 has no transfer encodings")),
            (true, None) => Ok(Body::Chunked),
            (false, length) => Ok(Body::Length(length.unwrap_or_default())),
        }
    }
}
