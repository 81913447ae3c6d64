//! The audit trail, as administrators read it: rows of the store and lines of files are one list.

use std::sync::Arc;

use accounts::explain::Sought;
use accounts::ports::History;
use async_trait::async_trait;
use crest::{Clock, ResourceError};
use process::{Counted, KeptCanary, Topic};
use serde_json::Value;
use store::{AuditQuery, Db};

use crate::audit::{self, Audit, of_record};
use crate::metrics::Metrics;

/// Where events are.
pub(crate) struct WholeTrail {
    /// Those of writes.
    pub(crate) db: Db,
    /// All others.
    pub(crate) audit: Audit,
    /// Who is on their way and not in the store yet.
    pub(crate) metrics: Metrics,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl History for WholeTrail {
    async fn runs(&self, sought: &Sought) -> Result<Vec<Value>, ResourceError> {
        Ok(audit::runs(&self.db, self.audit.directory(), sought).await?)
    }

    async fn canaries(&self) -> Result<Vec<KeptCanary>, ResourceError> {
        Ok(self.db.canaries().await?)
    }

    async fn funnel(&self, day: i64) -> Result<Vec<(Counted, u64)>, ResourceError> {
        let now = self.clock.unix_seconds();
        self.metrics.write_passages(&self.db, now).await;
        Ok(self.db.funnel(day, now).await?)
    }

    async fn newest(&self, topic: Topic, most: u32) -> Result<Vec<Value>, ResourceError> {
        let query = AuditQuery { topic: Some(topic), limit: most, ..AuditQuery::default() };
        let rows = self.db.audit(&query).await?;
        let mut events: Vec<(i64, Value)> = rows.iter().map(|record| (record.event.time, of_record(record))).collect();
        events.extend(self.audit.newest(topic, usize::try_from(most).unwrap_or(usize::MAX)).await);
        events.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}
