//! The contract suite on SQLite.
#![expect(clippy::unwrap_used, reason = "a test that cannot open its store has failed")]

use tempfile::TempDir;
use vestibule_store::{Db, contract, contract_tests};

async fn sqlite() -> (Db, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let db = Db::open(file.to_str().unwrap(), contract::collections()).await.unwrap();
    (db, directory)
}

contract_tests!(sqlite);
