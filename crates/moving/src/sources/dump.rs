//! Dumps of a database as text: what `pg_dump` writes, with `COPY` or with `INSERT`, and what `mysqldump` writes. Rows come out one at a time; every
//! statement that brings none is passed over.
//!
//! Easiest to break: what stands in quotes. A value may hold anything, a semicolon, a line that looks like a statement, the other dialect's quotes.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use super::lines::utf8;
use crate::layout::Layout;
use crate::record::{Fault, Place};
use crate::tables;

mod tokens;

use tokens::Token;

/// A row of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line it begins at.
    pub(crate) line: u64,
    /// The table, without its schema, in lower case.
    pub(crate) table: String,
    /// The names of the columns, in lower case.
    pub(crate) columns: Arc<[String]>,
    /// The values; none for NULL.
    pub(crate) values: Vec<Option<String>>,
}

impl Row {
    /// The value of a column; nothing where it is NULL or not there.
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)?.as_deref()
    }
}

/// Where the reading is.
enum State {
    Statements,
    /// Rows of a `COPY`, line by line.
    Copy(String, Arc<[String]>),
    /// Rows of an `INSERT`.
    Values(String, Arc<[String]>),
    Ended,
}

/// Reads the rows of a dump.
pub(crate) struct Dump<R> {
    reader: R,
    line: u64,
    bytes: usize,
    state: State,
    /// The columns of tables whose `CREATE TABLE` was read.
    tables: BTreeMap<String, Arc<[String]>>,
    /// A backslash in quotes means what follows it, and `#` begins a comment, as in MySQL.
    escapes: bool,
    has_begun: bool,
    /// The dump has said that it begins, and not yet that it is complete.
    is_open: bool,
    layout: Arc<Layout>,
    file: Arc<str>,
}

type Result<T> = std::result::Result<T, String>;

impl<R: BufRead> Dump<R> {
    pub(crate) fn new(reader: R, layout: Arc<Layout>, file: Arc<str>) -> Self {
        let (state, tables) = (State::Statements, BTreeMap::new());
        Self { reader, line: 1, bytes: 0, state, tables, escapes: false, has_begun: false, is_open: false, layout, file }
    }

