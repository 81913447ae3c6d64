//! What `/metrics` shows (Prometheus text). Labels come from configuration (process, stage) and from a closed list (resource,
//! outcome), never from what a client sent.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use process::{Step, StepOutcome};

use crate::audit::Audit;
use crate::mail::Courier;
use crate::ports::HashPool;

/// The recorder of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    hasher: Arc<HashPool>,
    courier: Arc<Courier>,
    audit: Audit,
}

/// Makes the recorder; once per process.
///
/// # Errors
/// When one was made before.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let handle = PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder()?;
    describe_counter!("vestibule_requests_total", "Requests answered, by resource, method and status class");
    describe_histogram!("vestibule_request_seconds", Unit::Seconds, "Time to answer, by resource");
    describe_counter!("vestibule_stage_total", "Stages entered, completed and failed, by process and stage");
    describe_counter!("vestibule_process_completed_total", "Processes that reached their end");
    describe_counter!("vestibule_signin_total", "Sign-ins, by outcome");
    describe_counter!("vestibule_limited_total", "Requests refused by a rate limit, by limit");
    describe_gauge!("vestibule_hash_queue", "Hashing jobs running or waiting");
    describe_counter!("vestibule_hash_total", "Hashing jobs, by outcome");
    describe_counter!("vestibule_hash_cpu_microseconds_total", Unit::Microseconds, "CPU time of the finished hashing jobs");
    describe_counter!("vestibule_mail_total", "Mails delivered, attempts failed, mails given up");
    describe_counter!("vestibule_audit_lost_total", "Audit events that could not be kept");
    Ok(handle)
}

impl Metrics {
    /// The recorder, with what it asks at every scrape.
    #[must_use]
    pub fn new(handle: PrometheusHandle, hasher: Arc<HashPool>, courier: Arc<Courier>, audit: Audit) -> Self {
        Self { handle, hasher, courier, audit }
    }

    /// A request was answered. `resource` is the kind of resource, such as `selfservice`, never the path.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub fn request(&self, resource: &'static str, method: &'static str, status: u16, took: Duration) {
        let class = match status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        counter!("vestibule_requests_total", "resource" => resource, "method" => method, "status" => class).increment(1);
        histogram!("vestibule_request_seconds", "resource" => resource).record(took.as_secs_f64());
    }

    /// Stages were touched by a submission to `process`.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub fn steps(&self, process: &str, steps: &[Step]) {
        for step in steps {
            let outcome = match step.outcome {
                StepOutcome::Entered => "entered",
                StepOutcome::Completed => "completed",
                StepOutcome::Failed => "failed",
            };
            counter!("vestibule_stage_total", "process" => process.to_owned(), "stage" => step.stage, "outcome" => outcome).increment(1);
        }
    }

    /// A process reached its end.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub fn completed(&self, process: &str) {
        counter!("vestibule_process_completed_total", "process" => process.to_owned()).increment(1);
    }

    /// Somebody signed in, or tried to.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub fn signin(&self, successful: bool) {
        counter!("vestibule_signin_total", "outcome" => if successful { "successful" } else { "failed" }).increment(1);
    }

    /// A rate limit refused a request.
    #[expect(clippy::unused_self, reason = "whoever counts has been given the recorder; the library keeps it in a global")]
    pub fn limited(&self, limit: &'static str) {
        counter!("vestibule_limited_total", "limit" => limit).increment(1);
    }

    /// The Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        let pool = self.hasher.status();
        #[expect(clippy::cast_precision_loss, reason = "a queue is shorter than 2^52")]
        gauge!("vestibule_hash_queue").set(pool.queued as f64);
        counter!("vestibule_hash_total", "outcome" => "done").absolute(pool.done);
        counter!("vestibule_hash_total", "outcome" => "refused").absolute(pool.refused);
        counter!("vestibule_hash_cpu_microseconds_total").absolute(u64::try_from(pool.cpu.as_micros()).unwrap_or(u64::MAX));
        let (delivered, failed, dead) = self.courier.totals();
        counter!("vestibule_mail_total", "outcome" => "delivered").absolute(delivered);
        counter!("vestibule_mail_total", "outcome" => "failed").absolute(failed);
        counter!("vestibule_mail_total", "outcome" => "dead").absolute(dead);
        counter!("vestibule_audit_lost_total").absolute(self.audit.lost());
        self.handle.render()
    }

    /// Frees the memory of histograms and of an idle hashing pool; to be called now and then.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
        self.hasher.rest();
    }
}
