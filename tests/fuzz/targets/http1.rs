//! Whatever a connection brings, the library reads heads that it can read, each as often as it came, however the bytes were cut.
#![no_main]

use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use wire::http1::{MAX_HEADERS, Refused, Screen};

/// Most bytes that stand between two cuts.
const LARGEST: usize = 64;

fuzz_target!(|input: &[u8]| {
    let (whole, refused) = pass([input]);
    let mut cuts = input.iter().map(|byte| usize::from(*byte) % LARGEST + 1);
    let mut parts = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (part, more) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
        parts.push(part);
        rest = more;
    }
    assert_eq!(pass(parts), (whole.clone(), refused.clone()), "where the bytes were cut changed them");
    if let Some(refused) = refused {
        assert!(refused.number > 0 && (400..600).contains(&refused.error.code));
        assert!(whole.ends_with(b"Connection: close\r\n\r\n"));
    }
    if !whole.is_empty() {
        first_head(&whole);
    }
});

fn pass<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> (Vec<u8>, Option<Refused>) {
    let (mut screen, mut out) = (Screen::default(), Vec::new());
    for part in parts {
        screen.pass(part, &mut out);
    }
    (out, screen.refused().cloned())
}

/// The first head that the library gets is one that it can read.
fn first_head(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2);
    let other = bytes.windows(3).position(|three| three == b"\n\r\n").map(|at| at + 3);
    let end = end.into_iter().chain(other).min().expect("a head is handed on whole");
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = std::str::from_utf8(lines.next().expect("a request line")).expect("an encoded target");
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words[..] else { panic!("{line}") };
    assert!(method.parse::<Method>().is_ok() && target.parse::<Uri>().is_ok() && version.starts_with("HTTP/1."), "{line}");
    let fields: Vec<&[u8]> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(fields.len() <= MAX_HEADERS && fields.iter().all(|line| line.contains(&b':')));
    let hosts = fields.iter().filter(|line| line.to_ascii_lowercase().starts_with(b"host:")).count();
    assert!(hosts == 1 || hosts == 0 && version == "HTTP/1.0");
}
