//! What a rule of `check` means: the section of the book.

use super::shape::{Console, EXPLAINED, Part, Section};
use crate::dead_end::{DeadEnd, Why};
use crate::visit::Visit;

pub(super) fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let found = project::explain(visit.query.get("rule")).ok_or_else(|| DeadEnd::new(Why::NotFound))?;
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    // One example in a fence, words around it, the fix last.
    let mut pieces = found.text.split("```");
    let (before, example, behind) =
        (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
    let fix = found.fix().unwrap_or_default();
    let more = behind.replace(&format!("**Fix.** {fix}"), "");
    let why = format!("{} {}", on_one_line(before), on_one_line(&more));
    let example = example.split_once('\n').map_or("", |(_, example)| example).trim_end();
    let parts = vec![Part { kind: "same", text: example.to_owned() }];
    let sections = vec![
        Section::table("Why", why.trim(), &[], Vec::new()),
        Section { parts, ..Section::table("Example", "", &[], Vec::new()) },
        Section::table("Fix", &on_one_line(fix), &[], Vec::new()),
    ];
    Ok(Console::new(EXPLAINED, found.code, sections))
}
