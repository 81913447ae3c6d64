//! Spans as a collector takes them: OTLP in JSON (opentelemetry-proto 1.x, `ExportTraceServiceRequest`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::noted::{Attributes, Given, Noted};

/// `SPAN_KIND_INTERNAL`, `SPAN_KIND_SERVER`, `SPAN_KIND_CLIENT`.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// A request that hands these spans over. `instance` tells this process from others.
pub(super) fn request(spans: &[Noted], instance: &str) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let resource = [text("service.name", "vestibule"), text("service.version", version), text("service.instance.id", instance)];
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "vestibule", "version": version }, "spans": spans }],
    }] })
}

fn span(noted: &Noted) -> Value {
    let kind = match noted.name {
        "request" => SERVER,
        "mail" => CLIENT,
        _ => INTERNAL,
    };
    let events: Vec<Value> = noted
        .happened
        .iter()
        .map(|happened| {
            let at = nanoseconds(noted.began, happened.after);
            json!({ "timeUnixNano": at, "name": happened.name, "attributes": attributes(&happened.attributes) })
        })
        .collect();
    let mut value = json!({
        "traceId": format!("{:032x}", noted.place.trace),
        "spanId": format!("{:016x}", noted.place.span),
        "name": noted.name,
        "kind": kind,
        "startTimeUnixNano": nanoseconds(noted.began, Duration::ZERO),
        "endTimeUnixNano": nanoseconds(noted.began, noted.took),
        "attributes": attributes(&noted.attributes),
        "events": events,
        "status": if noted.failed { json!({ "code": ERROR }) } else { json!({}) },
    });
    if let (Some(parent), Some(members)) = (noted.parent, value.as_object_mut()) {
        members.insert("parentSpanId".to_owned(), format!("{parent:016x}").into());
    }
    value
}

fn attributes(attributes: &Attributes) -> Vec<Value> {
    let pair = |(name, value): &(&'static str, Given)| {
        let value = match value {
            Given::Text(text) => json!({ "stringValue": text }),
            // 64 bits are a text in the JSON of protocol buffers.
            Given::Number(number) => json!({ "intValue": number.to_string() }),
            Given::Truth(truth) => json!({ "boolValue": truth }),
        };
        json!({ "key": name, "value": value })
    };
    attributes.iter().map(pair).collect()
}

fn nanoseconds(began: SystemTime, after: Duration) -> String {
    let since = began.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(after);
    since.as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::super::noted::{Place, Values};
    use super::*;

    #[test]
    fn a_span_is_written_as_the_protocol_wants_it() {
        let above = Place { trace: 1, span: 2, sampled: true };
        let mut noted = Noted::begin("request", Some(above), None, 1.0);
        let values = Values {
            attributes: vec![("http.response.status_code", Given::Number(503)), ("x", Given::Truth(true))],
            failed: true,
            ..Values::default()
        };
        noted.take(values);
        noted.happens("stage", vec![("outcome", Given::Text("entered".to_owned()))]);
        let request = request(&[noted.ended()], "one");
        assert_eq!(request["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "vestibule");
        let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "00000000000000000000000000000001");
        assert_eq!((&span["parentSpanId"], &span["kind"], &span["status"]["code"]), (&json!("0000000000000002"), &json!(2), &json!(2)));
        assert_eq!(span["attributes"][0], json!({ "key": "http.response.status_code", "value": { "intValue": "503" } }));
        assert_eq!(span["events"][0]["attributes"][0]["value"]["stringValue"], "entered");
        let moment = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
        assert!(moment("startTimeUnixNano") <= moment("endTimeUnixNano") && moment("startTimeUnixNano") > 1_700_000_000_000_000_000);
    }
}
