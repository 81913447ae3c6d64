//! The metrics, one row each: what counts, what `/metrics` says of it and its page of the reference come from the row.

use std::marker::PhantomData;

use metrics::{Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// What Prometheus calls the type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// What is said of a metric.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<Unit>,
    pub(crate) help: &'static str,
    /// Each label with what its values are.
    pub(crate) labels: &'static [(&'static str, &'static str)],
}

pub(crate) struct Counter;
pub(crate) struct Gauge;
pub(crate) struct Histogram;

/// A metric of the type `K` with `N` labels. Its values are given in the order of its row.
pub(crate) struct Metric<K, const N: usize> {
    name: &'static str,
    labels: [&'static str; N],
    kind: PhantomData<K>,
}

macro_rules! metrics {
    ($($metric:ident: $kind:ident $name:literal $(in $unit:ident)?, $help:literal, { $($label:literal: $values:literal),* })*) => {
        $(pub(crate) static $metric: Metric<$kind, { let labels: &[&str] = &[$($label),*]; labels.len() }> =
            Metric { name: $name, labels: [$($label),*], kind: PhantomData };)*

        /// All metrics.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            name: $name,
            kind: Kind::$kind,
            unit: { let units: &[Unit] = &[$(Unit::$unit)?]; units.first().copied() },
            help: $help,
            labels: &[$(($label, $values)),*],
        }),*];
    };
}

metrics! {
    REQUESTS: Counter "vestibule_requests_total", "Requests answered, by resource, method and status class", {
        "resource": "the kind of resource, such as `selfservice`; `unknown` where a request reached none",
        "method": "`read`, `query`, `action`, `create`, `update`, `patch`, `delete`; `none` where a request was refused before it was known",
        "status": "`2xx`, `3xx`, `4xx`, `5xx`"
    }
    REQUEST_SECONDS: Histogram "vestibule_request_seconds" in Seconds, "Time to answer, by resource", {
        "resource": "as above"
    }
    STAGES: Counter "vestibule_stage_total", "Stages entered, completed and failed, by process and stage", {
        "process": "its name, such as `reset`",
        "stage": "the type of the stage",
        "outcome": "`entered`, `completed`, `failed`"
    }
    PROCESSES_COMPLETED: Counter "vestibule_process_completed_total", "Processes that reached their end", {
        "process": "its name"
    }
    FUNNEL: Counter "vestibule_funnel_total", "Instances whose time is over, each counted once, by process, stage and what became of them", {
        "process": "its name",
        "stage": "the type of the stage",
        "outcome": "`entered`, `completed`, `abandoned`; `failed` once for each reason"
    }
    FUNNEL_WITHIN: Counter "vestibule_funnel_within_total", "Stages that were completed by such instances, by the time from their last question to its answer", {
        "process": "its name",
        "stage": "the type of the stage",
        "within": "`5`, `15`, `30`, `60`, `120`, `300`, `900`, `3600` seconds, `more`"
    }
    FUNNEL_LOST: Counter "vestibule_funnel_lost_total", "Steps of people on their way that are missing from the funnel, by what lost them", {
        "by": "`full`: more happened within a minute than is held in memory; `store`: it was away"
    }
    CANARIES: Counter "vestibule_canary_ended_total", "Next definitions of processes whose trial has ended here, by process and outcome", {
        "process": "its name",
        "outcome": "`promoted`; `rolled-back`, it was worse; `not-decided`, its days were over and the present definition stays"
    }
    SIGN_INS: Counter "vestibule_signin_total", "Sign-ins, by outcome", {
        "outcome": "`successful`, `failed`"
    }
    AMBIGUOUS_NAMES: Counter "vestibule_ambiguous_names_total", "Names that several people have, so that nobody was found by them", {}
    LIMITED: Counter "vestibule_limited_total", "Requests refused by a rate limit, by limit", {
        "limit": "`submissions`, `signins`, `signin_failures`, `answers`, `registrations`, `validations`"
    }
    HASH_QUEUE: Gauge "vestibule_hash_queue", "Hashing jobs running or waiting", {}
    HASHES: Counter "vestibule_hash_total", "Hashing jobs, by outcome", {
        "outcome": "`done`; `refused` where the queue was full"
    }
    HASH_CPU: Counter "vestibule_hash_cpu_microseconds_total" in Microseconds, "CPU time of the finished hashing jobs", {}
    MAILS: Counter "vestibule_mail_total", "Mails delivered, attempts failed, mails given up, mails withheld", {
        "outcome": "`delivered`; `failed`, to be tried again; `dead`, given up; `withheld`, for nobody or over a budget"
    }
    SCANS: Counter "vestibule_scan_total", "Searches that looked at every object of a collection and took more than 100 ms, by outcome", {
        "outcome": "`done`; `ended`, it took longer than `search_milliseconds`; `left`, its client has gone"
    }
    MAIL_QUEUE: Gauge "vestibule_mail_queue", "Mails in hand, waiting and on their way", {
        "state": "`waiting`, `running`"
    }
    MAILS_OVER_BUDGET: Counter "vestibule_mail_over_budget_total", "Mails withheld because a budget was used up, by budget", {
        "budget": "`recipient_hour`, `recipient_day`, `owed_hour`, `client_hour`, `domain_hour`, `process_hour`, `all_hour`"
    }
    TLS_EXPIRES: Gauge "vestibule_tls_expires_timestamp_seconds", "When the certificate of the listener ends, in seconds since 1970", {}
    TLS_ORDERS: Counter "vestibule_tls_orders_total", "Certificates ordered by this node, by outcome", {
        "outcome": "`issued`; `failed`, to be tried again"
    }
    SPANS: Counter "vestibule_tracing_spans_total", "Spans for the collector of `[tracing]`, by outcome", {
        "outcome": "`sent`; `dropped`, because the collector was slow, away or refused them"
    }
    AUDIT_LOST: Counter "vestibule_audit_lost_total", "Audit events that could not be kept", {}
}

/// Says to the recorder what each metric is.
pub(super) fn describe() {
    for row in ROWS {
        match (row.kind, row.unit) {
            (Kind::Counter, Some(unit)) => describe_counter!(row.name, unit, row.help),
            (Kind::Counter, None) => describe_counter!(row.name, row.help),
            (Kind::Gauge, Some(unit)) => describe_gauge!(row.name, unit, row.help),
            (Kind::Gauge, None) => describe_gauge!(row.name, row.help),
            (Kind::Histogram, Some(unit)) => describe_histogram!(row.name, unit, row.help),
            (Kind::Histogram, None) => describe_histogram!(row.name, row.help),
        }
    }
}

impl<K, const N: usize> Metric<K, N> {
    fn labelled(&self, values: [SharedString; N]) -> Vec<Label> {
        self.labels.iter().zip(values).map(|(label, value)| Label::new(*label, value)).collect()
    }
}

impl<const N: usize> Metric<Counter, N> {
    /// The series with these values.
    pub(super) fn with(&self, values: [SharedString; N]) -> metrics::Counter {
        counter!(self.name, self.labelled(values))
    }
}

impl<const N: usize> Metric<Gauge, N> {
    /// The series with these values.
    pub(super) fn with(&self, values: [SharedString; N]) -> metrics::Gauge {
        gauge!(self.name, self.labelled(values))
    }
}

impl<const N: usize> Metric<Histogram, N> {
    /// The series with these values.
    pub(super) fn with(&self, values: [SharedString; N]) -> metrics::Histogram {
        histogram!(self.name, self.labelled(values))
    }
}
