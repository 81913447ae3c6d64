//! The repository of an IDM, out of a dump of its database: what stands in several tables becomes one object each.
//!
//! * `objecttypes` says what the rows of the generic tables are; `managedobjects` (and the like, `genericobjects`) hold an object each, as JSON.
//!   The tables of their properties are an index, and bring nothing.
//! * A table of its own (`managed_user`), where the operator mapped a type explicitly, holds a property in each column.
//! * `relationships` holds references, seen from both ends; the metadata of a person (`internal/usermeta`) is an object that they refer to.
//!
//! Easiest to break: order. A dump has tables in the order of their names, so nothing can be told before its end; what belongs together is sorted
//! together in files without a name, which only this process reads, and which are gone when it ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek as _, Write as _};
use std::sync::Arc;

use crest::reference;
use identity::grants::ROLES;
use serde_json::{Map, Value, json};

use crate::mapping::{Mapping, USUAL_PROPERTIES};
use crate::record::{Fault, Place, Read, Record};
use crate::sorting::{Aside, Sorter};
use crate::sources::dump::{Dump, Row};
use crate::tables::{GENERIC, TEXTS};

/// Objects with the metadata of people.
const USERMETA: &str = "internal/usermeta";
const NOTIFICATION: &str = "a notification of the other server";
const PROCESS: &str = "a process that somebody was in the middle of: they begin again";
/// The records of a dump, in a file, from which they are read as often as it takes.
#[derive(Debug)]
pub(crate) struct Prepared {
    file: File,
    name: Arc<str>,
}

/// What stands in a sorted file.
mod kind {
    pub(super) const OBJECT: u8 = b'o';
    pub(super) const REFERENCE: u8 = b'r';
    pub(super) const META: u8 = b'm';
    pub(super) const OWNER: u8 = b'u';
}

fn key(collection: &str, id: &str) -> String {
    format!("{collection}\u{0}{id}")
}

fn tagged(kind: u8, value: &Value) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(value.to_string().into_bytes());
    bytes
}

/// The rows of a dump on their way.
struct Tables<'m> {
    types: BTreeMap<String, String>,
    mapping: &'m Mapping,
    objects: Sorter,
    /// Metadata and whose it is, by the id of the metadata.
    meta: Sorter,
    passed: BTreeMap<String, u64>,
    faults: Vec<(u64, String)>,
    name: Arc<str>,
    aside: Aside,
}

/// Reads a dump to its end, and puts its objects together.
///
/// # Errors
/// Where the file, or the temporary directory, cannot be used.
pub(crate) fn prepare<R: BufRead>(
    open: impl Fn() -> io::Result<R>,
    name: &Arc<str>,
    mapping: &Mapping,
    aside: &Aside,
) -> io::Result<Prepared> {
    let mut types = BTreeMap::new();
    for row in Dump::new(open()?, Arc::clone(name)).map_while(Result::ok).filter(|row| row.table == "objecttypes") {
        if let (Some(id), Some(kind)) = (row.get("id"), row.get("objecttype")) {
            types.insert(id.to_owned(), kind.trim_matches('/').to_owned());
        }
    }
    let (objects, meta) = (Sorter::new(aside.clone()), Sorter::new(aside.clone()));
    let (passed, faults) = (BTreeMap::new(), Vec::new());
    let mut tables = Tables { types, mapping, objects, meta, passed, faults, name: Arc::clone(name), aside: aside.clone() };
    for row in Dump::new(open()?, Arc::clone(name)) {
        match row {
            Ok(row) => {
                let line = row.line;
                if let Err(what) = tables.take(&row)? {
                    tables.faults.push((line, what));
                }
            }
            Err(fault) => tables.faults.push((fault.place.line, fault.what)),
        }
    }
    tables.finish()
}

