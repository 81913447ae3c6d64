//! The contract suite on stores that are not well: one whose units fail in their middle and are done again, and one whose server is far away.
//! The answers are the same.

mod stumbling_sqlite {
    use tempfile::TempDir;

    use crate::{Db, contract, contract_tests};

    async fn stumbles(statement: u64) -> (Db, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.db");
        let db = Db::open(file.to_str().unwrap(), contract::collections()).await.unwrap();
        db.stumble_at(statement);
        (db, directory)
    }

    mod at_the_second {
        use super::*;

        async fn second() -> (Db, TempDir) {
            stumbles(2).await
        }

        contract_tests!(second);
    }

    mod at_the_fifth {
        use super::*;

        async fn fifth() -> (Db, TempDir) {
            stumbles(5).await
        }

        contract_tests!(fifth);
    }
}

mod stumbling_postgres {
    use crate::testing::Postgres;
    use crate::{Db, contract, contract_tests};

    async fn fourth() -> (Db, ()) {
        let db = Db::open(&format!("{}&connections=4", Postgres::shared().store()), contract::collections()).await.unwrap();
        db.stumble_at(4);
        (db, ())
    }

    contract_tests!(fourth);
}

mod far_away {
    use std::time::Duration;

    use crate::testing::{Postgres, Proxy, store_at};
    use crate::{Db, contract, contract_tests};

    async fn far() -> (Db, Proxy) {
        let proxy = Proxy::before(Postgres::shared().port());
        let url = Postgres::shared().store();
        let schema = url.split("schema=").nth(1).unwrap();
        let db = Db::open(&format!("{}&connections=4", store_at(&[proxy.port()], schema)), contract::collections()).await.unwrap();
        proxy.delay(Duration::from_millis(1));
        (db, proxy)
    }

    contract_tests!(far, units);
}
