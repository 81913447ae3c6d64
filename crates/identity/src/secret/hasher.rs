//! The port through which everything else hashes. The server implements it with a bounded pool beside its runtime and refuses with
//! 503 when the queue is full (SEC-30); what a job computes is [`super::hash`] and [`super::verify_stored`].

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Random, ResourceError, random_bytes};
use serde_json::Value;

use super::{HashParameters, Secret, Verdict, hash, verify_stored};

/// Opens values that IDM encrypted with a key of the operator's keystore (`x-simple-encryption`).
pub trait OpensCrypto: Send + Sync {
    /// The value in clear.
    ///
    /// # Errors
    /// Why not, for the operator's log.
    fn open(&self, crypto: &Value) -> Result<Value, String>;
}

/// Hashing and verifying off the request's own thread.
#[async_trait]
pub trait Hasher: Send + Sync {
    /// The value to store for a new secret.
    ///
    /// # Errors
    /// 400 for an empty secret, 503 when the pool is full, 500 when memory is not to be had.
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError>;

    /// Compares with a stored value. `None`, for an account that does not exist, does the same work and answers
    /// [`Verdict::Differs`] (SEC-02).
    ///
    /// # Errors
    /// 503 when the pool is full.
    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError>;

    /// [`Hasher::hash`] for several secrets of one submission, in order. One after the other: a submission takes one place in the
    /// pool, not many.
    ///
    /// # Errors
    /// As [`Hasher::hash`].
    async fn hash_many(&self, secrets: Vec<Secret>) -> Result<Vec<Value>, ResourceError> {
        let mut hashed = Vec::with_capacity(secrets.len());
        for secret in secrets {
            hashed.push(self.hash(secret).await?);
        }
        Ok(hashed)
    }
}

/// Hashes in place, blocking its caller: for offline tools and tests.
pub struct InlineHasher {
    random: Arc<dyn Random>,
    parameters: HashParameters,
}

impl InlineHasher {
    /// Salts come from `random`.
    #[must_use]
    pub fn new(random: Arc<dyn Random>, parameters: HashParameters) -> Self {
        Self { random, parameters }
    }
}

#[async_trait]
impl Hasher for InlineHasher {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        Ok(Value::String(hash(&secret, random_bytes(self.random.as_ref()), &self.parameters)?))
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        Ok(verify_stored(&secret, stored.as_ref(), &self.parameters))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Counts up, so that no two salts are alike.
    pub(crate) struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, target: &mut [u8]) {
            target.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    pub(crate) fn hasher() -> InlineHasher {
        InlineHasher::new(Arc::new(Counting(AtomicU8::new(0))), HashParameters::cheap())
    }

    /// Runs a future that never waits.
    pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("an inline hasher never waits"),
        }
    }

    #[test]
    fn what_was_hashed_is_recognised_and_no_two_hashes_are_alike() {
        let hasher = hasher();
        let secret = || Secret::password("correct horse").unwrap();
        let stored = now(hasher.hash_many(vec![secret(), secret()])).unwrap();
        assert_ne!(stored[0], stored[1]);
        for value in stored {
            assert_eq!(now(hasher.verify(secret(), Some(value.clone()))).unwrap(), Verdict::Matches { rehash: false });
            let wrong = Secret::password("wrong horse").unwrap();
            assert_eq!(now(hasher.verify(wrong, Some(value))).unwrap(), Verdict::Differs);
        }
    }

    #[test]
    fn an_absent_account_differs_and_an_empty_secret_is_refused() {
        let hasher = hasher();
        assert_eq!(now(hasher.verify(Secret::password("x").unwrap(), None)).unwrap(), Verdict::Differs);
        assert_eq!(now(hasher.hash(Secret::password("").unwrap())).unwrap_err().code, 400);
    }
}
