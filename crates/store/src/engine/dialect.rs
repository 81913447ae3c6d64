//! What the engines say differently.

/// An engine's way of saying things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite's.
    #[default]
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

/// The value at a place of a document, as SQL.
pub(crate) struct Member {
    /// Its text, where it is one.
    pub(crate) text: String,
    /// What compares as its number does, where it is one.
    pub(crate) number: String,
    /// What objects are ordered by; NULL where the value is missing or null.
    pub(crate) order: String,
    /// The name of its JSON type.
    pub(crate) kind: String,
    /// Its elements, as a table `element`.
    pub(crate) elements: String,
}

impl Dialect {
    /// Between two tables: the rows of the second are looked for with those of the first, whatever a planner thinks. PostgreSQL is told
    /// by its session, which knows no other way to join (see `postgres/connect.rs`).
    pub(crate) const THEN: &'static str = " CROSS JOIN ";

    /// Behind `managed_object`: rows are found by collection and id.
    pub(crate) fn by_id(self) -> &'static str {
        match self {
            Self::Sqlite => " INDEXED BY sqlite_autoindex_managed_object_1",
            Self::Postgres => "",
        }
    }

    /// Behind `outbox`: rows are found by when they are due.
    pub(crate) fn by_due(self) -> &'static str {
        match self {
            Self::Sqlite => " INDEXED BY outbox_due",
            Self::Postgres => "",
        }
    }

    /// Behind a read inside a write transaction. SQLite has one writer at a time and needs nothing.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Behind a read of rows of which others may take theirs at the same time.
    pub(crate) fn unless_taken(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Nothing, as a value that can be ordered by.
    pub(crate) fn nothing(self) -> &'static str {
        match self {
            Self::Sqlite => "NULL",
            Self::Postgres => "NULL::text",
        }
    }

    /// The member of a document with a label of letters, digits and `_`.
    pub(crate) fn member(self, label: &str) -> Member {
        match self {
            Self::Sqlite => {
                let value = format!("doc ->> '{label}'");
                sqlite_member(value, format!("json_type(doc, '$.{label}')"), &format!("json_each(doc, '$.{label}')"))
            }
            Self::Postgres => postgres_member(&format!("(doc::json -> '{label}')")),
        }
    }

    /// A place of a document by its names; `None` where the engine's language is too weak or reads a name in two ways. `bind` gives
    /// placeholders.
    pub(crate) fn deep(self, tokens: &[String], mut bind: impl FnMut(String) -> String) -> Option<Member> {
        let path = path(tokens)?;
        Some(match self {
            Self::Sqlite => {
                let at = bind(path);
                sqlite_member(format!("json_extract(doc, {at})"), format!("json_type(doc, {at})"), &format!("json_each(doc, {at})"))
            }
            Self::Postgres => {
                let steps = tokens.iter().fold("doc::json".to_owned(), |path, token| format!("{path} -> {}", bind(token.clone())));
                postgres_member(&format!("({steps})"))
            }
        })
    }

    /// The element of an array that [`Member::elements`] lists.
    pub(crate) fn element(self) -> Member {
        match self {
            Self::Sqlite => sqlite_member("element.value".to_owned(), "element.type".to_owned(), ""),
            Self::Postgres => postgres_member("element.value"),
        }
    }

    /// The name of the JSON type of text.
    pub(crate) fn text_kind(self) -> &'static str {
        match self {
            Self::Sqlite => "= 'text'",
            Self::Postgres => "= 'string'",
        }
    }

    /// The names of the JSON types of numbers.
    pub(crate) fn number_kind(self) -> &'static str {
        match self {
            Self::Sqlite => "IN ('integer', 'real')",
            Self::Postgres => "= 'number'",
        }
    }

    /// Whether a value is this boolean.
    pub(crate) fn is_boolean(self, member: &Member, boolean: bool) -> String {
        match self {
            Self::Sqlite => format!("{} = '{boolean}'", member.kind),
            Self::Postgres => format!("({} = 'boolean' AND {} = '{boolean}')", member.kind, member.text),
        }
    }

    /// A table of the texts in a bound JSON array, with a column `value`.
    pub(crate) fn list(self, placeholder: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT value FROM json_each({placeholder})"),
            Self::Postgres => format!("SELECT value FROM json_array_elements_text({placeholder}::json)"),
        }
    }

    /// A table of the whole numbers in a bound JSON array.
    pub(crate) fn numbers(self, placeholder: &str) -> String {
        match self {
            Self::Sqlite => self.list(placeholder),
            Self::Postgres => format!("SELECT value::bigint FROM json_array_elements_text({placeholder}::json)"),
        }
    }

    /// Whether `text` contains the bound text.
    pub(crate) fn contains(self, text: &str, placeholder: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({text}, {placeholder}) > 0"),
            Self::Postgres => format!("strpos({text}, {placeholder}) > 0"),
        }
    }

    /// Begins a transaction that reads one moment, or one that writes. How it is isolated is said, whatever an administrator made the default of the
    /// role: what is read behind a lock must be what whoever had it before has written.
    pub(crate) fn begin(self, writing: bool) -> &'static str {
        match (self, writing) {
            (Self::Sqlite, false) => "BEGIN",
            (Self::Sqlite, true) => "BEGIN IMMEDIATE",
            (Self::Postgres, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (Self::Postgres, true) => "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on",
        }
    }

    /// In an INSERT into a table whose numbers the engine gives: they are given with the row.
    pub(crate) fn given_numbers(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " OVERRIDING SYSTEM VALUE",
        }
    }

    /// The last number that the engine gave to a row of this table, as `last`; no row where it gave none.
    pub(crate) fn last_number(self, table: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT seq AS last FROM sqlite_sequence WHERE name = '{table}'"),
            Self::Postgres => format!("SELECT last_value AS last FROM {table}_number_seq"),
        }
    }

    /// The engine gives numbers above the bound one, and above all that it gave.
    pub(crate) fn count_on(self, table: &str) -> Vec<String> {
        match self {
            Self::Sqlite => vec![
                format!("UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = '{table}'"),
                format!(
                    "INSERT INTO sqlite_sequence (name, seq) \
                     SELECT '{table}', $1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')"
                ),
            ],
            Self::Postgres => {
                vec![format!("SELECT setval('{table}_number_seq', greatest($1, 1, (SELECT last_value FROM {table}_number_seq)))")]
            }
        }
    }

    /// The numbers of mails go on above those that are there, where they are not read from the rows.
    pub(crate) fn count_mails_on(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "SELECT setval('outbox_number', greatest((SELECT last_value FROM outbox_number), (SELECT coalesce(max(id), 0) + 1 FROM outbox)))",
            ),
        }
    }

    /// One key of ORDER BY: what is missing comes before everything else, and last where the order is reversed.
    pub(crate) fn order_key(self, value: &str, ascending: bool, may_miss: bool) -> String {
        let direction = if ascending { "ASC" } else { "DESC" };
        match self {
            Self::Postgres if may_miss => format!("{value} {direction} NULLS {}", if ascending { "FIRST" } else { "LAST" }),
            _ => format!("{value} {direction}"),
        }
    }
}

