//! Transactions, single use, counters, challenges, contexts and definitions.
//!
//! Easiest to break: single use (SEC-07, SEC-38). Marking something as used is one conditional write whose row count decides, inside the
//! transaction of the effect; nothing is read first and decided later.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Change, Filter, Paging, Pointer, Query, SortKey, TotalPolicy};
use process::{
    CommitError, Effect, InstanceId, Ledger, LedgerError, MailId, Receipt, Spend, StoredContext, StoredDefinition, Unit, Version,
};

use crate::change;
use crate::engine::{self, Connection, Lock, Row};
use crate::error::unavailable as lost;
use crate::job::Kept;
use crate::lookups::{self, Declared};
use crate::object::Kinds;
use crate::sweep::SLICE;
use crate::{Db, audit, confirmations, funnel, objects, outbox, references, sessions};

#[async_trait]
impl Ledger for Db {
    async fn commit(&self, mut unit: Unit) -> Result<Receipt, CommitError> {
        if !self.keeps_audit() {
            unit.effects.retain(|effect| !matches!(effect, Effect::Audit(_)));
        }
        let texts = self.sealed(&unit)?;
        let handed = self.hand_over(&unit);
        let post = Post { texts, leases: handed.leases(), numbers: Arc::clone(self.numbers()) };
        let (known, collections, values, written) = (self.declared(), self.collections(), self.values(), handed.written());
        let removes = unit.effects.iter().any(|effect| matches!(effect, Effect::Change(Change::Delete { .. })));
        let now = unit.now;
        let mut work = Some((unit, post));
        let again = self.does_again();
        #[cfg(any(test, feature = "testing"))]
        let asked = self.asked_by_last();
        let work = move |connection: &Connection| {
            #[cfg(any(test, feature = "testing"))]
            engine::asked::take();
            // What may have to be done again is kept.
            let given = if again { work.clone() } else { work.take() };
            let (unit, post) = given.ok_or_else(|| CommitError::Unavailable("the work was begun before".to_owned()))?;
            let epoch = if changes_objects(&unit.effects) { Some(lookups::hold_epoch(connection).map_err(lost)?) } else { None };
            if let Some(spend) = &unit.spend {
                self::spend(connection, spend)?;
            }
            // Another process may have declared something since.
            let epoch = epoch.map(|epoch| epoch.get(connection)).transpose().map_err(lost)?;
            let newer = match epoch {
                Some(epoch) if !known.has(epoch) => Some(Declared::load(connection).map_err(lost)?),
                _ => None,
            };
            let kinds = Kinds { declared: newer.as_ref().unwrap_or(&known), collections: &collections, values: &values };
            let receipt = perform(connection, kinds, post, unit)?;
            written.set(&receipt.mails);
            let left = removes && references::any_gone(connection).map_err(lost)?;
            #[cfg(any(test, feature = "testing"))]
            asked.store(engine::asked::take(), std::sync::atomic::Ordering::SeqCst);
            Ok::<_, CommitError>((receipt, newer.is_some(), left))
        };
        let committed = self.write(work).await;
        handed.end(committed.as_ref().ok().map(|(receipt, _, _)| receipt.mails.as_slice()));
        let (receipt, outdated, left) = committed?;
        if left {
            // The rest of it is nobody's wait.
            let db = self.clone();
            tokio::spawn(async move { db.forget_gone(now).await });
        }
        if outdated && let Err(error) = self.reload_declared().await {
            tracing::warn!(%error, "what another process declared could not be read");
        }
        Ok(receipt)
    }

