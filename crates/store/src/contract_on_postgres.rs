//! The contract suite on PostgreSQL.

use crate::testing::Postgres;
use crate::{Db, contract, contract_tests};

async fn postgres() -> (Db, ()) {
    (Db::open(&format!("{}&connections=4", Postgres::shared().store()), contract::collections()).await.unwrap(), ())
}

contract_tests!(postgres);
