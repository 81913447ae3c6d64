//! The map as a Mermaid flowchart.

use std::fmt::Write as _;

use super::{MapChange, MapFinding, MapStep, ProcessMap};

impl ProcessMap {
    /// The map as a Mermaid flowchart.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut chart = Chart { text: "flowchart TB\n".to_owned(), nodes: 0 };
        let begins = self.begins().into_iter().chain(self.findings.iter().map(MapFinding::said));
        let begin = chart.node("([", &begins.collect::<Vec<_>>().join("\n"), "])", self.change);
        let last = chart.steps(&self.steps, vec![(begin, None)]);
        let end = chart.node("([", "end", "])", None);
        chart.join(&last, &end);
        for (class, colour) in [(MapChange::Added, "#1a7f37"), (MapChange::Removed, "#b42318"), (MapChange::Changed, "#9a6700")] {
            let class = class.word();
            if chart.text.contains(&format!(":::{class}")) {
                let _ = writeln!(chart.text, "    classDef {class} stroke:{colour},stroke-width:3px");
            }
        }
        chart.text
    }
}

struct Chart {
    text: String,
    nodes: usize,
}

/// Where an arrow begins, and what stands on it.
type From = (String, Option<String>);

impl Chart {
    fn node(&mut self, open: &str, said: &str, close: &str, change: Option<MapChange>) -> String {
        let name = format!("n{}", self.nodes);
        self.nodes += 1;
        let class = change.map(|change| format!(":::{}", change.word())).unwrap_or_default();
        let _ = writeln!(self.text, "    {name}{open}\"{}\"{close}{class}", escaped(said));
        name
    }

    fn join(&mut self, from: &[From], to: &str) {
        for (node, said) in from {
            let arrow = said.as_deref().map_or_else(|| "-->".to_owned(), |said| format!("-->|\"{}\"|", escaped(said)));
            let _ = writeln!(self.text, "    {node} {arrow} {to}");
        }
    }

    /// Draws steps one under the other, and says from where it goes on.
    fn steps(&mut self, steps: &[MapStep], from: Vec<From>) -> Vec<From> {
        let mut from = from;
        for step in steps {
            let said: Vec<String> =
                std::iter::once(step.title()).chain(step.remarks()).chain(step.findings.iter().map(MapFinding::said)).collect();
            let said = said.join("\n");
            let (open, close) = if step.branches.is_empty() { ("[", "]") } else { ("{", "}") };
            let node = self.node(open, &said, close, step.change);
            self.join(&from, &node);
            // Whatever was taken away is shown, and led around.
            if step.change == Some(MapChange::Removed) {
                from.push((node, None));
                continue;
            }
            from = if step.branches.is_empty() {
                vec![(node, None)]
            } else {
                let branches = step.branches.iter();
                branches.flat_map(|branch| self.steps(&branch.steps, vec![(node.clone(), Some(branch.when.clone()))])).collect()
            };
        }
        from
    }
}

/// Quotes and what the chart takes for markup, as entities; lines as it breaks them.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("<br/>"),
            '"' | '&' | '<' | '>' | '#' | ';' | '|' | '`' | '{' | '}' | '[' | ']' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
