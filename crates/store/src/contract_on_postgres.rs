//! The contract suite on PostgreSQL, and what only several nodes have.

use std::sync::mpsc::channel;

use process::{AuditEvent, Effect, Ledger as _, LedgerError, Topic, Unit};
use serde_json::json;

use crate::job::Kept;
use crate::testing::Postgres;
use crate::{AuditQuery, Db, contract, contract_tests};

async fn postgres() -> (Db, ()) {
    (Db::open(&format!("{}&connections=4", Postgres::shared().store()), contract::collections()).await.unwrap(), ())
}

contract_tests!(postgres);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_are_forgotten_by_one_node_at_a_time() {
    let url = format!("{}&connections=4", Postgres::shared().store());
    let open = async || Db::open(&url, contract::collections()).await.unwrap();
    let (one, other) = (open().await, open().await);
    let event = AuditEvent {
        topic: Topic::Process,
        event: "step".to_owned(),
        time: 100,
        transaction: "t".into(),
        user: "anonymous".into(),
        object: String::new(),
        successful: true,
        detail: json!({}),
    };
    one.commit(Unit { now: 100, spend: None, effects: vec![Effect::Audit(event)] }).await.unwrap();
    let left = async || other.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap().len();
    let ((began, begun), (end, ended)) = (channel(), channel::<()>());
    let sweeping = tokio::spawn(async move {
        let work = move |connection: &crate::engine::Connection| {
            let may = connection.may_sweep("steps")?;
            began.send(may).unwrap();
            ended.recv().unwrap();
            Ok(())
        };
        one.run::<_, LedgerError, _>(Kept::ByProcess, work).await
    });
    let begun = tokio::task::spawn_blocking(move || begun.recv()).await.unwrap();
    assert_eq!(begun, Ok(true), "one node sweeps");
    assert_eq!(
        (other.forget_steps(0, 200).await.unwrap(), left().await),
        (0, 1),
        "another does nothing meanwhile, and begins there next time"
    );
    end.send(()).unwrap();
    sweeping.await.unwrap().unwrap();
    let behind = other.forget_steps(0, 200).await.unwrap();
    assert_eq!((behind > 0, left().await), (true, 0));
}
