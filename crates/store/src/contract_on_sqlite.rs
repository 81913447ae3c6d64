//! The contract suite on SQLite.

use crate::{Db, contract, contract_tests};
use tempfile::TempDir;

async fn sqlite() -> (Db, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let db = Db::open(file.to_str().unwrap(), contract::collections()).await.unwrap();
    (db, directory)
}

contract_tests!(sqlite);
