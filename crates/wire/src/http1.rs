//! The bytes of an HTTP/1 connection, before the HTTP library reads them (RFC 9112; ADR 27 says why).
//!
//! The library answers what it cannot read with an empty 400 and an end, and refuses targets that people's scripts have always sent. So each
//! message's head is looked at here first: bytes that RFC 3986 forbids in a target are written as it wants them, and a head that cannot be
//! read becomes a [`Refused`] in its place among the requests of the connection.
//!
//! Easiest to get wrong: who decides where a message ends. The library does. What is found here only tells heads from bodies, and is stricter
//! than the library wherever two readers could differ (RFC 9112 section 11.2): such a head is refused.

mod chunks;
mod head;

use crest::ResourceError;

use self::chunks::Chunks;
use self::head::{Body, Head};

pub use self::head::MAX_HEADERS;

/// Largest head of a message, in bytes. A query with a long filter and a large cookie fit.
pub const MAX_HEAD: usize = 64 * 1024;
/// Empty lines that are skipped before a request (RFC 9112 section 2.2), in bytes.
const MAX_EMPTY: usize = 64;

/// What is given to the library in place of a head that cannot be read; what it answers with is known by its number.
const STAND_IN: &[u8] = b"GET /unreadable HTTP/1.1\r\nHost: unreadable\r\nConnection: close\r\n\r\n";
/// The same for HEAD.
const STAND_IN_FOR_HEAD: &[u8] = b"HEAD /unreadable HTTP/1.1\r\nHost: unreadable\r\nConnection: close\r\n\r\n";

/// A head that cannot be read, or must not be. It ends its connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Which request of the connection, from 1.
    pub number: u64,
    /// What the client is told.
    pub error: ResourceError,
    /// Whether it is told on a page: a browser asked for one, as far as can be seen.
    pub page: bool,
}

/// Where in a message the next byte belongs.
#[derive(Debug)]
enum At {
    Head,
    Body(u64),
    Chunks(Chunks),
    /// Nothing more is read.
    End,
}

/// One connection.
#[derive(Debug)]
pub struct Screen {
    at: At,
    head: Vec<u8>,
    /// The line that is being read has nothing but carriage returns so far.
    line_is_empty: bool,
    skipped: usize,
    requests: u64,
    refused: Option<Refused>,
}

impl Default for Screen {
    fn default() -> Self {
        Self { at: At::Head, head: Vec::new(), line_is_empty: true, skipped: 0, requests: 0, refused: None }
    }
}

