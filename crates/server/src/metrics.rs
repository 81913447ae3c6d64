//! What `/metrics` shows (Prometheus text). Labels come from configuration (process, stage) and from a closed list (resource,
//! outcome), never from what a client sent.

pub(crate) mod page;
pub(crate) mod table;

use std::sync::Arc;
use std::time::Duration;

use accounts::ports::Meter;
use mail::Courier;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use process::{CanaryOutcome, Counted, Ledger, Passage, Step};

use crate::audit::Audit;
use crate::passages::{Lost, Passages};
use crate::ports::HashPool;

/// The recorder of this process.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    hasher: Arc<HashPool>,
    courier: Arc<Courier>,
    audit: Audit,
    passages: Arc<Passages>,
}

/// Makes the recorder; once per process.
///
/// # Errors
/// When one was made before.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let handle = PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder()?;
    table::describe();
    // Counted where people are found, in `stages`; it is there from the start.
    table::AMBIGUOUS_NAMES.with([]).increment(0);
    Ok(handle)
}

/// A mail was withheld because a budget was used up.
pub(crate) fn over_budget(budget: &'static str) {
    table::MAILS_OVER_BUDGET.with([budget.into()]).increment(1);
}

/// A search looked at every object of a collection.
pub(crate) fn scanned(outcome: &'static str) {
    table::SCANS.with([outcome.into()]).increment(1);
}

/// The certificate of the listener ends at this moment, in seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "a moment is far below 2^52 seconds")]
pub(crate) fn certificate_ends(at: i64) {
    table::TLS_EXPIRES.with([]).set(at as f64);
}

/// A certificate was ordered.
pub(crate) fn certificate_ordered(issued: bool) {
    table::TLS_ORDERS.with([if issued { "issued" } else { "failed" }.into()]).increment(1);
}

/// Spans were sent to the collector, or dropped.
pub(crate) fn spans(outcome: &'static str, number: u64) {
    table::SPANS.with([outcome.into()]).increment(number);
}

/// The canary of a process has ended.
pub(crate) fn canary_ended(process: &str, outcome: CanaryOutcome) {
    table::CANARIES.with([process.to_owned().into(), outcome.as_str().into()]).increment(1);
}

impl Metrics {
    /// The recorder, with what it asks at every scrape.
    #[must_use]
    pub(crate) fn new(handle: PrometheusHandle, hasher: Arc<HashPool>, courier: Arc<Courier>, audit: Audit) -> Self {
        Self { handle, hasher, courier, audit, passages: Arc::default() }
    }

    /// A request was answered. `resource` is the kind of resource, such as `selfservice`, never the path.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub(crate) fn request(&self, resource: &'static str, method: &'static str, status: u16, took: Duration) {
        let class = match status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        table::REQUESTS.with([resource.into(), method.into(), class.into()]).increment(1);
        table::REQUEST_SECONDS.with([resource.into()]).record(took.as_secs_f64());
    }

    /// The Prometheus text.
    #[must_use]
    pub(crate) fn render(&self) -> String {
        let pool = self.hasher.status();
        #[expect(clippy::cast_precision_loss, reason = "a queue is shorter than 2^52")]
        table::HASH_QUEUE.with([]).set(pool.queued as f64);
        table::HASHES.with(["done".into()]).absolute(pool.done);
        table::HASHES.with(["refused".into()]).absolute(pool.refused);
        table::HASH_CPU.with([]).absolute(u64::try_from(pool.cpu.as_micros()).unwrap_or(u64::MAX));
        let mails = self.courier.totals();
        table::MAILS.with(["delivered".into()]).absolute(mails.delivered);
        table::MAILS.with(["failed".into()]).absolute(mails.failed);
        table::MAILS.with(["dead".into()]).absolute(mails.dead);
        table::MAILS.with(["withheld".into()]).absolute(mails.withheld);
        #[expect(clippy::cast_precision_loss, reason = "a queue is shorter than 2^52")]
        {
            table::MAIL_QUEUE.with(["waiting".into()]).set(mails.waiting as f64);
            table::MAIL_QUEUE.with(["running".into()]).set(mails.running as f64);
        }
        table::AUDIT_LOST.with([]).absolute(self.audit.lost());
        self.handle.render()
    }

    /// Writes who is on their way, of whom no unit tells.
    pub(crate) async fn write_passages(&self, ledger: &dyn Ledger, now: i64) {
        let Lost { full, store } = self.passages.write(ledger, now).await;
        table::FUNNEL_LOST.with(["full".into()]).increment(full);
        table::FUNNEL_LOST.with(["store".into()]).increment(store);
    }

    /// Instances whose time is over became counts.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub(crate) fn counted(&self, counts: &[(Counted, u64)]) {
        for (counted, number) in counts {
            let of = || (counted.process.clone().into(), counted.stage.clone().into());
            let (process, stage) = of();
            match counted.what.split_once(':') {
                Some(("within", within)) => table::FUNNEL_WITHIN.with([process, stage, within.to_owned().into()]).increment(*number),
                Some((what, _)) => table::FUNNEL.with([process, stage, what.to_owned().into()]).increment(*number),
                None => table::FUNNEL.with([process, stage, counted.what.clone().into()]).increment(*number),
            }
        }
    }

    /// Frees the memory of histograms and of an idle hashing pool; to be called now and then.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
        self.hasher.rest();
    }
}

impl Meter for Metrics {
    fn steps(&self, process: &str, steps: &[Step]) {
        for step in steps {
            table::STAGES.with([process.to_owned().into(), step.stage.into(), step.outcome.word().into()]).increment(1);
        }
    }

    fn on_the_way(&self, passage: Passage) {
        self.passages.hold(passage);
    }

    fn completed(&self, process: &str) {
        table::PROCESSES_COMPLETED.with([process.to_owned().into()]).increment(1);
    }

    fn sign_in(&self, successful: bool) {
        table::SIGN_INS.with([if successful { "successful" } else { "failed" }.into()]).increment(1);
    }

    fn limited(&self, limit: &'static str) {
        table::LIMITED.with([limit.into()]).increment(1);
    }
}
