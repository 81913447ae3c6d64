//! The loose shapes of docs/protocol/project-files.md, cases 5 and 14, and what clients demand of a schema
//! (docs/protocol/clients.md, "Profile page").

#![expect(clippy::needless_pass_by_value, reason = "helpers take what json! makes, so that a case reads as one line")]

use serde_json::{Value, json};

use super::*;
use crate::problem::Severity;

fn user(schema: Value) -> (ObjectSchema, Vec<Problem>) {
    let (schemas, problems) = Schemas::read(&json!({"objects": [{"name": "user", "schema": schema}]}));
    (schemas.get("managed/user").unwrap().clone(), problems)
}

fn property(declaration: Value) -> (Property, Vec<Problem>) {
    let (user, problems) = user(json!({"properties": {"x": declaration}}));
    (user.property("x").unwrap().clone(), problems)
}

#[test]
fn flags_and_numbers_may_be_strings_and_absent_means_false() {
    let (x, problems) = property(json!({
        "type": ["string", "null"], "isProtected": "true", "viewable": true, "minLength": "8", "title": null, "description": null,
        "usageDescription": null, "searchable": null, "policies": []
    }));
    assert_eq!(problems, []);
    assert_eq!(x.types, [JsonType::String, JsonType::Null]);
    assert!(x.is_protected && x.viewable && x.nullable());
    assert!(!x.user_editable && !x.searchable && !x.is_personal);
    assert_eq!((x.min_length, x.label().as_ref()), (Some(8), "x"));
    assert_eq!(property(json!({"type": "number", "default": "0"})).0.default, Some(json!(0)));
    assert_eq!(property(json!({"type": "string", "default": "0"})).0.default, Some(json!("0")));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_stands() {
    let (x, problems) = property(json!({"type": "strnig", "minLength": "eight", "viewable": "perhaps", "userEditable": "true"}));
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.rsplit('/').next().unwrap()).collect();
    assert_eq!(pointers, ["type", "viewable", "minLength"]);
    assert!(x.user_editable && x.types.is_empty());
    let (schemas, problems) = Schemas::read(&json!({"objects": [{"schema": {}}, 17, {"name": "role"}, {"name": "role"}]}));
    assert_eq!(schemas.iter().map(ObjectSchema::collection).collect::<Vec<_>>(), ["managed/role"]);
    assert_eq!(problems.len(), 3);
    for broken in [json!(null), json!([]), json!({}), json!({"objects": {}})] {
        assert_eq!(Schemas::read(&broken).1[0].severity, Severity::Error);
    }
}

#[test]
fn settings_beside_or_instead_of_a_schema_are_merged() {
    let settings = json!([{"name": "password", "encryption": {"key": "openidm-sym-default"}, "scope": "private"}, {"name": "securityAnswer", "secureHash": {"algorithm": "SHA-256"}}]);
    let both = json!({"objects": [{"name": "user", "schema": {"properties": {"password": {"type": "string", "userEditable": true}}}, "properties": settings}]});
    let (schemas, _) = Schemas::read(&both);
    let user = schemas.get("managed/user").unwrap();
    let password = user.property("password").unwrap();
    assert!(password.user_editable && password.encrypted && password.scope == Scope::Private);
    assert_eq!(user.credentials().map(|property| property.name.as_str()).collect::<Vec<_>>(), ["password", "securityAnswer"]);
    let (schemas, problems) = Schemas::read(&json!({"objects": [{"name": "user", "properties": settings}]}));
    assert!(schemas.get("managed/user").unwrap().requires("userName"), "the default schema stands in");
    assert_eq!(problems[0].severity, Severity::Hint);
}

