//! The repository of an IDM of 7.x, out of a directory: entries below `ou=managed` hold an object each, as JSON or in attributes; metadata,
//! notifications and roles of the product are entries of their own, and references stand in attributes of whoever holds them, or in entries.
//!
//! Easiest to break: names. An entry is of the collection that its name says (`uid=7,ou=user,ou=managed,…`), and a reference may call that
//! collection otherwise; whose it is, is said by the entry that it stands in.

use std::io::{self, BufRead};
use std::sync::Arc;

use identity::grants::ROLES;
use identity::notifications;
use serde_json::{Map, Value, json};

use crate::joining::{End, Joiner, Prepared, Relationship, Taken, Whole, is_meta};
use crate::mapping::Mapping;
use crate::record::{Place, Record};
use crate::repository::internal_user;
use crate::sorting::Aside;
use crate::sources::ldif::{self, Entry, NO_PERSON};

/// Where things are that nobody means: `ou=X` above everything else.
const OTHERS: &str = "an entry of the repository that is no managed object: the server's own";

/// What an entry is.
enum Kind {
    /// An object of a collection.
    Managed(String),
    /// Something of the server's own.
    Internal(String),
    Relationship,
    InternalUser,
    InternalRole,
    Other,
}

/// Reads a file to its end, and puts its objects together.
///
/// # Errors
/// Where the file, or the directory for what is put aside, cannot be used.
pub(crate) fn prepare(reader: impl BufRead + Send, name: &Arc<str>, mapping: &Mapping, aside: &Aside) -> io::Result<Prepared> {
    let mapped = ldif::mapped(mapping);
    let mut joiner = Joiner::new(name, aside);
    for entry in ldif::entries(reader, Arc::clone(name)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(fault) => {
                joiner.fault(fault);
                continue;
            }
        };
        let line = entry.line;
        let taken = match kind(&entry, mapping) {
            Kind::Managed(collection) => {
                let place = Place { file: Arc::clone(name), line };
                let references: Vec<Value> = references(&entry);
                match ldif::record((mapping, &mapped), &place, collection, entry) {
                    Ok(record) => object(&mut joiner, *record, &references)?,
                    Err(what) => Err(what),
                }
            }
            Kind::Internal(collection) => part(&mut joiner, &collection, &entry)?,
            Kind::Relationship => relationship(&mut joiner, &entry)?,
            Kind::InternalUser => {
                joiner.pass(&internal_user(own_name(&entry).unwrap_or_default()));
                Ok(())
            }
            Kind::InternalRole => role(&mut joiner, &entry)?,
            Kind::Other => {
                joiner.pass(if entry.is_of_repository() { OTHERS } else { NO_PERSON });
                Ok(())
            }
        };
        if let Err(what) = taken {
            joiner.fault_at(line, what);
        }
    }
    joiner.finish()
}

/// What an entry is, by its name and its classes.
fn kind(entry: &Entry, mapping: &Mapping) -> Kind {
    if !entry.is_of_repository() {
        let is_person = entry.is_a(|class| class.ends_with("person"));
        return if is_person { Kind::Managed(mapping.collection.clone()) } else { Kind::Other };
    }
    if entry.is_a(|class| class == "fr-idm-relationship") {
        return Kind::Relationship;
    }
    if entry.is_a(|class| class == "fr-idm-internal-role") {
        return Kind::InternalRole;
    }
    if entry.is_a(|class| class == "fr-idm-internal-user") {
        return Kind::InternalUser;
    }
    let units: Vec<String> =
        entry.dn.split(',').filter_map(|name| name.trim().to_ascii_lowercase().strip_prefix("ou=").map(str::to_owned)).collect();
    let below = |above: &str| {
        units.windows(2).find_map(|pair| matches!(pair, [_, parent] if parent == above).then(|| pair.first().cloned()).flatten())
    };
    if let Some(name) = below("managed") {
        let collection = format!("managed/{name}");
        return if is_meta(&collection) { Kind::Internal(collection) } else { Kind::Managed(collection) };
    }
    if let Some(name) = below("internal") {
        return Kind::Internal(format!("internal/{name}"));
    }
    // Where people of the directory are those of the IDM, they are elsewhere.
    match units.first() {
        Some(name) if is_meta(name) => Kind::Internal(format!("managed/{name}")),
        _ if entry.is_a(|class| class.ends_with("person")) => Kind::Managed(mapping.collection.clone()),
        _ => Kind::Other,
    }
}