    /// The tables that it makes, as far as it was read.
    pub(crate) fn made(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Reads up to the next row, and says where it is none that can be read; nothing at the end of the file.
    fn next_row(&mut self) -> Result<Option<std::result::Result<Row, (u64, String)>>> {
        if !self.has_begun {
            self.begin()?;
        }
        loop {
            self.bytes = 0;
            match std::mem::replace(&mut self.state, State::Statements) {
                State::Ended => {
                    self.state = State::Ended;
                    return Ok(None);
                }
                State::Statements => match self.token()? {
                    Token::End if self.is_open => {
                        return Err("the file ends before the line that says the dump is complete".to_owned());
                    }
                    Token::End => self.state = State::Ended,
                    // As `mysqldump --replace` writes rows.
                    Token::Word(word) if is_one_of(&word, &["insert", "replace"]) => self.begin_insert()?,
                    Token::Word(word) if word.eq_ignore_ascii_case("set") => self.set()?,
                    Token::Word(word) if word.eq_ignore_ascii_case("delimiter") => self.pass_delimited()?,
                    Token::Word(word) if word.eq_ignore_ascii_case("copy") => self.begin_copy()?,
                    Token::Word(word) if word.eq_ignore_ascii_case("create") => self.create()?,
                    Token::Mark(b';') => {}
                    _ => self.pass_statement()?,
                },
                State::Copy(table, columns) => {
                    let line = self.line;
                    let Some(values) = self.copied()? else { continue };
                    self.state = State::Copy(table.clone(), Arc::clone(&columns));
                    return Ok(Some(row(&self.layout, line, table, columns, values).map_err(|what| (line, what))));
                }
                State::Values(table, columns) => match self.token()? {
                    Token::Mark(b'(') => {
                        let line = self.line;
                        let values = self.values()?;
                        self.state = State::Values(table.clone(), Arc::clone(&columns));
                        return Ok(Some(row(&self.layout, line, table, columns, values).map_err(|what| (line, what))));
                    }
                    Token::Mark(b',') => self.state = State::Values(table, columns),
                    Token::Mark(b';') => {}
                    Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                    _ => self.pass_statement()?,
                },
            }
        }
    }

    fn pass_statement(&mut self) -> Result<()> {
        loop {
            self.bytes = 0;
            match self.token()? {
                Token::Mark(b';') => return Ok(()),
                // Whatever the statement is, one that brings rows may be missing behind it.
                Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                _ => {}
            }
        }
    }

    /// `[schema.]table`, and the token behind it.
    fn table(&mut self) -> Result<(String, Token)> {
        let mut name = String::new();
        loop {
            match self.token()? {
                Token::Word(word) if name.is_empty() && ["if", "not", "exists", "only"].contains(&word.to_ascii_lowercase().as_str()) => {}
                Token::Word(word) | Token::Name(word) => {
                    // A schema and a table may be one word here.
                    word.rsplit('.').next().unwrap_or_default().clone_into(&mut name);
                }
                Token::Mark(b'.') => {}
                other => return Ok((name.to_ascii_lowercase(), other)),
            }
            if matches!(self.peek()?, Some(b'.')) {
                continue;
            }
            if !name.is_empty() {
                let next = self.token()?;
                return Ok((name.to_ascii_lowercase(), next));
            }
        }
    }

    /// Names up to the closing bracket.
    fn names(&mut self) -> Result<Arc<[String]>> {
        let mut names = Vec::new();
        loop {
            match self.token()? {
                Token::Word(name) | Token::Name(name) => names.push(name.to_ascii_lowercase()),
                Token::Mark(b',') => {}
                Token::Mark(b')') => return Ok(names.into()),
                Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                _ => return Err("no list of columns".to_owned()),
            }
        }
    }

    fn begin_insert(&mut self) -> Result<()> {
        loop {
            match self.token()? {
                Token::Word(word) if word.eq_ignore_ascii_case("into") => break,
                Token::Word(word) if is_one_of(&word, &["ignore", "delayed", "low_priority", "high_priority"]) => {}
                Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                _ => return Err("an INSERT without INTO".to_owned()),
            }
        }
        let (table, mut next) = self.table()?;
        let mut columns = self.tables.get(&table).cloned();
        if matches!(next, Token::Mark(b'(')) {
            columns = Some(self.names()?);
            next = self.token()?;
        }
        // As `pg_dump --inserts` writes rows of a table whose numbers the engine gives.
        if matches!(&next, Token::Word(word) if word.eq_ignore_ascii_case("overriding")) {
            (_, _, next) = (self.token()?, self.token()?, self.token()?);
        }
        match next {
            Token::Word(word) if is_one_of(&word, &["values", "value"]) => {}
            Token::End => return Err("the file ends in the middle of a statement".to_owned()),
            _ => return self.pass_unread(&table),
        }
        self.state = State::Values(table, columns.unwrap_or_default());
        Ok(())
    }

    fn begin_copy(&mut self) -> Result<()> {
        let (table, mut next) = self.table()?;
        if table.is_empty() {
            return self.pass_statement();
        }
        let mut columns = self.tables.get(&table).cloned().unwrap_or_default();
        if matches!(next, Token::Mark(b'(')) {
            columns = self.names()?;
            next = self.token()?;
        }
        let (mut from_here, mut as_written) = (false, true);
        loop {
            match next {
                Token::Word(word) if word.eq_ignore_ascii_case("stdin") => from_here = true,
                // Whatever else is said of it changes how its lines are to be read.
                Token::Word(_) | Token::Text(_) if from_here => as_written = false,
                Token::Mark(b';') => break,
                Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                _ => {}
            }
            next = self.token()?;
        }
        if !from_here {
            return Ok(());
        }
        if !as_written && self.layout.is_read(&table) {
            return Err(format!("a COPY of '{table}' with options, which is not read"));
        }
        self.pass_line()?;
        self.state = State::Copy(table, columns);
        Ok(())
    }

    /// Passes over a statement that writes to a table in a form that is not read: rows of a table that is read would be missing.
    fn pass_unread(&mut self, table: &str) -> Result<()> {
        if self.layout.is_read(table) {
            return Err(format!("a statement that writes to '{table}' and names no rows, which is not read"));
        }
        self.pass_statement()
    }

    /// Passes over what `mysqldump --routines` and `--triggers` write between two changes of what ends a statement: their statements bring no rows.
    fn pass_delimited(&mut self) -> Result<()> {
        let mut delimiter = self.rest_of_line()?;
        while delimiter != ";" {
            if self.peek()?.is_none() {
                return Err("the file ends in the middle of a statement".to_owned());
            }
            self.bytes = 0;
            let line = self.rest_of_line()?;
            if let Some((word, other)) = line.split_once(' ')
                && word.eq_ignore_ascii_case("delimiter")
            {
                other.trim().clone_into(&mut delimiter);
            }
        }
        Ok(())
    }

    /// The rest of a line, without blanks around it.
    fn rest_of_line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        while let Some(byte) = self.byte()?.filter(|byte| *byte != b'\n') {
            line.push(byte);
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// A dump of PostgreSQL says how its texts are encoded.
    fn set(&mut self) -> Result<()> {
        match self.token()? {
            Token::Word(word) if word.eq_ignore_ascii_case("client_encoding") => {}
            Token::Mark(b';') => return Ok(()),
            _ => return self.pass_statement(),
        }
        if let (_, Token::Text(text)) = (self.token()?, self.token()?) {
            let encoding = utf8(text)?;
            if !is_one_of(&encoding, &["utf8", "utf-8", "unicode", "sql_ascii"]) {
                return Err(format!("the dump is encoded in {encoding}; have pg_dump write it with --encoding=UTF8"));
            }
        }
        self.pass_statement()
    }

    /// One line of a `COPY`; nothing at its end.
    fn copied(&mut self) -> Result<Option<Vec<Option<Vec<u8>>>>> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                None => return Err("the file ends in the middle of a table".to_owned()),
                Some(b'\n') => break,
                Some(byte) => line.push(byte),
            }
        }
        // Line ends of another system: a carriage return of a value is written as `\r`.
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line == b"\\." {
            return Ok(None);
        }
        Ok(Some(line.split(|byte| *byte == b'\t').map(|value| (value != b"\\N").then(|| unescaped(value))).collect()))
    }

    fn values(&mut self) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = Vec::new();
        loop {
            match self.token()? {
                Token::Text(text) => values.push(Some(text)),
                Token::Word(word) if word.eq_ignore_ascii_case("null") => values.push(None),
                // How the text that follows is to be read.
                Token::Word(word) if word.starts_with('_') => {}
                Token::Word(word) => values.push(Some(word.into_bytes())),
                Token::Mark(b'-') => {
                    let Token::Word(number) = self.token()? else { return Err("a sign without a number".to_owned()) };
                    values.push(Some(format!("-{number}").into_bytes()));
                }
                Token::Mark(b',') => {}
                Token::Mark(b')') => return Ok(values),
                Token::End => return Err("the file ends in the middle of a row".to_owned()),
                Token::Name(_) | Token::Mark(_) => return Err("a value that is none".to_owned()),
            }
        }
    }

    /// Notes the columns of a table.
    fn create(&mut self) -> Result<()> {
        match self.token()? {
            Token::Word(word) if word.eq_ignore_ascii_case("table") => {}
            Token::Mark(b';') => return Ok(()),
            _ => return self.pass_statement(),
        }
        let (table, next) = self.table()?;
        if !matches!(next, Token::Mark(b'(')) {
            return self.pass_statement();
        }
        let (mut names, mut depth, mut begins) = (Vec::new(), 1, true);
        while depth > 0 {
            match self.token()? {
                Token::Mark(b'(') => depth += 1,
                Token::Mark(b')') => depth -= 1,
                Token::Mark(b',') if depth == 1 => {
                    begins = true;
                    continue;
                }
                Token::Name(name) if begins => names.push(name.to_ascii_lowercase()),
                Token::Word(word) if begins && !is_constraint(&word) => names.push(word.to_ascii_lowercase()),
                Token::End => return Err("the file ends in the middle of a statement".to_owned()),
                _ => {}
            }
            begins = false;
        }
        self.tables.insert(table, names.into());
        self.pass_statement()
    }
}

