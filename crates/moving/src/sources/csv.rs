//! Tables (RFC 4180): a first line with the names of the columns, values that may stand in quotes and then go over several lines. A value is
//! text, whatever a spreadsheet would make of it; an empty one is none.

use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;

use crest::meant;
use serde_json::Map;

use super::lines::utf8;
use crate::mapping::{Column, Mapping, derived_id};
use crate::record::{Fault, LONGEST_RECORD, Place, Read, Record};

/// Columns of one table.
const MOST_COLUMNS: usize = 4096;

/// One row: the line it begins at, and its values.
struct Row {
    line: u64,
    values: Vec<Vec<u8>>,
}

/// Why a row cannot be read.
enum Broken {
    Io(io::Error),
    /// Behind it the next row is read.
    Row(u64, String),
    /// What comes behind it cannot be told.
    End(u64, String),
}

struct Rows<R> {
    reader: R,
    separator: u8,
    line: u64,
}

impl<R: BufRead> Rows<R> {
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.reader.fill_buf()?.first().copied();
        if byte.is_some() {
            self.reader.consume(1);
        }
        Ok(byte)
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    /// The next row; nothing at the end.
    fn next_row(&mut self) -> Result<Option<Row>, Broken> {
        if self.peek().map_err(Broken::Io)?.is_none() {
            return Ok(None);
        }
        self.line += 1;
        let begun = self.line;
        let (mut values, mut value, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        let (mut quoted, mut was_quoted, mut too_long, mut stray) = (false, false, false, false);
        let is_cut;
        loop {
            let byte = self.byte().map_err(Broken::Io)?;
            bytes += 1;
            if bytes > LONGEST_RECORD || values.len() > MOST_COLUMNS {
                too_long = true;
                value = Vec::new();
                values = Vec::new();
            }
            match byte {
                None if quoted => {
                    return Err(Broken::End(begun, "the file ends inside a value in quotes that begins in this row".to_owned()));
                }
                Some(b'"') if quoted => {
                    if self.peek().map_err(Broken::Io)? == Some(b'"') {
                        self.reader.consume(1);
                        value.push(b'"');
                    } else {
                        quoted = false;
                    }
                }
                Some(byte) if quoted => {
                    if byte == b'\n' {
                        self.line += 1;
                    }
                    if !too_long {
                        value.push(byte);
                    }
                }
                Some(b'"') if value.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
                None | Some(b'\n') => {
                    if !was_quoted && value.last() == Some(&b'\r') {
                        value.pop();
                    }
                    values.push(value);
                    is_cut = byte.is_none();
                    break;
                }
                Some(b'\r') if was_quoted => {}
                Some(byte) if byte == self.separator => {
                    values.push(std::mem::take(&mut value));
                    was_quoted = false;
                }
                Some(byte) => {
                    stray |= was_quoted;
                    if !too_long {
                        value.push(byte);
                    }
                }
            }
        }
        // What it holds may be half of a value, and others may be missing behind it. A last carriage return is no row.
        if is_cut && (too_long || was_quoted || values.len() > 1 || values.iter().any(|value| !value.is_empty())) {
            let what = "the file ends in the middle of a row; where this one is whole, end its line";
            return Err(Broken::End(begun, what.to_owned()));
        }
        if too_long {
            return Err(Broken::Row(begun, super::lines::too_long()));
        }
        if stray {
            return Err(Broken::Row(begun, "text behind the closing quote of a value".to_owned()));
        }
        Ok(Some(Row { line: begun, values }))
    }
}

/// What stands between the values of a table in a file of this name: a tab where it ends with `.tsv`, else a comma.
#[must_use]
pub fn separator(file: &Path) -> char {
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv")) { '\t' } else { ',' }
}

pub(crate) fn read<R: BufRead + Send>(
    reader: R,
    file: Arc<str>,
    mapping: Arc<Mapping>,
) -> impl Iterator<Item = Result<Read, Fault>> + Send {
    let separator = mapping.separator.unwrap_or_else(|| separator(Path::new(&*file)));
    let separator = u8::try_from(separator).unwrap_or(b',');
    let mut rows = Rows { reader, separator, line: 0 };
    let mut columns: Option<Vec<Option<Column>>> = None;
    let mut ended = false;
    std::iter::from_fn(move || {
        loop {
            if ended {
                return None;
            }
            let at = |line: u64| Place { file: Arc::clone(&file), line };
            let row = match rows.next_row() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    ended = true;
                    let nothing = Fault::ending(&at(1), "no line with the names of the columns");
                    return columns.is_none().then_some(Err(nothing));
                }
                Err(Broken::Row(line, what)) => return Some(Err(Fault::new(&at(line), what))),
                Err(Broken::End(line, what)) => {
                    ended = true;
                    return Some(Err(Fault::ending(&at(line), what)));
                }
                Err(Broken::Io(error)) => {
                    ended = true;
                    return Some(Err(Fault::ending(&at(rows.line), error.to_string())));
                }
            };
            let place = at(row.line);
            let Some(columns) = &columns else {
                match header(&mapping, row.values) {
                    Ok(read) => columns = Some(read),
                    Err(what) => {
                        ended = true;
                        return Some(Err(Fault::ending(&place, what)));
                    }
                }
                continue;
            };
            if row.values.iter().all(Vec::is_empty) {
                continue;
            }
            return Some(record(&mapping, columns, &place, row.values).map_err(|what| Fault::new(&place, what)));
        }
    })
}

