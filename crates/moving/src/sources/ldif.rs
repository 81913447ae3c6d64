//! Entries of a directory (RFC 2849): what `ldapsearch`, `export-ldif` and DS write, also where a directory is the repository of an IDM: the
//! object then stands whole in one attribute, and references in others (what becomes of these is said in `entries`).
//!
//! Easiest to break: `attribute:< file:///…` names a file of whoever reads. It is never read.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::Lost;
use serde_json::{Map, Value, json};

use super::lines::{Lines, too_long, utf8};
use crate::mapping::{Column, Mapping, derived_id, id_of};
use crate::record::{Fault, LONGEST_RECORD, Place, Read, Record};

/// What the usual attributes of people are, by their names in lower case.
static USUAL: LazyLock<BTreeMap<&str, Column>> = LazyLock::new(|| {
    let words = |to: &str, words: &[(&str, &str)]| Column {
        values: words.iter().map(|(word, value)| ((*word).to_owned(), json!(value))).collect(),
        ..Column::to(to)
    };
    let locked = [("true", "inactive"), ("TRUE", "inactive"), ("false", "active"), ("FALSE", "active")];
    [
        ("uid", Column::to("userName")),
        ("mail", Column::to("mail")),
        ("givenname", Column::to("givenName")),
        ("sn", Column::to("sn")),
        ("userpassword", Column::to("password")),
        ("telephonenumber", Column::to("telephoneNumber")),
        ("postaladdress", Column::to("postalAddress")),
        ("street", Column::to("postalAddress")),
        ("l", Column::to("city")),
        ("st", Column::to("stateProvince")),
        ("postalcode", Column::to("postalCode")),
        ("c", Column::to("country")),
        ("co", Column::to("country")),
        ("description", Column::to("description")),
        ("preferredlanguage", Column::to("preferredLocale")),
        ("entryuuid", Column::to("_id")),
        ("nsaccountlock", words("accountStatus", &locked)),
        ("ds-pwp-account-disabled", words("accountStatus", &locked)),
        ("inetuserstatus", words("accountStatus", &[("Active", "active"), ("Inactive", "inactive")])),
        // Where the directory is the repository of an IDM.
        ("fr-idm-uuid", Column::to("_id")),
    ]
    .into_iter()
    .collect()
});

/// Attributes that hold an object of an IDM, or a part of one, as JSON: `fr-idm-managed-user-json` and the like.
fn is_whole(attribute: &str) -> bool {
    attribute == "fr-idm-json"
        || attribute == "fr-idm-custom-attrs"
        || (attribute.starts_with("fr-idm-managed-") && attribute.ends_with("-json"))
}

/// Whether a value refers to another object: JSON, and the name of that object's entry behind it.
pub(crate) fn reference(value: &str) -> Option<Value> {
    const SAYS: &str = "firstResourceCollection";
    // Most values that begin so are whole objects, and long.
    let mut read =
        Some(value).filter(|value| value.starts_with('{') && value.contains(SAYS)).map(serde_json::Deserializer::from_str)?.into_iter();
    read.next()?.ok().filter(|found: &Value| found.get(SAYS).is_some())
}

/// What every entry has and nobody means.
const OPERATIONAL: [&str; 12] = [
    "objectclass",
    "cn",
    "createtimestamp",
    "modifytimestamp",
    "creatorsname",
    "modifiersname",
    "structuralobjectclass",
    "entrydn",
    "etag",
    "entrycsn",
    "hassubordinates",
    "subschemasubentry",
];

/// An entry of a directory.
pub(crate) struct Entry {
    /// The line it begins at.
    pub(crate) line: u64,
    /// Its name.
    pub(crate) dn: String,
    /// Names in lower case, without options; values that are no UTF-8 are none.
    pub(crate) attributes: Vec<(String, Option<String>)>,
}

impl Entry {
    /// The values of an attribute that are texts.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e str> {
        self.attributes.iter().filter(move |(own, _)| own == name).filter_map(|(_, value)| value.as_deref())
    }

    /// Whether it has a class, of which this says whether it is meant.
    pub(crate) fn is_a(&self, class: impl Fn(&str) -> bool) -> bool {
        self.all("objectclass").any(|own| class(&own.to_ascii_lowercase()))
    }

    /// Whether it is one of the repository of an IDM.
    pub(crate) fn is_of_repository(&self) -> bool {
        self.is_a(|class| class.starts_with("fr-idm-"))
    }
}

