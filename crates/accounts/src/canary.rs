//! Whether the next definition of a process is worse than the present one, or shown not to be: decided at any time from what was counted until then
//! (docs/adr/0057-canaries.md has the formulas, where they are from, and what they assume).
//!
//! Easiest to get wrong: somebody looks every few seconds, so a test for one look would find something in the end whatever is true. Here the
//! chance of a wrong end is at most [`ALPHA`] over all looks together.

use process::{CanaryOptions, CanaryOutcome, KeptCanary, MOST_MAILS, Tally};
use serde_json::{Value, json};

use crate::Runtime;

/// The chance that a next definition is rolled back although it is within the tolerances, and that it is promoted although it is not.
pub const ALPHA: f64 = 0.01;
/// What is compared. The next definition is rolled back by any of them, so each has its part of [`ALPHA`].
const METRICS: [&str; 3] = ["completion", "errors", "mails"];
const HOUR: i64 = 3600;

/// What is known of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// `completion`, `errors`, `mails`.
    pub metric: &'static str,
    /// Its value for the present definition; nothing before anybody was counted.
    pub present: Option<f64>,
    /// Its value for the next one.
    pub next: Option<f64>,
    /// How much worse it may be.
    pub tolerance: f64,
    /// How likely what was counted is, over all looks, where the next one is within the tolerance: small means that it is not.
    pub within: f64,
    /// How likely it is where the next one is not: small means that it is within the tolerance.
    pub worse: f64,
}

/// What a look says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How it ends; nothing while it goes on.
    pub outcome: Option<CanaryOutcome>,
    /// Why, in a sentence.
    pub because: String,
    /// What was compared.
    pub compared: Vec<Compared>,
}

/// Numbers between 0 and 1, of which more is better: how many, and their sum.
#[derive(Clone, Copy)]
struct Sample {
    number: f64,
    sum: f64,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "instances are fewer than 2^52")]
    fn of(metric: &str, tally: &Tally) -> Self {
        let (instances, completed) = (tally.instances as f64, tally.completed as f64);
        match metric {
            "completion" => Self { number: instances, sum: completed },
            "errors" => Self { number: instances, sum: instances - tally.failed as f64 },
            _ => Self { number: completed, sum: completed - tally.mails as f64 / f64::from(MOST_MAILS) },
        }
    }

    fn mean(self) -> f64 {
        self.sum / self.number
    }

    /// The logarithm of the likelihood of a mean.
    fn at(self, mean: f64) -> f64 {
        let part = |sum: f64, mean: f64| if sum <= 0.0 { 0.0 } else { sum * mean.ln() };
        part(self.sum, mean) + part(self.number - self.sum, 1.0 - mean)
    }

    /// That of all means together, each as likely as any other.
    fn mixed(self) -> f64 {
        ln_gamma(self.sum + 1.0) + ln_gamma(self.number - self.sum + 1.0) - ln_gamma(self.number + 2.0)
    }
}

/// The side of `next = present - tolerance` that something speaks against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The next definition is within the tolerance.
    Within,
    /// It is not.
    Worse,
}

/// The logarithm of the evidence against one side of `next = present - tolerance`.
/// It is at most that of a supermartingale that begins at 0, so it exceeds `ln(1/α)` at some time with a chance of at most α where that side is true.
fn against(side: Side, present: Sample, next: Sample, tolerance: f64) -> f64 {
    if present.number < 1.0 || next.number < 1.0 {
        return 0.0;
    }
    let apart = present.mixed() + next.mixed();
    let mixed = match side {
        Side::Within => apart,
        // Mostly both are the same: half of the weight is on that, and less people show it.
        Side::Worse => {
            let same = Sample { number: present.number + next.number, sum: present.sum + next.sum }.mixed();
            let (less, more) = if apart < same { (apart, same) } else { (same, apart) };
            more + ((less - more).exp() / 2.0 + 0.5).ln()
        }
    };
    let difference = next.mean() - (present.mean() - tolerance);
    if difference == 0.0 || (difference > 0.0) == (side == Side::Within) {
        return mixed - present.at(present.mean()) - next.at(next.mean());
    }
    // The likeliest of that side is on its edge, where the function has one maximum.
    let edge = |mean: f64| present.at(mean) + next.at(mean - tolerance);
    let (mut low, mut high) = (tolerance, 1.0);
    let somewhere = edge(present.mean().min(1.0 - 1e-9).max(tolerance + 1e-9));
    if somewhere >= mixed {
        return mixed - somewhere;
    }
    for _ in 0..40 {
        let third = (high - low) / 3.0;
        if edge(low + third) < edge(high - third) { low += third } else { high -= third }
    }
    mixed - edge(f64::midpoint(low, high))
}

/// The logarithm of Γ, by Stirling's series (NIST Digital Library of Mathematical Functions, 5.11.1); for arguments from 1 on to 10 digits.
fn ln_gamma(argument: f64) -> f64 {
    let (mut shifted, mut below) = (argument, 1.0);
    while shifted < 8.0 {
        below *= shifted;
        shifted += 1.0;
    }
    let inverse = 1.0 / (shifted * shifted);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / shifted;
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * std::f64::consts::TAU.ln() + series - f64::ln(below)
}

