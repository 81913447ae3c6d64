//! A span while it is open, and what is noted of it.

use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand;
use tracing::field::{Field, Visit};

use wire::traceparent::Parent;

/// Attributes and events of one span; a submission touches fewer stages.
const MOST: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    Text(String),
    Number(i64),
    Truth(bool),
}

pub(super) type Attributes = Vec<(&'static str, Given)>;

/// Something that happened while a span was open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Happened {
    pub(super) name: &'static str,
    /// From the beginning of the span.
    pub(super) after: Duration,
    pub(super) attributes: Attributes,
}

/// Which span of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) trace: u128,
    pub(super) span: u64,
    /// Whether it is sent.
    pub(super) sampled: bool,
}

/// A span.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) place: Place,
    pub(super) parent: Option<u64>,
    pub(super) name: &'static str,
    pub(super) began: SystemTime,
    started: Instant,
    pub(super) took: Duration,
    pub(super) attributes: Attributes,
    pub(super) happened: Vec<Happened>,
    pub(super) failed: bool,
}

/// Random bytes that nobody has to keep secret: names of traces.
fn number() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness two spans may have one name, which a collector shows oddly.
    let _ = rand::fill(&mut bytes);
    u64::from_be_bytes(bytes).max(1)
}

impl Noted {
    /// A span that begins now, below another, or where a trace begins: `sample` of those are sent, from 0 to 1.
    #[expect(clippy::disallowed_methods, reason = "measures how long something takes, for the operator alone")]
    pub(super) fn begin(name: &'static str, below: Option<Place>, remote: Option<Parent>, sample: f64) -> Self {
        let span = number();
        let (place, parent) = match (below, remote) {
            (Some(above), _) => (Place { span, ..above }, Some(above.span)),
            (None, Some(remote)) => (Place { trace: remote.trace, span, sampled: remote.sampled }, Some(remote.span)),
            (None, None) => {
                let chance = number();
                #[expect(clippy::cast_precision_loss, reason = "a share of traces need not be exact")]
                let sampled = sample >= 1.0 || (chance as f64) < sample * (u64::MAX as f64);
                (Place { trace: u128::from(number()) << 64 | u128::from(number()), span, sampled }, None)
            }
        };
        Self {
            place,
            parent,
            name,
            began: SystemTime::now(),
            started: Instant::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            happened: Vec::new(),
            failed: false,
        }
    }

    pub(super) fn happens(&mut self, name: &'static str, attributes: Attributes) {
        if self.happened.len() < MOST {
            self.happened.push(Happened { name, after: self.started.elapsed(), attributes });
        }
    }

    pub(super) fn ended(mut self) -> Self {
        self.took = self.started.elapsed();
        self
    }

    /// Takes values over; one that is there already is replaced.
    pub(super) fn take(&mut self, values: Values) {
        self.failed |= values.failed;
        for (name, value) in values.attributes {
            self.attributes.retain(|(known, _)| *known != name);
            if self.attributes.len() < MOST {
                self.attributes.push((name, value));
            }
        }
    }
}

/// The values of a span or an event. `error` says how it went, and `parent` whose it is; both are no attributes.
#[derive(Default)]
pub(super) struct Values {
    pub(super) attributes: Attributes,
    pub(super) failed: bool,
    pub(super) parent: Option<Parent>,
}

impl Values {
    fn give(&mut self, field: &Field, value: Given) {
        match (field.name(), value) {
            ("error", Given::Truth(failed)) => self.failed = failed,
            ("parent", Given::Text(text)) => self.parent = Parent::read(&text),
            (name, value) => self.attributes.push((name, value)),
        }
    }
}

impl Visit for Values {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {
        // A message is the name of an event. Whatever else is no text, no number and no truth was not meant to be told.
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.give(field, Given::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.give(field, Given::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.give(field, Given::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.give(field, Given::Truth(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_below_its_parent_and_is_sent_whole_or_not() {
        let remote = Parent { trace: 7, span: 8, sampled: false };
        let root = Noted::begin("request", None, Some(remote), 1.0);
        assert_eq!((root.place.trace, root.parent, root.place.sampled), (7, Some(8), false), "as the proxy said");
        let below = Noted::begin("hash", Some(root.place), None, 1.0);
        assert_eq!((below.place.trace, below.parent, below.place.sampled), (7, Some(root.place.span), false));
        assert!(!Noted::begin("request", None, None, 0.0).place.sampled && Noted::begin("request", None, None, 1.0).place.sampled);
        let sent = (0..4000).filter(|_| Noted::begin("request", None, None, 0.25).place.sampled).count();
        assert!((700..1300).contains(&sent), "{sent} of 4000");
    }
}