/// What columns and attributes become, by their names in lower case.
pub(crate) fn mapped(mapping: &Mapping) -> BTreeMap<String, Option<Column>> {
    mapping.columns.iter().map(|(name, column)| (name.to_ascii_lowercase(), column.clone())).collect()
}

/// The entries of a file.
pub(crate) fn entries<R: BufRead + Send>(reader: R, file: Arc<str>) -> impl Iterator<Item = Result<Entry, Fault>> + Send {
    let mut lines = Lines::new(reader);
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match next_entry(&mut lines, &mut ended) {
            Ok(entry) => entry.map(Ok),
            Err((line, what, ends)) => {
                let place = Place { file: Arc::clone(&file), line };
                Some(Err(if ends { Fault::ending(&place, what) } else { Fault::new(&place, what) }))
            }
        }
    })
}

/// Whether a file holds entries of the repository of an IDM.
pub(crate) fn is_repository(reader: impl BufRead) -> std::io::Result<bool> {
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next_line()? {
        let found = line.bytes.as_ref().is_some_and(|text| {
            let class = text.get(..12).filter(|name| name.eq_ignore_ascii_case(b"objectclass:")).and_then(|_| text.get(12..));
            class.is_some_and(|class| class.trim_ascii_start().to_ascii_lowercase().starts_with(b"fr-idm-"))
        });
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn read<R: BufRead + Send>(
    reader: R,
    file: Arc<str>,
    mapping: Arc<Mapping>,
) -> impl Iterator<Item = Result<Read, Fault>> + Send {
    let mapped = mapped(&mapping);
    entries(reader, Arc::clone(&file)).map(move |entry| {
        let entry = entry?;
        let place = Place { file: Arc::clone(&file), line: entry.line };
        if !entry.is_a(|class| class.ends_with("person")) {
            return Ok(Read::Passed(NO_PERSON.to_owned()));
        }
        record((&mapping, &mapped), &place, mapping.collection.clone(), entry).map(Read::Record).map_err(|what| Fault::new(&place, what))
    })
}

/// The next entry. Behind one that cannot be read stands an empty line.
fn next_entry<R: BufRead>(lines: &mut Lines<R>, ended: &mut bool) -> Result<Option<Entry>, (u64, String, bool)> {
    // Lines that go on in the next one are joined.
    let mut logical: Vec<(u64, Vec<u8>)> = Vec::new();
    let (mut bytes, mut fault, mut in_comment) = (0, None, false);
    let mut cut = None;
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => {
                *ended = true;
                break;
            }
            Err(error) => {
                *ended = true;
                return Err((lines.number() + 1, error.to_string(), true));
            }
        };
        if line.is_cut && line.bytes.as_ref().is_none_or(|text| !text.is_empty()) {
            cut = Some(line.number);
        }
        let Some(text) = line.bytes else {
            fault = fault.or(Some((line.number, too_long())));
            continue;
        };
        bytes += text.len();
        match text.split_first() {
            None if logical.is_empty() && fault.is_none() => in_comment = false,
            None => break,
            Some((b' ', more)) => {
                if !in_comment {
                    match logical.last_mut() {
                        Some((_, begun)) if bytes <= LONGEST_RECORD => begun.extend_from_slice(more),
                        Some(_) => fault = fault.or(Some((line.number, too_long()))),
                        None => fault = fault.or(Some((line.number, "a line that goes on without one that begins".to_owned()))),
                    }
                }
            }
            Some((b'#', _)) => in_comment = true,
            Some(_) => {
                in_comment = false;
                logical.push((line.number, text));
            }
        }
    }
    // Before whatever else is wrong with the entry: what is missing behind it cannot be told.
    if let Some(line) = cut {
        return Err((line, "the file ends in the middle of a line; where this one is whole, end it".to_owned(), true));
    }
    if let Some((line, what)) = fault {
        return Err((line, what, false));
    }
    if logical.first().is_some_and(|(_, text)| text.to_ascii_lowercase().starts_with(b"version:")) {
        logical.remove(0);
    }
    let Some((line, first)) = logical.first() else {
        return if *ended { Ok(None) } else { next_entry(lines, ended) };
    };
    let line = *line;
    let (name, dn) = attribute(first).map_err(|what| (line, what, false))?;
    let dn = dn.filter(|_| name == "dn").ok_or((line, "an entry begins with 'dn:'".to_owned(), false))?;
    let mut attributes = Vec::with_capacity(logical.len());
    for (number, text) in logical.into_iter().skip(1) {
        let (name, value) = attribute(&text).map_err(|what| (number, what, false))?;
        if name == "changetype" {
            if value.as_deref() != Some("add") {
                return Err((number, "a change of an entry, not an entry: export the entries themselves".to_owned(), false));
            }
            continue;
        }
        attributes.push((name, value));
    }
    Ok(Some(Entry { line, dn, attributes }))
}

