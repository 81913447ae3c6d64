//! Any method and target are an operation on one path or refused; no path is another one in disguise, and no file lies outside its root.
#![no_main]

use std::path::Component;

use crest::Filter;
use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::files;
use wire::parameters::{MAX_PARAMETERS, Parameters, decode_percent};
use wire::path::{MAX_SEGMENTS, Path, below_context};
use wire::request::{Operation, Presentation};

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"];

fuzz_target!(|input: (u8, &str)| {
    let (choice, target) = input;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let below = below_context(path);
    assert!(below.is_none_or(|below| below.is_empty() || below.starts_with('/')));
    read_path(below.unwrap_or(path));
    read_file(path);
    read_query(query);

    let Ok(parameters) = Parameters::parse(query) else { return };
    let method = Method::from_bytes(METHODS[usize::from(choice) % METHODS.len()].as_bytes()).expect("a token");
    let Ok(operation) = Operation::of(&method, &HeaderMap::new(), &parameters) else { return };
    assert_eq!(operation.is_safe(), matches!(operation, Operation::Read { .. } | Operation::Query(_)));
    assert_eq!(operation.wanted().is_none(), matches!(operation, Operation::Read { .. } | Operation::Query(_) | Operation::Delete(_)));
    assert_eq!(operation.action().is_some(), operation.name() == "action");
    if let Operation::Query(asked) = &operation {
        let canonical = asked.query.filter.to_string();
        assert!(canonical.len() > 16 * 1024 || Filter::parse(&canonical).as_ref() == Ok(&asked.query.filter));
    }
    if let Ok(presentation) = Presentation::of(&operation, &parameters) {
        assert!(presentation.mime.is_none_or(|mime| HeaderValue::from_str(&mime).is_ok()));
    }
});

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn read_path(below: &str) {
    let Ok(path) = Path::parse(below) else { return };
    let segments = path.segments();
    assert!(segments.len() <= MAX_SEGMENTS);
    assert_eq!(segments.join("/"), path.as_str());
    for segment in &segments {
        assert!(!segment.contains(['/', '\\']) && !segment.contains(char::is_control) && !matches!(*segment, "." | ".."));
    }
    // Only an empty last segment reads back as none.
    if segments.last().is_none_or(|last| !last.is_empty()) && segments.first().is_none_or(|first| !first.is_empty()) {
        let again: Vec<String> = segments.iter().map(|segment| encoded(segment)).collect();
        assert_eq!(Path::parse(&again.join("/")).map(|again| again.as_str().to_owned()), Ok(path.as_str().to_owned()));
    }
}

fn read_file(path: &str) {
    let Some(file) = files::relative(path) else { return };
    let names: Vec<&str> = file
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str().expect("it came from text"),
            other => panic!("{other:?} in {}", file.display()),
        })
        .collect();
    assert!(!names.is_empty() && names.iter().all(|name| !name.starts_with('.') && !name.contains(['\\', ':', '\0'])));
    let again: Vec<String> = names.iter().map(|name| encoded(name)).collect();
    assert_eq!(files::relative(&format!("/{}", again.join("/"))), Some(file.clone()));
    assert_eq!(std::path::Path::new("/srv/root").join(&file).parent().map(|above| above.starts_with("/srv/root")), Some(true));
}

fn read_query(query: &str) {
    if let Some(plain) = decode_percent(query) {
        assert_eq!(decode_percent(&encoded(&plain)), Some(plain));
    }
    let pair = format!("a={}", encoded(query));
    assert_eq!(Parameters::parse(&pair).as_ref().map(|parameters| parameters.single("A")), Ok(Ok(Some(query))));
    let Ok(parameters) = Parameters::parse(query) else { return };
    assert!(parameters.all("").count() <= MAX_PARAMETERS);
    for name in ["_pageSize", "_pagedResultsOffset"] {
        assert!(parameters.count(name).is_ok_and(|count| count.is_none_or(|count| i32::try_from(count).is_ok())) || parameters.has(name));
    }
}
