//! What is copied: every table that says something, by its columns. Terms of objects are the same text on both engines (`lookups/term.rs`),
//! so they are copied like everything else and compared with it.
//!
//! Easiest to break: a table or a column that a step adds is copied only when it stands here; a test compares this list with the tables.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    Bytes,
}

pub(super) type Column = (&'static str, Kind);

/// A table.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The primary key: rows are walked in its order.
    pub(super) key: &'static [Column],
    pub(super) rest: &'static [Column],
    /// The engine gives the numbers of its key.
    pub(super) numbered: bool,
    /// There is a row in a store that nobody has used.
    pub(super) begun: bool,
    /// Only stores that several nodes share have it.
    pub(super) shared: bool,
}

impl Table {
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.key.iter().chain(self.rest).copied()
    }
}

const fn table(name: &'static str, key: &'static [Column], rest: &'static [Column]) -> Table {
    Table { name, key, rest, numbered: false, begun: false, shared: false }
}

const fn text(name: &'static str) -> Column {
    (name, Kind::Text)
}

const fn number(name: &'static str) -> Column {
    (name, Kind::Integer)
}

const fn flag(name: &'static str) -> Column {
    (name, Kind::Boolean)
}

const ONLY: &[Column] = &[number("only_row")];

/// All of them. What names others comes behind them.
pub(super) const TABLES: [Table; 22] = [
    table("managed_object", &[text("collection"), text("id")], &[number("rev"), text("doc"), number("created"), number("changed")]),
    Table { begun: true, ..table("revision_floor", ONLY, &[number("rev")]) },
    table("gone_object", &[text("collection"), text("object")], &[]),
    table("confirmation", &[text("collection"), text("object")], &[text("address"), flag("confirmed")]),
    Table {
        numbered: true,
        ..table(
            "lookup_property",
            &[number("number")],
            &[
                text("collection"),
                text("pointer"),
                flag("is_unique"),
                flag("is_spelled"),
                flag("is_doubled"),
                number("rule"),
                flag("is_reference"),
            ],
        )
    },
    table("lookup_key", &[number("space"), text("term"), text("object")], &[]),
    Table { begun: true, ..table("lookup_epoch", ONLY, &[number("epoch"), number("probed")]) },
    table("spent", &[text("instance")], &[number("below"), number("expires")]),
    table("counter", &[text("name")], &[number("value"), number("expires")]),
    table("challenge", &[text("purpose")], &[text("instance"), number("expires")]),
    table("jsonstorage", &[text("token")], &[text("sealed"), number("expires")]),
    table("definition", &[number("number")], &[text("process"), text("version"), text("sealed"), flag("revoked")]),
    table(
        "session",
        &[text("session_key")],
        &[
            text("public_id"),
            text("component"),
            text("owner"),
            text("authentication_id"),
            text("claims"),
            number("created"),
            number("last_used"),
            number("expires"),
        ],
    ),
    table(
        "outbox",
        &[number("id")],
        &[
            number("state"),
            flag("withheld"),
            flag("waited_for"),
            number("attempts"),
            number("unfinished"),
            number("created"),
            number("next_attempt"),
            number("delivered"),
            number("client"),
            text("recipient"),
            text("sender"),
            text("last_error"),
            text("mime_type"),
            text("subject"),
            ("body", Kind::Bytes),
        ],
    ),
    Table {
        numbered: true,
        ..table(
            "audit",
            &[number("number")],
            &[
                number("time"),
                text("topic"),
                text("event"),
                text("transaction_id"),
                text("user_id"),
                text("object"),
                flag("successful"),
                text("detail"),
            ],
        )
    },
    table(
        "passage",
        &[text("instance")],
        &[
            text("process"),
            text("version"),
            text("path"),
            text("language"),
            number("began"),
            number("expires"),
            number("reached"),
            flag("ended"),
            text("took"),
            text("failed"),
            number("mails"),
        ],
    ),
    table(
        "funnel",
        &[text("cell")],
        &[
            number("day"),
            text("process"),
            text("version"),
            text("language"),
            number("place"),
            text("stage"),
            text("what"),
            number("number"),
        ],
    ),
    Table {
        numbered: true,
        ..table("config_version", &[number("number")], &[text("path"), text("mark"), text("sealed"), number("noted"), text("who")])
    },
    table(
        "canary",
        &[text("process"), text("present"), text("next")],
        &[
            number("began"),
            number("present_instances"),
            number("present_completed"),
            number("present_failed"),
            number("present_mails"),
            number("next_instances"),
            number("next_completed"),
            number("next_failed"),
            number("next_mails"),
            text("outcome"),
            number("ended"),
        ],
    ),
    table("sealing", ONLY, &[text("mark")]),
    table("put_back", ONLY, &[number("at")]),
    Table { shared: true, ..table("config_file", &[text("path")], &[text("sealed"), number("number"), number("changed")]) },
];

/// What stays: the marks of units are for who waits for an answer, and nobody does when a copy ends.
#[cfg(test)]
pub(super) const LEFT: [&str; 3] = ["moving", "schema_version", "unit"];
