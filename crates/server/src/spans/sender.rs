//! Sends what was noted, beside everything else, and never in its way.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::noted::Noted;
use super::{QUEUE, json};
use crate::metrics;
use crate::ports::Collector;

/// Spans that wait for the collector. At some 300 bytes each they take a megabyte.
const QUEUED: usize = 4096;
/// Spans in one request.
const TOGETHER: usize = 512;
/// A span waits so long for others.
const GATHER: Duration = Duration::from_secs(1);
/// What is left at the end is sent within this time.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// Where spans wait.
pub(super) struct Queue {
    waiting: mpsc::Sender<Noted>,
    sample: f64,
}

impl Queue {
    pub(super) fn sample(&self) -> f64 {
        self.sample
    }

    pub(super) fn push(&self, noted: Noted) {
        if self.waiting.try_send(noted).is_err() {
            metrics::spans("dropped", 1);
        }
    }
}

/// The task that sends.
pub(crate) struct Sending {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Notes spans from now on and sends `sample` of the traces; once in a process.
    pub(crate) fn begin(collector: Collector, sample: f64, instance: String) -> Self {
        let (waiting, taken) = mpsc::channel(QUEUED);
        // A second server in one process would send to the collector of the first one.
        let _ = QUEUE.set(Queue { waiting, sample });
        tracing::callsite::rebuild_interest_cache();
        let (stop, stops) = watch::channel(false);
        Self { stop, task: tokio::spawn(send(collector, taken, stops, instance)) }
    }

    /// Sends what is left, as far as that is possible in a few seconds.
    pub(crate) async fn finish(mut self) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(FLUSH_WITHIN, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::info!("the collector of [tracing] is slow; the last spans were not sent");
        }
    }
}

async fn send(collector: Collector, mut taken: mpsc::Receiver<Noted>, mut stop: watch::Receiver<bool>, instance: String) {
    let mut away = false;
    let mut ends = false;
    while !ends || !taken.is_empty() {
        let mut spans = Vec::new();
        let until = Instant::now() + GATHER;
        while spans.len() < TOGETHER && !ends {
            tokio::select! {
                span = taken.recv() => match span {
                    Some(span) => spans.push(span),
                    None => ends = true,
                },
                () = tokio::time::sleep_until(until), if !spans.is_empty() => break,
                _ = stop.wait_for(|stop| *stop) => ends = true,
            }
        }
        while spans.len() < TOGETHER
            && let Ok(span) = taken.try_recv()
        {
            spans.push(span);
        }
        if spans.is_empty() {
            continue;
        }
        let count = spans.len() as u64;
        match collector.send(json::request(&spans, &instance).to_string()).await {
            Ok(()) => {
                metrics::spans("sent", count);
                if std::mem::take(&mut away) {
                    tracing::info!("the collector of [tracing] takes spans again");
                }
            }
            Err(error) => {
                metrics::spans("dropped", count);
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!("the collector of [tracing] takes no spans; they are dropped until it does: {error}");
                }
            }
        }
    }
}
