//! The audit trail, as administrators read it: rows of the store and lines of files are one list.

use async_trait::async_trait;
use crest::ResourceError;
use process::Topic;
use rest::ports::AuditEvents;
use serde_json::Value;
use store::{AuditQuery, Db};

use crate::audit::{Audit, of_record};

/// Where events are.
pub(crate) struct WholeTrail {
    /// Those of writes.
    pub(crate) db: Db,
    /// All others.
    pub(crate) audit: Audit,
}

#[async_trait]
impl AuditEvents for WholeTrail {
    async fn newest(&self, topic: Topic, most: u32) -> Result<Vec<Value>, ResourceError> {
        let query = AuditQuery { topic: Some(topic), limit: most, ..AuditQuery::default() };
        let rows = self.db.audit(&query).await?;
        let mut events: Vec<(i64, Value)> = rows.iter().map(|record| (record.event.time, of_record(record))).collect();
        events.extend(self.audit.newest(topic, usize::try_from(most).unwrap_or(usize::MAX)).await);
        events.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}