    fn not_before(&self) -> i64 {
        self.known_not_before()
    }

    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError> {
        let instance = instance.as_str().to_owned();
        self.look(move |connection| {
            let query = connection.query("SELECT below AS value FROM spent WHERE instance = $1");
            Ok(query.bind(&instance).first(number)?.unwrap_or(0))
        })
        .await
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let counter = counter.to_owned();
        // One that would last longer than one that begins now was counted before the clock was set back.
        self.run(Kept::ByProcess, move |connection| {
            let query = connection.query(
                "INSERT INTO counter (name, value, expires) VALUES ($1, 1, $3) ON CONFLICT (name) DO UPDATE SET \
                 value = CASE WHEN counter.expires < $2 THEN 1 ELSE counter.value + 1 END, \
                 expires = CASE WHEN counter.expires < $2 OR counter.expires > $3 THEN excluded.expires ELSE counter.expires END \
                 RETURNING value",
            );
            query.bind(&counter).bind(now).bind(expires).one(number)
        })
        .await
    }

    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError> {
        let counter = counter.to_owned();
        self.look(move |connection| {
            let query = connection.query("SELECT value FROM counter WHERE name = $1 AND expires >= $2");
            Ok(query.bind(&counter).bind(now).first(number)?.unwrap_or(0))
        })
        .await
    }

    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError> {
        let purpose = purpose.to_owned();
        self.look(move |connection| {
            let query = connection.query("SELECT instance FROM challenge WHERE purpose = $1");
            query.bind(&purpose).first(|row| row.get("instance"))
        })
        .await
    }

    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError> {
        let token = token.to_owned();
        self.look(move |connection| {
            let query = connection.query("SELECT sealed, expires FROM jsonstorage WHERE token = $1");
            query.bind(&token).first(|row| Ok(StoredContext { sealed: row.get("sealed")?, expires: row.get("expires")? }))
        })
        .await
    }

    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError> {
        self.remember_definitions(vec![definition]).await
    }

    async fn remember_definitions(&self, definitions: Vec<StoredDefinition>) -> Result<(), LedgerError> {
        self.run(Kept::Always, move |connection| {
            connection.lock(&Lock::Definitions)?;
            for StoredDefinition { process, version, sealed, revoked } in &definitions {
                let query = connection.query(
                    "INSERT INTO definition (number, process, version, sealed, revoked) \
                     VALUES ((SELECT coalesce(max(number), 0) + 1 FROM definition), $1, $2, $3, $4) \
                     ON CONFLICT (process, version) DO UPDATE SET number = excluded.number, revoked = excluded.revoked \
                     WHERE definition.revoked <> excluded.revoked \
                     OR definition.number < (SELECT max(number) FROM definition WHERE process = excluded.process)",
                );
                query.bind(process).bind(&version.0).bind(sealed).bind(*revoked).send()?;
            }
            Ok(())
        })
        .await
    }

    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError> {
        let process = process.to_owned();
        self.look(move |connection| {
            let query =
                connection.query("SELECT process, version, sealed, revoked FROM definition WHERE process = $1 ORDER BY number DESC");
            query.bind(&process).all(|row| {
                Ok(StoredDefinition {
                    process: row.get("process")?,
                    version: Version(row.get("version")?),
                    sealed: row.get("sealed")?,
                    revoked: row.get("revoked")?,
                })
            })
        })
        .await
    }

    async fn revoke_definition(&self, process: &str, version: &Version) -> Result<(), LedgerError> {
        let (process, version) = (process.to_owned(), version.0.clone());
        self.run(Kept::Always, move |connection| {
            let query = connection.query("UPDATE definition SET revoked = $3 WHERE process = $1 AND version = $2");
            query.bind(&process).bind(&version).bind(true).execute().map(drop)
        })
        .await
    }

    async fn sweep(&self, now: i64) -> Result<u64, LedgerError> {
        if let Some(readers) = self.readers() {
            readers.rest();
        }
        self.forget_gone(now).await;
        // Another process may have noted that the store was put back.
        self.read_not_before().await?;
        let mut swept = 0;
        for (table, key) in [("jsonstorage", "token"), ("spent", "instance"), ("counter", "name"), ("challenge", "purpose")] {
            swept += self
                .sweep_slices::<LedgerError, _>(table, move |connection| {
                    let text = format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expires < $1 LIMIT $2)");
                    connection.query(text).bind(now).bind(SLICE).execute()
                })
                .await?;
        }
        self.remove_forgotten().await?;
        if self.is_shared() {
            // By the clock that wrote them.
            let marks = "DELETE FROM unit WHERE mark IN \
                 (SELECT mark FROM unit WHERE made < extract(epoch FROM clock_timestamp())::bigint - 86400 LIMIT $1)";
            self.sweep_slices::<LedgerError, _>("unit", move |connection| connection.query(marks).bind(SLICE).execute()).await?;
        }
        Ok(swept)
    }
}