/// Looks at a canary at `now`, in seconds since 1970.
#[must_use]
pub fn look(options: &CanaryOptions, kept: &KeptCanary, now: i64) -> Verdict {
    let compared = METRICS.map(|metric| compare(options, kept, metric)).to_vec();
    let goes_on = |because: String| Verdict { outcome: None, because, compared: compared.clone() };
    let ends = |outcome, because: String| Verdict { outcome: Some(outcome), because, compared: compared.clone() };
    #[expect(clippy::cast_precision_loss, reason = "there are three")]
    let part = ALPHA / METRICS.len() as f64;
    if let Some(worse) = compared.iter().find(|compared| compared.within <= part) {
        return ends(CanaryOutcome::RolledBack, format!("the next definition is worse by more than the tolerance: {}", told(worse)));
    }
    let open: Vec<&str> = compared.iter().filter(|compared| compared.worse > ALPHA).map(|compared| compared.metric).collect();
    let (least, after) = (u64::from(options.instances), kept.began.saturating_add(i64::from(options.hours) * HOUR));
    if open.is_empty() && kept.next.instances >= least && now >= after {
        let all = compared.iter().map(told).collect::<Vec<_>>().join("; ");
        return ends(CanaryOutcome::Promoted, format!("the next definition is not worse by more than the tolerances: {all}"));
    }
    if now >= kept.began.saturating_add(i64::from(options.days) * 24 * HOUR) {
        return ends(CanaryOutcome::NotDecided, format!("not decided within {} days", options.days));
    }
    if !open.is_empty() {
        return goes_on(format!("nothing is shown yet of {}", open.join(", ")));
    }
    goes_on(format!("it is not worse, and goes on until {least} instances and {} hours are over", options.hours))
}

fn compare(options: &CanaryOptions, kept: &KeptCanary, metric: &'static str) -> Compared {
    let [present, next] = [&kept.present, &kept.next].map(|tally| Sample::of(metric, tally));
    let tolerance = match metric {
        "completion" => options.tolerance.completion,
        "errors" => options.tolerance.errors,
        _ => options.tolerance.mails,
    };
    let scale = if metric == "mails" { f64::from(MOST_MAILS) } else { 1.0 };
    let value = |sample: Sample| {
        let mean = (sample.number >= 1.0).then(|| sample.mean())?;
        Some(if metric == "completion" { mean } else { (1.0 - mean) * scale })
    };
    let likely = |evidence: f64| (-evidence).exp().min(1.0);
    Compared {
        metric,
        present: value(present),
        next: value(next),
        tolerance,
        within: likely(against(Side::Within, present, next, tolerance / scale)),
        worse: likely(against(Side::Worse, present, next, tolerance / scale)),
    }
}

/// A value as it is read: `completion 0.912, before 0.934, tolerance 0.05`.
fn told(compared: &Compared) -> String {
    let value = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.3}"));
    format!("{} {}, before {}, tolerance {}", compared.metric, value(compared.next), value(compared.present), compared.tolerance)
}

/// The figures of a canary, as they stand in the audit trail and as an administrator reads them.
#[must_use]
pub fn figures(kept: &KeptCanary, verdict: Option<&Verdict>) -> Value {
    let tally = |tally: &Tally| {
        let Tally { instances, completed, failed, mails } = tally;
        json!({ "instances": instances, "completed": completed, "failed": failed, "mails": mails })
    };
    let rounded = |value: Option<f64>| value.map(|value| (value * 10_000.0).round() / 10_000.0);
    let compared = |compared: &Compared| {
        json!({
            "metric": compared.metric,
            "present": rounded(compared.present),
            "next": rounded(compared.next),
            "tolerance": compared.tolerance,
            "pWithin": rounded(Some(compared.within)),
            "pWorse": rounded(Some(compared.worse)),
        })
    };
    json!({
        "presentVersion": kept.pair.present,
        "nextVersion": kept.pair.next,
        "present": tally(&kept.present),
        "next": tally(&kept.next),
        "metrics": verdict.map(|verdict| verdict.compared.iter().map(compared).collect::<Vec<_>>()),
        "because": verdict.map(|verdict| &verdict.because),
    })
}

/// Every canary, as an administrator reads it: those of the project, and those that the store remembers. `state` is `running`, how it ended, or
/// `not-begun` where nobody begins on it; check says why.
#[must_use]
pub fn rows(runtime: &Runtime, kept: &[KeptCanary], now: i64) -> Vec<Value> {
    let trial = |kept: &KeptCanary| runtime.canaries.get(&kept.pair.process).filter(|trial| trial.pair.as_ref() == Some(&kept.pair));
    let mut rows: Vec<Value> = kept
        .iter()
        .map(|kept| {
            let trial = trial(kept);
            let mut row = json!({
                "process": kept.pair.process,
                "state": kept.outcome.map_or("running", CanaryOutcome::as_str),
                "began": seconds(kept.began),
                "ended": kept.ended.map(seconds),
                "file": trial.map(|trial| &trial.options.file),
                "share": trial.map(|trial| trial.options.share),
                "ends": trial.filter(|_| kept.outcome.is_none()).map(|trial| seconds(kept.began + i64::from(trial.options.days) * 24 * HOUR)),
            });
            // Of one whose file says nothing any more, the tolerances are not known.
            let verdict = trial.map(|trial| look(&trial.options, kept, now));
            if let (Value::Object(row), Value::Object(figures)) = (&mut row, figures(kept, verdict.as_ref())) {
                row.extend(figures);
            }
            row
        })
        .collect();
    let open = runtime.canaries.iter().filter(|(_, trial)| kept.iter().all(|kept| trial.pair.as_ref() != Some(&kept.pair)));
    rows.extend(open.map(
        |(process, trial)| json!({ "process": process, "state": "not-begun", "file": trial.options.file, "share": trial.options.share }),
    ));
    rows.sort_by(|left, right| text(left, "process").cmp(text(right, "process")));
    rows
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn seconds(time: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(time).ok();
    time.and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
