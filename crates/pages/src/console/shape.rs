//! What a page of the console is made of: sections of tables and forms, which one template shows.

use project::{Diagnostic, Severity};
use serde::Serialize;

use crate::page::Samples;
use crate::way::encoded;

/// Where it is.
pub(super) const PATH: &str = "/vestibule/console";

/// The part with what files said before.
pub(super) const CONFIGURATION: &str = "configuration";
/// The part that explains a rule of `check`.
pub(super) const EXPLAINED: &str = "explained";

/// Its parts, with what they are called. The first one is at [`PATH`] itself.
const PARTS: [(&str, &str); 6] = [
    ("", "Overview"),
    ("outbox", "Outbox"),
    ("people", "What happened"),
    ("sessions", "Sessions"),
    ("limits", "Limits"),
    (CONFIGURATION, "Configuration"),
];

/// A page of the console.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Console {
    /// What it is called.
    pub(super) title: String,
    /// The links to its parts.
    pub(super) parts: Vec<Cell>,
    /// What was done just now.
    pub(super) notice: String,
    /// The address of a picture; empty for none.
    pub(super) picture: String,
    /// What the picture shows, in words.
    pub(super) shows: String,
    /// What it says.
    pub(super) sections: Vec<Section>,
}

/// A part of the page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Section {
    /// Its heading.
    pub(super) title: String,
    /// What is said before it.
    pub(super) lead: String,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Lines to be read one by one: a difference, an example.
    pub(super) parts: Vec<Part>,
    /// A form, where one is filled in: what it asks.
    pub(super) fields: Vec<Field>,
    /// Its method: `get` or `post`; empty where it has nothing to press.
    pub(super) method: &'static str,
    /// Its button.
    pub(super) button: &'static str,
}

/// Some lines of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Part {
    /// `added`, `removed`, `place` or `same`.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// A field of a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Field {
    pub(super) name: &'static str,
    /// Empty for one that nobody sees.
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cell {
    pub(super) text: String,
    /// Where it leads; empty for nowhere.
    pub(super) to: String,
    /// It is where one is.
    pub(super) here: bool,
    /// The field that its button sends; empty for no button.
    pub(super) name: &'static str,
    pub(super) value: String,
    /// A shape before the text that says the same.
    pub(super) sign: &'static str,
}

impl Cell {
    pub(super) fn link(text: impl Into<String>, to: impl Into<String>) -> Self {
        Self { text: text.into(), to: to.into(), ..Self::default() }
    }

    pub(super) fn button(text: impl Into<String>, name: &'static str, value: impl Into<String>) -> Self {
        Self { text: text.into(), name, value: value.into(), ..Self::default() }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Section {
    pub(super) fn table(title: &str, lead: &str, head: &[&'static str], rows: Vec<Vec<Cell>>) -> Self {
        // Buttons are of a form.
        let method = if rows.iter().flatten().any(|cell| !cell.name.is_empty()) { "post" } else { "" };
        Self { title: title.to_owned(), lead: lead.to_owned(), head: head.to_vec(), rows, method, ..Self::default() }
    }

    pub(super) fn form(title: &str, lead: &str, method: &'static str, fields: Vec<Field>, button: &'static str) -> Self {
        Self { title: title.to_owned(), lead: lead.to_owned(), fields, method, button, ..Self::default() }
    }
}

impl Console {
    pub(super) fn new(part: &str, title: impl Into<String>, sections: Vec<Section>) -> Self {
        let link = |(name, called): (&str, &str)| Cell {
            here: name == part,
            ..Cell::link(called, if name.is_empty() { PATH.to_owned() } else { format!("{PATH}/{name}") })
        };
        Self { title: title.into(), parts: PARTS.map(link).into(), sections, ..Self::default() }
    }
}

/// The columns of [`found`].
pub(super) const FOUND: [&str; 4] = ["Severity", "Rule", "Place", "Message"];

/// What was found in the project's files, as rows.
pub(super) fn diagnostics<'d>(all: impl Iterator<Item = &'d Diagnostic>) -> Vec<Vec<Cell>> {
    all.map(found).collect()
}

/// Something that was found: how bad it is by shape and word, what its rule means, where it is.
pub(super) fn found(one: &Diagnostic) -> Vec<Cell> {
    vec![
        Cell { sign: sign(one.severity), ..Cell::from(one.severity_name()) },
        Cell::link(one.rule, explained(one.rule)),
        one.location.to_string().into(),
        one.message.as_str().into(),
    ]
}

/// A shape for a severity: who sees no colours sees it.
pub(super) fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "✖",
        Severity::Warning => "▲",
        Severity::Hint => "●",
    }
}

/// Where a rule is explained.
pub(super) fn explained(rule: &str) -> String {
    format!("{PATH}/{}?rule={}", EXPLAINED, encoded(rule))
}

/// A moment as it is shown, in Coordinated Universal Time.
pub(super) fn time(seconds: i64) -> String {
    let shown = time::OffsetDateTime::from_unix_timestamp(seconds).ok();
    let shown = shown.and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok());
    shown.map(|text| text.get(..16).unwrap_or_default().replace('T', " ")).unwrap_or_default()
}

impl Samples for Console {
    fn samples() -> Vec<(&'static str, Self)> {
        let dead = vec![vec![
            Cell::from("17"),
            "newbie@example.test".into(),
            "550 <no> such mailbox".into(),
            "2026-11-02 08:15".into(),
            Cell::button("Send 17 again", "retry", "17"),
        ]];
        let fields = vec![Field { name: "to", label: "Address", value: "a <b>".to_owned() }];
        let sections = vec![
            Section::table("Given up", "", &["Mail", "To", "Why", "Written", "Do"], dead),
            Section::form("Test", "Writes a mail.", "post", fields, "Send a mail"),
            Section::table("Waiting", "There are none.", &[], Vec::new()),
        ];
        let reset = vec![Section::table(
            "Stages",
            "",
            &["Stage", "Entered"],
            vec![vec![Cell::link("userQuery", "/vestibule/console"), "12".into()]],
        )];
        let process = Console {
            picture: "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20width='9'%20height='9'/%3E".to_owned(),
            shows: "reset: userQuery, then emailValidation".to_owned(),
            ..Console::new("", "reset", reset)
        };
        let part = |kind: &'static str, text: &str| Part { kind, text: text.to_owned() };
        let lines = vec![
            part("place", "--- conf/policy.json\n+++ conf/policy.json\n@@ -1,3 +1,3 @@"),
            part("same", " {"),
            part("removed", "-  \"a\": \"<b>\""),
            part("added", "+  \"a\": \"c\""),
            part("same", " }"),
        ];
        let changed = Section { parts: lines, ..Section::table("What going back changes", "Secrets differ: /x.", &[], Vec::new()) };
        let hidden = Field { name: "restore", label: "", value: "7 <b>".to_owned() };
        let back = Section::form("Go back", "If it would load.", "post", vec![hidden], "Go back to this version");
        let warned = vec![vec![Cell { sign: "▲", ..Cell::from("warning") }, Cell::link("unknown-key", explained("unknown-key"))]];
        let warned = Section::table("What check says", "", &["Severity", "Rule"], warned);
        vec![
            ("version", Console::new("configuration", "Version 7 of policy", vec![warned, changed, back])),
            ("outbox", Self { notice: "The mail is sent once more.".to_owned(), ..Console::new("outbox", "Outbox", sections) }),
            ("process", process),
        ]
    }
}
