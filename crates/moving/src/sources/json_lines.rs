//! One JSON object on each line, as `GET managed/user?_queryFilter=true` answers them (`jq -c '.result[]'`), and as `vestibule export` writes
//! them.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::lines::{Lines, too_long, utf8};
use crate::mapping::{Mapping, derived_id};
use crate::notifications;
use crate::record::{COLLECTION, Fault, Place, Read, Record};

pub(crate) fn read<R: BufRead + Send>(
    reader: R,
    file: Arc<str>,
    mapping: Arc<Mapping>,
) -> impl Iterator<Item = Result<Read, Fault>> + Send {
    let mut lines = Lines::new(reader);
    let mut ended = false;
    let mut behind = VecDeque::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(record) = behind.pop_front() {
                return Some(Ok(Read::Record(Box::new(record))));
            }
            if ended {
                return None;
            }
            let line = match lines.next_line() {
                Ok(line) => line?,
                Err(error) => {
                    ended = true;
                    return Some(Err(Fault::ending(&Place { file: Arc::clone(&file), line: lines.number() + 1 }, error.to_string())));
                }
            };
            let place = Place { file: Arc::clone(&file), line: line.number };
            let Some(bytes) = line.bytes else {
                return Some(Err(if line.is_cut { Fault::ending(&place, too_long()) } else { Fault::new(&place, too_long()) }));
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.is_cut
                && let Some(what) = missing(&bytes)
            {
                return Some(Err(Fault::ending(&place, what)));
            }
            return Some(record(&mapping, place, bytes).map(|mut record| {
                behind.extend(notifications::taken_out(&mut record));
                Read::Record(Box::new(record))
            }));
        }
    })
}

/// What is wrong with the last line of a file, which has no end: nothing where it holds a whole value. Behind half of one, more may be missing.
fn missing(bytes: &[u8]) -> Option<String> {
    let error = serde_json::from_str::<IgnoredAny>(&String::from_utf8_lossy(bytes)).err()?;
    Some(if error.is_eof() { "the file ends in the middle of an object".to_owned() } else { no_object(&error) })
}

fn no_object(error: &serde_json::Error) -> String {
    format!("no JSON object at column {}: {}", error.column(), why(error))
}

fn record(mapping: &Mapping, place: Place, bytes: Vec<u8>) -> Result<Record, Fault> {
    let text = utf8(bytes).map_err(|what| Fault::new(&place, what))?;
    let mut content: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
        let half = "the line ends in the middle of an object; each line holds one whole object";
        Fault::new(&place, if error.is_eof() { half.to_owned() } else { no_object(&error) })
    })?;
    let text = |content: &mut Map<String, Value>, name: &str| match content.shift_remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(Fault::new(&place, format!("'{name}' is no text"))),
    };
    let collection = text(&mut content, COLLECTION)?.unwrap_or_else(|| mapping.collection.clone());
    mapping.of_object(&collection, &mut content).map_err(|what| Fault::new(&place, what))?;
    let (id, revision) = (text(&mut content, "_id")?, text(&mut content, "_rev")?);
    let id = id.or_else(|| derived_id(&collection, &content)).ok_or_else(|| Fault::new(&place, "neither '_id' nor 'userName'"))?;
    Ok(Record { place, collection, id, revision, content, lost: Vec::new() })
}

/// What serde_json says, without the line, which is always the first one here.
fn why(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(what, _)| what.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(text: &[u8]) -> Vec<Result<Record, String>> {
        let read = read(text, "people.jsonl".into(), Arc::new(Mapping::default()));
        read.map(|one| match one {
            Ok(Read::Record(record)) => Ok(*record),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.to_string()),
        })
        .collect()
    }

    #[test]
    fn each_line_is_an_object_and_each_fault_has_its_place() {
        let read = all(b"{\"_id\":\"1\",\"_rev\":\"5\",\"userName\":\"ann\"}\n\n{\"_id\":\"2\",\n[]\n{\"_id\":3}\n{\"userName\":\"\xff\"}\n{}\n{\"_id\":\"9\",\"_collection\":\"managed/role\"}\n{\"_id\":\"4");
        let first = read[0].as_ref().unwrap();
        assert_eq!((first.id.as_str(), first.revision.as_deref(), first.collection.as_str()), ("1", Some("5"), "managed/user"));
        assert_eq!(Value::Object(first.content.clone()), json!({"userName": "ann"}));
        let faults: Vec<&str> = read.iter().filter_map(|one| one.as_ref().err().map(String::as_str)).collect();
        assert_eq!(
            faults,
            [
                "people.jsonl:3: the line ends in the middle of an object; each line holds one whole object",
                "people.jsonl:4: no JSON object at column 0: invalid type: sequence, expected a map",
                "people.jsonl:5: '_id' is no text",
                "people.jsonl:6: no UTF-8 at byte 14",
                "people.jsonl:7: neither '_id' nor 'userName'",
                "people.jsonl:9: the file ends in the middle of an object",
            ]
        );
        assert_eq!(read[6].as_ref().unwrap().collection, "managed/role");
    }

    #[test]
    fn a_file_that_is_cut_was_not_read_to_its_end() {
        let last = |text: &[u8]| read(text, "people.jsonl".into(), Arc::default()).last().unwrap();
        for cut in [
            &b"{\"_id\":\"4\",\"userN"[..],
            b"{",
            b"{\"sn\":\"\xc3",
            b"{\"sn\":\"\xff\",\"a",
            b"{\"sn\":\"\\u00",
            b"{\"sn\":tr",
            b"{\"sn\" tr",
        ] {
            let text = [b"{\"userName\":\"ann\"}\n", cut].concat();
            assert!(matches!(last(&text), Err(fault) if fault.ends), "{}", String::from_utf8_lossy(&text));
        }
        assert!(last(b"{\"userName\":\"ann\"}").is_ok());
        assert!(matches!(last(b"{\"_id\":3}"), Err(fault) if !fault.ends), "an object that is whole is a fault of its own");
        assert!(matches!(last(b"{\"_id\":\n"), Err(fault) if !fault.ends), "a line that is whole, too");
    }

    #[test]
    fn an_object_without_an_id_gets_the_same_one_each_time() {
        let id = |text: &str| all(text.as_bytes()).remove(0).unwrap().id;
        assert_eq!(id("{\"userName\":\"Ann\"}"), id("{\"userName\":\"Ann\",\"sn\":\"x\"}"));
        assert_ne!(id("{\"userName\":\"Ann\"}"), id("{\"userName\":\"Ben\"}"));
        assert_eq!(id("{\"userName\":\"Ann\"}").len(), 36);
    }
}
