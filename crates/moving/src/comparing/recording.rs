//! Recorded traffic: a HAR file as browsers and proxies write it, or JSON lines with a request and its answer on each.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What is escaped in a query: all but unreserved characters (RFC 3986, section 2.3).
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The part of an address that self-service begins with.
const SELF_SERVICE: &str = "selfservice/";
/// Bytes of a recording, which is read whole.
const LARGEST: u64 = 256 << 20;
/// Headers that are sent again: what a request asks with, and nothing of the connection or of a session that has ended.
const SENT: [&str; 7] = [
    "accept-api-version",
    "accept-language",
    "content-type",
    "x-openidm-username",
    "x-openidm-password",
    "x-openidm-nosession",
    "x-requested-with",
];

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is too large to be read whole.
    #[error("{0} has more than {mib} MiB: make several recordings of it", mib = LARGEST >> 20)]
    Large(PathBuf),
    /// Something of it is no exchange.
    #[error("{place}: {what}")]
    Exchange {
        /// The file, and the line or the entry, from 1.
        place: String,
        /// What is wrong.
        what: String,
    },
}

/// A request that was recorded, and what was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Which one of the recording, from 1: its line, or its entry.
    pub number: usize,
    /// The method.
    pub method: String,
    /// The address from `selfservice/` on, with its query.
    pub path: String,
    /// The headers that are sent again, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null where there is none.
    pub body: Value,
    /// The body of the recorded answer; null where it is no JSON.
    pub answer: Value,
}

/// The self-service of a recording, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// What is replayed.
    pub exchanges: Vec<Exchange>,
    /// Requests that are no self-service, and are left out.
    pub others: usize,
}

impl Recording {
    /// Reads a recording: a HAR file, or JSON lines with `request` (`method`, `url`, `headers`, `body`) and `answer` (`body`) on each, or a log of accesses
    /// of an IDM (`http.request`), to which `body` and `answer` were added.
    ///
    /// # Errors
    /// [`RecordingError`], which names the line or the entry.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let failed = |error| RecordingError::Io { path: path.to_owned(), error };
        let file = File::open(path).map_err(failed)?;
        let mut text = String::new();
        let is_large = file.metadata().map_err(failed)?.len() > LARGEST;
        // A pipe has no length.
        if is_large || file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)? as u64 > LARGEST {
            return Err(RecordingError::Large(path.to_owned()));
        }
        Self::of(&text).map_err(|(place, what)| RecordingError::Exchange { place: format!("{}{place}", path.display()), what })
    }

    /// What a text holds; or where it holds something else, behind the name of the file, and what is wrong.
    fn of(text: &str) -> Result<Self, (String, String)> {
        let mut recording = Self::default();
        let whole: Option<Value> = serde_json::from_str(text).ok();
        if let Some(entries) = whole.as_ref().and_then(|whole| whole.pointer("/log/entries")).and_then(Value::as_array) {
            for (number, entry) in (1..).zip(entries) {
                recording.add(number, entry).map_err(|what| (format!(", entry {number}"), what))?;
            }
            return Ok(recording);
        }
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"));
            line.and_then(|line| recording.add(number, &line)).map_err(|what| (format!(":{number}"), what))?;
        }
        Ok(recording)
    }

    fn add(&mut self, number: usize, entry: &Value) -> Result<(), String> {
        // An IDM's own log of accesses has what was asked for in HTTP beside what that meant.
        let request = entry.pointer("/http/request").or_else(|| entry.get("request")).filter(|request| request.is_object());
        let request = request.ok_or("there is no 'request'")?;
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let url = text("url").or_else(|| text("path")).ok_or("the request has no 'url'")?;
        let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query.to_owned())));
        let query = query.or_else(|| parameters(request.get("queryParameters")?));
        let at = address.find(&format!("/{SELF_SERVICE}")).map(|at| at + 1).or_else(|| address.starts_with(SELF_SERVICE).then_some(0));
        let Some(path) = at.and_then(|at| address.get(at..)) else {
            self.others += 1;
            return Ok(());
        };
        let path = path.split('#').next().unwrap_or_default();
        self.exchanges.push(Exchange {
            number,
            method: text("method").unwrap_or("GET").to_ascii_uppercase(),
            path: query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
            headers: headers(request.get("headers")),
            body: body(request.get("body").or_else(|| request.pointer("/postData/text")).or_else(|| entry.get("body")), None),
            answer: ["answer", "response"].iter().find_map(|name| answer(entry.get(*name)?)).unwrap_or_default(),
        });
        Ok(())
    }
}

/// A list of names and values, or an object of them.
fn headers(written: Option<&Value>) -> Vec<(String, String)> {
    let listed = |header: &Value| Some((header.get("name")?.as_str()?.to_lowercase(), header.get("value")?.as_str()?.to_owned()));
    let found: Vec<(String, String)> = match written {
        Some(Value::Array(list)) => list.iter().filter_map(listed).collect(),
        Some(Value::Object(members)) => {
            let text = |value: &Value| value.as_str().or_else(|| value.get(0)?.as_str()).map(str::to_owned);
            members.iter().filter_map(|(name, value)| Some((name.to_lowercase(), text(value)?))).collect()
        }
        _ => Vec::new(),
    };
    found.into_iter().filter(|(name, _)| SENT.contains(&name.as_str())).collect()
}