/// The name of an entry in its own collection.
fn own_name(entry: &Entry) -> Option<&str> {
    ["uid", "cn", "fr-idm-uuid"].into_iter().find_map(|name| entry.all(name).next())
}

/// The object in an entry, whatever its attribute is called.
fn whole(entry: &Entry) -> Result<Map<String, Value>, String> {
    let json = entry.attributes.iter().find(|(name, _)| name.ends_with("json"));
    let (name, text) = json.and_then(|(name, value)| Some((name, value.as_ref()?))).ok_or("an entry without the JSON of its object")?;
    serde_json::from_str(text).map_err(|_| format!("'{name}' holds no JSON object"))
}

/// What an entry refers to.
fn references(entry: &Entry) -> Vec<Value> {
    entry.attributes.iter().filter_map(|(_, value)| ldif::reference(value.as_deref()?)).collect()
}

fn object(joiner: &mut Joiner, record: Record, references: &[Value]) -> Taken {
    let Record { place, collection, id, revision, content, lost } = record;
    for one in references {
        let Some(mut relationship) = Relationship::of(one, |_| None) else {
            return Ok(Err("a reference without both of its ends".to_owned()));
        };
        // Whatever a reference calls the collection of the entry that it stands in, it is this one.
        for end in [&mut relationship.first, &mut relationship.second] {
            if end.id == id && end.collection.rsplit('_').next() == collection.rsplit(['/', '_']).next() {
                end.collection.clone_from(&collection);
            }
        }
        joiner.relationship(&relationship)?;
    }
    joiner.object(&collection, &id, Whole { line: place.line, revision, content, lost })?;
    Ok(Ok(()))
}

/// Metadata and notifications.
fn part(joiner: &mut Joiner, collection: &str, entry: &Entry) -> Taken {
    if !is_meta(collection) && !notifications::are(collection) {
        joiner.pass(OTHERS);
        return Ok(Ok(()));
    }
    let Some(id) = own_name(entry) else { return Ok(Err("an entry without 'uid'".to_owned())) };
    let content = match whole(entry) {
        Ok(content) => content,
        Err(what) => return Ok(Err(what)),
    };
    if is_meta(collection) {
        joiner.meta(id, content)?;
    } else {
        joiner.notification(id, &content)?;
    }
    Ok(Ok(()))
}

fn relationship(joiner: &mut Joiner, entry: &Entry) -> Taken {
    let found = whole(entry)
        .map(Value::Object)
        .and_then(|whole| Relationship::of(&whole, |_| None).ok_or_else(|| "a relationship without both of its ends".to_owned()));
    match found {
        Ok(relationship) => joiner.relationship(&relationship).map(Ok),
        Err(what) => Ok(Err(what)),
    }
}