/// A line: the name of the attribute, in lower case, and its value.
fn attribute(text: &[u8]) -> Result<(String, Option<String>), String> {
    let colon = text.iter().position(|byte| *byte == b':').ok_or("no attribute: there is no colon")?;
    let (name, value) = (text.get(..colon).unwrap_or_default(), text.get(colon + 1..).unwrap_or_default());
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty()).ok_or("no attribute: it has no name")?;
    let name = name.to_ascii_lowercase();
    let trimmed = |value: &[u8]| value.trim_ascii_start().to_vec();
    let value = match value.split_first() {
        Some((b'<', _)) => return Err(format!("'{name}' names another file, and no other file is read")),
        Some((b':', encoded)) => STANDARD.decode(encoded.trim_ascii()).map_err(|_| format!("'{name}' is no base64"))?,
        _ => trimmed(value),
    };
    match utf8(value) {
        Ok(text) => Ok((name, Some(text))),
        // Pictures and certificates are no text, and no fault either.
        Err(_) if colon + 1 < text.len() && text.get(colon + 1) == Some(&b':') => Ok((name, None)),
        Err(what) => Err(format!("'{name}': {what}")),
    }
}

/// What is said of entries of other things.
pub(crate) const NO_PERSON: &str = "an entry of the directory that is no person";

