//! The repository of an IDM, out of a dump of its database: what stands in several tables becomes one object each.
//!
//! * `objecttypes` says what the rows of the generic tables are; `managedobjects` (and the like, `genericobjects`) hold an object each, as JSON.
//!   The tables of their properties are an index, and bring nothing.
//! * A table of its own (`managed_user`), where the operator mapped a type explicitly, holds a property in each column; `conf/repo.jdbc.json` says
//!   which ([`Layout`]).
//! * `relationships` holds references, seen from both ends; the metadata of a person (`internal/usermeta`) and their notifications are objects that
//!   they refer to.
//!
//! Easiest to break: silence. Rows of a table that nothing names are counted, so that nobody is missed without a word.

mod columns;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead};
use std::sync::Arc;

use identity::grants::ROLES;
use identity::notifications;
use serde_json::{Map, Value, json};

use crate::joining::{Joiner, Prepared, Relationship, Taken, Whole, is_meta};
use crate::layout::Layout;
use crate::mapping::Mapping;
use crate::record::{Fault, Place};
use crate::sorting::Aside;
use crate::sources::dump::{Dump, Row};
use crate::tables::is_of_product;

use columns::{Columns, Held};

const PROCESS: &str = "a process that somebody was in the middle of: they begin again";

/// The rows of a dump on their way.
struct Tables<'m> {
    types: BTreeMap<String, String>,
    mapping: &'m Mapping,
    layout: &'m Layout,
    joiner: Joiner,
    /// The columns of tables whose columns are properties.
    columns: HashMap<String, Columns<'m>>,
    /// Whether there was a table of a repository.
    found: bool,
}

/// Reads a dump to its end, and puts its objects together.
///
/// # Errors
/// Where the file, or the directory for what is put aside, cannot be used.
pub(crate) fn prepare<R: BufRead>(
    open: impl Fn() -> io::Result<R>,
    name: &Arc<str>,
    (mapping, layout): (&Mapping, &Arc<Layout>),
    aside: &Aside,
) -> io::Result<Prepared> {
    let dump = || Ok::<_, io::Error>(Dump::new(open()?, Arc::clone(layout), Arc::clone(name)));
    let mut types = BTreeMap::new();
    for row in dump()?.filter_map(Result::ok).filter(|row| row.table == "objecttypes") {
        if let (Some(id), Some(kind)) = (row.get("id"), row.get("objecttype")) {
            types.insert(id.to_owned(), kind.trim_matches('/').to_owned());
        }
    }
    let mut tables = Tables { types, mapping, layout, joiner: Joiner::new(name, aside), columns: HashMap::new(), found: false };
    let (mut rows, mut ended) = (dump()?, false);
    for row in rows.by_ref() {
        match row {
            Ok(row) => {
                let line = row.line;
                if let Err(what) = tables.take(&row)? {
                    tables.joiner.fault_at(line, what);
                }
            }
            Err(fault) => {
                ended |= fault.ends;
                tables.joiner.fault(fault);
            }
        }
    }
    if !tables.found && !ended && !rows.made().any(|table| layout.is_read(table)) {
        let there: Vec<&str> = rows.made().take(5).collect();
        let there = if there.is_empty() { String::new() } else { format!("; it makes {}", there.join(", ")) };
        let place = Place { file: Arc::clone(name), line: 1 };
        tables.joiner.fault(Fault::ending(&place, format!("no table of the repository of an IDM is in this dump{there}")));
    }
    tables.joiner.finish()
}