fn header(mapping: &Mapping, names: Vec<Vec<u8>>) -> Result<Vec<Option<Column>>, String> {
    let mut names: Vec<String> = names.into_iter().map(utf8).collect::<Result<_, _>>()?;
    if let Some(first) = names.first_mut()
        && let Some(rest) = first.strip_prefix('\u{feff}')
    {
        *first = rest.trim_matches('"').to_owned();
    }
    // A table of ours has the names as they are.
    let as_meant = |name: String| if mapping.quoted { meant(name) } else { name.trim().to_owned() };
    let names: Vec<String> = names.into_iter().map(as_meant).collect();
    if let Some(missing) = mapping.columns.keys().find(|name| !names.contains(name)) {
        return Err(format!("there is no column '{missing}', which the mapping names; there are {}", names.join(", ")));
    }
    if let Some(empty) = names.iter().position(|name| name.is_empty() && !mapping.columns.contains_key(name)) {
        return Err(format!("column {} has no name", empty + 1));
    }
    let column = |name: &String| mapping.columns.get(name).cloned().unwrap_or_else(|| Some(Column::to(name)));
    Ok(names.iter().map(column).collect())
}

fn record(mapping: &Mapping, columns: &[Option<Column>], place: &Place, values: Vec<Vec<u8>>) -> Result<Read, String> {
    if values.len() != columns.len() {
        return Err(format!("{} values below {} columns", values.len(), columns.len()));
    }
    let mut content = Map::new();
    for (column, value) in columns.iter().zip(values) {
        let Some(column) = column else { continue };
        let text = utf8(value).map_err(|what| format!("'{}': {what}", column.place()))?;
        let text = if mapping.quoted { meant(text) } else { text };
        if text.is_empty() {
            continue;
        }
        Mapping::put(&mut content, column, column.value(&text)?)?;
    }
    mapping.complete(&mapping.collection, &mut content);
    let mut taken = |name: &str| content.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (id, revision) = (taken("_id"), taken("_rev"));
    let id = id.or_else(|| derived_id(&mapping.collection, &content)).ok_or("neither '_id' nor 'userName'")?;
    let (place, collection) = (place.clone(), mapping.collection.clone());
    Ok(Read::Record(Box::new(Record { place, collection, id, revision, content, lost: Vec::new() })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn all(text: &[u8], mapping: &str) -> Vec<Result<Value, String>> {
        let read = read(text, "people.csv".into(), Arc::new(Mapping::read(mapping).unwrap()));
        read.map(|one| match one {
            Ok(Read::Record(record)) => Ok(Value::Object(record.content)),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.to_string()),
        })
        .collect()
    }

    #[test]
    fn values_are_text_whatever_a_spreadsheet_would_make_of_them() {
        let table = b"\xef\xbb\xbfuserName,sn,givenName\r\nann,\"O\"\"Hara, the\nsecond\",=1+1\r\nben,,@SUM(A1)\r\n\r\n";
        assert_eq!(
            all(table, "{}"),
            [
                Ok(json!({"userName": "ann", "sn": "O\"Hara, the\nsecond", "givenName": "=1+1"})),
                Ok(json!({"userName": "ben", "givenName": "@SUM(A1)"}))
            ]
        );
    }

    #[test]
    fn a_mapping_says_what_columns_are() {
        let mapping = r#"{"separator":";","columns":{"Login":"userName","On":{"to":"accountStatus","values":{"0":"inactive"}},"Hash":{"to":"password","before":"{SSHA}"},"No":null},"constants":{"country":"NO"}}"#;
        let read = all(b"Login;On;Hash;No\nann;0;abc=;7\n", mapping);
        assert_eq!(read, [Ok(json!({"userName": "ann", "accountStatus": "inactive", "password": "{SSHA}abc=", "country": "NO"}))]);
        let read = all(b"login\nann\n", mapping);
        assert_eq!(read, [Err("people.csv:1: there is no column 'Hash', which the mapping names; there are login".into())]);
    }

    #[test]
    fn each_fault_has_its_line() {
        let read = all(b"userName,sn\nann\n\"b\nb\",x\n\"c\"d,x\ne\xff,x\nf,\"open\ng,y\n", "{}");
        let faults: Vec<String> = read.into_iter().filter_map(Result::err).collect();
        assert_eq!(
            faults,
            [
                "people.csv:2: 1 values below 2 columns",
                "people.csv:5: text behind the closing quote of a value",
                "people.csv:6: 'userName': no UTF-8 at byte 2",
                "people.csv:7: the file ends inside a value in quotes that begins in this row",
            ]
        );
        assert_eq!(all(b"", "{}"), [Err("people.csv:1: no line with the names of the columns".into())]);
    }

    #[test]
    fn a_last_row_without_an_end_may_be_half_of_one() {
        for cut in ["ben,Oth", "ben,\"Oth\"", "ben,\"Oth\"e", "ben", ",", "\"\"", "ben,\"Oth"] {
            let text = format!("userName,sn\nann,A\n{cut}");
            let read: Vec<_> = read(text.as_bytes(), "people.csv".into(), Arc::default()).collect();
            let [Ok(_), Err(fault)] = read.as_slice() else { panic!("{cut}: {read:?}") };
            assert!(fault.ends && fault.to_string().starts_with("people.csv:3: the file ends "), "{cut}: {fault:?}");
        }
        for cut in ["", "userName,s"] {
            let read: Vec<_> = read(cut.as_bytes(), "people.csv".into(), Arc::default()).collect();
            assert!(matches!(read.as_slice(), [Err(fault)] if fault.ends), "{cut}: {read:?}");
        }
        assert_eq!(all(b"userName,sn\nann,A\n\r", "{}").len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_written_in_quotes_is_read_again(values in proptest::collection::vec("[^\0]{1,12}", 1..4)) {
            let names: Vec<String> = (0..values.len()).map(|number| format!("c{number}")).collect();
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            let table = format!("userName,{}\nx,{}\n", names.join(","), quoted.join(","));
            let read = all(table.as_bytes(), "{}").remove(0).unwrap();
            for (name, value) in names.iter().zip(&values) {
                prop_assert_eq!(read[name].as_str(), Some(value.as_str()));
            }
        }
    }
}