impl Tables<'_> {
    fn take(&mut self, row: &Row) -> io::Result<Result<(), String>> {
        match row.table.as_str() {
            table if GENERIC.contains(&table) => self.generic(row),
            "relationships" => self.relationship(row),
            "internaluser" | "internal_user" => Ok(self.internal_user(row.get("objectid"))),
            "internalrole" | "internal_role" => self.internal_role(row),
            "jsonstorage" => Ok(self.pass(PROCESS)),
            "uinotification" | "ui_notification" => Ok(self.pass(NOTIFICATION)),
            table => match table.strip_prefix("managed_") {
                Some(kind) => self.explicit(kind, row),
                None => Ok(Ok(())),
            },
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what becomes of a row: passing one over is no fault")]
    fn pass(&mut self, what: &str) -> Result<(), String> {
        *self.passed.entry(what.to_owned()).or_default() += 1;
        Ok(())
    }

    fn generic(&mut self, row: &Row) -> io::Result<Result<(), String>> {
        let (Some(kind), Some(id)) = (row.get("objecttypes_id"), row.get("objectid")) else {
            return Ok(Err(format!("a row of '{}' without a type or an id", row.table)));
        };
        let Some(collection) = self.types.get(kind).cloned() else {
            return Ok(Err(format!("a row of '{}' of a type that 'objecttypes' does not hold", row.table)));
        };
        let whole: Result<Map<String, Value>, _> = serde_json::from_str(row.get("fullobject").unwrap_or("{}"));
        let Ok(mut content) = whole else { return Ok(Err(format!("the object '{id}' is no JSON object"))) };
        if collection == USERMETA {
            self.meta.push(id.to_owned(), tagged(kind::META, &Value::Object(content)))?;
        } else if collection.starts_with("managed/") {
            if let Err(what) = self.mapping.of_object(&collection, &mut content) {
                return Ok(Err(what));
            }
            self.object(&collection, id, row, content)?;
        } else if let "internal/role" | "repo/internal/role" = collection.as_str() {
            self.object(ROLES, id, row, content)?;
        } else {
            return Ok(match collection.as_str() {
                "internal/user" | "repo/internal/user" => self.internal_user(Some(id)),
                "internal/notification" | "ui/notification" => self.pass(NOTIFICATION),
                "jsonstorage" => self.pass(PROCESS),
                other => self.pass(&format!("an object of the type '{other}', which is no managed object")),
            });
        }
        Ok(Ok(()))
    }

    /// The two that every server has are this server's own, too; others are named.
    fn internal_user(&mut self, id: Option<&str>) -> Result<(), String> {
        match id {
            Some(id @ ("openidm-admin" | "anonymous")) => self.pass(&format!("the internal user '{id}': this server has its own")),
            id => self.pass(&format!("the internal user '{}': give somebody here its roles", id.unwrap_or_default())),
        }
    }

    /// A role of the product itself, whose columns have other names than its members over REST.
    fn internal_role(&mut self, row: &Row) -> io::Result<Result<(), String>> {
        let Some(id) = row.get("objectid") else { return Ok(Err("an internal role without 'objectid'".to_owned())) };
        let mut content = Map::new();
        for (column, value) in row.columns.iter().zip(&row.values) {
            let name = match column.as_str() {
                "name" | "description" => column.as_str(),
                "condition" | "conditional" => "condition",
                "temporalconstraints" => "temporalConstraints",
                "privs" | "privileges" => "privileges",
                _ => continue,
            };
            let Some(text) = value.as_deref().filter(|text| !matches!(*text, "" | "null" | "[]")) else { continue };
            let structured = matches!(name, "temporalConstraints" | "privileges").then(|| serde_json::from_str(text));
            match structured.transpose() {
                Ok(structured) => content.insert(name.to_owned(), structured.unwrap_or_else(|| json!(text))),
                Err(_) => return Ok(Err(format!("'{column}' of the internal role '{id}' is no JSON"))),
            };
        }
        self.object(ROLES, id, row, content)?;
        Ok(Ok(()))
    }

    fn object(&mut self, collection: &str, id: &str, row: &Row, mut content: Map<String, Value>) -> io::Result<()> {
        content.shift_remove("_id");
        content.shift_remove("_rev");
        let object = json!({ "line": row.line, "rev": row.get("rev"), "content": content });
        self.objects.push(key(collection, id), tagged(kind::OBJECT, &object))
    }

    /// A row of a table whose columns are properties.
    fn explicit(&mut self, kind: &str, row: &Row) -> io::Result<Result<(), String>> {
        let Some(id) = row.get("objectid") else { return Ok(Err(format!("a row of '{}' without 'objectid'", row.table))) };
        let mut content = Map::new();
        for (column, value) in row.columns.iter().zip(&row.values) {
            let Some(text) = value.as_deref().filter(|_| !matches!(column.as_str(), "objectid" | "rev" | "id")) else { continue };
            // Structures stand in columns as JSON.
            let structured: Option<Value> = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten();
            // A text that looks like one stays a text, but for what was encrypted.
            let structured = structured.filter(|value| !TEXTS.contains(&column.as_str()) || value.get("$crypto").is_some());
            let value: Value = structured.unwrap_or_else(|| json!(text));
            let named = self.mapping.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
            match named {
                Some((_, None)) => continue,
                Some((_, Some(to))) => {
                    let value = if value.is_string() { to.value(text) } else { Ok(value) };
                    if let Err(what) = value.and_then(|value| Mapping::put(&mut content, to, value)) {
                        return Ok(Err(what));
                    }
                    continue;
                }
                None => {}
            }
            let usual = USUAL_PROPERTIES.iter().find(|name| name.eq_ignore_ascii_case(&column.replace('_', "")));
            content.insert(usual.map_or_else(|| column.clone(), |name| (*name).to_owned()), value);
        }
        let collection = format!("managed/{kind}");
        self.mapping.complete(&collection, &mut content);
        self.object(&collection, id, row, content)?;
        Ok(Ok(()))
    }

    /// A reference between two objects. Up to version 5, both ends stand in the object; later, in columns or members of their own.
    fn relationship(&mut self, row: &Row) -> io::Result<Result<(), String>> {
        let whole: Value = serde_json::from_str(row.get("fullobject").unwrap_or("{}")).unwrap_or_default();
        let text = |column: &str, member: &str| {
            let value = row.get(column).map(str::to_owned);
            value.or_else(|| whole.get(member)?.as_str().map(str::to_owned)).filter(|text| !text.is_empty())
        };
        let end = |which: &str| {
            let both = text(&format!("{which}resourcecollection"), &format!("{which}ResourceCollection"))
                .zip(text(&format!("{which}resourceid"), &format!("{which}ResourceId")));
            let path = whole.get(format!("{which}Id")).and_then(Value::as_str).and_then(|path| path.rsplit_once('/'));
            let place = both.or_else(|| path.map(|(collection, id)| (collection.to_owned(), id.to_owned())))?;
            Some((place, text(&format!("{which}propertyname"), &format!("{which}PropertyName"))))
        };
        let (Some((first, first_property)), Some((second, second_property))) = (end("first"), end("second")) else {
            return Ok(Err("a relationship without both of its ends".to_owned()));
        };
        let properties: Value = row.get("properties").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let properties = [properties, whole.get("properties").cloned().unwrap_or_default()]
            .into_iter()
            .find(|properties| properties.as_object().is_some_and(|members| !members.is_empty()));
        for ((collection, id), property, (other, target)) in [(&first, first_property, &second), (&second, second_property, &first)]
            .map(|(from, property, to)| (from.clone(), property, to.clone()))
        {
            let Some(property) = property else { continue };
            if other == USERMETA {
                self.meta.push(target, tagged(kind::OWNER, &json!([collection, id])))?;
                continue;
            }
            // Who has a role of the product is said by the person's side; a notification was counted itself.
            if !collection.starts_with("managed/") || matches!(other.as_str(), "internal/notification" | "ui/notification") {
                continue;
            }
            let mut one = json!({ reference::REF: format!("{other}/{target}") });
            if let (Some(properties), Value::Object(members)) = (&properties, &mut one) {
                members.insert(reference::PROPERTIES.to_owned(), properties.clone());
            }
            self.objects.push(key(&collection, &id), tagged(kind::REFERENCE, &json!([property, one])))?;
        }
        Ok(Ok(()))
    }

    /// Puts together what belongs together, one record on each line of a file.
    fn finish(mut self) -> io::Result<Prepared> {
        let mut to = BufWriter::new(self.aside.file()?);
        for (what, count) in &self.passed {
            writeln!(to, "{}", json!({ "passed": what, "count": count }))?;
        }
        for (line, what) in &self.faults {
            writeln!(to, "{}", json!({ "line": line, "fault": what }))?;
        }
        let (mut id, mut content) = (String::new(), Value::Null);
        for entry in std::mem::take(&mut self.meta).sorted()? {
            let (of, _, bytes) = entry?;
            if of != id {
                (id, content) = (of, Value::Null);
            }
            // Whichever comes first, the metadata or whose it is, waits for the other.
            let Some((kind, value)) = read(&bytes) else { continue };
            match (kind, &content) {
                (kind::META, Value::Array(_)) => self.meta_of(&content, &value)?,
                (kind::OWNER, Value::Object(_)) => self.meta_of(&value, &content)?,
                _ => content = value,
            }
        }
        let mut current: Option<(String, Record)> = None;
        for entry in std::mem::take(&mut self.objects).sorted()? {
            let (of, _, bytes) = entry?;
            let Some((kind, value)) = read(&bytes) else { continue };
            if current.as_ref().is_none_or(|(known, _)| *known != of)
                || (kind == kind::OBJECT && current.as_ref().is_some_and(|(_, record)| record.place.line > 0))
            {
                write_record(&mut to, current.take())?;
            }
            let (_, record) = current.get_or_insert_with(|| (of.clone(), self.empty(&of)));
            match kind {
                kind::OBJECT => {
                    record.place.line = value.get("line").and_then(Value::as_u64).unwrap_or(1);
                    record.revision = value.get("rev").and_then(Value::as_str).map(str::to_owned);
                    let own = value.get("content").and_then(Value::as_object).cloned().unwrap_or_default();
                    // References came first where the dump has them first; what the object says of itself stays beside them.
                    for (name, value) in own {
                        record.content.entry(name).or_insert(value);
                    }
                }
                kind::META => drop(record.content.insert("_meta".to_owned(), value)),
                _ => {
                    if let (Some(property), Some(one)) = (value.get(0).and_then(Value::as_str), value.get(1)) {
                        let list = record.content.entry(property.to_owned()).or_insert_with(|| json!([]));
                        if !list.is_array() {
                            *list = json!([]);
                        }
                        list.as_array_mut().into_iter().for_each(|list| list.push(one.clone()));
                    }
                }
            }
        }
        write_record(&mut to, current.take())?;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Prepared { file, name: self.name })
    }

    fn meta_of(&mut self, owner: &Value, meta: &Value) -> io::Result<()> {
        match (owner.get(0).and_then(Value::as_str), owner.get(1).and_then(Value::as_str)) {
            (Some(collection), Some(id)) => self.objects.push(key(collection, id), tagged(kind::META, meta)),
            _ => Ok(()),
        }
    }

    fn empty(&self, of: &str) -> Record {
        let (collection, id) = of.split_once('\u{0}').unwrap_or_default();
        let place = Place { file: Arc::clone(&self.name), line: 0 };
        Record { place, collection: collection.to_owned(), id: id.to_owned(), revision: None, content: Map::new(), lost: Vec::new() }
    }
}

