//! Where everything stands: steps under each other, branches beside each other, in pixels. A block is laid out around its middle line.

use super::{MapChange, MapFinding, MapStep, ProcessMap};

/// Width of a step.
pub(super) const WIDTH: usize = 320;
/// Height of a line of text.
pub(super) const LINE: usize = 18;
/// Above and below the text of a step.
pub(super) const PADDING: usize = 12;
/// Letters on one line.
const LETTERS: usize = 46;
/// Between steps, and between branches.
const GAP: usize = 36;

/// A box with text.
pub(super) struct Card {
    /// Its middle.
    pub(super) x: usize,
    /// Its upper edge.
    pub(super) y: usize,
    pub(super) height: usize,
    pub(super) lines: Vec<String>,
    /// Below the lines, a line each.
    pub(super) findings: Vec<MapFinding>,
    pub(super) kind: Kind,
    pub(super) change: Option<MapChange>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where it begins or ends.
    End,
    Step,
    /// It goes one way or another.
    Choice,
}

/// A line from one place down to another.
pub(super) struct Arrow {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
    pub(super) lines: Vec<String>,
}

/// The drawing.
pub(super) struct Drawing {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) cards: Vec<Card>,
    pub(super) arrows: Vec<Arrow>,
}

/// Lays out a map.
pub(super) fn drawing(map: &ProcessMap) -> Drawing {
    let width = width_of(&map.steps) + 2 * GAP;
    let mut drawing = Drawing { width, height: 0, cards: Vec::new(), arrows: Vec::new() };
    let middle = width / 2;
    let begin =
        drawing.card(middle, GAP, map.begins().iter().flat_map(|line| wrapped(line)).collect(), &map.findings, Kind::End, map.change);
    let last = drawing.steps(&map.steps, middle, begin + GAP, vec![(middle, begin, Vec::new())]);
    let lowest = last.iter().map(|(_, y, _)| *y).max().unwrap_or(begin);
    let end = drawing.card(middle, lowest + GAP, vec!["end".to_owned()], &[], Kind::End, None);
    drawing.join(last, (middle, lowest + GAP));
    drawing.height = end + GAP;
    drawing
}

/// Where an arrow begins, and what stands on it.
type From = (usize, usize, Vec<String>);

impl Drawing {
    /// Adds a box, and says where it ends.
    fn card(&mut self, x: usize, y: usize, lines: Vec<String>, findings: &[MapFinding], kind: Kind, change: Option<MapChange>) -> usize {
        let height = (lines.len() + findings.len()) * LINE + 2 * PADDING;
        self.cards.push(Card { x, y, height, lines, findings: findings.to_vec(), kind, change });
        y + height
    }

    fn join(&mut self, from: Vec<From>, to: (usize, usize)) {
        self.arrows.extend(from.into_iter().map(|(x, y, lines)| Arrow { from: (x, y), to, lines }));
    }

    fn steps(&mut self, steps: &[MapStep], x: usize, y: usize, from: Vec<From>) -> Vec<From> {
        let (mut from, mut y) = (from, y);
        for step in steps {
            self.join(from, (x, y));
            let lines: Vec<String> = std::iter::once(step.title()).chain(step.remarks()).flat_map(|line| wrapped(&line)).collect();
            let kind = if step.branches.is_empty() { Kind::Step } else { Kind::Choice };
            let bottom = self.card(x, y, lines, &step.findings, kind, step.change);
            from = if step.branches.is_empty() { vec![(x, bottom, Vec::new())] } else { self.branches(step, x, bottom) };
            y = from.iter().map(|(_, y, _)| *y).max().unwrap_or(bottom) + GAP;
        }
        from
    }

    fn branches(&mut self, step: &MapStep, x: usize, bottom: usize) -> Vec<From> {
        let widths: Vec<usize> = step.branches.iter().map(|branch| width_of(&branch.steps)).collect();
        let whole = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut left = x.saturating_sub(whole / 2);
        // Room for what stands at the beginning of a branch.
        let label = step.branches.iter().map(|branch| wrapped(&branch.when).len()).max().unwrap_or_default() * LINE;
        let mut ends = Vec::new();
        for (branch, width) in step.branches.iter().zip(widths) {
            let middle = left + width / 2;
            left += width + GAP;
            let start = (x, bottom, wrapped(&branch.when));
            if branch.steps.is_empty() {
                // Nothing is asked: the way round, as far down as its words need.
                let y = bottom + label + GAP;
                self.join(vec![start], (middle, y));
                ends.push((middle, y, Vec::new()));
            } else {
                ends.extend(self.steps(&branch.steps, middle, bottom + label + GAP, vec![start]));
            }
        }
        ends
    }
}

fn width_of(steps: &[MapStep]) -> usize {
    let inside = steps.iter().map(|step| {
        let branches = step.branches.iter().map(|branch| width_of(&branch.steps));
        branches.sum::<usize>() + GAP * step.branches.len().saturating_sub(1)
    });
    inside.max().unwrap_or_default().max(WIDTH)
}

/// Lines of so many letters, broken between words where there are any.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for (index, piece) in letters.chunks(LETTERS).enumerate() {
            let piece: String = piece.iter().collect();
            match lines.last_mut().filter(|line| index == 0 && line.chars().count() + 1 + piece.chars().count() <= LETTERS) {
                Some(line) => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                None => lines.push(piece),
            }
        }
    }
    lines
}