fn is_constraint(word: &str) -> bool {
    is_one_of(word, &["primary", "unique", "key", "index", "constraint", "foreign", "check", "fulltext", "exclude"])
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn row(layout: &Layout, line: u64, table: String, columns: Arc<[String]>, values: Vec<Option<Vec<u8>>>) -> Result<Row> {
    if !layout.is_read(&table) {
        // What nobody reads may have any columns, and bytes that are no text.
        return Ok(Row { line, table, columns, values: Vec::new() });
    }
    let columns = match tables::documented(&table, values.len()) {
        Some(known) if columns.is_empty() => known.iter().map(|name| (*name).to_owned()).collect(),
        None if columns.is_empty() => return Err(format!("rows of '{table}', whose columns nothing names")),
        _ => columns,
    };
    if values.len() != columns.len() {
        return Err(format!("{} values in {} columns of '{table}'", values.len(), columns.len()));
    }
    let values = values.into_iter().map(|value| value.map(utf8).transpose()).collect::<Result<_>>()?;
    Ok(Row { line, table, columns, values })
}

/// A value of a `COPY`.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        });
    }
    text
}

impl<R: BufRead> Iterator for Dump<R> {
    type Item = std::result::Result<Row, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_row();
        let at = |line: u64| Place { file: Arc::clone(&self.file), line };
        match next {
            Ok(row) => row.map(|row| row.map_err(|(line, what)| Fault::new(&at(line), what))),
            Err(what) => {
                // What comes behind it cannot be told.
                let fault_at = at(self.line);
                self.state = State::Ended;
                let what = if what.starts_with("the file ends") { what } else { format!("{what}; nothing behind this line is read") };
                Some(Err(Fault::ending(&fault_at, what)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Values = Vec<Option<String>>;

    fn dump(text: &str) -> Dump<&[u8]> {
        Dump::new(text.as_bytes(), Arc::default(), "dump.sql".into())
    }

    fn rows(text: &str) -> Vec<Result<(String, Values)>> {
        dump(text).map(|row| row.map(|row| (row.table, row.values)).map_err(|fault| fault.to_string())).collect()
    }

    fn some(values: &[&str]) -> Values {
        values.iter().map(|value| (*value != "NULL").then(|| (*value).to_owned())).collect()
    }

    #[test]
    fn rows_of_pg_dump_are_read() {
        let text = "--\n-- PostgreSQL database dump\n--\n\\restrict abc\nSET x = 'a;b';\nCREATE FUNCTION f() RETURNS void AS $_$ begin; INSERT INTO x VALUES (1); $_$ LANGUAGE sql;\n\
            CREATE TABLE openidm.objecttypes (\n    id bigint NOT NULL,\n    objecttype character varying(255) DEFAULT NULL::character varying,\n    CONSTRAINT c CHECK ((id > 0))\n);\n\
            COPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\t\\N\n3\ta\\tb\\\\c\\nd\n\\.\n\n\
            INSERT INTO openidm.objecttypes VALUES (4, 'it''s \\n');\nINSERT INTO openidm.\"objecttypes\" (id, \"objecttype\") VALUES (5, E'a\\nb'), (-6, NULL);\n--\n-- PostgreSQL database dump complete\n--\n";
        let table = || "objecttypes".to_owned();
        let expected = [["1", "managed/user"], ["2", "NULL"], ["3", "a\tb\\c\nd"], ["4", "it's \\n"], ["5", "a\nb"], ["-6", "NULL"]];
        assert_eq!(rows(text), expected.map(|values| Ok((table(), some(&values)))));
    }

    #[test]
    fn rows_of_mysqldump_are_read() {
        let text = "/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `objecttypes`;\nCREATE TABLE `objecttypes` (\n  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n  `objecttype` varchar(255) DEFAULT 'x,y)',\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`objecttype`)\n) ENGINE=InnoDB;\n\
            LOCK TABLES `objecttypes` WRITE;\nINSERT INTO `objecttypes` VALUES (1,'a;\\'b\\\\\\n\\\"c\"'),(2,NULL),(3,_binary 'x');\nUNLOCK TABLES;\n";
        let table = || "objecttypes".to_owned();
        let expected = [["1", "a;'b\\\n\"c\""], ["2", "NULL"], ["3", "x"]];
        assert_eq!(rows(text), expected.map(|values| Ok((table(), some(&values)))));
    }

    #[test]
    fn forms_that_options_of_mysqldump_make_are_read() {
        let text = "-- MySQL dump 10.13\nCREATE TABLE managed_x (objectid varchar(38), a blob, b bit(3));\n# COPY managed_x (a) FROM stdin;\n\
            INSERT INTO managed_x VALUES ('1\\'',0x7B7D,b'101'),('2',_binary 0x41,NULL),(N'3',X'c3bc',0);\n-- Dump completed on 2026-01-01\n";
        let expected = [["1'", "{}", "5"], ["2", "A", "NULL"], ["3", "ü", "0"]];
        assert_eq!(rows(text), expected.map(|values| Ok(("managed_x".to_owned(), some(&values)))));
        assert_eq!(
            rows("INSERT INTO managed_x (a) VALUES (X'4');"),
            [Err("dump.sql:1: bytes whose digits are none; nothing behind this line is read".into())]
        );
    }

    #[test]
    fn columns_that_nothing_names_are_those_of_the_documentation() {
        let text = "INSERT INTO openidm.objecttypes VALUES (1, 'managed/user');\nINSERT INTO openidm.metaobjects VALUES (1, 1, 'a', '0', '{}');\n\
            CREATE VIEW x AS SELECT fullobject #>> '{a}' AS a FROM managedobjects;\nCOPY openidm.objecttypes (id, objecttype) FROM stdin;\r\n2\tmanaged/role\r\n\\.\r\n";
        let read: Vec<Row> = dump(text).map(|row| row.unwrap()).collect();
        let got: Vec<_> = read.iter().map(|row| (row.table.as_str(), row.get("objecttype").or_else(|| row.get("fullobject")))).collect();
        assert_eq!(got, [("objecttypes", Some("managed/user")), ("metaobjects", Some("{}")), ("objecttypes", Some("managed/role"))]);
    }

    #[test]
    fn a_dump_that_is_cut_says_where() {
        assert_eq!(
            rows("COPY managed_a (b) FROM stdin;\nx\ny"),
            [Ok(("managed_a".into(), some(&["x"]))), Err("dump.sql:3: the file ends in the middle of a table".into())]
        );
        assert_eq!(
            rows("INSERT INTO managed_a (b) VALUES ('x'),\n('y"),
            [Ok(("managed_a".into(), some(&["x"]))), Err("dump.sql:2: the file ends inside a quoted text".into())]
        );
        for cut in
            ["INSERT INTO managed_a", "COPY managed_a (b) FROM std", "ALTER TABLE managed_a", "INSERT INTO managed_a VALUES", "CREATE T"]
        {
            assert_eq!(rows(cut), [Err("dump.sql:1: the file ends in the middle of a statement".into())], "{cut}");
        }
        assert_eq!(rows("COPY managed_a (b, c) FROM stdin;\nx\n\\.\n"), [Err("dump.sql:2: 1 values in 2 columns of 'managed_a'".into())]);
        assert_eq!(rows("INSERT INTO managed_a VALUES (1);"), [Err("dump.sql:1: rows of 'managed_a', whose columns nothing names".into())]);
    }

    #[test]
    fn a_row_that_cannot_be_read_leaves_those_behind_it() {
        let copied = b"COPY managed_a (b, c) FROM stdin;\nx\t1\ny\xff\t2\nz\n\tw\t4\nv\t5\n\\.\nINSERT INTO managed_a (b, c) VALUES ('u'), ('t', 7);\n";
        let read: Vec<_> = Dump::new(copied.as_slice(), Arc::default(), "dump.sql".into()).collect();
        let lines: Vec<_> =
            read.iter().map(|row| row.as_ref().map(|row| row.line).map_err(|fault| (fault.to_string(), fault.ends))).collect();
        let fault = |text: &str| Err((text.to_owned(), false));
        assert_eq!(
            lines,
            [
                Ok(2),
                fault("dump.sql:3: no UTF-8 at byte 2"),
                fault("dump.sql:4: 1 values in 2 columns of 'managed_a'"),
                fault("dump.sql:5: 3 values in 2 columns of 'managed_a'"),
                Ok(6),
                fault("dump.sql:8: 1 values in 2 columns of 'managed_a'"),
                Ok(8)
            ]
        );
    }

    #[test]
    fn a_dump_that_is_cut_between_statements_has_no_last_line() {
        for (begins, ends) in [
            ("--\n-- PostgreSQL database dump\n--\n", "--\n-- PostgreSQL database dump complete\n--\n"),
            ("-- MySQL dump 10.13  Distrib 8\n", "-- Dump completed on 2026-01-01  1:02:03\n"),
            ("/*M!999999\\- enable the sandbox mode */\n-- MariaDB dump 10.19\n", "-- Dump completed\n"),
        ] {
            let statement = "INSERT INTO managed_a (b) VALUES ('-- Dump completed');\n";
            let whole = format!("{begins}{statement}{ends}\\unrestrict x\n");
            assert!(rows(&whole).iter().all(Result::is_ok), "{whole}");
            // Another one behind it must be whole, too.
            for cut in [format!("{begins}{statement}"), format!("{whole}{begins}")] {
                let last = dump(&cut).last().unwrap().unwrap_err();
                assert!(last.ends && last.what == "the file ends before the line that says the dump is complete", "{cut}: {last}");
            }
        }
        assert!(rows("INSERT INTO managed_a (b) VALUES ('x');\n").iter().all(Result::is_ok), "without comments nothing says so");
    }

    #[test]
    fn rows_come_however_a_statement_brings_them_and_none_is_passed_over() {
        for begins in [
            "REPLACE INTO managed_a (b) VALUES",
            "INSERT DELAYED IGNORE INTO managed_a (b) VALUES",
            "INSERT LOW_PRIORITY INTO managed_a (b) VALUE",
            "INSERT INTO managed_a (b) OVERRIDING SYSTEM VALUE VALUES",
            "INSERT INTO managed_a (b) OVERRIDING USER VALUE VALUES",
        ] {
            let read = rows(&format!("{begins} ('x'),('y');\nSET a = 1;\nSET client_encoding = 'UTF8';\n"));
            assert_eq!(read, [Ok(("managed_a".into(), some(&["x"]))), Ok(("managed_a".into(), some(&["y"])))], "{begins}");
        }
        let copied =
            rows("CREATE TABLE managed_a (b text);\nCOPY managed_a FROM stdin;\nx\n\\.\nCOPY other (b) FROM stdin WITH CSV;\ny\n\\.\n");
        assert_eq!(copied, [Ok(("managed_a".into(), some(&["x"]))), Ok(("other".into(), Vec::new()))]);
        let routines = "DELIMITER ;;\nCREATE PROCEDURE p() BEGIN\n INSERT managed_a VALUES ('x');\n INSERT INTO managed_a (b) VALUES ('y'); END ;;\nDELIMITER ;\nINSERT INTO managed_a (b) VALUES ('z');\n";
        assert_eq!(rows(routines), [Ok(("managed_a".into(), some(&["z"])))]);
        assert!(rows("DELIMITER ;;\nCREATE x;\n")[0].as_ref().is_err_and(|what| what.contains("the file ends")));
        for (statement, words) in [
            ("INSERT INTO managed_a (b) SELECT 'x';", "'managed_a' and names no rows"),
            ("INSERT INTO managed_a SET b = 'x';", "'managed_a' and names no rows"),
            ("INSERT managed_a VALUES ('x');", "without INTO"),
            ("COPY managed_a (b) FROM stdin WITH CSV;\nx\n\\.", "with options"),
            ("COPY managed_a (b) FROM stdin NULL 'x';\nx\n\\.", "with options"),
            ("SET client_encoding = 'LATIN1';\nINSERT INTO managed_a (b) VALUES ('x');", "encoded in LATIN1"),
        ] {
            let read: Vec<_> = dump(&format!("{statement}\n")).collect();
            assert!(matches!(read.as_slice(), [Err(fault)] if fault.what.contains(words) && fault.ends), "{statement}: {read:?}");
        }
        assert_eq!(rows("INSERT INTO other (b) SELECT 'x';\nCOPY (SELECT 1) TO stdout;\nSET x TO 'LATIN1';\n"), []);
    }

    #[test]
    fn what_is_no_text_is_named() {
        let read: Vec<_> = Dump::new(&b"PGDMP\x01\x0e"[..], Arc::default(), "idm.dump".into()).collect();
        assert!(matches!(read.as_slice(), [Err(fault)] if fault.what.contains("pg_restore -f") && fault.ends), "{read:?}");
    }
}