/// A role of the product, whose members are attributes.
fn role(joiner: &mut Joiner, entry: &Entry) -> Taken {
    let named = ["cn", "uid", "fr-idm-uuid"].into_iter().find_map(|name| entry.all(name).next());
    let Some(id) = named else { return Ok(Err("an internal role without 'cn'".to_owned())) };
    let mut content = Map::new();
    let texts = [("name", "fr-idm-name"), ("description", "description"), ("condition", "fr-idm-condition")];
    content.extend(texts.into_iter().filter_map(|(name, attribute)| Some((name.to_owned(), json!(entry.all(attribute).next()?)))));
    for (name, attribute) in [("privileges", "fr-idm-privilege"), ("temporalConstraints", "fr-idm-temporal-constraints")] {
        let listed: Result<Vec<Value>, _> = entry.all(attribute).map(serde_json::from_str).collect();
        match listed {
            Ok(listed) if listed.is_empty() => {}
            Ok(listed) => drop(content.insert(name.to_owned(), Value::Array(listed))),
            Err(_) => return Ok(Err(format!("'{attribute}' of the internal role '{id}' is no JSON"))),
        }
    }
    // Who has it is said by the people's side.
    let whole = Whole { line: entry.line, revision: None, content, lost: Vec::new() };
    for one in references(entry) {
        if let Some(Relationship { first, second, properties }) = Relationship::of(&one, |_| None) {
            let turned = |end: End| if end.id == id { End { property: None, ..end } } else { end };
            joiner.relationship(&Relationship { first: turned(first), second: turned(second), properties })?;
        }
    }
    joiner.object(ROLES, id, whole)?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Fault, Read};

    fn all(text: &str) -> Vec<Result<Read, Fault>> {
        prepare(text.as_bytes(), &"ds.ldif".into(), &Mapping::default(), &Aside::default()).unwrap().read().unwrap().collect()
    }

    fn record<'r>(read: &'r [Result<Read, Fault>], id: &str) -> &'r Record {
        let found = read.iter().find_map(|one| match one {
            Ok(Read::Record(record)) if record.id == id => Some(record),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{id} is not in {read:?}"))
    }

    const ENTRIES: &str = concat!(
        "dn: ou=user,ou=managed,dc=openidm\nobjectClass: organizationalUnit\nou: user\n\n",
        "dn: uid=7,ou=user,ou=managed,dc=openidm\nobjectClass: uidObject\nobjectClass: fr-idm-managed-user\nuid: 7\n",
        "fr-idm-managed-user-json: {\"userName\":\"ann\",\"sn\":\"O\"}\n",
        "fr-idm-managed-user-meta: {\"firstResourceCollection\":\"managed/user\",\"firstResourceId\":\"7\",\"firstPropertyName\":\"_meta\",",
        "\"secondResourceCollection\":\"internal/usermeta\",\"secondResourceId\":\"m7\",\"secondPropertyName\":null,\"properties\":null,\"_id\":\"r\"}uid=m7,ou=usermeta,ou=internal,dc=openidm\n",
        "fr-idm-managed-user-manager: {\"firstResourceCollection\":\"managed/user\",\"firstResourceId\":\"7\",\"firstPropertyName\":\"manager\",",
        "\"secondResourceCollection\":\"managed/user\",\"secondResourceId\":\"8\",\"secondPropertyName\":\"reports\",\"properties\":{\"since\":1}}uid=8,ou=user,ou=managed,dc=openidm\n\n",
        "dn: uid=8,ou=user,ou=managed,dc=openidm\nobjectClass: fr-idm-managed-user\nuid: 8\nfr-idm-managed-user-json: {\"userName\":\"ben\"}\n\n",
        "dn: uid=chief,ou=role,ou=managed,dc=openidm\nobjectClass: fr-idm-managed-role\nuid: chief\nfr-idm-managed-role-json: {\"name\":\"Chief\"}\n\n",
        "dn: uid=m7,ou=usermeta,ou=internal,dc=openidm\nobjectClass: fr-idm-generic-obj\nuid: m7\nfr-idm-json: {\"loginCount\":3}\n\n",
        "dn: uid=n1,ou=notification,ou=internal,dc=openidm\nobjectClass: fr-idm-generic-obj\nuid: n1\nfr-idm-json: {\"message\":\"Hello\",\"createDate\":\"2024\"}\n\n",
        "dn: cn=desk,ou=roles,ou=internal,dc=openidm\nobjectClass: fr-idm-internal-role\ncn: desk\nfr-idm-name: Desk\nfr-idm-privilege: {\"name\":\"p\"}\n\n",
        "dn: cn=backup,ou=users,ou=internal,dc=openidm\nobjectClass: fr-idm-internal-user\ncn: backup\n\n",
        "dn: uid=r1,ou=relationships,dc=openidm\nobjectClass: fr-idm-relationship\nuid: r1\nfr-idm-relationship-json: ",
        "{\"firstResourceCollection\":\"managed/user\",\"firstResourceId\":\"7\",\"firstPropertyName\":\"roles\",\"secondResourceCollection\":\"managed/role\",",
        "\"secondResourceId\":\"chief\",\"secondPropertyName\":\"members\"}\n\n",
        "dn: uid=r2,ou=relationships,dc=openidm\nobjectClass: fr-idm-relationship\nuid: r2\nfr-idm-relationship-json: ",
        "{\"firstResourceCollection\":\"managed/user\",\"firstResourceId\":\"7\",\"firstPropertyName\":\"_notifications\",\"secondResourceCollection\":\"internal/notification\",",
        "\"secondResourceId\":\"n1\",\"secondPropertyName\":null}\n\n",
        "dn: ou=x,ou=config,dc=openidm\nobjectClass: fr-idm-generic-obj\nou: x\nfr-idm-json: {}\n\n",
        "dn: uid=r3,ou=relationships,dc=openidm\nobjectClass: fr-idm-relationship\nuid: r3\nfr-idm-relationship-json: {}\n",
    );

    #[test]
    fn entries_of_a_repository_become_whole_objects_with_what_belongs_to_them() {
        let read = all(ENTRIES);
        let (ann, ben, chief, desk, note) =
            (record(&read, "7"), record(&read, "8"), record(&read, "chief"), record(&read, "desk"), record(&read, "n1"));
        assert_eq!(
            Value::Object(ann.content.clone()),
            json!({"userName": "ann", "sn": "O", "roles": [{"_ref": "managed/role/chief"}], "_meta": {"loginCount": 3},
                "manager": [{"_ref": "managed/user/8", "_refProperties": {"since": 1}}]})
        );
        assert_eq!((ann.collection.as_str(), ann.lost.len()), ("managed/user", 0), "{:?}", ann.lost);
        assert_eq!(ben.content["reports"][0]["_ref"], "managed/user/7");
        assert_eq!((chief.collection.as_str(), &chief.content["members"][0]["_ref"]), ("managed/role", &json!("managed/user/7")));
        assert_eq!((desk.collection.as_str(), &desk.content["privileges"]), ("internal/role", &json!([{"name": "p"}])));
        assert_eq!((note.collection.as_str(), &note.content["target"]), ("internal/notification", &json!("managed/user/7")));
        let said: Vec<String> = read
            .iter()
            .filter_map(|one| match one {
                Ok(Read::Passed(what)) => Some(what.clone()),
                Err(fault) => Some(fault.to_string()),
                Ok(Read::Record(_)) => None,
            })
            .collect();
        assert_eq!(said.len(), 4, "{said:?}");
        for words in ["a relationship without both of its ends", "the internal user 'backup'", "is no person", "the server's own"] {
            assert!(said.iter().any(|one| one.contains(words)), "{words}: {said:?}");
        }
    }

    #[test]
    fn people_of_a_directory_that_an_idm_shares_keep_what_refers_to_them() {
        let text = "dn: fr-idm-uuid=7e5c,ou=user,o=alpha,o=root,ou=identities\nobjectClass: inetOrgPerson\nobjectClass: fr-idm-managed-user-explicit\nfr-idm-uuid: 7e5c\nuid: ann\nsn: O\n\
            fr-idm-managed-user-meta: {\"firstResourceCollection\":\"managed/alpha_user\",\"firstResourceId\":\"7e5c\",\"firstPropertyName\":\"_meta\",\"secondResourceCollection\":\"managed/alpha_usermeta\",\"secondResourceId\":\"m\",\"secondPropertyName\":null}uid=m,ou=usermeta,o=alpha,o=root,ou=identities\n\n\
            dn: uid=m,ou=usermeta,o=alpha,o=root,ou=identities\nobjectClass: fr-idm-generic-obj\nuid: m\nfr-idm-json: {\"loginCount\":2}\n";
        let read = all(text);
        let ann = record(&read, "7e5c");
        assert_eq!((ann.collection.as_str(), read.len()), ("managed/user", 1), "{read:?}");
        assert_eq!(Value::Object(ann.content.clone()), json!({"userName": "ann", "sn": "O", "_meta": {"loginCount": 2}}));
    }
}