/// Parameters of a query, each with its values, as in a log of accesses.
fn parameters(written: &Value) -> Option<String> {
    let mut query = String::new();
    for (name, values) in written.as_object()? {
        let values: Vec<&str> = match values {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            value => value.as_str().into_iter().collect(),
        };
        for value in values {
            let between = if query.is_empty() { "" } else { "&" };
            query.push_str(between);
            query.extend(utf8_percent_encode(name, IN_QUERY).chain(["="]).chain(utf8_percent_encode(value, IN_QUERY)));
        }
    }
    Some(query).filter(|query| !query.is_empty())
}

/// The body of an answer; a HAR file may have it in base64.
fn answer(written: &Value) -> Option<Value> {
    let encoding = written.pointer("/content/encoding").and_then(Value::as_str);
    let text = written.get("body").or_else(|| written.pointer("/content/text"))?;
    Some(body(Some(text), encoding))
}

/// A body as JSON, or as the text of JSON.
fn body(written: Option<&Value>, encoding: Option<&str>) -> Value {
    match written {
        Some(Value::String(text)) if encoding == Some("base64") => {
            STANDARD.decode(text.trim()).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(Value::Null)
        }
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_har_file_and_json_lines_say_the_same() {
        let har = json!({ "log": { "entries": [
            { "request": { "method": "GET", "url": "https://old/ui/index.html", "headers": [] }, "response": {} },
            { "request": { "method": "post", "url": "https://old/openidm/selfservice/reset?_action=submitRequirements",
                "headers": [{ "name": "X-OpenIDM-Username", "value": "anonymous" }, { "name": "Cookie", "value": "s=1" }],
                "postData": { "mimeType": "application/json", "text": "{\"input\":{}}" } },
              "response": { "status": 200, "content": { "text": "{\"token\":\"t\"}" } } },
        ] } });
        let lines = "{\"request\":{\"url\":\"/ui/index.html\"}}\n{\"request\":{\"method\":\"POST\",\"path\":\"selfservice/reset?_action=submitRequirements\",\
            \"headers\":{\"x-openidm-username\":\"anonymous\",\"cookie\":\"s=1\"},\"body\":{\"input\":{}}},\"answer\":{\"status\":200,\"body\":{\"token\":\"t\"}}}\n";
        let read = Recording::of(&har.to_string()).unwrap();
        assert_eq!(read, Recording::of(lines).unwrap());
        let [one] = read.exchanges.as_slice() else { panic!("{read:?}") };
        assert_eq!((one.number, one.method.as_str(), one.path.as_str()), (2, "POST", "selfservice/reset?_action=submitRequirements"));
        assert_eq!(one.headers, [("x-openidm-username".to_owned(), "anonymous".to_owned())], "a session is not replayed");
        assert_eq!((&one.body, &one.answer, read.others), (&json!({ "input": {} }), &json!({ "token": "t" }), 1));
    }

    #[test]
    fn a_log_of_accesses_with_bodies_is_a_recording() {
        let event = json!({
            "eventName": "access", "request": { "protocol": "CREST", "operation": "ACTION" }, "response": { "statusCode": "200" },
            "http": { "request": { "secure": true, "method": "POST", "path": "https://old/openidm/selfservice/reset",
                "queryParameters": { "_action": ["submitRequirements"], "a b": ["ü&"] }, "headers": { "X-OpenIDM-Username": ["anonymous"] } } },
            "body": { "input": {} }, "answer": { "body": { "token": "t" } },
        });
        let other = json!({ "eventName": "access", "request": { "operation": "READ" }, "http": { "request": { "method": "GET", "path": "https://old/openidm/info/ping" } } });
        let read = Recording::of(&format!("{event}\n{other}\n")).unwrap();
        let [one] = read.exchanges.as_slice() else { panic!("{read:?}") };
        assert_eq!((one.method.as_str(), one.path.as_str()), ("POST", "selfservice/reset?_action=submitRequirements&a%20b=%C3%BC%26"));
        assert_eq!(one.headers, [("x-openidm-username".to_owned(), "anonymous".to_owned())]);
        assert_eq!((&one.body, &one.answer, read.others), (&json!({ "input": {} }), &json!({ "token": "t" }), 1));
    }

    #[test]
    fn a_har_file_may_have_answers_in_base64() {
        let har = json!({ "log": { "entries": [{ "request": { "url": "https://old/openidm/selfservice/reset" },
            "response": { "content": { "encoding": "base64", "text": "eyJ0b2tlbiI6InQifQ==" } } }] } });
        assert_eq!(Recording::of(&har.to_string()).unwrap().exchanges[0].answer, json!({ "token": "t" }));
    }

    #[test]
    fn a_recording_that_would_fill_the_memory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST + 1).unwrap();
        assert!(Recording::read(file.path()).unwrap_err().to_string().ends_with(" has more than 256 MiB: make several recordings of it"));
    }

    #[test]
    fn what_is_no_exchange_is_named_with_its_place() {
        let fault = |text: &str| Recording::of(text).unwrap_err();
        assert_eq!(fault("\n{}\n"), (":2".to_owned(), "there is no 'request'".to_owned()));
        assert!(fault("{").1.starts_with("no JSON"));
        assert_eq!(fault("{\"log\":{\"entries\":[{\"request\":{}}]}}"), (", entry 1".to_owned(), "the request has no 'url'".to_owned()));
    }
}
