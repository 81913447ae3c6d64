//! What a run found: figures with their samples and their targets, as one table for people and as JSON for machines.
//!
//! Easiest to get wrong: the figure is the median of its samples, and the spread stands beside it. A best case is no figure.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::machine::Machine;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

impl Target {
    fn reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

/// How a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Operations per second of CPU time.
    PerSecond,
    /// Operations per second by the clock on the wall.
    Each,
    /// Milliseconds of CPU time.
    CpuMilliseconds,
    /// Microseconds of CPU time.
    CpuMicroseconds,
    /// Milliseconds by the clock on the wall.
    Milliseconds,
    /// Seconds by the clock on the wall.
    Seconds,
    /// MiB.
    Mebibytes,
    /// KiB.
    Kibibytes,
    /// Parts of a hundred.
    Percent,
    /// One number over another.
    Ratio,
    /// How many.
    Count,
}

impl Unit {
    const fn text(self) -> &'static str {
        match self {
            Self::PerSecond | Self::Each => "/s",
            Self::CpuMilliseconds => "ms CPU",
            Self::CpuMicroseconds => "µs CPU",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Mebibytes => "MiB",
            Self::Kibibytes => "KiB",
            Self::Percent => "%",
            Self::Ratio => "×",
            Self::Count => "",
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    unit: Unit,
    samples: Vec<f64>,
    target: Option<Target>,
}

impl Figure {
    /// A figure without a target: it explains another one. Without samples it was not measured, and is not reached.
    pub(crate) fn new(name: impl Into<String>, unit: Unit, mut samples: Vec<f64>) -> Self {
        samples.retain(|sample| sample.is_finite());
        samples.sort_by(f64::total_cmp);
        Self { name: name.into(), unit, samples, target: None }
    }

    /// The same figure with a target.
    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// The median.
    pub(crate) fn value(&self) -> Option<f64> {
        let (low, high) = (self.samples.get(self.samples.len().checked_sub(1)? / 2)?, self.samples.get(self.samples.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }

    fn reached(&self) -> Option<bool> {
        Some(self.value().is_some_and(|value| self.target.is_some_and(|target| target.reached(value)))).filter(|_| self.target.is_some())
    }

    fn cells(&self) -> [String; 5] {
        let number = |value: f64| format!("{} {}", short(value), self.unit.text()).trim_end().to_owned();
        let spread = match (self.samples.first(), self.samples.last()) {
            (Some(least), Some(most)) if self.samples.len() > 1 => format!("{} – {}", short(*least), short(*most)),
            _ => String::new(),
        };
        let target = match self.target {
            None => String::new(),
            Some(Target::AtLeast(bound)) => format!("≥ {}", number(bound)),
            Some(Target::AtMost(bound)) => format!("≤ {}", number(bound)),
        };
        let reached = match self.reached() {
            None => "",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        [self.name.clone(), self.value().map_or_else(|| "not measured".to_owned(), number), spread, target, reached.to_owned()]
    }
}

/// Four figures that count, thousands apart.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 || size == 0.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction.trim_end_matches('0')));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 && digit.is_ascii_digit() && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

/// The figures of one subject.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// What they are about.
    pub(crate) title: &'static str,
    /// In the order in which they are shown.
    pub(crate) figures: Vec<Figure>,
}

/// Everything of one run.
pub(crate) struct Report {
    /// Where it ran.
    pub(crate) machine: Machine,
    /// In the order in which they ran.
    pub(crate) groups: Vec<Group>,
}

impl Report {
    /// The table.
    pub(crate) fn table(&self) -> String {
        const HEAD: [&str; 5] = ["figure", "median", "least – most", "target", "reached"];
        let rows: Vec<Vec<[String; 5]>> = self.groups.iter().map(|group| group.figures.iter().map(Figure::cells).collect()).collect();
        let mut widths = HEAD.map(|cell| cell.chars().count());
        for row in rows.iter().flatten() {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: &[String; 5]| {
            let mut text = String::new();
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                // Names and answers to the left, numbers to the right.
                let padded = if matches!(column, 1..=3) { format!("{padding}{cell}") } else { format!("{cell}{padding}") };
                let _ = write!(text, "{padded}   ");
            }
            text.trim_end().to_owned()
        };
        let mut table = format!("{}\n\n{}\n", self.machine, line(&HEAD.map(str::to_owned)));
        let ruler = "─".repeat(widths.iter().sum::<usize>() + 3 * (widths.len() - 1));
        for (group, rows) in self.groups.iter().zip(&rows) {
            let _ = write!(table, "{ruler}\n{}\n", group.title);
            for row in rows {
                let _ = writeln!(table, "{}", line(row));
            }
        }
        table
    }

    /// The same for machines: every sample.
    pub(crate) fn json(&self) -> Value {
        let figure = |figure: &Figure| {
            let target = figure.target.map(|target| match target {
                Target::AtLeast(bound) => json!({ "atLeast": bound }),
                Target::AtMost(bound) => json!({ "atMost": bound }),
            });
            json!({
                "name": figure.name,
                "unit": figure.unit.text(),
                "median": figure.value(),
                "samples": figure.samples,
                "target": target,
                "reached": figure.reached(),
            })
        };
        let group = |group: &Group| json!({ "title": group.title, "figures": group.figures.iter().map(figure).collect::<Vec<_>>() });
        json!({ "machine": self.machine.json(), "groups": self.groups.iter().map(group).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_median_and_targets_include_their_bound() {
        let figure = |samples: &[f64]| Figure::new("x", Unit::Count, samples.to_vec());
        assert_eq!(figure(&[9.0, 1.0, 2.0]).value(), Some(2.0));
        assert_eq!(figure(&[4.0, 1.0, 2.0, 9.0]).value(), Some(3.0));
        assert_eq!(figure(&[5.0]).value(), Some(5.0));
        assert_eq!(figure(&[5.0]).reached(), None);
        assert_eq!(figure(&[5.0]).target(Target::AtMost(5.0)).reached(), Some(true));
        assert_eq!(figure(&[5.0]).target(Target::AtLeast(5.1)).reached(), Some(false));
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        let figure = Figure::new("x", Unit::Count, vec![f64::NAN]).target(Target::AtMost(1.0));
        assert_eq!((figure.value(), figure.reached()), (None, Some(false)));
    }

    #[test]
    fn numbers_are_short_and_readable() {
        let shown = [1_234_567.8, 999.96, 123.45, 12.346, 1.2346, 0.5, 0.0, -1234.0, 20.0].map(short);
        assert_eq!(shown, ["1 234 568", "1 000", "123.5", "12.35", "1.235", "0.5", "0", "-1 234", "20"]);
    }
}
