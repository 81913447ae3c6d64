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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_administrator_sets_for_every_role_changes_no_unit() {
    let server = Postgres::start(&[
        "default_transaction_isolation=serializable",
        "synchronous_commit=off",
        "lock_timeout=1",
        "statement_timeout=1000",
    ]);
    let asked = "SELECT current_setting('transaction_isolation') AS isolation, current_setting('synchronous_commit') AS waits, \
                 current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement";
    for more in ["", "&pooler=transaction"] {
        let url = format!("{}&connections=2{more}", server.store());
        let db = Db::open(&url, contract::collections()).await.unwrap();
        let work = move |connection: &crate::engine::Connection| -> Result<Vec<String>, crate::engine::Error> {
            let names = ["isolation", "waits", "lock", "statement"];
            let row = connection.query(asked).first(|row| names.iter().map(|name| row.get(*name)).collect::<Result<_, _>>())?;
            Ok(row.unwrap_or_default())
        };
        // What is read behind a lock must be what whoever had it before has written: a snapshot of before would not have it.
        assert_eq!(db.run::<_, LedgerError, _>(Kept::Always, work).await.unwrap(), ["read committed", "on", "10s", "25s"], "{more}");
        assert_eq!(db.run::<_, LedgerError, _>(Kept::ByProcess, work).await.unwrap(), ["read committed", "off", "10s", "25s"], "{more}");
    }
}

/// Two nodes that are started together: the one that waits for the other's tables must see them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables_are_made_once_by_nodes_that_start_together_however_transactions_are_isolated() {
    let server = Postgres::start(&["default_transaction_isolation=repeatable read"]);
    let url = format!("{}&connections=2", server.store());
    let opening: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { Db::open(&url, contract::collections()).await.map(drop).map_err(|error| error.to_string()) }
            })
        })
        .collect();
    for opened in opening {
        assert_eq!(opened.await.unwrap(), Ok(()));
    }
}