impl Db {
    /// Takes away what is left of references to objects that were removed, a little at a time. What fails is tried again by the next sweep.
    async fn forget_gone(&self, now: i64) {
        loop {
            let (known, collections, values) = (self.declared(), self.collections(), self.values());
            let work = move |connection: &Connection| {
                let epoch = lookups::hold_epoch(connection).map_err(lost)?.get(connection).map_err(lost)?;
                let newer = if known.has(epoch) { None } else { Some(Declared::load(connection).map_err(lost)?) };
                let kinds = Kinds { declared: newer.as_ref().unwrap_or(&known), collections: &collections, values: &values };
                references::sweep(connection, kinds, now)
            };
            match self.write(work).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "references to objects that were removed could not be taken away yet");
                    return;
                }
            }
        }
    }
}

fn number(row: &Row<'_>) -> Result<u32, engine::Error> {
    Ok(u32::try_from(row.get::<_, i64>("value")?.max(0)).unwrap_or(u32::MAX))
}

/// What is known of a unit's mails before they are written, in their order.
#[derive(Clone)]
struct Post {
    texts: Vec<outbox::Sealed>,
    leases: Vec<Option<i64>>,
    numbers: Arc<outbox::Numbers>,
}

/// Whether what objects are found by matters to effects.
fn changes_objects(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Change(_) | Effect::Distinct { .. } | Effect::Refers { .. } | Effect::KeepNewest { .. } => true,
        Effect::Attempt(effects) => changes_objects(effects),
        _ => false,
    })
}

fn perform(connection: &Connection, kept: Kinds<'_>, post: Post, unit: Unit) -> Result<Receipt, CommitError> {
    let Post { texts, leases, numbers } = post;
    let mut mails = Mails { texts: texts.into_iter(), leases: leases.into_iter(), numbers };
    perform_all(connection, kept, &mut mails, unit.now, unit.effects)
}

/// The texts of mails that are still to be written, with the ends of their leases.
struct Mails {
    texts: std::vec::IntoIter<outbox::Sealed>,
    leases: std::vec::IntoIter<Option<i64>>,
    numbers: Arc<outbox::Numbers>,
}

