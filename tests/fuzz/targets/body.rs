//! Any bytes are a JSON body or refused with 400: what is taken is what another reader takes, bounded in depth, and reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wire::body::{MAX_DEPTH, Wanted, parse};

fuzz_target!(|bytes: &[u8]| {
    let plain = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let other = serde_json::from_slice::<Value>(plain).ok().filter(|value| depth(value) <= MAX_DEPTH);
    let read = parse(bytes, Wanted::Anything);
    match (&read, &other) {
        (Ok(Some(value)), _) => {
            assert_eq!(Some(value), other.as_ref());
            assert_eq!(parse(value.to_string().as_bytes(), Wanted::Document), Ok(Some(value.clone())));
            assert_eq!(parse(bytes, Wanted::Object).is_ok(), value.is_object());
        }
        (Ok(None), _) => {
            assert!(plain.iter().all(u8::is_ascii_whitespace));
            assert!(parse(bytes, Wanted::Document).is_err() && parse(bytes, Wanted::Object).is_err());
        }
        (Err(error), None) => assert_eq!(error.code, 400),
        (Err(error), Some(value)) => panic!("{value} was refused: {error}"),
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