impl Screen {
    /// Takes bytes of the client, and appends what the library is to read to `out`. Whoever calls has looked at [`Self::refused`] before the
    /// library does anything with it.
    pub fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            bytes = match &mut self.at {
                At::Head => self.pass_head(bytes, out),
                At::Body(left) => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    let (body, rest) = bytes.split_at(length);
                    out.extend_from_slice(body);
                    *left -= length as u64;
                    if *left == 0 {
                        self.at = At::Head;
                    }
                    rest
                }
                At::Chunks(chunks) => {
                    let (length, end) = chunks.read(bytes);
                    let (body, rest) = bytes.split_at(length);
                    out.extend_from_slice(body);
                    match end {
                        Some(chunks::End::Whole) => self.at = At::Head,
                        // What follows is nobody's request, whatever the library makes of the body.
                        Some(chunks::End::Unreadable) => self.at = At::End,
                        None => {}
                    }
                    rest
                }
                At::End => &[],
            };
        }
    }

    /// The head that ended the connection.
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Whether nothing of the client is passed any more.
    pub fn is_over(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Bytes that are held of a head that is not whole.
    pub fn gathered(&self) -> usize {
        self.head.capacity()
    }

    /// Whether the client is in the middle of a message, or was refused: it may be sending still.
    pub fn is_unfinished(&self) -> bool {
        !matches!(self.at, At::Head) || !self.head.is_empty()
    }

    fn pass_head<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
        let mut taken = 0;
        for byte in bytes {
            taken += 1;
            if self.head.is_empty() && matches!(byte, b'\r' | b'\n') && self.skipped < MAX_EMPTY {
                self.skipped += 1;
                continue;
            }
            self.head.push(*byte);
            match byte {
                b'\n' if self.line_is_empty => {
                    self.end_head(out);
                    break;
                }
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
            if self.head.len() >= MAX_HEAD {
                let error = head::too_large(&self.head);
                self.refuse(error, out);
                break;
            }
        }
        bytes.get(taken..).unwrap_or_default()
    }

    fn end_head(&mut self, out: &mut Vec<u8>) {
        let bytes = std::mem::take(&mut self.head);
        match Head::read(&bytes) {
            Ok(head) => {
                self.requests += 1;
                (self.line_is_empty, self.skipped) = (true, 0);
                match head.target {
                    None => out.extend_from_slice(&bytes),
                    Some((place, target)) => {
                        out.extend_from_slice(bytes.get(..place.start).unwrap_or_default());
                        out.extend_from_slice(target.as_bytes());
                        out.extend_from_slice(bytes.get(place.end..).unwrap_or_default());
                    }
                }
                self.at = match head.body {
                    Body::Length(0) => At::Head,
                    Body::Length(length) => At::Body(length),
                    Body::Chunked => At::Chunks(Chunks::default()),
                };
            }
            Err(error) => {
                self.head = bytes;
                self.refuse(error, out);
            }
        }
    }

    fn refuse(&mut self, error: ResourceError, out: &mut Vec<u8>) {
        self.requests += 1;
        let is_head = self.head.starts_with(b"HEAD ");
        out.extend_from_slice(if is_head { STAND_IN_FOR_HEAD } else { STAND_IN });
        self.refused = Some(Refused { number: self.requests, error, page: head::asks_for_page(&self.head) });
        self.head = Vec::new();
        self.at = At::End;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(parts: &[&[u8]]) -> (Screen, String) {
        let (mut screen, mut out) = (Screen::default(), Vec::new());
        for part in parts {
            screen.pass(part, &mut out);
        }
        (screen, String::from_utf8_lossy(&out).into_owned())
    }

    fn code(request: &str) -> u16 {
        pass(&[request.as_bytes()]).0.refused().map_or(200, |refused| refused.error.code)
    }

    #[test]
    fn what_can_be_read_passes_as_it_is() {
        let requests = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nPOST /d HTTP/1.1\r\nhost:x\r\nContent-Length: 3\r\n\r\nabcPUT /e HTTP/1.1\r\nHost: x\r\n\
            Transfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: t\r\n\r\nGET http://x/f HTTP/1.0\r\n\r\n";
        let (screen, out) = pass(&[requests.as_bytes()]);
        assert_eq!(out, requests);
        assert!(screen.refused().is_none() && !screen.is_unfinished());
    }

    #[test]
    fn a_target_that_rfc_3986_forbids_is_written_as_it_wants() {
        let (_, out) = pass(&["GET /a b<c>\u{e9}|^`\\?_queryFilter=mail eq \"x{y}\"#z%zz% HTTP/1.1\r\nHost: x\r\n\r\n".as_bytes()]);
        assert_eq!(out, "GET /a%20b%3Cc%3E%C3%A9%7C%5E%60%5C?_queryFilter=mail%20eq%20%22x%7By%7D%22%23z%zz% HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    #[test]
    fn a_head_that_cannot_be_read_is_refused_in_its_place() {
        let (screen, out) = pass(&[b"GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost : x\r\n\r\nGET /never HTTP/1.1\r\n\r\n"]);
        assert_eq!(screen.refused().map(|refused| (refused.number, refused.error.code)), Some((2, 400)));
        assert_eq!(out, format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{}", String::from_utf8_lossy(STAND_IN_FOR_HEAD)));
        assert!(screen.is_unfinished());
    }

    #[test]
    fn a_browser_is_told_on_a_page_and_nobody_who_speaks_rest() {
        let page = |request: &str| pass(&[request.as_bytes()]).0.refused().unwrap().page;
        let long = "x".repeat(62_000);
        let accepts = "Accept: text/html, */*;q=0.8\r\n\r\n";
        assert!(page(&format!("GET /{long} HTTP/1.1\r\nHost: x\r\naccept:Text/HTML\r\n\r\n")));
        assert!(page(&format!("HEAD nowhere HTTP/1.1\r\nHost: x\r\n{accepts}")));
        assert!(!page(&format!("GET /{long} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n")));
        assert!(!page(&format!("GET /openidm/{long} HTTP/1.1\r\nHost: x\r\n{accepts}")));
        assert!(!page(&format!("GET /openidm?{long} HTTP/1.1\r\nHost: x\r\n{accepts}")));
        assert!(page(&format!("GET /openidm{long} HTTP/1.1\r\nHost: x\r\n{accepts}")), "another word that begins so");
        assert!(!page("GET / HTTP/1.1\r\nX-Accept: text/html\r\n\r\n"));
    }

    #[test]
    fn each_fault_of_a_head_has_its_status() {
        let with = |line: &str| format!("GET / HTTP/1.1\r\n{line}\r\n\r\n");
        for (request, expected) in [
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".into(), 200),
            ("GET / HTTP/1.1\nHost: x\n\n".into(), 200),
            ("FETCH / HTTP/1.1\r\nHost: x\r\n\r\n".into(), 200),
            (with("Host: [::1]:80"), 200),
            (with("Host:"), 200),
            ("GET /\r\n\r\n".into(), 400),
            ("GET\r\n\r\n".into(), 400),
            ("nonsense\r\n\r\n".into(), 400),
            ("G\u{e9}T / HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET  HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET relative/path HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n".into(), 400),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n".into(), 505),
            ("GET / HTTP/0.9\r\nHost: x\r\n\r\n".into(), 505),
            ("GET / HTTX/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505),
            ("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n".into(), 501),
            ("GET / HTTP/1.0\r\n\r\n".into(), 200),
            ("GET / HTTP/1.1\r\n\r\n".into(), 400),
            (with("Host: x\r\nHost: x"), 400),
            (with("Host: x, y"), 400),
            (with("Host: a@b"), 400),
            (with("Host: x\r\n folded"), 400),
            (with("Host: x\r\nno colon"), 400),
            (with("Host: x\r\nA b: c"), 400),
            (with("Host: x\r\nA: \u{0}"), 400),
            (with("Host: x\r\nContent-Length: 1, 1"), 400),
            (with("Host: x\r\nContent-Length: +1"), 400),
            (with("Host: x\r\nContent-Length: 1\r\nContent-Length: 1"), 400),
            (with("Host: x\r\nContent-Length: 99999999999999999999"), 400),
            (with("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"), 400),
            (with("Host: x\r\nTransfer-Encoding: gzip, chunked"), 501),
            (with("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 501),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400),
            (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(MAX_HEAD)), 414),
            (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "<".repeat(MAX_HEAD / 2)), 414),
            (with(&format!("Host: x\r\nA: {}", "x".repeat(MAX_HEAD))), 431),
            (with(&format!("Host: x{}", "\r\nA: b".repeat(MAX_HEADERS))), 431),
            (with(&format!("Host: x{}", "\r\nA: b".repeat(MAX_HEADERS - 1))), 200),
        ] {
            assert_eq!(code(&request), expected, "{}", request.chars().take(80).collect::<String>());
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_is_the_librarys_to_refuse_and_nothing_follows_it() {
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let follows = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        // A line in a trailer that ends as only some readers take it would hide a request from one of them.
        for (body, read) in [("xyz\r\n", "x"), ("0\r\nA: b\nC: d\r\n\r\n", "0\r\nA: b\n"), ("0\r\nA: b\n\r\n", "0\r\nA: b\n")] {
            let (screen, out) = pass(&[format!("{chunked}{body}{follows}").as_bytes()]);
            assert_eq!(out, format!("{chunked}{read}"), "{body:?}");
            assert!(screen.refused().is_none() && screen.is_over() && screen.is_unfinished(), "{body:?}");
        }
    }

    const SAMPLE: &[u8] =
        b"POST /<x> HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10;a=b\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n\
        \r\nPUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcdeGET /{} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\nignored";

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(mut cuts in proptest::collection::vec(0..SAMPLE.len(), 0..12)) {
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([SAMPLE.len()]) {
                parts.push(&SAMPLE[from..cut]);
                from = cut;
            }
            let (whole, cut) = (pass(&[SAMPLE]), pass(&parts));
            prop_assert_eq!(&whole.1, &cut.1);
            prop_assert_eq!(whole.0.refused(), cut.0.refused());
            prop_assert_eq!(whole.0.refused().map(|refused| refused.number), Some(4));
        }

        #[test]
        fn no_bytes_are_fatal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (screen, out) = pass(&[&bytes]);
            prop_assert!(screen.refused().is_none() || out.ends_with("Connection: close\r\n\r\n"));
        }
    }
}