impl Tables<'_> {
    fn take(&mut self, row: &Row) -> Taken {
        let table = row.table.as_str();
        self.found |= self.layout.is_read(table);
        if self.layout.is_generic(table) {
            return self.generic(row);
        }
        match table {
            "relationships" => self.relationship(row),
            "internaluser" | "internal_user" => Ok(self.internal_user(row.get("objectid"))),
            "internalrole" | "internal_role" => self.internal_role(row),
            "jsonstorage" => Ok(self.pass(PROCESS)),
            "uinotification" | "ui_notification" => self.notification(row),
            table if !self.layout.is_explicit(table) => Ok(self.unread(row)),
            _ if row.get("objecttypes_id").is_some() && row.get("fullobject").is_some() => self.generic(row),
            _ => self.explicit(row),
        }
    }

    /// A row of a table that means nothing here. One that may hold objects is counted.
    fn unread(&mut self, row: &Row) -> Result<(), String> {
        let holds_objects = row.columns.is_empty() || row.columns.iter().any(|column| column == "objectid");
        if holds_objects && !is_of_product(&row.table) {
            return self.pass(&format!(
                "a row of the table '{}', which is none of the product's, and which no conf/repo.jdbc.json names",
                row.table
            ));
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "what becomes of a row: passing one over is no fault")]
    fn pass(&mut self, what: &str) -> Result<(), String> {
        self.joiner.pass(what);
        Ok(())
    }

    fn generic(&mut self, row: &Row) -> Taken {
        let (Some(kind), Some(id)) = (row.get("objecttypes_id"), row.get("objectid")) else {
            return Ok(Err(format!("a row of '{}' without a type or an id", row.table)));
        };
        let Some(collection) = self.types.get(kind).cloned() else {
            return Ok(Err(format!("a row of '{}' of a type that 'objecttypes' does not hold", row.table)));
        };
        let whole: Result<Map<String, Value>, _> = serde_json::from_str(row.get("fullobject").unwrap_or("{}"));
        let Ok(mut content) = whole else { return Ok(Err(format!("the object '{id}' is no JSON object"))) };
        if is_meta(&collection) {
            self.joiner.meta(id, content)?;
        } else if notifications::are(&collection) {
            self.joiner.notification(id, &content)?;
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
                "jsonstorage" => self.pass(PROCESS),
                other => self.pass(&format!("an object of the type '{other}', which is no managed object")),
            });
        }
        Ok(Ok(()))
    }

    fn internal_user(&mut self, id: Option<&str>) -> Result<(), String> {
        self.pass(&internal_user(id.unwrap_or_default()))
    }

    /// A role of the product itself, whose columns have other names than its members over REST.
    fn internal_role(&mut self, row: &Row) -> Taken {
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

    /// A notification of 4.5 to 6.0, which names whoever receives it in a column.
    fn notification(&mut self, row: &Row) -> Taken {
        let (Some(id), Some(receiver)) = (row.get("objectid"), row.get("receiverid").filter(|id| !id.is_empty())) else {
            return Ok(self.pass("a notification of nobody"));
        };
        let members = [("message", "message"), ("notificationType", "notificationtype"), ("createDate", "createdate")];
        let content = members.into_iter().filter_map(|(name, column)| Some((name.to_owned(), json!(row.get(column)?))));
        let receiver = receiver.rsplit('/').next().unwrap_or_default();
        self.joiner.notification_of((&self.mapping.collection, receiver), id, &content.collect())?;
        Ok(Ok(()))
    }

    fn object(&mut self, collection: &str, id: &str, row: &Row, content: Map<String, Value>) -> io::Result<()> {
        let whole = Whole { line: row.line, revision: row.get("rev").map(str::to_owned), content, lost: Vec::new() };
        self.joiner.object(collection, id, whole)
    }

    /// A row of a table whose columns are properties.
    fn explicit(&mut self, row: &Row) -> Taken {
        let (mapping, layout) = (self.mapping, self.layout);
        let known = if let Some(known) = self.columns.get(&row.table).filter(|known| known.are(&row.columns)) {
            known
        } else {
            let Some(explicit) = layout.explicit(&row.table) else { return Ok(Ok(())) };
            let found = Columns::of(&explicit, &row.columns, mapping, layout);
            self.columns.entry(row.table.clone()).insert_entry(found).into_mut()
        };
        let Held { id, revision, mut content } = match known.held(row) {
            Ok(held) => held,
            Err(what) => return Ok(Err(what)),
        };
        mapping.complete(&known.collection, &mut content);
        self.joiner.object(&known.collection, &id, Whole { line: row.line, revision, content, lost: Vec::new() })?;
        Ok(Ok(()))
    }

    fn relationship(&mut self, row: &Row) -> Taken {
        let whole: Value = serde_json::from_str(row.get("fullobject").unwrap_or("{}")).unwrap_or_default();
        match Relationship::of(&whole, |column| row.get(column)) {
            Some(relationship) => self.joiner.relationship(&relationship).map(Ok),
            None => Ok(Err("a relationship without both of its ends".to_owned())),
        }
    }
}