fn read(bytes: &[u8]) -> Option<(u8, Value)> {
    let (kind, text) = bytes.split_first()?;
    Some((*kind, serde_json::from_slice(text).ok()?))
}

/// Writes a record; what refers to others and is itself not there is none.
fn write_record(to: &mut impl io::Write, record: Option<(String, Record)>) -> io::Result<()> {
    match record.filter(|(_, record)| record.place.line > 0) {
        Some((_, Record { place, collection, id, revision, content, .. })) => {
            writeln!(to, "{}", json!({ "line": place.line, "collection": collection, "id": id, "rev": revision, "content": content }))
        }
        None => Ok(()),
    }
}

impl Prepared {
    /// The records.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn read(&self) -> io::Result<impl Iterator<Item = Result<Read, Fault>> + Send + use<>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let name = Arc::clone(&self.name);
        let mut lines = BufReader::new(file).lines();
        let mut passed: Option<(String, u64)> = None;
        Ok(std::iter::from_fn(move || {
            if let Some((what, left)) = passed.take().filter(|(_, left)| *left > 0) {
                passed = Some((what.clone(), left - 1));
                return Some(Ok(Read::Passed(what)));
            }
            loop {
                let at = |line: u64| Place { file: Arc::clone(&name), line };
                let mut value: Value = match lines.next()? {
                    Ok(line) => serde_json::from_str(&line).unwrap_or_default(),
                    Err(error) => return Some(Err(Fault::new(&at(0), error.to_string()))),
                };
                let line = value.get("line").and_then(Value::as_u64).unwrap_or_default();
                let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
                if let Some(what) = text("fault") {
                    return Some(Err(Fault::new(&at(line), what)));
                }
                if let Some(what) = text("passed") {
                    let count = value.get("count").and_then(Value::as_u64).unwrap_or_default();
                    passed = Some((what.clone(), count.saturating_sub(1)));
                    return Some(Ok(Read::Passed(what)));
                }
                let (Some(collection), Some(id), revision) = (text("collection"), text("id"), text("rev")) else { continue };
                let content = value.get_mut("content").map(Value::take).and_then(|content| match content {
                    Value::Object(members) => Some(members),
                    _ => None,
                });
                let content = content.unwrap_or_default();
                return Some(Ok(Read::Record(Box::new(Record { place: at(line), collection, id, revision, content, lost: Vec::new() }))));
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(dump: &str) -> Vec<Result<Read, Fault>> {
        let prepared = prepare(|| Ok(dump.as_bytes()), &"idm.sql".into(), &Mapping::default(), &Aside::default()).unwrap();
        let first: Vec<_> = prepared.read().unwrap().collect();
        let again: Vec<_> = prepared.read().unwrap().collect();
        assert_eq!(first, again, "read as often as it takes");
        first
    }

    fn record(read: &Result<Read, Fault>) -> &Record {
        match read {
            Ok(Read::Record(record)) => record,
            other => panic!("{other:?}"),
        }
    }

    /// As `pg_dump` of a repository of 7.x writes it: the tables in the order of their names.
    const GENERIC_TABLES: &str = concat!(
        "COPY openidm.genericobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n",
        "1\t3\tmeta-1\t0\t{\"loginCount\":3,\"lastLogin\":\"2024-01-01T00:00:00Z\",\"_id\":\"meta-1\"}\n",
        "2\t3\tmeta-2\t0\t{\"createDate\":\"2020-01-01T00:00:00Z\"}\n\\.\n",
        "COPY openidm.internaluser (objectid, rev, pwd, roles) FROM stdin;\nopenidm-admin\t0\t{}\t[]\n\\.\n",
        "COPY openidm.managedobjectproperties (managedobjects_id, propkey, proptype, propvalue) FROM stdin;\n1\t/userName\tjava.lang.String\tann\n\\.\n",
        "COPY openidm.managedobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n",
        "1\t1\ta\t00000000a1b2c3d4\t{\"_id\":\"a\",\"_rev\":\"x\",\"userName\":\"ann\",\"sn\":\"O\\\\\"X\"}\n",
        "2\t1\tb\t5\t{\"userName\":\"ben\"}\n3\t2\tchief\t0\t{\"name\":\"Chief\"}\n4\t9\tz\t0\t{}\n\\.\n",
        "COPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\tmanaged/role\n3\tinternal/usermeta\n\\.\n",
        "COPY openidm.relationships (id, objecttypes_id, objectid, rev, fullobject, firstresourcecollection, firstresourceid, firstpropertyname, ",
        "secondresourcecollection, secondresourceid, secondpropertyname) FROM stdin;\n",
        "1\t4\tr1\t0\t{}\tmanaged/user\ta\t_meta\tinternal/usermeta\tmeta-1\t\\N\n",
        "2\t4\tr2\t0\t{}\tmanaged/user\tb\troles\tmanaged/role\tchief\tmembers\n",
        "3\t4\tr3\t0\t{\"properties\":{\"since\":1}}\tmanaged/user\ta\tmanager\tmanaged/user\tb\treports\n",
        "4\t4\tr4\t0\t{}\tmanaged/user\tb\t_meta\tinternal/usermeta\tmeta-2\t\\N\n\\.\n",
    );

    #[test]
    fn what_stands_in_several_tables_becomes_one_object() {
        let read = all(GENERIC_TABLES);
        assert_eq!(read[0], Ok(Read::Passed("the internal user 'openidm-admin': this server has its own".to_owned())));
        assert!(
            matches!(&read[1], Err(fault) if fault.to_string().starts_with("idm.sql:15: a row of 'managedobjects' of a type")),
            "{:?}",
            read[1]
        );
        let (chief, ann, ben) = (record(&read[2]), record(&read[3]), record(&read[4]));
        assert_eq!((ann.collection.as_str(), ann.id.as_str(), ann.revision.as_deref()), ("managed/user", "a", Some("00000000a1b2c3d4")));
        assert_eq!(
            Value::Object(ann.content.clone()),
            json!({"userName": "ann", "sn": "O\"X", "manager": [{"_ref": "managed/user/b", "_refProperties": {"since": 1}}],
                "_meta": {"loginCount": 3, "lastLogin": "2024-01-01T00:00:00Z", "_id": "meta-1"}})
        );
        assert_eq!(ben.content["reports"], json!([{"_ref": "managed/user/a", "_refProperties": {"since": 1}}]));
        assert_eq!(
            (&ben.content["roles"], &ben.content["_meta"]["createDate"]),
            (&json!([{"_ref": "managed/role/chief"}]), &json!("2020-01-01T00:00:00Z"))
        );
        assert_eq!(chief.content["members"], json!([{"_ref": "managed/user/b"}]));
        assert_eq!(read.len(), 5);
    }

    #[test]
    fn a_mapping_counts_in_generic_and_explicit_tables() {
        let mapping = Mapping::read(r#"{"columns":{"sn":"surname"},"constants":{"country":"NO"}}"#).unwrap();
        let explicit = "CREATE TABLE managed_user (objectid text, rev text, username text, sn text);\nINSERT INTO managed_user VALUES ('z','7','zoe','Z');\n";
        for (dump, ids) in [(GENERIC_TABLES, ["a", "b"].as_slice()), (explicit, &["z"])] {
            let prepared = prepare(|| Ok(dump.as_bytes()), &"idm.sql".into(), &mapping, &Aside::default()).unwrap();
            let read: Vec<_> = prepared.read().unwrap().filter_map(Result::ok).collect();
            let people = read.iter().filter_map(|one| match one {
                Read::Record(record) if record.collection == "managed/user" => Some(record),
                _ => None,
            });
            let people: Vec<&Box<Record>> = people.collect();
            assert_eq!(people.iter().map(|person| person.id.as_str()).collect::<Vec<_>>(), ids);
            assert!(people.iter().all(|person| person.content["country"] == "NO" && !person.content.contains_key("sn")), "{people:?}");
            assert!(ids.contains(&"b") || people[0].content["surname"] == "Z");
            let of_others = read.iter().filter(|one| matches!(one, Read::Record(record) if record.content.contains_key("country"))).count();
            assert_eq!(of_others, ids.len(), "a constant is for people alone: {read:?}");
        }
    }

    #[test]
    fn explicit_tables_and_relationships_of_earlier_versions_are_read() {
        let dump = "CREATE TABLE `managed_user` (`objectid` varchar(38), `rev` varchar(38), `username` varchar(255), `accountstatus` varchar(255), `kbainfo` text, `password` text, `shoesize` text, PRIMARY KEY (`objectid`));\n\
            INSERT INTO `managed_user` VALUES ('a','7','ann','active','[{\\\"questionId\\\":\\\"1\\\"}]','{SSHA}x',NULL);\n\
            CREATE TABLE `relationships` (`id` bigint, `objecttypes_id` bigint, `objectid` varchar(255), `rev` varchar(38), `fullobject` mediumtext);\n\
            INSERT INTO `relationships` VALUES (1,1,'r','0','{\\\"firstId\\\":\\\"managed/user/a\\\",\\\"firstPropertyName\\\":\\\"authzRoles\\\",\\\"secondId\\\":\\\"repo/internal/role/openidm-authorized\\\",\\\"secondPropertyName\\\":null,\\\"properties\\\":{}}');\n";
        let read = all(dump);
        let ann = record(&read[0]);
        assert_eq!((ann.id.as_str(), ann.revision.as_deref()), ("a", Some("7")));
        assert_eq!(
            Value::Object(ann.content.clone()),
            json!({"userName": "ann", "accountStatus": "active", "kbaInfo": [{"questionId": "1"}], "password": "{SSHA}x", "authzRoles": [{"_ref": "repo/internal/role/openidm-authorized"}]})
        );
        assert_eq!(read.len(), 1);
    }
}
