//! The REST interface as an OpenAPI document, from the rows that requests are routed by.

use serde_json::{Map, Value, json};

use crate::resources::operations;
use crate::routes::{Body, Operation};

/// The OpenAPI 3.1 document. Operations of one method and path are its actions.
#[must_use]
pub fn openapi() -> Value {
    openapi_of(&[])
}

/// The same of what is at a path and below it: what a client asks for by `_api`.
pub(crate) fn openapi_of(below: &[&str]) -> Value {
    let is_below = |(_, row): &(&str, &Operation)| {
        let mut pattern = row.path.split('/').filter(|part| !part.is_empty());
        below.iter().all(|segment| pattern.next().is_some_and(|part| part.starts_with('{') || part == *segment))
    };
    let mut rows: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for (chapter, row) in operations().filter(is_below) {
        let same = |(_, others): &&mut (&str, Vec<&Operation>)| {
            others.first().is_some_and(|other| (other.path, other.method) == (row.path, row.method))
        };
        match rows.iter_mut().find(same) {
            Some((_, others)) => others.push(row),
            None => rows.push((chapter, vec![row])),
        }
    }
    let mut paths: Map<String, Value> = Map::new();
    for (chapter, rows) in rows {
        let Some(first) = rows.first() else { continue };
        let entry = paths.entry(format!("/openidm{}", first.path)).or_insert_with(|| json!({}));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(first.method.to_owned(), operation(chapter, first, &rows));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vestibule",
            "version": env!("CARGO_PKG_VERSION"),
            "description":
                "The REST interface of PingIDM 5.0 to 7.5, as far as self-service needs it. `x-who-may` says who may do something, by the \
                 access rules that hold where a project has none of its own: `everybody`; `signed-in`; `owner`, the person it belongs to, \
                 administrators, and who has a privilege for it; `delegates`, administrators and who has a privilege for it; \
                 `administrators`; `administrators-alone`, whatever the project's rules say.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "security": [{ "session": [] }, { "username": [], "password": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "session-jwt" },
                "username": { "type": "apiKey", "in": "header", "name": "X-OpenIDM-Username" },
                "password": { "type": "apiKey", "in": "header", "name": "X-OpenIDM-Password" },
                "basic": { "type": "http", "scheme": "basic" }
            },
            "schemas": schemas(),
        }
    })
}

fn operation(chapter: &str, first: &Operation, rows: &[&Operation]) -> Value {
    let path = first.path;
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let actions: Vec<&str> = rows.iter().filter_map(|row| row.action).collect();
    let action = (!actions.is_empty()).then(|| {
        json!({ "name": "_action", "in": "query", "required": !actions.contains(&"create"), "schema": { "type": "string", "enum": actions } })
    });
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| row.parameters) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let in_query = names.into_iter().map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }));
    let parameters: Vec<Value> = in_path.chain(action).chain(in_query).collect();
    let process = path.starts_with("/selfservice/{process}");
    let answer = if process { "#/components/schemas/Answer" } else { "#/components/schemas/Resource" };
    let summary = match rows {
        [one] => one.summary.to_owned(),
        several => {
            let said = several.iter().map(|row| format!("{}: {}", row.action.unwrap_or_default(), row.summary));
            said.collect::<Vec<_>>().join(" ")
        }
    };
    let who = match actions.as_slice() {
        [] => json!(first.who.as_str()),
        _ => rows.iter().filter_map(|row| Some((row.action?.to_owned(), json!(row.who.as_str())))).collect(),
    };
    let operation = json!({
        "tags": [chapter],
        "summary": summary,
        "x-who-may": who,
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": { "$ref": answer } } } },
            "default": { "description": "Refused.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } }
        }
    });
    let mut bodies: Vec<Value> = Vec::new();
    for row in rows {
        let schema = match row.body {
            Body::None => continue,
            Body::Object => "#/components/schemas/Resource",
            Body::Patch => "#/components/schemas/Patch",
            Body::Submission => "#/components/schemas/Submission",
        };
        let schema = json!({ "$ref": schema });
        if !bodies.contains(&schema) {
            bodies.push(schema);
        }
    }
    let Value::Object(mut operation) = operation else { return Value::Null };
    if !parameters.is_empty() {
        operation.insert("parameters".into(), Value::Array(parameters));
    }
    let schema = if bodies.len() > 1 { Some(json!({ "oneOf": bodies })) } else { bodies.pop() };
    if let Some(schema) = schema {
        operation.insert("requestBody".into(), json!({ "content": { "application/json": { "schema": schema } } }));
    }
    Value::Object(operation)
}

fn schemas() -> Value {
    json!({
        "Resource": { "type": "object", "properties": { "_id": { "type": "string" }, "_rev": { "type": "string" } } },
        "Submission": {
            "type": "object",
            "required": ["input"],
            "properties": {
                "token": { "description": "The token of the last answer; absent on the first submission.", "type": "string" },
                "input": { "type": "object" }
            }
        },
        "Answer": {
            "type": "object",
            "required": ["type", "tag"],
            "properties": {
                "type": { "description": "The stage.", "type": "string" },
                "tag": { "description": "What the stage asks; `end` when the process is over.", "type": "string" },
                "requirements": { "description": "A JSON Schema (draft-04) of what is asked.", "type": "object" },
                "token": { "description": "To be sent back; absent on GET and at the end.", "type": "string" },
                "status": { "type": "object", "properties": { "success": { "const": true } } },
                "additions": { "type": "object" }
            }
        },
        "Patch": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["operation", "field"],
                "properties": {
                    "operation": { "enum": ["add", "remove", "replace", "increment", "copy", "move"] },
                    "field": { "type": "string" },
                    "value": {},
                    "from": { "type": "string" }
                }
            }
        },
        "Error": {
            "type": "object",
            "required": ["code", "reason", "message"],
            "properties": {
                "code": { "type": "integer" },
                "reason": { "type": "string" },
                "message": { "type": "string" },
                "detail": { "type": "object" }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_what_is_at_it_and_below_it() {
        let paths = |below: &[&str]| openapi_of(below)["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&["outbox"]).iter().filter(|path| !path.starts_with("/openidm/outbox")).count(), 0);
        assert!(paths(&["managed", "user"]).contains(&"/openidm/managed/{object}".to_owned()));
        assert!(paths(&["nosuch"]).is_empty());
        assert!(paths(&[]).len() > 20);
    }
}
