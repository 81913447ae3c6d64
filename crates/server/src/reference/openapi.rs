//! The REST interface as an OpenAPI document. The resources are found by path at run time, so the document is written from a table of
//! them and not collected from handlers; the inventory test walks the same resources.

use serde_json::{Map, Value, json};

/// One operation: path, HTTP method, tag, summary, query parameters, whether it takes a body.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], Body);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Object,
    Patch,
    Submission,
}

const CONDITIONAL: &[&str] = &["_fields", "_prettyPrint"];
const QUERY: &[&str] = &[
    "_queryFilter",
    "_fields",
    "_sortKeys",
    "_pageSize",
    "_pagedResultsCookie",
    "_pagedResultsOffset",
    "_totalPagedResultsPolicy",
    "_prettyPrint",
];

const SESSIONS: &[&str] = &[
    "_queryFilter",
    "_fields",
    "_sortKeys",
    "_pageSize",
    "_pagedResultsCookie",
    "_pagedResultsOffset",
    "_totalPagedResultsPolicy",
    "owner",
];

const ROWS: &[Row] = &[
    (
        "/selfservice/{process}",
        "get",
        "Processes",
        "What the first stage of a process asks. Has no effect and gives no token.",
        &[],
        Body::None,
    ),
    (
        "/selfservice/{process}",
        "post",
        "Processes",
        "Submits what was asked, with the token of the last answer; the answer asks again, or ends the process.",
        &["_action=submitRequirements"],
        Body::Submission,
    ),
    ("/selfservice/kba", "get", "Processes", "The security questions a person can choose from.", &[], Body::None),
    ("/selfservice/user/{id}", "patch", "Processes", "Replaces one's own security questions.", &[], Body::Patch),
    ("/managed/{object}", "get", "Managed objects", "Finds objects.", QUERY, Body::None),
    ("/managed/{object}", "post", "Managed objects", "Creates an object.", &["_action=create"], Body::Object),
    ("/managed/{object}/{id}", "get", "Managed objects", "Reads an object.", CONDITIONAL, Body::None),
    (
        "/managed/{object}/{id}",
        "put",
        "Managed objects",
        "Creates or replaces an object (If-Match, If-None-Match).",
        CONDITIONAL,
        Body::Object,
    ),
    ("/managed/{object}/{id}", "patch", "Managed objects", "Changes an object (If-Match).", CONDITIONAL, Body::Patch),
    (
        "/managed/{object}/{id}",
        "delete",
        "Managed objects",
        "Removes an object (If-Match); answers with what it was.",
        CONDITIONAL,
        Body::None,
    ),
    ("/selfservice/terms", "get", "Processes", "The terms in force.", &[], Body::None),
    ("/managed/{object}/{id}/{relationship}", "get", "Managed objects", "What an object is related to.", QUERY, Body::None),
    ("/privilege", "post", "Delegated administration", "The collections one may look into.", &["_action=listPrivileges"], Body::None),
    ("/privilege/managed/{object}", "get", "Delegated administration", "What one may do with the objects of a type.", &[], Body::None),
    ("/privilege/managed/{object}/{id}", "get", "Delegated administration", "What one may do with an object.", &[], Body::None),
    ("/managed/{object}/{id}/{relationship}", "post", "Managed objects", "Adds a reference.", &["_action=create"], Body::Object),
    ("/managed/{object}/{id}/{relationship}/{reference}", "get", "Managed objects", "Reads a reference.", CONDITIONAL, Body::None),
    ("/managed/{object}/{id}/{relationship}/{reference}", "put", "Managed objects", "Replaces a reference.", CONDITIONAL, Body::Object),
    ("/managed/{object}/{id}/{relationship}/{reference}", "delete", "Managed objects", "Removes a reference.", CONDITIONAL, Body::None),
    ("/internal/role", "get", "Delegated administration", "The roles (administrators).", QUERY, Body::None),
    ("/internal/role", "post", "Delegated administration", "Makes a role (administrators).", &["_action=create"], Body::Object),
    ("/internal/role/{id}", "get", "Delegated administration", "Reads a role (administrators).", CONDITIONAL, Body::None),
    (
        "/internal/role/{id}",
        "put",
        "Delegated administration",
        "Makes or replaces a role (administrators; If-Match, If-None-Match).",
        CONDITIONAL,
        Body::Object,
    ),
    (
        "/internal/role/{id}",
        "patch",
        "Delegated administration",
        "Changes a role, or who has it (administrators; If-Match).",
        CONDITIONAL,
        Body::Patch,
    ),
    ("/internal/role/{id}", "delete", "Delegated administration", "Removes a role nobody has (administrators).", CONDITIONAL, Body::None),
    ("/internal/role/{id}/authzMembers", "get", "Delegated administration", "Who has a role (administrators).", QUERY, Body::None),
    (
        "/internal/role/{id}/authzMembers",
        "post",
        "Delegated administration",
        "Gives a role to somebody (administrators).",
        &["_action=create"],
        Body::Object,
    ),
    (
        "/internal/role/{id}/authzMembers/{reference}",
        "delete",
        "Delegated administration",
        "Takes a role from somebody (administrators).",
        CONDITIONAL,
        Body::None,
    ),
    ("/consent", "get", "Profile", "The mappings one may agree to.", QUERY, Body::None),
    ("/internal/usermeta/{id}", "get", "Profile", "One's own metadata.", &[], Body::None),
    ("/internal/notification/{id}", "get", "Profile", "A notification.", &[], Body::None),
    ("/internal/notification/{id}", "delete", "Profile", "Dismisses a notification.", &[], Body::None),
    (
        "/notification",
        "post",
        "Profile",
        "Dismisses all notifications of an object.",
        &["_action=deleteNotificationsForTarget", "target"],
        Body::None,
    ),
    ("/vestibule/sessions", "get", "Profile", "Where one is signed in.", SESSIONS, Body::None),
    ("/vestibule/sessions", "post", "Profile", "Ends all other sessions, or all (endAll).", &["_action=endOthers", "owner"], Body::None),
    ("/vestibule/sessions/{id}", "delete", "Profile", "Ends a session.", &["owner"], Body::None),
    ("/vestibule/mailChange", "get", "Profile", "The open request to change one's mail address.", &[], Body::None),
    (
        "/vestibule/mailChange",
        "post",
        "Profile",
        "Confirms the request with the mailed code, or forgets it (cancel).",
        &["_action=confirm"],
        Body::Object,
    ),
    ("/config", "get", "Configuration", "The configurations (administrators); with a filter their contents.", QUERY, Body::None),
    (
        "/config/{name}",
        "delete",
        "Configuration",
        "Removes a file of the project, if it would load without (If-Match).",
        CONDITIONAL,
        Body::None,
    ),
    ("/config/{name}", "get", "Configuration", "A file of the project, its secrets withheld (administrators).", CONDITIONAL, Body::None),
    ("/config/{name}", "put", "Configuration", "Replaces a file of the project, if it would load (If-Match).", CONDITIONAL, Body::Object),
    ("/config/{name}", "patch", "Configuration", "Changes a file of the project, if it would load (If-Match).", CONDITIONAL, Body::Patch),
    ("/policy/{resource}", "get", "Policies", "The policies of a resource.", &[], Body::None),
    ("/policy/{resource}", "post", "Policies", "Validates an object, or properties of one.", &["_action=validateObject"], Body::Object),
    ("/schema/managed/{object}", "get", "Managed objects", "The schema of an object type, as a client may see it.", &[], Body::None),
    ("/authentication", "get", "Authentication", "The social identity providers.", &[], Body::None),
    ("/authentication", "post", "Authentication", "Signs in or out, or gives the password again.", &["_action=login"], Body::None),
    ("/info/login", "get", "Authentication", "Who one is.", &[], Body::None),
    ("/info/ping", "get", "Server", "Whether requests can be served.", &[], Body::None),
    ("/info/version", "get", "Server", "The version.", &[], Body::None),
    ("/info/uiconfig", "get", "Server", "The configuration of the user interface.", &[], Body::None),
    ("/info/features", "get", "Server", "Which processes are switched on.", &["_queryFilter"], Body::None),
    ("/external/email", "post", "Server", "Puts a mail into the outbox (administrators).", &["_action=send"], Body::Object),
];