/// The object of a collection that an entry holds.
pub(crate) fn record(
    (mapping, mapped): (&Mapping, &BTreeMap<String, Option<Column>>),
    place: &Place,
    collection: String,
    entry: Entry,
) -> Result<Box<Record>, String> {
    // In a repository, the id of an object is the name of its entry.
    let named = entry.all("uid").next().map(str::to_owned);
    let own_id = named.filter(|_| entry.is_of_repository() && entry.attributes.iter().any(|(name, _)| is_whole(name)));
    let mut content = Map::new();
    let mut lost = Vec::new();
    for (name, value) in entry.attributes {
        let (bare, options) = name.split_once(';').map_or((name.as_str(), ""), |(bare, options)| (bare, options));
        if (bare == "uid" && own_id.is_some()) || value.as_deref().is_some_and(|value| reference(value).is_some()) {
            continue;
        }
        if is_whole(bare) && !mapped.contains_key(bare) {
            let whole: Map<String, Value> =
                serde_json::from_str(value.as_deref().unwrap_or_default()).map_err(|_| format!("'{bare}' holds no JSON object"))?;
            whole.into_iter().for_each(|(name, value)| drop(content.insert(name, value)));
            continue;
        }
        let column = match mapped.get(bare) {
            Some(None) => continue,
            Some(Some(column)) => Some(column),
            None => USUAL.get(bare).filter(|_| options.is_empty()),
        };
        let mut lose = |why: &'static str| lost.push(Lost { property: bare.to_owned(), why: why.into() });
        let Some(column) = column else {
            if !OPERATIONAL.contains(&bare) {
                lose("an attribute that the mapping does not name");
            }
            continue;
        };
        match value {
            None => lose("no text"),
            Some(text) if text.is_empty() => {}
            Some(text) => {
                let value = column.value(&text)?;
                if Mapping::put(&mut content, column, value).is_err() {
                    lose("more than one value where one is kept; the first counts");
                }
            }
        }
    }
    mapping.complete(&collection, &mut content);
    let mut taken = |name: &str| content.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (id, revision) = (taken("_id"), taken("_rev"));
    let by_name = || derived_id(&collection, &content);
    let id = id.or(own_id).or_else(by_name).unwrap_or_else(|| id_of(&collection, &entry.dn.to_ascii_lowercase()));
    let place = place.clone();
    Ok(Box::new(Record { place, collection, id, revision, content, lost }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], mapping: &str) -> Vec<Result<Read, String>> {
        let read = read(text, "ds.ldif".into(), Arc::new(Mapping::read(mapping).unwrap()));
        read.map(|one| one.map_err(|fault| fault.to_string())).collect()
    }

    fn only(text: &[u8], mapping: &str) -> Record {
        match all(text, mapping).remove(0).unwrap() {
            Read::Record(record) => *record,
            other @ Read::Passed(_) => panic!("{other:?}"),
        }
    }

    const ANN: &str = "version: 1\n# a comment that\n goes on\ndn: uid=ann,ou=people,dc=example\nobjectClass: top\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann Other\nsn:: w5ZzdGVy\ngivenName: A\n nn\nmail: ann@example.test\nmail: a@example.test\nentryUUID: 7e5c9b4e-0000-4000-8000-000000000001\nuserPassword:: e1NTSEE1MTJ9YWJj\nnsAccountLock: true\njpegPhoto:: /9j/4A==\nroomNumber: 7\n\n";

    #[test]
    fn an_entry_of_a_person_becomes_an_object() {
        let record = only(ANN.as_bytes(), "{}");
        assert_eq!(record.id, "7e5c9b4e-0000-4000-8000-000000000001");
        assert_eq!(
            Value::Object(record.content),
            json!({"userName": "ann", "sn": "Öster", "givenName": "Ann", "mail": "ann@example.test", "password": "{SSHA512}abc", "accountStatus": "inactive"})
        );
        let lost: Vec<&str> = record.lost.iter().map(|lost| lost.property.as_str()).collect();
        assert_eq!(lost, ["mail", "jpegphoto", "roomnumber"]);
    }

    #[test]
    fn a_mapping_counts_before_what_is_usual() {
        let record = only(ANN.as_bytes(), r#"{"columns":{"mail":{"to":"aliasList","many":true},"roomNumber":"room","jpegPhoto":null}}"#);
        assert_eq!(record.content["aliasList"], json!(["ann@example.test", "a@example.test"]));
        assert_eq!((record.content["room"].as_str(), record.lost.len()), (Some("7"), 0));
    }

    #[test]
    fn a_file_that_is_cut_in_a_line_holds_no_half_entry() {
        let cut = |bytes: usize| all(&ANN.as_bytes()[..bytes], "{}");
        let inside = ANN.find("ann@exam").unwrap() + "ann@exam".len();
        let read = cut(inside);
        assert!(matches!(read.as_slice(), [Err(what)] if what.contains(": the file ends in the middle of a line")), "{read:?}");
        // Whether anything is missing behind the end of a line cannot be seen.
        assert!(matches!(cut(ANN.find("entryUUID").unwrap()).as_slice(), [Ok(Read::Record(_))]));
    }

    #[test]
    fn a_file_that_is_cut_was_not_read_to_its_end_whatever_else_is_wrong() {
        for text in
            ["dn: uid=a\nuid: a\nsn: O", " goes on\ndn: uid=a\nsn: O", "dn: uid=a\n# a comm", "dn: uid=a\nsn", "dn: uid=a\nsn:< file:///x"]
        {
            let read: Vec<_> = read(text.as_bytes(), "ds.ldif".into(), Arc::default()).collect();
            assert!(matches!(read.as_slice(), [Err(fault)] if fault.ends), "{text}: {read:?}");
        }
    }

    #[test]
    fn a_repository_is_known_by_the_classes_of_its_entries() {
        assert!(is_repository(&b"dn: x\nobjectclass:  FR-IDM-managed-user\n"[..]).unwrap());
        assert!(!is_repository(ANN.as_bytes()).unwrap());
        assert_eq!(reference("{\"firstResourceCollection\":\"a\",\"x\":\"}\"}uid=1,ou=x").unwrap()["x"], "}");
        assert!(reference("{\"a\":1}").is_none() && reference("uid=1").is_none() && reference("{").is_none());
    }

    #[test]
    fn each_fault_has_its_line_and_no_other_file_is_read() {
        let text = b"dn: ou=people\nobjectClass: organizationalUnit\n\ndn: uid=a\nobjectClass: person\nsn:< file:///etc/passwd\n\ndn: uid=b\nsn\n\nuid: c\n\ndn: uid=d\nchangetype: delete\n\ndn: uid=e\nsn:: !!\n\n goes on\n\ndn: uid=f\nobjectClass: person\nuid: f\n";
        let read = all(text, "{}");
        let faults: Vec<&str> = read.iter().filter_map(|one| one.as_ref().err().map(String::as_str)).collect();
        assert_eq!(
            faults,
            [
                "ds.ldif:6: 'sn' names another file, and no other file is read",
                "ds.ldif:9: no attribute: there is no colon",
                "ds.ldif:11: an entry begins with 'dn:'",
                "ds.ldif:14: a change of an entry, not an entry: export the entries themselves",
                "ds.ldif:17: 'sn' is no base64",
                "ds.ldif:19: a line that goes on without one that begins",
            ]
        );
        assert!(matches!(read.first(), Some(Ok(Read::Passed(_)))) && matches!(read.last(), Some(Ok(Read::Record(_)))), "{read:?}");
    }
}