fn sqlite_member(value: String, kind: String, elements: &str) -> Member {
    let elements = format!("{elements} AS element");
    Member { text: value.clone(), number: value.clone(), order: value, kind, elements }
}

/// Text is compared by its bytes, whatever the database was made with; numbers compare by their terms, which this engine makes as
/// `lookups/term.rs` does.
fn postgres_member(value: &str) -> Member {
    Member {
        text: format!("(({value} #>> '{{}}') COLLATE \"C\")"),
        number: format!("term_of({value})"),
        order: format!("term_of({value})"),
        kind: format!("json_typeof({value})"),
        elements: format!("json_array_elements(CASE json_typeof({value}) WHEN 'array' THEN {value} ELSE '[]' END) AS element(value)"),
    }
}

/// The path of a place, to be bound; `None` where SQLite's path language is too weak or reads the name in two ways. What it cannot name is
/// looked for in memory on every engine, so that all give the same answers.
pub(crate) fn path(tokens: &[String]) -> Option<String> {
    let mut path = String::from("$");
    for (position, token) in tokens.iter().enumerate() {
        let ambiguous = position > 0 && token.bytes().all(|byte| byte.is_ascii_digit());
        let unwritable = token.is_empty() || token.chars().any(|character| character == '"' || character == '\\' || character.is_control());
        if ambiguous || unwritable {
            return None;
        }
        path.push_str(".\"");
        path.push_str(token);
        path.push('"');
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_refused_where_it_could_be_read_differently() {
        let path = |tokens: &[&str]| super::path(&tokens.iter().map(|token| (*token).to_owned()).collect::<Vec<_>>());
        assert_eq!(path(&["a b", "c.d"]).unwrap(), r#"$."a b"."c.d""#);
        assert_eq!(path(&["7"]).unwrap(), r#"$."7""#);
        for tokens in [&["a", "0"][..], &["a\"b"], &["a\\"], &[""], &["a\n"]] {
            assert_eq!(path(tokens), None, "{tokens:?}");
        }
    }
}