/// What is said of an internal user: the two that every server has are this server's own, too; others are named.
pub(crate) fn internal_user(id: &str) -> String {
    match id {
        "openidm-admin" | "anonymous" => format!("the internal user '{id}': this server has its own"),
        _ => format!("the internal user '{id}': give somebody here its roles"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;
    use crate::record::{Read, Record};

    fn all(dump: &str) -> Vec<Result<Read, Fault>> {
        with(dump, &Mapping::default(), Layout::default())
    }

    fn with(dump: &str, mapping: &Mapping, layout: Layout) -> Vec<Result<Read, Fault>> {
        let prepared = prepare(|| Ok(dump.as_bytes()), &"idm.sql".into(), (mapping, &Arc::new(layout)), &Aside::default()).unwrap();
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
        assert_eq!(read.last(), Some(&Ok(Read::Passed("the internal user 'openidm-admin': this server has its own".to_owned()))));
        assert!(
            matches!(&read[0], Err(fault) if fault.to_string().starts_with("idm.sql:15: a row of 'managedobjects' of a type")),
            "{:?}",
            read[0]
        );
        let (chief, ann, ben) = (record(&read[1]), record(&read[2]), record(&read[3]));
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
            let read: Vec<_> = with(dump, &mapping, Layout::default()).into_iter().filter_map(Result::ok).collect();
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
    #[test]
    fn a_project_says_which_tables_and_columns_hold_its_objects() {
        let layout = Layout::read(&json!({"resourceMapping": {"genericMapping": {"managed/role": {"mainTable": "roleobjects"}}, "explicitMapping": {
            "managed/user": {"table": "people", "objectToColumn": {"_id": "person", "_rev": "version", "userName": "login", "address/city": "town",
                "preferences": {"column": "prefs", "type": "JSON_MAP"}, "age": {"column": "years", "type": "NUMBER"}}}}}}))
        .with_shapes("managed/user", [("vip".to_owned(), Shape::Boolean), ("sn".to_owned(), Shape::Text), ("shoeSize".to_owned(), Shape::Number)]);
        let dump = "COPY openidm.roleobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n1\t2\tchief\t0\t{\"name\":\"Chief\"}\n\\.\n\
            COPY openidm.objecttypes (id, objecttype) FROM stdin;\n2\tmanaged/role\n\\.\n\
            COPY openidm.people (person, version, login, town, prefs, years, vip, sn, shoe_size) FROM stdin;\n\
            a\t7\tann\tOslo\t{\"updates\":true}\t3\tt\t[1]\t41.5\nb\t8\tben\t\\N\t\\N\tthree\t\\N\t\\N\t\\N\n\\.\n\
            COPY openidm.strangers (objectid, x) FROM stdin;\n1\t2\n2\t2\n\\.\nCOPY openidm.links (objectid) FROM stdin;\n1\n\\.\nCOPY other.things (x) FROM stdin;\n1\n\\.\n";
        let read = with(dump, &Mapping::default(), layout);
        assert!(
            matches!(&read[0], Err(fault) if fault.to_string() == "idm.sql:9: 'years' is no number, as the project says it is, of the object 'b'"),
            "{:?}",
            read[0]
        );
        assert_eq!(record(&read[1]).content["name"], "Chief");
        let ann = record(&read[2]);
        assert_eq!((ann.id.as_str(), ann.revision.as_deref()), ("a", Some("7")));
        assert_eq!(
            Value::Object(ann.content.clone()),
            json!({"userName": "ann", "address": {"city": "Oslo"}, "preferences": {"updates": true}, "age": 3, "vip": true, "sn": "[1]", "shoeSize": 41.5})
        );
        let passed = |read: &Result<Read, Fault>| matches!(read, Ok(Read::Passed(what)) if what.contains("the table 'strangers'"));
        assert!(read.len() == 5 && read[3..].iter().all(passed), "{read:?}");
    }

    #[test]
    fn a_dump_without_a_table_of_a_repository_is_a_fault() {
        for dump in ["", "CREATE TABLE wp_users (id bigint);\nINSERT INTO wp_users VALUES (1);\n"] {
            let read = all(dump);
            assert!(matches!(&read[0], Err(fault) if fault.ends && fault.what.contains("no table of the repository")), "{read:?}");
        }
        assert!(all("CREATE TABLE objecttypes (id bigint, objecttype text);").is_empty(), "an empty repository is one");
    }

    #[test]
    fn notifications_come_with_those_whose_they_are() {
        let note = |id: usize, made: &str| format!("{id}\t2\tn{id}\t0\t{{\"message\":\"Hello {id}\",\"createDate\":\"{made}\"}}\n");
        let mut dump = "COPY openidm.managedobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n1\t1\ta\t0\t{\"userName\":\"ann\"}\n\\.\n\
            COPY openidm.notificationobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n"
            .to_owned();
        dump.extend((0..450).map(|id| note(id, &format!("2024-{id:04}"))));
        dump.push_str("900\t2\tempty\t0\t{}\n901\t2\tlost\t0\t{\"message\":\"x\"}\n\\.\nCOPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\tinternal/notification\n\\.\n");
        dump.push_str("COPY openidm.relationships (id, firstresourcecollection, firstresourceid, firstpropertyname, secondresourcecollection, secondresourceid, secondpropertyname) FROM stdin;\n");
        let owned = (0..450).map(|id| format!("n{id}")).chain(["empty".to_owned()]);
        dump.extend(owned.map(|id| format!("1\tmanaged/user\ta\t_notifications\tinternal/notification\t{id}\t\\N\n")));
        dump.push_str("\\.\nCOPY openidm.uinotification (objectid, rev, message, receiverid, createdate) FROM stdin;\nold\t0\tBefore\ta\t2099-01-01\nnone\t0\tx\tnobody\t2000\n\\.\n");
        let read = all(&dump);
        let ann = record(&read[0]);
        assert_eq!(Value::Object(ann.content.clone()), json!({"userName": "ann"}));
        let notes: Vec<&Record> = read[1..201].iter().map(record).collect();
        assert!(notes.iter().all(|note| note.collection == notifications::COLLECTION && note.content["target"] == "managed/user/a"));
        assert_eq!((notes[0].id.as_str(), notes[1].id.as_str(), notes[199].id.as_str()), ("old", "n449", "n251"), "the newest 200");
        let mut passed = BTreeMap::<&str, usize>::new();
        for one in &read[201..] {
            let Ok(Read::Passed(what)) = one else { panic!("{one:?}") };
            *passed.entry(what).or_default() += 1;
        }
        let older = ("a notification that is older than the newest 200 of somebody", 252);
        assert_eq!(passed.into_iter().collect::<Vec<_>>(), [("a notification of nobody", 2), older]);
    }
}