fn perform_all(connection: &Connection, kept: Kinds<'_>, post: &mut Mails, now: i64, effects: Vec<Effect>) -> Result<Receipt, CommitError> {
    let mut receipt = Receipt::default();
    // Behind the others, which are known by their place.
    let mut attempted = Vec::new();
    let names = Names::of(&effects);
    for effect in effects {
        match effect {
            Effect::Change(change) => {
                let changed = change::apply(connection, kept, now, change).map_err(|refusal| names.explain(refusal))?;
                receipt.changed.push(changed);
            }
            Effect::Distinct { collection, id, property, requirement } => {
                lookups::distinct(connection, kept.declared, &collection, &property, &id, requirement)?;
            }
            Effect::Refers { collection, property, target, exists, alone, .. } => {
                references::check(connection, kept.declared, (&collection, &property), &target, exists, alone.as_deref())?;
            }
            Effect::KeepNewest { collection, property, value, made, most } => {
                let query = Query {
                    filter: Filter::equals(&property, value),
                    sort: vec![SortKey { pointer: Pointer::from_tokens([made]), ascending: false }],
                    page_size: None,
                    paging: Paging::Offset(most),
                    totals: TotalPolicy::None,
                };
                for id in objects::ids(connection, kept.declared, &collection, &query).map_err(lost)? {
                    match change::apply(connection, kept, now, Change::Delete { collection: collection.clone(), id, expected: None }) {
                        // Another unit has removed it meanwhile.
                        Ok(_) | Err(CommitError::Missing { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Effect::Address { collection, id, address, confirmed } => {
                confirmations::note(connection, &collection, &id, &address, confirmed).map_err(lost)?;
            }
            Effect::Mail(mail) => {
                let (text, lease) = (post.texts.next().unwrap_or_default(), post.leases.next().flatten());
                receipt.mails.push(outbox::insert(connection, &post.numbers, now, &mail, text, lease).map_err(lost)?);
            }
            Effect::TakeOnce { what, key } => match spend(connection, &Spend::of_thing(&what, &key)) {
                Err(CommitError::Spent) => return Err(CommitError::Used { what }),
                done => done?,
            },
            Effect::BeginSession(session) => sessions::insert(connection, session).map_err(lost)?,
            Effect::EndSessions { collection, id, except } => {
                sessions::end_all(connection, &collection, &id, except.as_deref()).map_err(lost)?;
            }
            Effect::Settle { session, what } => sessions::settle(connection, &session, &what).map_err(lost)?,
            Effect::StoreContext { token, sealed, expires } => store_context(connection, &token, sealed, expires).map_err(lost)?,
            Effect::ResetCounter(counter) => reset_counter(connection, &counter).map_err(lost)?,
            Effect::Challenge { purpose, instance, expires } => challenge(connection, &purpose, &instance, expires).map_err(lost)?,
            Effect::Audit(event) => audit::insert(connection, event, &receipt.mails).map_err(lost)?,
            Effect::Passage(passage) => funnel::note(connection, &passage).map_err(lost)?,
            Effect::Attempt(effects) => attempted.extend(attempt(connection, kept, post, now, effects)?),
        }
    }
    receipt.mails.append(&mut attempted);
    Ok(receipt)
}

/// Does what may fail behind a savepoint of its own. Only a store that does not answer fails more than that.
fn attempt(connection: &Connection, kept: Kinds<'_>, post: &mut Mails, now: i64, effects: Vec<Effect>) -> Result<Vec<MailId>, CommitError> {
    connection.send("SAVEPOINT attempt").map_err(lost)?;
    // Its texts are its own: what is undone half way must not leave them to the mails behind it. Nothing of it was handed over.
    let texts: Vec<outbox::Sealed> = post.texts.by_ref().take(outbox::mails_among(&effects).len()).collect();
    let mut own = Mails { texts: texts.into_iter(), leases: Vec::new().into_iter(), numbers: Arc::clone(&post.numbers) };
    let done =
        perform_all(connection, kept, &mut own, now, effects).and_then(|receipt| connection.settled().map(|()| receipt).map_err(lost));
    if let Err(CommitError::Unavailable(reason)) = done {
        return Err(CommitError::Unavailable(reason));
    }
    if done.is_err() {
        connection.send("ROLLBACK TO attempt").map_err(lost)?;
    }
    connection.send("RELEASE attempt").map_err(lost)?;
    Ok(match done {
        Ok(receipt) => receipt.mails,
        Err(error) => {
            tracing::error!(%error, "what was to follow a write was refused; the write stands");
            Vec::new()
        }
    })
}

/// The names a unit asks to be distinct, and what one that is taken fails: an index that refuses a value first does not know.
struct Names(Vec<(String, String, &'static str)>);

impl Names {
    fn of(effects: &[Effect]) -> Self {
        let name = |effect: &Effect| match effect {
            Effect::Distinct { collection, property, requirement, .. } => Some((collection.clone(), property.clone(), *requirement)),
            _ => None,
        };
        Self(effects.iter().filter_map(name).collect())
    }

    fn explain(&self, refusal: CommitError) -> CommitError {
        let CommitError::Taken { collection, property, requirement } = refusal else { return refusal };
        let asked = self.0.iter().find(|(of, name, _)| *of == collection && *name == property);
        let requirement = asked.map_or(requirement, |(_, _, requirement)| *requirement);
        CommitError::Taken { collection, property, requirement }
    }
}

fn spend(connection: &Connection, spend: &Spend) -> Result<(), CommitError> {
    let query = connection.query(
        "INSERT INTO spent (instance, below, expires) VALUES ($1, $2, $3) ON CONFLICT (instance) DO UPDATE SET \
         below = excluded.below, \
         expires = CASE WHEN spent.expires > excluded.expires THEN spent.expires ELSE excluded.expires END \
         WHERE excluded.below > spent.below",
    );
    let query = query.bind(spend.instance.as_str()).bind(i64::from(spend.below)).bind(spend.expires);
    if query.execute().map_err(lost)? == 1 { Ok(()) } else { Err(CommitError::Spent) }
}

fn store_context(connection: &Connection, token: &str, sealed: String, expires: i64) -> Result<(), engine::Error> {
    let query = connection.query(
        "INSERT INTO jsonstorage (token, sealed, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (token) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires",
    );
    query.bind(token).bind(sealed).bind(expires).send()
}

fn reset_counter(connection: &Connection, counter: &str) -> Result<(), engine::Error> {
    connection.query("DELETE FROM counter WHERE name = $1").bind(counter).send()
}

fn challenge(connection: &Connection, purpose: &str, instance: &str, expires: i64) -> Result<(), engine::Error> {
    let query = connection.query(
        "INSERT INTO challenge (purpose, instance, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (purpose) DO UPDATE SET instance = excluded.instance, expires = excluded.expires",
    );
    query.bind(purpose).bind(instance).bind(expires).send()
}
