//! Requests for the files of a static build: which file, in which encoding, and whether the client has it already.
//!
//! Easiest to get wrong: a path is decoded once and taken apart, and each part must be a plain name. What a name leads to on the disk is
//! for the reader of the file to judge.

use std::path::PathBuf;

use http::{HeaderMap, header};

use crate::parameters::decode_percent;

/// What stands for a directory.
pub const INDEX: &str = "index.html";

/// Media types by extension; `nosniff` makes them count.
const TYPES: [(&str, &str); 35] = [
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json; charset=utf-8"),
    ("map", "application/json; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/plain; charset=utf-8"),
    ("xml", "application/xml; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/x-icon"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("eot", "application/vnd.ms-fontobject"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("hbs", "text/plain; charset=utf-8"),
    ("mustache", "text/plain; charset=utf-8"),
    ("less", "text/plain; charset=utf-8"),
    ("properties", "text/plain; charset=utf-8"),
    ("yaml", "text/plain; charset=utf-8"),
    ("cur", "image/x-icon"),
    ("bmp", "image/bmp"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// The media type of files with this extension, in whatever case.
pub fn media_type(extension: &str) -> Option<&'static str> {
    TYPES.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, media)| *media)
}

/// The file a path means: decoded once, plain names only. `/` and every directory mean their index.
pub fn relative(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    let mut file = PathBuf::new();
    let parts: Vec<&str> = path.split('/').collect();
    let (last, above) = parts.split_last()?;
    for part in above.iter().copied().chain((!last.is_empty()).then_some(*last)) {
        let name = decode_percent(part)?;
        let plain =
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']) && !name.chars().any(char::is_control);
        if !plain {
            return None;
        }
        file.push(name);
    }
    if last.is_empty() {
        file.push(INDEX);
    }
    Some(file)
}

/// Whether a client has the file with this tag already (`If-None-Match`).
pub fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    known.map(|known| known.trim().trim_start_matches("W/")).any(|known| known == tag || known == "*")
}

/// Whether a client takes an encoding (RFC 9110 §12.5.3).
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    listed.map(str::trim).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused =
            weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_path_is_plain_names_only() {
        assert_eq!(relative("/").unwrap(), Path::new("index.html"));
        assert_eq!(relative("/js/app.js").unwrap(), Path::new("js/app.js"));
        assert_eq!(relative("/a%20b.js").unwrap(), Path::new("a b.js"));
        assert_eq!(relative("/sub/").unwrap(), Path::new("sub/index.html"));
        for path in [
            "/..",
            "/../x",
            "/a/../b",
            "/%2e%2e/x",
            "/a%2f..%2fb",
            "/a\\..\\b",
            "/a%5cb",
            "//etc/passwd",
            "/.git/config",
            "/a%00.js",
            "x",
            "/C:/x",
            "/%zz",
            "/a//b",
        ] {
            assert_eq!(relative(path), None, "{path}");
        }
    }

    #[test]
    fn an_encoding_that_was_refused_is_not_sent() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, "gzip;q=0, br".parse().unwrap());
        assert!(accepts(&headers, "br") && !accepts(&headers, "gzip") && !accepts(&HeaderMap::new(), "br"));
    }
}