#[test]
fn order_may_omit_properties_and_name_unknown_ones() {
    let (user, _) = user(json!({"properties": {"a": {}, "b": {}, "c": {}}, "order": ["c", "nosuch", "a"], "required": ["a", "nosuch"]}));
    assert_eq!(user.properties.iter().map(|property| property.name.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
    assert_eq!(user.required, ["a"]);
}

#[test]
fn relationships_are_known_whatever_holds_their_collection() {
    let collection = json!({"path": "managed/user", "query": {}});
    for (declaration, many) in [
        (
            json!({"type": "relationship", "resourceCollection": collection, "reverseRelationship": true, "reversePropertyName": "reports"}),
            false,
        ),
        (
            json!({"type": "array", "items": {"type": "relationship", "resourceCollection": [collection], "reversePropertyName": null}}),
            true,
        ),
    ] {
        let relationship = property(declaration).0.relationship.unwrap();
        assert_eq!((relationship.many, relationship.collections.as_slice()), (many, &["managed/user".to_owned()][..]));
        assert_eq!(relationship.reverse_property.is_some(), !many);
    }
}

#[test]
fn what_is_encrypted_and_no_credential_is_sealed_at_rest_and_cannot_be_unique() {
    let encrypted = json!({"type": "string", "scope": "private", "encryption": {"purpose": "idm.password.encryption"}});
    let (x, problems) = property(encrypted);
    assert!(!x.is_credential() && x.is_sealed());
    assert_eq!(problems, []);
    let protected = property(json!({"type": "string", "encryption": {}, "isProtected": true})).0;
    assert!(!protected.is_credential() && protected.is_sealed(), "a change of it needs the password, and it can be read again");
    let (_, problems) = property(json!({"type": "string", "encryption": {}, "policies": [{"policyId": "unique"}]}));
    assert_eq!(problems[0].severity, Severity::Error);
    assert!(problems[0].message.contains("'unique' refuses every value"), "{}", problems[0].message);
}

#[test]
fn a_switch_that_guards_and_cannot_be_read_counts_as_a_yes() {
    for said in [json!("yes"), json!("&{protect}"), json!(1)] {
        let (read, problems) = property(json!({"type": "string", "isProtected": said}));
        assert!(read.is_protected && problems[0].severity == Severity::Error, "{said}: {problems:?}");
        let collection = json!({"path": "managed/user"});
        let declared = json!({"type": "relationship", "validate": said, "resourceCollection": collection});
        let (read, problems) = property(declared);
        assert!(read.relationship.unwrap().validate && problems[0].severity == Severity::Error, "{said}: {problems:?}");
    }
    let one_sided = json!({"type": "relationship", "reverseRelationship": true, "resourceCollection": {"path": "managed/user"}});
    let (_, problems) = property(one_sided);
    assert!(problems.iter().any(|problem| problem.message.contains("no 'reversePropertyName'")), "{problems:?}");
    assert_eq!(property(json!({"type": "string", "isProtected": " "})).1, []);
}

#[test]
fn the_side_that_keeps_references_does_not_change_with_what_other_files_say() {
    let managed = json!({"objects": [
        {"name": "customer", "schema": {"properties": {
            "secret": {"type": "string", "encryption": {}, "isProtected": true},
            "teams": {"type": "array", "items": {"type": "relationship", "reverseRelationship": true, "reversePropertyName": "people", "resourceCollection": [{"path": "managed/a"}]}}}}},
        {"name": "a", "schema": {"properties": {
            "people": {"type": "array", "items": {"type": "relationship", "reverseRelationship": true, "reversePropertyName": "teams", "resourceCollection": [{"path": "managed/customer"}]}}}}},
    ]});
    let (schemas, problems) = Schemas::read(&managed);
    assert_eq!(problems, []);
    let teams = schemas.get("managed/customer").unwrap().property("teams").unwrap().relationship.clone().unwrap();
    assert!(teams.pairs[0].here, "it lies with whoever looks as if they signed in");
}

#[test]
fn what_cannot_be_run_is_told_and_what_can_and_what_the_product_does_is_not() {
    let managed = json!({"objects": [{
        "name": "user",
        "onCreate": {"type": "text/javascript", "source": "require('ui/onCreateUser').setDefaultFields(object)"},
        "postUpdate": {"type": "groovy", "file": "script/storeFields.groovy"},
        "onUpdate": {"type": "text/javascript", "source": ["require('onUpdateUser').preserveLastSync(object, oldObject, request);", {"a": 1}]},
        "actions": {"resetPassword": {"source": "require('resetPassword').sendMail(object, subject, message);"}, "mine": {"file": "script/mine.js"},
            "unbind": {"type": "text/javascript", "file": "ui/unBindBehavior.js"}, "bind": {"type": "text/javascript", "source": "mine(object)"}},
        "schema": {"properties": {
            "effectiveRoles": {"type": "array", "isVirtual": true, "onRetrieve": {"source": "require('roles/effectiveRoles').calculateEffectiveRoles(object, 'roles');"}},
            "cn": {"type": "string", "isVirtual": true, "onStore": {"source": "object.cn || (object.givenName + ' ' + object.sn)"}},
        }},
    }]});
    let (schemas, problems) = Schemas::read(&managed);
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/objects/0/onUpdate", "/objects/0/postUpdate", "/objects/0/actions/mine", "/objects/0/actions/bind"]);
    assert!(problems[0].message.contains("among the lines of its 'source'"), "{}", problems[0].message);
    assert!(problems[1].message.contains("script/storeFields.groovy") && problems[1].message.contains("every write that would run it"));
    assert!(problems[..2].iter().all(|problem| problem.severity == Severity::Error));
    assert!(schemas.get("managed/user").unwrap().events.sets_default_fields);
}

#[test]
fn what_clients_see_has_an_order_of_known_properties_and_no_scripts() {
    let (user, _) = user(json!({
        "title": "User", "icon": "fa-user", "required": ["a"], "order": ["b", "nosuch"],
        "properties": {
            "a": {"type": ["null", "string"], "title": null, "onStore": {"source": "secret()"}, "encryption": {"purpose": "p"}, "enum": ["x", null]},
            "b": {"type": "object", "order": ["c", "gone"], "properties": {"c": {"type": "boolean", "description": "C", "onRetrieve": {"file": "x"}}}},
        },
    }));
    let seen = user.sanitized_value();
    assert_eq!(seen["order"], json!(["b", "a", "preferences"]));
    assert_eq!((&seen["required"], &seen["icon"], &seen["title"]), (&json!(["a"]), &json!("fa-user"), &json!("User")));
    assert_eq!(seen["properties"]["a"]["type"], json!(["string", "null"]));
    assert_eq!(seen["properties"]["a"]["title"], json!("a"));
    assert_eq!(seen["properties"]["a"]["enum"], json!(["x", null]));
    assert_eq!(seen["properties"]["b"]["order"], json!(["c"]));
    assert_eq!(seen["properties"]["b"]["properties"]["c"]["description"], json!("C"));
    assert_eq!(seen["properties"]["preferences"]["properties"], json!({}));
    let text = seen.to_string();
    for internal in ["onStore", "onRetrieve", "secret()", "purpose"] {
        assert!(!text.contains(internal), "{internal}");
    }
}

#[test]
fn metadata_has_the_documented_place_unless_the_file_says_otherwise() {
    let read = |meta: Value| {
        Schemas::read(&json!({"objects": [{"name": "user", "meta": meta, "schema": {}}]})).0.get("managed/user").unwrap().clone()
    };
    assert!(
        read(json!({"property": "_meta", "resourceCollection": "internal/usermeta", "trackedProperties": ["loginCount"]}))
            .tracks("loginCount")
    );
    assert!(read(json!({})).tracks("createDate"));
    let none = read(json!(null));
    assert!(!none.tracks("createDate") && none.meta_property() == "_meta");
}

#[test]
fn every_part_of_a_user_may_be_of_any_type_without_harm() {
    for wrong in [json!(null), json!(0), json!("x"), json!([]), json!({}), json!([{}]), json!(true)] {
        for key in [
            "type",
            "properties",
            "items",
            "policies",
            "required",
            "order",
            "encryption",
            "resourceCollection",
            "meta",
            "onCreate",
            "actions",
        ] {
            let _ = Schemas::read(
                &json!({"objects": [{"name": "user", key: wrong, "schema": {key: wrong, "properties": {"x": {key: wrong}}}}]}),
            );
        }
    }
}

/// The type `user` with one property, and what is said of it.
fn with_property(property: &Value) -> (Property, Vec<(Severity, String)>) {
    let (schemas, problems) = Schemas::read(&json!({"objects": [{"name": "user", "schema": {"properties": {"x": property}}}]}));
    let property = schemas.get("managed/user").unwrap().property("x").unwrap().clone();
    let place = |pointer: &str| pointer.strip_prefix("/objects/0/schema/properties/x").unwrap().to_owned();
    (property, problems.iter().map(|problem| (problem.severity, place(&problem.pointer))).collect())
}

#[test]
fn what_is_secret_inside_a_value_makes_the_whole_as_secret() {
    let object =
        |member: Value| json!({"type": "object", "viewable": true, "properties": {"a": {"type": "object", "properties": {"b": member}}}});
    let list = |element: Value| json!({"type": "array", "viewable": true, "items": element});
    let encrypted = json!({"type": "string", "encryption": {"purpose": "idm.password.encryption"}});
    let (read, said) = with_property(&object(encrypted.clone()));
    assert!(read.is_sealed() && read.scope == Scope::Public && read.refused.is_none());
    assert_eq!(said, [(Severity::Warning, "/properties/a/properties/b/encryption".to_owned())]);
    let (read, said) = with_property(&list(encrypted));
    assert!(read.is_sealed() && said.len() == 1);
    let (read, said) = with_property(&object(json!({"type": "string", "scope": "private"})));
    assert!(read.scope == Scope::Private && !read.is_sealed() && said.len() == 1);
    for hashed in
        [object(json!({"type": "string", "secureHash": {"algorithm": "SHA-256"}})), list(json!({"secureHash": {"algorithm": "SHA-256"}}))]
    {
        let (read, said) = with_property(&hashed);
        assert!(read.scope == Scope::Private && read.refused.is_some());
        assert!(said.len() == 1 && said[0].0 == Severity::Error, "{said:?}");
    }
    let asked = json!({"type": "string", "minLength": 5, "pattern": "^a", "policies": [{"policyId": "required"}]});
    let (read, said) = with_property(&object(asked));
    assert!(read.scope == Scope::Public && !read.is_sealed() && read.refused.is_none());
    assert_eq!((said.len(), said[0].0), (3, Severity::Hint));
    // Policies of elements are in force, and references are no values.
    let (_, said) = with_property(&list(json!({"type": "string", "minLength": 5, "policies": [{"policyId": "required"}]})));
    assert_eq!(said, []);
    let relationship =
        json!({"type": "relationship", "resourceCollection": [{"path": "managed/user"}], "properties": {"_ref": {"scope": "private"}}});
    assert_eq!(with_property(&relationship).1, []);
}

#[test]
fn a_scope_that_nobody_knows_hides() {
    for (scope, hidden, said) in [("private", true, 0), ("Private ", true, 0), ("public", false, 0), ("protected", true, 1)] {
        let (read, problems) = with_property(&json!({"type": "string", "scope": scope}));
        assert_eq!((read.scope == Scope::Private, problems.len()), (hidden, said), "{scope}");
    }
    assert_eq!(with_property(&json!({"type": "string", "scope": null})).0.scope, Scope::Public);
    assert_eq!(with_property(&json!({"type": "string", "scope": ["private"]})).0.scope, Scope::Private);
}
