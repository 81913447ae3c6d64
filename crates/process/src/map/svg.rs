//! The map as a picture: SVG with text that can be selected, a title and a description for screen readers, light and dark.

use std::fmt::Write as _;

use super::findings::word;
use super::layout::{Arrow, Card, Kind, LINE, PADDING, WIDTH, drawing};
use super::{MapBranch, MapChange, MapFinding, MapStep, ProcessMap, Severity};

const STYLE: &str = "\
svg{--paper:#fff;--ink:#1b1b1f;--soft:#5b5b66;--line:#6b6b76;--card:#f4f4f7;--choice:#eef3fb;--added:#1a7f37;--removed:#b42318;--changed:#8a5a00;\
--error:#b42318;--warning:#8a5a00;--hint:#1a5fb4}\
@media(prefers-color-scheme:dark){svg{--paper:#17171b;--ink:#ececf1;--soft:#b0b0bb;--line:#9a9aa6;--card:#23232a;--choice:#1e2735;--added:#4ac26b;\
--removed:#ff8a80;--changed:#e3b341;--error:#ff8a80;--warning:#e3b341;--hint:#86b7f7}}\
.paper{fill:var(--paper)}text{fill:var(--ink);font:13px system-ui,sans-serif;text-anchor:middle}.name{font-weight:600}.more{fill:var(--soft);font-size:12px}\
.when{fill:var(--soft);font-size:12px;paint-order:stroke;stroke:var(--paper);stroke-width:5px}\
.card{fill:var(--card);stroke:var(--line)}.choice{fill:var(--choice)}.arrow{fill:none;stroke:var(--line);marker-end:url(#head)}.head{fill:var(--line)}\
.added{stroke:var(--added);stroke-width:3}.removed{stroke:var(--removed);stroke-width:3;stroke-dasharray:6 4}.changed{stroke:var(--changed);stroke-width:3}\
.found{text-anchor:start;font-size:12px}a .found{text-decoration:underline}.shape{stroke:var(--card)}\
.error{fill:var(--error)}.warning{fill:var(--warning)}.hint{fill:var(--hint)}";

impl ProcessMap {
    /// The map as an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        let drawing = drawing(self);
        let (width, height) = (drawing.width, drawing.height);
        let mut text = String::new();
        let _ = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"title description\">\n<title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n<style>{STYLE}</style>\n\
             <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
             <path class=\"head\" d=\"M0 0 10 5 0 10z\"/></marker></defs>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
            escaped(&format!("The process {}", self.process)),
            escaped(&self.in_words()),
        );
        for arrow in &drawing.arrows {
            draw_arrow(&mut text, arrow);
        }
        for card in &drawing.cards {
            draw_card(&mut text, card);
        }
        text.push_str("</svg>\n");
        text
    }

    /// The whole map as sentences.
    fn in_words(&self) -> String {
        let mut said = vec![format!("{}{}.", self.begins().join("; "), found_in_words(&self.findings))];
        say(&self.steps, &mut said);
        said.push("It ends.".to_owned());
        said.join(" ")
    }
}

fn say(steps: &[MapStep], said: &mut Vec<String>) {
    for step in steps {
        let change = step.change.map(|change| format!(", {}", change.word())).unwrap_or_default();
        let remarks = step.remarks();
        let remarks = if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join(", ")) };
        said.push(format!("{}{change}{remarks}{}.", step.title(), found_in_words(&step.findings)));
        for MapBranch { when, steps, .. } in &step.branches {
            said.push(format!("Where {when}{}", if steps.is_empty() { ", nothing is asked." } else { ":" }));
            say(steps, said);
        }
    }
}

fn found_in_words(found: &[MapFinding]) -> String {
    let mut said = String::new();
    for found in found {
        let _ = write!(said, "; {}, {}", found.said(), found.message.trim_end_matches('.'));
    }
    said
}

/// The shape of a severity, 12 pixels high: an error is an octagon, a warning a triangle, a hint a disc.
fn shape(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "l4-4h5l4 4v5l-4 4h-5l-4-4z",
        Severity::Warning => "m0 9l6.5-13 6.5 13z",
        Severity::Hint => "m0 3a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    }
}

/// A line that says what was found; it leads to what explains it where the picture stands by itself.
fn draw_finding(text: &mut String, found: &MapFinding, left: usize, line: usize) {
    let (open, close) = if found.explained.is_empty() {
        ("<g>".to_owned(), "</g>")
    } else {
        (format!("<a href=\"{}\">", escaped(&found.explained)), "</a>")
    };
    let _ = writeln!(
        text,
        "{open}<title>{}</title><path class=\"shape {}\" d=\"M{left} {}{}\"/><text class=\"found\" x=\"{}\" y=\"{line}\">{}</text>{close}",
        escaped(&found.message),
        word(found.severity),
        line.saturating_sub(7),
        shape(found.severity),
        left + 20,
        escaped(&found.said()),
    );
}

fn draw_card(text: &mut String, card: &Card) {
    let Card { x, y, height, lines, findings, kind, change } = card;
    let corner = if *kind == Kind::End { height / 2 } else { 6 };
    let mut classes = vec!["card"];
    classes.extend((*kind == Kind::Choice).then_some("choice"));
    classes.extend(change.map(MapChange::word));
    let classes = classes.join(" ");
    let left = x.saturating_sub(WIDTH / 2);
    let _ = writeln!(text, "<rect class=\"{classes}\" x=\"{left}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{height}\" rx=\"{corner}\"/>");
    for (index, line) in lines.iter().enumerate() {
        let class = if index == 0 { "name" } else { "more" };
        let _ = writeln!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{}</text>", y + PADDING + LINE * index + 13, escaped(line));
    }
    for (index, found) in findings.iter().enumerate() {
        draw_finding(text, found, left + 2 * PADDING, y + PADDING + LINE * (lines.len() + index) + 13);
    }
}

/// Down, across, and down: what leads to one place from several runs together there.
fn draw_arrow(text: &mut String, arrow: &Arrow) {
    let Arrow { from: (x, y), to: (end_x, end_y), lines } = arrow;
    let turn = if lines.is_empty() { end_y.saturating_sub(20).max(*y) } else { y + 14 };
    let path = if x == end_x { format!("M{x} {y}V{end_y}") } else { format!("M{x} {y}V{turn}H{end_x}V{end_y}") };
    let _ = writeln!(text, "<path class=\"arrow\" d=\"{path}\"/>");
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(text, "<text class=\"when\" x=\"{end_x}\" y=\"{}\">{}</text>", turn + LINE * (index + 1), escaped(line));
    }
}

/// Text of an XML document: what XML 1.0 has no place for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
