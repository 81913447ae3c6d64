//! Ledgers of tests: each is another one but for how it commits and counts.

/// Makes `$type` a ledger that commits and counts as `$own` says, and does everything else as its `$inner` does.
#[allow(unused_macros, reason = "the fuzz target has the harness, and no ledger of its own")]
macro_rules! ledger_around {
    ($type:ty, $inner:ident, { $($own:tt)* }) => {
        #[async_trait::async_trait]
        impl process::Ledger for $type {
            $($own)*

            fn not_before(&self) -> i64 {
                self.$inner.not_before()
            }

            async fn spent_below(&self, instance: &process::InstanceId) -> Result<u32, process::LedgerError> {
                self.$inner.spent_below(instance).await
            }

            async fn counted(&self, counter: &str, now: i64) -> Result<u32, process::LedgerError> {
                self.$inner.counted(counter, now).await
            }

            async fn challenge(&self, purpose: &str) -> Result<Option<String>, process::LedgerError> {
                self.$inner.challenge(purpose).await
            }

            async fn context(&self, token: &str) -> Result<Option<process::StoredContext>, process::LedgerError> {
                self.$inner.context(token).await
            }

            async fn remember_definition(&self, definition: process::StoredDefinition) -> Result<(), process::LedgerError> {
                self.$inner.remember_definition(definition).await
            }

            async fn revoke_definition(&self, process: &str, version: &process::Version) -> Result<(), process::LedgerError> {
                self.$inner.revoke_definition(process, version).await
            }

            async fn definitions(&self, process: &str) -> Result<Vec<process::StoredDefinition>, process::LedgerError> {
                self.$inner.definitions(process).await
            }

            async fn sweep(&self, now: i64) -> Result<u64, process::LedgerError> {
                self.$inner.sweep(now).await
            }
        }
    };
}

pub(crate) use ledger_around;