/// The OpenAPI 3.1 document.
#[must_use]
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for (path, method, tag, summary, parameters, body) in ROWS {
        let entry = paths.entry(format!("/openidm{path}")).or_insert_with(|| json!({}));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert((*method).to_owned(), operation(path, tag, summary, parameters, *body));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vestibule",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The REST interface of PingIDM 5.0 to 7.5, as far as self-service needs it.",
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

fn operation(path: &str, tag: &str, summary: &str, parameters: &[&str], body: Body) -> Value {
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = parameters.iter().map(|parameter| match parameter.split_once('=') {
        Some((name, value)) => {
            json!({ "name": name, "in": "query", "required": true, "schema": { "type": "string", "examples": [value] } })
        }
        None => json!({ "name": parameter, "in": "query", "schema": { "type": "string" } }),
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let process = path.starts_with("/selfservice/{process}");
    let answer = if process { "#/components/schemas/Answer" } else { "#/components/schemas/Resource" };
    let operation = json!({
        "tags": [tag],
        "summary": summary,
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": { "$ref": answer } } } },
            "default": { "description": "Refused.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } }
        }
    });
    let schema = match body {
        Body::None => None,
        Body::Object => Some("#/components/schemas/Resource"),
        Body::Patch => Some("#/components/schemas/Patch"),
        Body::Submission => Some("#/components/schemas/Submission"),
    };
    let Value::Object(mut operation) = operation else { return Value::Null };
    if !parameters.is_empty() {
        operation.insert("parameters".into(), Value::Array(parameters));
    }
    if let Some(schema) = schema {
        operation.insert("requestBody".into(), json!({ "content": { "application/json": { "schema": { "$ref": schema } } } }));
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
